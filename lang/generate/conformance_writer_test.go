package generate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/value"
)

// writer writes the generators of an ApplicationSet as HCL.
type writer struct {
	goTemplate bool
	text       strings.Builder
	count      int
}

// clusters declares the clusters, and the one that Argo CD has without a Secret.
func (w *writer) clusters(clusters []argoCluster) {
	w.text.WriteString("cluster \"all\" {\n  for_each = {\n")
	for _, c := range append(clusters, argoCluster{Name: "in-cluster", Server: "https://kubernetes.default.svc"}) {
		labels := map[string]string{}
		for name, v := range c.Labels {
			labels[name] = v
		}
		if c.Name != "in-cluster" {
			labels["argocd.argoproj.io/secret-type"] = "cluster"
		}
		if c.Annotations == nil {
			c.Annotations = map[string]string{}
		}
		fmt.Fprintf(&w.text, "    %q = { server = %q, labels = %s, annotations = %s }\n", c.Name, c.Server, literal(labels), literal(c.Annotations))
	}
	w.text.WriteString("  }\n  server      = each.value.server\n  labels      = each.value.labels\n  annotations = each.value.annotations\n}\n")
	w.text.WriteString("repository \"r\" {\n  url = \"https://git.example.com/config\"\n}\n")
}

// literal writes a value as HCL, of which JSON is nearly a part.
func literal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return strings.NewReplacer("${", "$${", "%{", "%%{", `\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
}

// block writes a generator and returns how it is referred to.
func (w *writer) block(kind, forEach, body string) string {
	w.count++
	fmt.Fprintf(&w.text, "generator %q \"g%d\" {\n", kind, w.count)
	if forEach != "" {
		fmt.Fprintf(&w.text, "  for_each = %s\n", forEach)
	}
	w.text.WriteString(body + "}\n")
	return fmt.Sprintf("generator.%s.g%d", kind, w.count)
}

// write writes the generators of one entry, each on its own, with those that they
// are made of. Where forEach is given, they use its values.
func (w *writer) write(entry map[string]any, forEach string) ([]string, error) {
	var out []string
	for _, kind := range slices.Sorted(mapKeys(entry)) {
		spec, ok := entry[kind].(map[string]any)
		if !ok || kind == "selector" {
			continue
		}
		ref, err := w.generator(kind, spec, forEach)
		if err != nil {
			return nil, err
		}
		if ref, err = w.wrap(ref, spec, entry["selector"]); err != nil {
			return nil, err
		}
		out = append(out, ref)
	}
	return out, nil
}

func (w *writer) generator(kind string, spec map[string]any, forEach string) (string, error) {
	switch kind {
	case "list":
		elements := literal(spec["elements"])
		if elements == "null" {
			elements = "[]"
		}
		if text, ok := spec["elementsYaml"].(string); ok {
			more := fmt.Sprintf("yamldecode(%s)", literal(text))
			if piped := pipedToJSON.FindStringSubmatch(text); piped != nil {
				if !w.goTemplate {
					return "", errors.New(templatesAreHCL)
				}
				more = "each.value." + piped[1]
			}
			elements = fmt.Sprintf("concat(%s, %s)", elements, more)
		}
		return w.block(kind, forEach, "  elements = "+elements+"\n"), nil
	case "clusters":
		selector, err := w.selector(spec["selector"])
		return w.block(kind, forEach, selector), err
	case "git":
		return w.git(spec, forEach)
	case "matrix", "merge":
		return w.combined(kind, spec)
	}
	return "", fmt.Errorf("there is no generator %s", kind)
}

// selector writes a selector. One that is not empty leaves out the cluster that Argo
// CD has no Secret for.
func (w *writer) selector(selector any) (string, error) {
	spec, _ := selector.(map[string]any)
	if len(spec) == 0 {
		return "", nil
	}
	var b strings.Builder
	b.WriteString("  names = [\"!in-cluster\"]\n  selector {\n")
	if labels, ok := spec["matchLabels"].(map[string]any); ok {
		text, err := w.template(literal(labels), "each.value")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "    match_labels = %s\n", text)
	}
	for _, expression := range list(spec["matchExpressions"]) {
		fmt.Fprintf(&b, "    match_expressions {\n      key = %s\n      operator = %s\n", literal(expression["key"]), literal(expression["operator"]))
		if values, ok := expression["values"]; ok {
			fmt.Fprintf(&b, "      values = %s\n", literal(values))
		}
		b.WriteString("    }\n")
	}
	b.WriteString("  }\n")
	return b.String(), nil
}

func (w *writer) git(spec map[string]any, forEach string) (string, error) {
	var b strings.Builder
	b.WriteString("  repository = repository.r\n")
	for _, kind := range []string{"directories", "files"} {
		for _, pattern := range list(spec[kind]) {
			path, err := w.template(literal(pattern["path"]), "each.value")
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "  %s {\n    path = %s\n    exclude = %t\n  }\n", kind, path, pattern["exclude"] == true)
		}
	}
	return w.block("git", forEach, b.String()), nil
}

// combined writes a matrix, or a merge. The second generator of a matrix that uses
// values of the first has it as its for_each.
func (w *writer) combined(kind string, spec map[string]any) (string, error) {
	var refs []string
	for i, child := range list(spec["generators"]) {
		forEach := ""
		uses := kind == "matrix" && i == 1 && strings.Contains(literal(child), "{{")
		if uses {
			forEach = refs[0]
		}
		made, err := w.write(child, forEach)
		if err != nil {
			return "", err
		}
		if len(made) != 1 {
			return "", errors.New(oneGenerator)
		}
		if uses {
			return fmt.Sprintf("flatmap(%s, %s)", refs[0], made[0]), nil
		}
		refs = append(refs, made[0])
	}
	body := fmt.Sprintf("  generators = [%s]\n", strings.Join(refs, ", "))
	if kind == "merge" {
		body += fmt.Sprintf("  keys = %s\n", literal(spec["mergeKeys"]))
	}
	return w.block(kind, "", body), nil
}

// wrap writes what Argo CD has further settings for, and HCL expressions.
func (w *writer) wrap(ref string, spec map[string]any, selector any) (string, error) {
	items := func(result, condition string) {
		ref = w.block("list", "", fmt.Sprintf("  elements = { for k, v in %s : k => %s%s }\n", ref, result, condition))
	}
	if values, ok := spec["values"].(map[string]any); ok {
		text, err := w.template(literal(values), "v")
		if err != nil {
			return "", err
		}
		items(fmt.Sprintf("merge(v, { values = %s })", text), "")
	}
	if prefix, ok := spec["pathParamPrefix"].(string); ok {
		items(fmt.Sprintf("merge({ for a, b in v : a => b if a != \"path\" }, { %s = { path = v.path } })", prefix), "")
	}
	if spec["flatList"] == true {
		ref = w.block("list", "", fmt.Sprintf("  elements = { all = { clusters = values(%s) } }\n", ref))
	}
	if spec, ok := selector.(map[string]any); ok {
		condition, err := conditions(spec)
		if err != nil {
			return "", err
		}
		items("v", " if "+condition)
	}
	return ref, nil
}

// conditions writes a selector over parameters.
func conditions(selector map[string]any) (string, error) {
	var all []string
	labels, _ := selector["matchLabels"].(map[string]any)
	for _, name := range slices.Sorted(mapKeys(labels)) {
		all = append(all, fmt.Sprintf("try(v.%s, null) == %s", attribute(name), literal(labels[name])))
	}
	for _, expression := range list(selector["matchExpressions"]) {
		have := fmt.Sprintf("try(v.%s, null)", attribute(expression["key"].(string)))
		switch expression["operator"] {
		case "Exists":
			all = append(all, have+" != null")
		case "DoesNotExist":
			all = append(all, have+" == null")
		default:
			return "", errors.New(selectorIsFor)
		}
	}
	return strings.Join(all, " && "), nil
}

// attribute is where a parameter is in an item.
func attribute(name string) string { return strings.TrimPrefix(name, "metadata.") }

var (
	pipedToJSON = regexp.MustCompile(`^\{\{ \.(\w+) \| toJson \}\}$`)
	placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)
	indexed     = regexp.MustCompile(`^index \.(\S+) (\d+)$`)
)

// template writes the templates in a text as HCL's.
func (w *writer) template(text, item string) (string, error) {
	var err error
	out := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := placeholder.FindStringSubmatch(found)[1]
		if at := indexed.FindStringSubmatch(name); at != nil {
			return fmt.Sprintf("${%s.%s[%s]}", item, at[1], at[2])
		}
		if w.goTemplate != strings.HasPrefix(name, ".") {
			err = errors.New(templatesAreHCL)
		}
		return fmt.Sprintf("${%s.%s}", item, attribute(strings.TrimPrefix(name, ".")))
	})
	return out, err
}

func list(v any) []map[string]any {
	var out []map[string]any
	elements, _ := v.([]any)
	for _, element := range elements {
		out = append(out, element.(map[string]any))
	}
	return out
}

func mapKeys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// toArgo brings an item to the form that Argo CD's parameters have.
func toArgo(v cty.Value, goTemplate bool) (map[string]any, error) {
	params, err := plain(v)
	if err != nil || goTemplate {
		return params, err
	}
	flat := map[string]any{}
	for name, item := range params {
		flatten(flat, name, item)
	}
	return flat, nil
}

// plain converts an item: the parts of a path are called otherwise, and what is known
// of a cluster is in other places.
func plain(v cty.Value) (map[string]any, error) {
	out := map[string]any{}
	isCluster := false
	for name, item := range v.AsValueMap() {
		if ref, ok := value.ReferenceOf(item); ok {
			isCluster = ref.Address.Kind == "cluster"
			continue
		}
		if name == "clusters" && item.Type().IsTupleType() {
			list := []any{}
			for _, cluster := range item.AsValueSlice() {
				converted, err := plain(cluster)
				if err != nil {
					return nil, err
				}
				list = append(list, converted)
			}
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(canonical(a), canonical(b)) })
			out[name] = list
			continue
		}
		converted, _, err := value.ToJSON(item)
		if err != nil {
			return nil, err
		}
		out[name] = renamePath(converted)
	}
	if isCluster {
		metadata := map[string]any{}
		for _, name := range []string{"labels", "annotations"} {
			members := out[name].(map[string]any)
			for key, member := range members {
				if member == nil {
					delete(members, key)
				}
			}
			if len(members) > 0 {
				metadata[name] = members
			}
			delete(out, name)
		}
		if len(metadata) > 0 {
			out["metadata"] = metadata
		}
		out["nameNormalized"] = generate.Normalize(out["name"].(string))
	}
	return out, nil
}

func renamePath(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	if inner, ok := object["path"].(map[string]any); ok {
		object["path"] = renamePath(inner)
	}
	for ours, theirs := range map[string]string{"basename_normalized": "basenameNormalized", "filename_normalized": "filenameNormalized"} {
		if part, ok := object[ours]; ok {
			object[theirs] = part
			delete(object, ours)
		}
	}
	return object
}

// flatten gives parameters the form that they have in Argo CD's first templates.
func flatten(out map[string]any, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		segments, isPath := v["segments"].([]any)
		for key, item := range v {
			switch {
			case isPath && key == "path":
				out[name] = item
			case isPath && key == "segments":
				for i, segment := range segments {
					out[fmt.Sprintf("%s[%d]", name, i)] = segment
				}
			default:
				flatten(out, name+"."+key, item)
			}
		}
	case []any:
		if name == "clusters" {
			flattened := []any{}
			for _, cluster := range v {
				inner := map[string]any{}
				for key, item := range cluster.(map[string]any) {
					flatten(inner, key, item)
				}
				flattened = append(flattened, inner)
			}
			slices.SortFunc(flattened, func(a, b any) int { return strings.Compare(canonical(a), canonical(b)) })
			out[name] = flattened
			return
		}
		for i, item := range v {
			flatten(out, fmt.Sprintf("%s.%d", name, i), item)
		}
	case int64:
		out[name] = fmt.Sprint(float64(v))
	case string:
		out[name] = v
	default:
		out[name] = fmt.Sprint(v)
	}
}
