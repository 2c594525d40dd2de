package argocd

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// simple is a template that is one parameter alone.
var simple = regexp.MustCompile(`^\{\{-?\s*\.?([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}$`)

// simpleField returns the parameter that a text of the template is.
func (s *applicationSet) simpleField(path ...string) string {
	if match := simple.FindStringSubmatch(s.spec.Find(append([]string{"template", "spec"}, path...)...).Peek()); match != nil {
		return match[1]
	}
	return ""
}

// list writes a list of elements as a map, whose keys are what tells them apart.
func (s *applicationSet) list(n *manifest.Node, outer *given, base string) *given {
	elements := slices.Clone(n.Get("elements").Items())
	elements = append(elements, s.elementsYAML(n.Get("elementsYaml"))...)
	shape := listShape{fields: map[string]bool{}, clusters: map[string]bool{}}
	servers, names := s.simpleField("destination", "server"), s.simpleField("destination", "name")
	for _, element := range elements {
		for _, field := range element.Fields() {
			name, _, _ := strings.Cut(field.Key(), ".")
			shape.fields[name] = true
			literal := field.Kind() == manifest.String && strings.Contains(field.Peek(), "://") && !template.Has(field.Peek())
			if field.Key() == servers && s.merging == 0 {
				if before, seen := shape.clusters[servers]; !seen || before {
					shape.clusters[servers] = literal
				}
			}
		}
	}
	block := &draft.Block{}
	w := s.within(outer)
	var items []draft.Item
	for _, element := range elements {
		var fields []draft.Item
		for _, field := range element.Fields() {
			item := draft.Item{Key: field.Key(), Comments: s.comments(field)}
			switch {
			case shape.clusters[field.Key()] && field.Key() == servers:
				item.Value = draft.Raw(s.im.clusters.atServer(s.object, field).reference())
			default:
				if field.Key() == names && field.Kind() == manifest.String && !template.Has(field.Peek()) && s.merging == 0 {
					s.im.clusters.named(s.object, field)
				}
				item.Value = w.value(field)
			}
			fields = nest(fields, item)
		}
		items = append(items, draft.Item{Value: draft.Object(fields...), Comments: s.comments(element)})
	}
	if keys := s.elementKeys(elements); keys != nil {
		for i := range items {
			items[i].Key = keys[i]
		}
		block.Set("elements", draft.Object(items...), s.comments(n.Get("elements")))
	} else {
		block.Set("elements", draft.List(items...), s.comments(n.Get("elements")))
	}
	stamped := outer != nil && usesItems(block)
	if stamped {
		block = stamp(block, outer)
	}
	return &given{expression: s.emit("list", base, n, block), scope: s.scopeOf(shape), stamped: stamped}
}

// nest puts a field whose name has dots, such as values.tier, into an object.
func nest(fields []draft.Item, item draft.Item) []draft.Item {
	head, rest, dotted := strings.Cut(item.Key, ".")
	if !dotted || head != "values" {
		return append(fields, item)
	}
	item.Key = rest
	for i := range fields {
		if fields[i].Key == head {
			fields[i].Value = draft.Object(append(slices.Clone(fields[i].Value.Items()), item)...)
			return fields
		}
	}
	return append(fields, draft.Item{Key: head, Value: draft.Object(item)})
}

// elementsYAML reads elements that are written as a text.
func (s *applicationSet) elementsYAML(n *manifest.Node) []*manifest.Node {
	if n == nil || strings.TrimSpace(n.Peek()) == "" {
		n.Text()
		return nil
	}
	if template.Has(n.Peek()) {
		s.leave(n, "Elements that another generator gives have no counterpart as a text. Write a for expression over its items: { for key, item in GENERATOR : ... }.")
		return nil
	}
	documents, problems := manifest.ReadText(s.file, n)
	if len(problems) > 0 || len(documents) != 1 || documents[0].Root.Kind() != manifest.List {
		s.leave(n, "It cannot be read as a list of elements.")
		return nil
	}
	n.Text()
	return documents[0].Root.Items()
}

// elementKeys finds what tells elements apart: the field that the applications'
// names are made of, or else the first whose values all differ.
func (s *applicationSet) elementKeys(elements []*manifest.Node) []string {
	if len(elements) == 0 {
		return nil
	}
	name := s.spec.Find("template", "metadata", "name").Peek()
	var candidates []string
	for _, field := range elements[0].Fields() {
		used := regexp.MustCompile(`\{\{[^}]*\b` + regexp.QuoteMeta(field.Key()) + `\b`).MatchString(name)
		if used {
			candidates = slices.Insert(candidates, 0, field.Key())
		} else {
			candidates = append(candidates, field.Key())
		}
	}
	for _, candidate := range candidates {
		var keys []string
		for _, element := range elements {
			n := element.Find(candidate)
			if n == nil || n.Kind() == manifest.Map || n.Kind() == manifest.List || n.Peek() == "" || template.Has(n.Peek()) || slices.Contains(keys, n.Peek()) {
				keys = nil
				break
			}
			keys = append(keys, n.Peek())
		}
		if keys != nil {
			return keys
		}
	}
	return nil
}

// pluginGenerator writes a generator that asks a service. Its address is in a
// ConfigMap, which may be among the files.
func (s *applicationSet) pluginGenerator(n *manifest.Node, outer *given, base string) *given {
	block := &draft.Block{}
	w := s.within(outer)
	name := n.Get("configMapRef").Get("name").Text()
	data := s.im.configMaps[name].Find("data")
	if url := data.Find("baseUrl"); url != nil {
		block.Set("url", draft.String(url.Text()), draft.None())
	} else {
		s.finding(ToDo, n.Find("configMapRef"), "The ConfigMap %q, which says where the plugin is, is not among the files: give the variable its URL.", name)
		block.Set("url", draft.Raw(s.im.variable(identifier("plugin", name)+"_url", "Where the plugin generator is that the ConfigMap "+name+" tells of.", false)), draft.None())
	}
	block.Set("token", draft.Raw(s.im.variable(identifier("plugin", name)+"_token", "The token of the plugin generator that the ConfigMap "+name+" tells of.", true)), draft.None())
	input := n.Get("input").Get("parameters")
	w.set(block, "input", input)
	s.finding(ToDo, n, "The generator needs to know what tells the items apart: an attribute \"key\", or the one that the argument key names.")
	open := openShape{input: map[string]template.Text{}}
	for _, parameter := range input.Fields() {
		open.input[parameter.Key()] = template.Literal(parameter.Peek())
	}
	scope := s.scopeOf(open)
	values := s.values(n.Get("values"), scope, outer)
	scope.shapes = append([]shape{values}, scope.shapes...)
	return &given{expression: s.emit("plugin", base, n, block), scope: scope}
}

// decision writes a generator of clusters that a resource decides for. What that
// is, a ConfigMap says.
func (s *applicationSet) decision(n *manifest.Node, base string) *given {
	name := n.Find("configMapRef").Peek()
	data := s.im.configMaps[name].Find("data")
	if data == nil {
		s.leave(n, "The ConfigMap %q, which says what kind decides, is not among the files. Import it, too.", name)
		return nil
	}
	n.Get("configMapRef").Text()
	block := &draft.Block{}
	w := s.within(nil)
	block.Set("cluster", draft.Raw(s.im.clusters.inCluster(inClusterName).reference()), draft.None())
	block.Set("api_version", draft.String(data.Find("apiVersion").Peek()), draft.None())
	block.Set("kind", draft.String(kindOfPlural(data.Find("kind").Peek())), draft.None())
	s.finding(ToDo, n, "Argo CD names the kind as in URLs, %q. Correct the argument kind if it is none.", data.Find("kind").Peek())
	w.set(block, "name", w.unless(n.Get("name"), ""))
	for _, part := range [][3]string{{"status_list", "statusListKey", "decisions"}, {"match_key", "matchKey", "clusterName"}} {
		if text := data.Find(part[1]).Peek(); text != "" && text != part[2] {
			block.Set(part[0], draft.String(text), draft.None())
		}
	}
	if selector := n.Get("labelSelector"); selector != nil {
		inner := w.nested(block, "selector", selector)
		w.setStrings(inner, "match_labels", selector.Get("matchLabels"))
	}
	scope := s.scopeOf(clusterShape{decision: true})
	scope.clusters = true
	values := s.values(n.Get("values"), scope, nil)
	scope.shapes = append([]shape{values}, scope.shapes...)
	return &given{expression: s.emit("cluster_decision_resource", base, n, block), scope: scope}
}

// kindOfPlural guesses a kind by how it stands in URLs.
func kindOfPlural(plural string) string {
	switch strings.ToLower(plural) {
	case "placementdecisions", "placementdecision":
		return "PlacementDecision"
	case "placementrules", "placementrule":
		return "PlacementRule"
	}
	kind := strings.TrimSuffix(plural, "s")
	if kind == "" {
		return plural
	}
	return strings.ToUpper(kind[:1]) + kind[1:]
}
