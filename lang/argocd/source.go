package argocd

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// sources returns what an application reads, and reports what of its spec Argo CD
// itself passes over.
func (w *writer) sources(spec *manifest.Node) []*manifest.Node {
	if hydrator := spec.Get("sourceHydrator"); hydrator != nil {
		w.leave(hydrator.Get("syncSource"), "Gantry renders the dry source itself: nothing is written to a branch of rendered manifests.")
		w.leave(hydrator.Get("hydrateTo"), "Gantry renders the dry source itself: nothing is written to a branch of rendered manifests.")
		w.leave(spec.Get("source"), "Argo CD passes over it, as there is a sourceHydrator.")
		w.leave(spec.Get("sources"), "Argo CD passes over it, as there is a sourceHydrator.")
	} else if len(spec.Get("sources").Items()) > 0 {
		w.leave(spec.Get("source"), "Argo CD passes over it, as there are sources.")
	}
	found := sourcesOf(spec)
	if len(found) == 0 {
		w.finding(ToDo, spec, "It has no source. Add a source block.")
	}
	return found
}

func (w *writer) source(b *draft.Block, n *manifest.Node) {
	block := w.nested(b, "source", n)
	chart := n.Get("chart")
	repoURL := n.Get("repoURL")
	w.repository(block, repoURL, n.Get("targetRevision"), chart.Peek())
	if _, oci := ociURL(repoURL.Peek(), chart.Peek()); oci {
		chart.Text()
	} else {
		w.set(block, "chart", w.unless(chart, ""))
	}
	dir := w.unless(n.Get("path"), "", ".", "./")
	if chart.Peek() != "" {
		dir = w.unless(dir, dir.Peek())
	}
	w.set(block, "path", dir)
	w.set(block, "ref", w.unless(n.Get("ref"), ""))
	w.leave(n.Get("name"), "Sources have no names; the command line has no need of them.")
	w.leave(n.Get("tagPrefix"), "Tags with a prefix cannot be selected by a range of versions. Name the tag as revision.")
	w.helm(b, block, n.Get("helm"))
	w.kustomize(block, n.Get("kustomize"))
	w.directory(block, n.Get("directory"))
	w.plugin(b, n.Get("plugin"))
}

func (w *writer) helm(application, source *draft.Block, n *manifest.Node) {
	if n == nil {
		return
	}
	block := &draft.Block{Type: "helm"}
	if release := n.Get("releaseName"); release != nil && (release.Peek() != w.name || application.Has("name")) && release.Peek() != "" {
		w.set(block, "release_name", release)
	} else {
		release.Text()
	}
	w.set(block, "namespace", w.unless(n.Get("namespace"), ""))
	w.setSubstituted(block, "value_files", n.Get("valueFiles"))
	w.set(block, "ignore_missing_value_files", w.unless(n.Get("ignoreMissingValueFiles"), "false"))
	w.helmValues(block, n)
	w.parameters(block, n.Get("parameters"))
	w.named(block, "file_parameters", n.Get("fileParameters"), "path")
	w.set(block, "kube_version", w.unless(n.Get("kubeVersion"), ""))
	w.setStrings(block, "api_versions", n.Get("apiVersions"))
	w.set(block, "skip_crds", w.unless(n.Get("skipCrds"), "false"))
	w.set(block, "skip_tests", w.unless(n.Get("skipTests"), "false"))
	w.set(block, "skip_schema_validation", w.unless(n.Get("skipSchemaValidation"), "false"))
	w.unless(n.Get("version"), "v3", "")
	if version := n.Get("version"); version.Peek() != "v3" && version.Peek() != "" {
		w.leave(version, "There is one version of Helm, which is part of Gantry.")
	}
	if pass := w.unless(n.Get("passCredentials"), "false"); pass != nil {
		w.leave(pass, "Credentials go to the repository's own host alone.")
	}
	w.at(n, block)
	source.Add(block)
}

// helmValues writes valuesObject, or else the text of values, as HCL.
func (w *writer) helmValues(block *draft.Block, n *manifest.Node) {
	text, object := n.Get("values"), n.Get("valuesObject")
	if object != nil {
		w.set(block, "values", object)
		if strings.TrimSpace(text.Peek()) != "" {
			w.leave(text, "Argo CD passes over values where there is a valuesObject.")
		}
		text.Text()
		return
	}
	if strings.TrimSpace(text.Peek()) == "" {
		text.Text()
		return
	}
	value, ok := w.yamlText(text)
	if ok {
		block.Set("values", value, w.comments(text))
	}
}

// parameters writes Helm's parameters: those that must be strings apart.
func (w *writer) parameters(block *draft.Block, n *manifest.Node) {
	var plain, texts []draft.Item
	seen := map[string]bool{}
	for _, parameter := range slices.Backward(n.Items()) { // of two, Helm takes the later one
		name := parameter.Get("name").Text()
		item := draft.Item{Key: name, Value: w.substituted(parameter.Get("value")), Comments: w.comments(parameter)}
		forced := parameter.Get("forceString").True()
		switch {
		case seen[name]:
			w.leave(parameter, "Helm passes over it, as the parameter comes again.")
			continue
		case forced:
			texts = append(texts, item)
		default:
			plain = append(plain, item)
		}
		seen[name] = true
	}
	slices.Reverse(plain)
	slices.Reverse(texts)
	if len(plain) > 0 {
		block.Set("parameters", draft.Object(plain...), w.comments(n))
	}
	if len(texts) > 0 {
		block.Set("string_parameters", draft.Object(texts...), w.comments(n))
	}
}

// named writes a list of names with something as an object.
func (w *writer) named(block *draft.Block, argument string, n *manifest.Node, field string) {
	var items []draft.Item
	for _, entry := range n.Items() {
		items = append(items, draft.Item{Key: entry.Get("name").Text(), Value: w.substituted(entry.Get(field)), Comments: w.comments(entry)})
	}
	if len(items) > 0 {
		block.Set(argument, draft.Object(items...), w.comments(n))
	}
}

func (w *writer) kustomize(source *draft.Block, n *manifest.Node) {
	if n == nil {
		return
	}
	block := &draft.Block{Type: "kustomize"}
	w.set(block, "name_prefix", w.unless(n.Get("namePrefix"), ""))
	w.set(block, "name_suffix", w.unless(n.Get("nameSuffix"), ""))
	w.set(block, "namespace", w.unless(n.Get("namespace"), ""))
	w.images(block, n.Get("images"))
	w.setStrings(block, "labels", n.Get("commonLabels"))
	w.set(block, "label_without_selector", w.unless(n.Get("labelWithoutSelector"), "false"))
	w.set(block, "label_include_templates", w.unless(n.Get("labelIncludeTemplates"), "false"))
	if replaced := w.unless(n.Get("commonAnnotationsEnvsubst"), "false"); replaced.True() {
		w.setSubstituted(block, "annotations", n.Get("commonAnnotations"))
	} else {
		w.setStrings(block, "annotations", n.Get("commonAnnotations"))
	}
	w.replicas(block, n.Get("replicas"))
	w.setStrings(block, "components", n.Get("components"))
	for _, patch := range n.Get("patches").Items() {
		w.patch(block, patch)
	}
	for field, why := range map[string]string{
		"forceCommonLabels":       "A label that the kustomization has already is an error with Argo CD unless it is forced; Gantry has the one of the block.",
		"forceCommonAnnotations":  "An annotation that the kustomization has already is an error with Argo CD unless it is forced; Gantry has the one of the block.",
		"ignoreMissingComponents": "A component that is not there is an error.",
		"version":                 "There is one version of Kustomize, which is part of Gantry.",
		"kubeVersion":             "Charts in a kustomization are not told a version of Kubernetes.",
		"apiVersions":             "Charts in a kustomization are not told versions of APIs.",
	} {
		w.leave(w.unless(n.Get(field), "false", ""), "%s", why)
	}
	w.at(n, block)
	source.Add(block)
}

func (w *writer) images(block *draft.Block, n *manifest.Node) {
	var items []draft.Item
	for _, image := range n.Items() {
		if !template.Has(image.Peek()) && !strings.ContainsAny(image.Peek(), ":@=") {
			w.leave(image, "It says neither a tag nor a digest, and so changes nothing.")
			continue
		}
		items = append(items, draft.Item{Value: w.strings(image), Comments: w.comments(image)})
	}
	if len(items) > 0 {
		block.Set("images", draft.List(items...), w.comments(n))
	}
}

func (w *writer) replicas(block *draft.Block, n *manifest.Node) {
	var items []draft.Item
	for _, entry := range n.Items() {
		count := entry.Get("count")
		value := w.strings(count)
		if text, ok := value.Literal(); ok && strings.Trim(text, "0123456789") == "" && text != "" {
			value = draft.Raw(text)
		}
		items = append(items, draft.Item{Key: entry.Get("name").Text(), Value: value, Comments: w.comments(entry)})
	}
	if len(items) > 0 {
		block.Set("replicas", draft.Object(items...), w.comments(n))
	}
}

func (w *writer) patch(into *draft.Block, n *manifest.Node) {
	block := w.nested(into, "patches", n)
	w.set(block, "path", w.unless(n.Get("path"), ""))
	if patch := w.unless(n.Get("patch"), ""); patch != nil {
		text := w.text(patch)
		if last := len(text) - 1; strings.Contains(text.Plain(), "\n") && !strings.HasSuffix(text.Plain(), "\n") {
			text[last].Literal += "\n" // means nothing in YAML, and makes it readable
		}
		block.Set("patch", text.Value(), w.comments(patch))
	}
	w.set(block, "options", n.Get("options"))
	if target := n.Get("target"); target != nil {
		inner := w.nested(block, "target", target)
		for _, field := range []string{"group", "version", "kind", "name", "namespace"} {
			w.set(inner, field, w.unless(target.Get(field), ""))
		}
		w.set(inner, "label_selector", w.unless(target.Get("labelSelector"), ""))
		w.set(inner, "annotation_selector", w.unless(target.Get("annotationSelector"), ""))
	}
}

func (w *writer) directory(source *draft.Block, n *manifest.Node) {
	jsonnet := n.Get("jsonnet")
	recurse := w.unless(n.Get("recurse"), "false")
	include, exclude := w.unless(n.Get("include"), ""), w.unless(n.Get("exclude"), "")
	w.leave(w.unless(n.Get("disableExtensionFilter"), "false"), "Files are told by their extensions: .yaml, .yml, .json and .jsonnet.")
	isJsonnet := len(jsonnet.Get("extVars").Items())+len(jsonnet.Get("tlas").Items())+len(jsonnet.Get("libs").Items()) > 0
	if recurse == nil && include == nil && exclude == nil && !isJsonnet {
		return
	}
	block := &draft.Block{Type: "directory"}
	if isJsonnet {
		block.Type = "jsonnet"
	}
	w.set(block, "recurse", recurse)
	w.set(block, "include", include)
	w.set(block, "exclude", exclude)
	w.variables(block, jsonnet.Get("extVars"), "external_variables", "external_code")
	w.variables(block, jsonnet.Get("tlas"), "top_level_arguments", "top_level_code")
	w.setStrings(block, "libraries", jsonnet.Get("libs"))
	w.at(n, block)
	source.Add(block)
}

// variables writes Jsonnet's variables: expressions apart from strings.
func (w *writer) variables(block *draft.Block, n *manifest.Node, texts, code string) {
	items := map[string][]draft.Item{}
	for _, entry := range n.Items() {
		argument := texts
		if entry.Get("code").True() {
			argument = code
		}
		items[argument] = append(items[argument], draft.Item{Key: entry.Get("name").Text(), Value: w.substituted(entry.Get("value")), Comments: w.comments(entry)})
	}
	for _, argument := range []string{texts, code} {
		if len(items[argument]) > 0 {
			block.Set(argument, draft.Object(items[argument]...), w.comments(n))
		}
	}
}

// plugin has no counterpart. What the source is without it is something else: it
// must not be applied.
func (w *writer) plugin(application *draft.Block, n *manifest.Node) {
	if n == nil {
		return
	}
	name := n.Find("name").Peek()
	if name == "" {
		name = "that discovers its sources"
	}
	comments := w.comments(n)
	comments.Lead = append(comments.Lead, "The plugin "+name+" makes its objects, which Gantry does not run.")
	if !w.lifecycle(application).Has("enabled") {
		w.lifecycle(application).Set("enabled", draft.Raw("false"), comments)
	}
	n.Use()
	w.finding(LeftOut, n, "Gantry runs no config management plugins. The application is there with lifecycle { enabled = false }, so that nothing of it is changed: have the plugin's output in the repository, or its chart or kustomization as source, and remove that.")
}
