package argocd

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
	"github.com/gantrycd/gantry/lang/function"
)

func (im *importer) application(o *object) {
	if owner := ownerOf(o); owner != "" && im.has("ApplicationSet", owner) {
		o.root.Use()
		o.findingAt(LeftOut, o.root.Line(), "metadata.ownerReferences", "The ApplicationSet %s makes it, which is imported.", owner)
		return
	}
	if im.parents[o] {
		o.root.Use()
		o.findingAt(LeftOut, o.root.Line(), "", "All it makes is configuration of Argo CD, from %s, and that is imported itself: it needs no counterpart.", sourcesOf(o.root.Find("spec"))[0].Find("path").Peek())
		return
	}
	if im.refusedIn(o, o.root.Find("spec", "project")) {
		return
	}
	meta, spec := o.header()
	w := &writer{object: o}
	label := im.label("application", o.name)
	o.main = &draft.Block{Type: "application", Labels: []string{label}}
	if function.DNSLabel(label) != o.name || strings.Contains(o.name, ".") {
		name := function.DNSLabel(o.name)
		if name != o.name {
			o.finding(Differs, o.root.Find("metadata", "name"), "The name is %s now: names are DNS labels.", name)
		}
		if function.DNSLabel(label) != name {
			o.main.Set("name", draft.String(name), draft.None())
		}
	}
	w.body(o.main, meta, spec)
	im.looksLikeParent(w, spec)
	im.add(applicationsFile, o.main)
	im.imported["Application"]++
}

func ownerOf(o *object) string {
	for _, owner := range o.root.Find("metadata", "ownerReferences").Items() {
		if owner.Find("kind").Peek() == "ApplicationSet" {
			return owner.Find("name").Peek()
		}
	}
	return ""
}

func (im *importer) has(kind, name string) bool {
	return slices.ContainsFunc(im.objects, func(o *object) bool { return o.kind == kind && o.name == name })
}

// looksLikeParent tells how to go on where an application seems to make others,
// which are not among the files.
func (im *importer) looksLikeParent(w *writer, spec *manifest.Node) {
	server, namespace := spec.Find("destination", "server").Peek(), spec.Find("destination", "namespace").Peek()
	sources := sourcesOf(spec)
	inside := normalServer(server) == inClusterServer || spec.Find("destination", "name").Peek() == inClusterName
	if im.mixed[w.object] || namespace != "argocd" || !inside || len(sources) != 1 || sources[0].Find("chart") != nil {
		return
	}
	dir := sources[0].Find("path")
	w.finding(ToDo, dir, "It goes to where Argo CD is, as Applications do that make other Applications. If %q holds some, import that directory too, and remove this application.", dir.Peek())
}

// body writes what an application is, apart from its name.
func (w *writer) body(b *draft.Block, meta, spec *manifest.Node) {
	w.at(meta, b)
	w.at(spec, b)
	w.project(b, spec.Get("project"))
	for _, source := range w.sources(spec) {
		w.environment = w.environmentOf(meta, spec, source)
		w.source(b, source)
	}
	w.destination(b, spec.Get("destination"))
	w.syncPolicy(b, spec.Get("syncPolicy"))
	w.ignoreDifferences(b, spec.Get("ignoreDifferences"))
	w.setStrings(b, "labels", meta.Get("labels"))
	w.info(b, spec.Get("info"), meta.Get("annotations"))
	w.finalizers(b, meta.Get("finalizers"))
	w.set(b, "revision_history_limit", w.unless(spec.Get("revisionHistoryLimit"), "10"))
	w.annotations(b, meta.Get("annotations"))
	b.Order("for_each", "name", "project", "source", "destination", "sync", "ignore_differences", "lifecycle", "labels", "info", "on_destroy", "revision_history_limit", "notify")
}

func (w *writer) project(b *draft.Block, n *manifest.Node) {
	name := n.Text()
	if w.scope != nil && template.Has(name) {
		text := w.text(n)
		b.Set("project", draft.Raw("project["+text.Expr()+"]"), w.comments(n))
		return
	}
	if name == "" || name == "default" && w.im.projects["default"] == "" {
		return // Argo CD's own, which guards nothing
	}
	b.Set("project", draft.Raw("project."+w.im.projectLabel(w.object, n)), w.comments(n))
}

// projectLabel returns the label of a project, and makes one where none is among
// the files.
func (im *importer) projectLabel(o *object, n *manifest.Node) string {
	name := n.Text()
	if label, ok := im.projects[name]; ok {
		return label
	}
	label := im.label("project", name)
	im.projects[name] = label
	block := &draft.Block{Type: "project", Labels: []string{label}}
	block.Comment("Its AppProject was not among the imported files: nothing is guarded here, but for",
		"cluster-scoped objects, which must be allowed one by one.")
	im.add(projectsFile, block)
	o.finding(ToDo, n, "The AppProject %q is not among the files. project.%s is there, but says nothing: import the AppProject, too.", name, label)
	return label
}

func (w *writer) destination(b *draft.Block, n *manifest.Node) {
	block := w.nested(b, "destination", n)
	name, server := n.Get("name"), n.Get("server")
	if server != nil && server.Peek() != "" {
		block.Set("cluster", w.clusterAt(server), w.comments(server))
		if name != nil && name.Peek() != "" {
			w.leave(name, "Argo CD refuses a destination that has a name besides a server; the server is used.")
		}
	} else if name != nil && name.Peek() != "" {
		block.Set("cluster", w.clusterNamed(name), w.comments(name))
		server.Text()
	} else {
		w.finding(ToDo, n, "It is not said which cluster it goes to. Set the argument \"cluster\".")
	}
	name.Text()
	server.Text()
	w.set(block, "namespace", w.unless(n.Get("namespace"), "", "default"))
}

// clusterAt returns the cluster with a server, which may be a template.
func (w *writer) clusterAt(n *manifest.Node) draft.Value {
	if w.scope == nil || !template.Has(n.Peek()) {
		return draft.Raw(w.im.clusters.atServer(w.object, n).reference())
	}
	expression := w.text(n).Expr()
	if expression == "each.value.server" && w.ownClusters() {
		return draft.Raw("each.value.cluster")
	}
	if field, ok := strings.CutSuffix(expression, ".server"); ok && w.isClusterField(field) {
		return draft.Raw(field)
	}
	return draft.Raw("one([for c in cluster : c if c.server == " + expression + "])")
}

// clusterNamed returns the cluster with a name, which may be a template.
func (w *writer) clusterNamed(n *manifest.Node) draft.Value {
	if w.scope == nil || !template.Has(n.Peek()) {
		return draft.Raw(w.im.clusters.named(w.object, n).reference())
	}
	expression := w.text(n).Expr()
	if expression == "each.value.name" && w.ownClusters() {
		return draft.Raw("each.value.cluster")
	}
	return draft.Raw("cluster[" + expression + "]")
}

// ownClusters reports whether the items have a cluster of their own.
func (w *writer) ownClusters() bool {
	scope, ok := w.scope.(*itemScope)
	return ok && scope.clusters
}

// isClusterField reports whether an expression is a field that was made a cluster,
// where Argo CD has its server.
func (w *writer) isClusterField(expression string) bool {
	scope, ok := w.scope.(*itemScope)
	if !ok {
		return false
	}
	for _, x := range scope.shapes {
		if l, ok := x.(listShape); ok {
			for field := range l.clusters {
				if l.clusters[field] && template.Path(scope.root, field) == expression {
					return true
				}
			}
		}
	}
	return false
}

func (w *writer) info(b *draft.Block, info, annotations *manifest.Node) {
	var items []draft.Item
	seen := map[string]bool{}
	for _, entry := range info.Items() {
		name, value := entry.Get("name"), entry.Get("value")
		if seen[name.Peek()] {
			w.leave(entry, "There is an info of that name already.")
			continue
		}
		seen[name.Text()] = true
		items = append(items, draft.Item{Key: name.Text(), Value: w.strings(value), Comments: w.comments(entry)})
	}
	for _, annotation := range annotations.Fields() {
		if name, ok := strings.CutPrefix(annotation.Key(), "link.argocd.argoproj.io/"); ok && !seen[name] {
			items = append(items, draft.Item{Key: name, Value: w.strings(annotation), Comments: w.comments(annotation)})
		}
	}
	if len(items) > 0 {
		b.Set("info", draft.Object(items...), w.comments(info))
	}
}

// finalizers say what becomes of the objects when the application goes.
func (w *writer) finalizers(b *draft.Block, n *manifest.Node) {
	cascade := false
	for _, item := range n.Items() {
		name := item.Peek()
		switch {
		case strings.HasPrefix(name, "resources-finalizer.argocd.argoproj.io"):
			item.Text()
			cascade = true
			if strings.HasSuffix(name, "/background") {
				w.finding(Differs, item, "Objects are deleted as sync.prune_propagation_policy says, also when the application goes.")
			}
		case strings.Contains(name, "-delete-finalizer.argocd.argoproj.io"):
			item.Text() // Argo CD's own, while hooks run
		default:
			w.leave(item, "Applications have no finalizers.")
		}
	}
	if !cascade && !b.Has("on_destroy") {
		b.Set("on_destroy", draft.String("orphan"), draft.None())
	}
}

// annotations reads those that mean something to Argo CD.
func (w *writer) annotations(b *draft.Block, n *manifest.Node) {
	for _, annotation := range n.Fields() {
		key := annotation.Key()
		switch {
		case strings.HasPrefix(key, "link.argocd.argoproj.io/"), slices.Contains(runtimeAnnotations, key):
			annotation.Text()
		case strings.HasPrefix(key, "notifications.argoproj.io/subscribe"):
			w.subscription(b, annotation)
		case key == "argocd.argoproj.io/skip-reconcile":
			if annotation.True() {
				w.lifecycle(b).Set("enabled", draft.Raw("false"), w.comments(annotation))
			}
		case key == "argocd.argoproj.io/sync-wave":
			w.leave(annotation, "Applications have no waves among each other. Where this one must come after others, say depends_on = [application.NAME]: it then starts when they are healthy.")
		case key == "argocd.argoproj.io/manifest-generate-paths":
			w.leave(annotation, "It is not needed: what is rendered is cached by what it is made of.")
		case key == "argocd.argoproj.io/compare-options" && annotation.Peek() == "ServerSideDiff=true":
			annotation.Text() // always so
		default:
			w.leave(annotation, "Applications have no annotations.")
		}
	}
}

// lifecycle returns the application's lifecycle block.
func (w *writer) lifecycle(b *draft.Block) *draft.Block {
	return b.Child("lifecycle")
}
