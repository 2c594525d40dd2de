package argocd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
	"github.com/gantrycd/gantry/lang/schema"
)

// generatorTypes are Argo CD's generators.
var generatorTypes = []string{"list", "clusters", "git", "matrix", "merge", "plugin", "clusterDecisionResource", "scmProvider", "pullRequest"}

// generator writes a generator and those in it. outer is the first generator of a
// matrix, whose values the second may use; base is what it is called where it says
// nothing itself.
func (s *applicationSet) generator(n *manifest.Node, outer *given, base string) *given {
	var found *given
	for _, field := range n.Fields() {
		if !slices.Contains(generatorTypes, field.Key()) {
			continue
		}
		if found != nil {
			s.leave(field, "An entry of generators is one generator. Argo CD takes it for two; write an entry for each.")
			continue
		}
		found = s.typed(field, outer, base)
		if found == nil {
			field.Use()
			return nil
		}
		found.node = field
		if override := field.Get("template"); override != nil && len(override.Fields()) > 0 {
			found.override = override
		}
		field.Get("requeueAfterSeconds").Text() // every plan reads anew
	}
	if found == nil {
		text := "There is no such generator."
		if fields := n.Fields(); len(fields) > 0 {
			if near := schema.Suggest(fields[0].Key(), generatorTypes); near != "" {
				text += fmt.Sprintf(" Did you mean %q?", near)
			}
		}
		s.leave(n, "%s", text)
		return nil
	}
	if selector := n.Get("selector"); selector != nil {
		s.selector(found, selector)
	}
	return found
}

func (s *applicationSet) typed(n *manifest.Node, outer *given, base string) *given {
	switch n.Key() {
	case "list":
		return s.list(n, outer, base)
	case "clusters":
		return s.clusters(n, outer)
	case "git":
		return s.git(n, outer, base)
	case "matrix":
		return s.matrix(n, base)
	case "merge":
		return s.merge(n, base)
	case "plugin":
		return s.pluginGenerator(n, outer, base)
	case "clusterDecisionResource":
		return s.decision(n, base)
	case "pullRequest":
		return s.pullRequests(n, outer, base)
	case "scmProvider":
		return s.repositories(n, outer, base)
	}
	return nil
}

// emit writes a generator's block, or finds one that says the same.
func (s *applicationSet) emit(kind, name string, n *manifest.Node, block *draft.Block) string {
	block.Type, block.Labels = "generator", []string{kind, ""}
	text := string(draft.Render([]*draft.Block{block}))
	if same := s.im.generated[text]; same != nil {
		s.at(n, same)
		return "generator." + kind + "." + same.Labels[1]
	}
	block.Labels[1] = s.im.label("generator."+kind, name)
	s.im.generated[text] = block
	s.at(n.Parent(), block)
	s.at(n, block)
	s.im.add(generatorsFile, block)
	return "generator." + kind + "." + block.Labels[1]
}

func (s *applicationSet) scopeOf(shapes ...shape) *itemScope {
	return &itemScope{root: "each.value", fast: !s.goes, shapes: shapes}
}

// values translates the values that a generator adds, which may use what it gives.
func (s *applicationSet) values(n *manifest.Node, scope *itemScope, outer *given) valuesShape {
	if n == nil {
		return nil
	}
	if outer != nil {
		copied := *scope
		copied.shapes = append(slices.Clone(scope.shapes), outer.scope.shapes...)
		scope = &copied
	}
	w := &writer{object: s.object, scope: scope, goes: s.goes}
	values := valuesShape{}
	for _, field := range n.Fields() {
		values[field.Key()] = w.text(field)
	}
	return values
}

func (s *applicationSet) clusters(n *manifest.Node, outer *given) *given {
	block := &draft.Block{}
	w := s.within(outer)
	name := "all"
	selector := n.Get("selector")
	if labels := selector.Get("matchLabels"); len(labels.Fields()) > 0 || len(selector.Get("matchExpressions").Items()) > 0 {
		inner := w.nested(block, "selector", selector)
		w.setStrings(inner, "match_labels", labels)
		var words []string
		for _, label := range labels.Fields() {
			words = append(words, label.Peek())
		}
		for _, expression := range selector.Get("matchExpressions").Items() {
			more := w.nested(inner, "match_expressions", expression)
			w.set(more, "key", expression.Get("key"))
			w.set(more, "operator", expression.Get("operator"))
			w.setStrings(more, "values", expression.Get("values"))
			for _, value := range expression.Get("values").Items() {
				words = append(words, value.Peek())
			}
		}
		name = "selected"
		if text := strings.Join(words, "_"); text != "" && len(text) < 40 && !template.Has(text) {
			name = text
		}
	} else if s.im.clusters.byServer[inClusterServer] == nil {
		s.im.clusters.inCluster(inClusterName) // without a selector, Argo CD's own is one of them
	}
	if flat := s.unless(n.Get("flatList"), "false"); flat != nil {
		s.leave(flat, "One item that holds all clusters has no counterpart; use the clusters themselves: [for c in values(generator.clusters.%s) : c.name].", identifier("", name))
	}
	scope := s.scopeOf(clusterShape{})
	scope.clusters = true
	values := s.values(n.Get("values"), scope, outer)
	scope.shapes = append([]shape{values}, scope.shapes...)
	return &given{expression: s.emit("clusters", name, n, block), scope: scope}
}

// within returns a writer for a generator that may use the items of another: then
// it is made for each of them.
func (s *applicationSet) within(outer *given) *writer {
	if outer == nil {
		return &writer{object: s.object}
	}
	return &writer{object: s.object, scope: outer.scope, goes: s.goes}
}

// stamp makes a generator one for each item of another, where it uses them.
func stamp(block *draft.Block, outer *given) *draft.Block {
	stamped := &draft.Block{}
	stamped.Set("for_each", draft.Raw(outer.expression), draft.None())
	stamped.Append(block)
	return stamped
}

func (s *applicationSet) git(n *manifest.Node, outer *given, base string) *given {
	block := &draft.Block{}
	w := s.within(outer)
	w.repository(block, n.Get("repoURL"), n.Get("revision"), "")
	directories, files := n.Get("directories"), n.Get("files")
	isFiles := len(files.Items()) > 0 && len(directories.Items()) == 0
	if len(directories.Items()) > 0 {
		s.leaveAll(files, "Argo CD passes over files where there are directories.")
	}
	name, kind, patterns := base, "directories", directories
	if isFiles {
		kind, patterns = "files", files
	}
	for i, pattern := range patterns.Items() {
		inner := w.nested(block, kind, pattern)
		at := pattern.Get("path")
		if isFiles && strings.Contains(strings.ReplaceAll(at.Peek(), "**", ""), "*") {
			s.finding(Differs, at, "In Argo CD's patterns of files, * also stands for several directories; here it stands for a part of one name, and ** for any number of directories.")
		}
		w.set(inner, "path", at)
		w.set(inner, "exclude", w.unless(pattern.Get("exclude"), "false"))
		if word := patternName(at.Peek()); i == 0 && word != "" {
			name = word
		}
	}
	if len(patterns.Items()) == 0 {
		s.finding(ToDo, n, "The generator says neither which directories nor which files to give. Add a directories or files block.")
	}
	prefix := n.Get("pathParamPrefix").Text()
	scope := s.scopeOf(pathShape{prefix: prefix, files: isFiles})
	values := s.values(n.Get("values"), scope, outer)
	scope.shapes = append([]shape{values}, scope.shapes...)
	stamped := outer != nil && usesItems(block)
	if stamped {
		block = stamp(block, outer)
	}
	g := &given{expression: s.emit("git", name, n, block), scope: scope, stamped: stamped}
	if prefix != "" {
		if stamped {
			s.finding(LeftOut, n.Find("pathParamPrefix"), "A prefix has no counterpart for a generator that uses the items of another. Where both have a path, rename one with a for expression.")
		} else {
			g.expression = fmt.Sprintf("{ for key, item in %s : key => { %s = item } }", g.expression, draft.Name(prefix))
		}
	}
	return g
}

// usesItems reports whether a block uses the items of its for_each.
func usesItems(block *draft.Block) bool {
	return strings.Contains(string(draft.Render([]*draft.Block{block})), "each.value")
}

func (s *applicationSet) leaveAll(n *manifest.Node, why string) {
	if len(n.Items()) > 0 {
		s.leave(n, "%s", why)
	}
}

// patternName makes a name of a pattern: its last word that is no wildcard.
func patternName(pattern string) string {
	words := strings.Split(strings.Trim(pattern, "/"), "/")
	slices.Reverse(words)
	for _, word := range words {
		word, _, _ = strings.Cut(word, ".")
		if word != "" && !strings.ContainsAny(word, "*?[]{}$") {
			return word
		}
	}
	return ""
}

func (s *applicationSet) matrix(n *manifest.Node, base string) *given {
	entries := n.Get("generators").Items()
	if len(entries) != 2 {
		s.leave(n, "A matrix in Argo CD is of two generators; this one has %d.", len(entries))
		return nil
	}
	first := s.generator(entries[0], nil, base)
	if first == nil {
		return nil
	}
	second := s.generator(entries[1], first, base)
	if second == nil {
		return nil
	}
	scope := s.scopeOf(append(slices.Clone(first.scope.shapes), second.scope.shapes...)...)
	sortShapes(scope.shapes)
	scope.clusters = first.scope.clusters || second.scope.clusters
	g := &given{scope: scope, override: first.override}
	if second.override != nil {
		g.override = second.override
		if first.override != nil {
			g.override = manifest.Overlay(first.override, second.override)
		}
	}
	if second.stamped {
		g.expression = fmt.Sprintf("flatmap(%s, %s)", first.expression, second.expression)
		return g
	}
	block := &draft.Block{}
	block.Set("generators", draft.List(draft.Item{Value: draft.Raw(first.expression)}, draft.Item{Value: draft.Raw(second.expression)}), draft.None())
	g.expression = s.emit("matrix", base, n, block)
	return g
}

// sortShapes puts what knows its fields before what may have any.
func sortShapes(shapes []shape) {
	rank := func(x shape) int {
		switch x := x.(type) {
		case openShape:
			return 2
		case pathShape:
			if x.files {
				return 1
			}
		case clusterShape:
			if x.decision {
				return 1
			}
		}
		return 0
	}
	slices.SortStableFunc(shapes, func(a, b shape) int { return rank(a) - rank(b) })
}

func (s *applicationSet) merge(n *manifest.Node, base string) *given {
	block := &draft.Block{}
	scope := s.scopeOf()
	var expressions []draft.Item
	g := &given{scope: scope}
	byServer := slices.ContainsFunc(n.Find("mergeKeys").Items(), func(key *manifest.Node) bool { return key.Peek() == "server" })
	s.merging++
	defer func() { s.merging-- }()
	for i, entry := range n.Get("generators").Items() {
		name := base
		if i > 0 {
			name += "_overrides"
		}
		child := s.generator(entry, nil, name)
		if child == nil {
			return nil
		}
		scope.shapes = append(scope.shapes, child.scope.shapes...)
		scope.clusters = scope.clusters || child.scope.clusters
		expressions = append(expressions, draft.Item{Value: draft.Raw(withValues(child, byServer)), Comments: s.comments(entry)})
		if child.override != nil {
			g.override = child.override
		}
	}
	// What generators add as values is overlaid like the rest.
	fields := map[string]bool{}
	scope.shapes = slices.DeleteFunc(scope.shapes, func(x shape) bool {
		values, ok := x.(valuesShape)
		for name := range values {
			fields[name] = true
		}
		return ok
	})
	scope.shapes = append([]shape{listShape{fields: map[string]bool{"values": len(fields) > 0}}}, scope.shapes...)
	sortShapes(scope.shapes)
	var keys []draft.Item
	for _, key := range n.Get("mergeKeys").Items() {
		text, err := scope.below("item").Flat(key.Text())
		expression := strings.TrimPrefix(text.Expr(), "item.")
		if err != nil || strings.ContainsAny(expression, "[(") {
			s.finding(LeftOut, key, "It cannot be merged by %s: only by attributes.", key.Peek())
			expression = key.Peek()
		}
		keys = append(keys, draft.Item{Value: draft.String(expression), Comments: s.comments(key)})
	}
	block.Set("generators", draft.List(expressions...), draft.None())
	block.Set("keys", draft.List(keys...), draft.None())
	g.expression = s.emit("merge", base, n, block)
	return g
}

// withValues adds to the items of a generator what it adds as values. Where they
// are told apart by their server, the cluster that Gantry runs in needs one.
func withValues(g *given, byServer bool) string {
	var added []draft.Item
	if byServer && g.scope.clusters {
		added = append(added, draft.Item{Key: "server", Value: draft.Raw("coalesce(item.server, " + draft.Quote(inClusterServer) + ")")})
	}
	for _, x := range g.scope.shapes {
		values, ok := x.(valuesShape)
		if !ok || len(values) == 0 {
			continue
		}
		var items []draft.Item
		for _, name := range sortedKeys(values) {
			text := strings.ReplaceAll(values[name].Expr(), "each.value", "item")
			items = append(items, draft.Item{Key: name, Value: draft.Raw(text)})
		}
		added = append(added, draft.Item{Key: "values", Value: draft.Object(items...)})
	}
	if len(added) == 0 {
		return g.expression
	}
	return fmt.Sprintf("{ for key, item in %s : key => merge(item, %s) }", g.expression, draft.Object(added...).Expression())
}

// selector leaves out the items of a generator that a selector does not match.
func (s *applicationSet) selector(g *given, n *manifest.Node) {
	scope := g.scope.below("item")
	var conditions []string
	add := func(key *manifest.Node, name string, missing bool, condition func(field string) string) {
		text, err := scope.Flat(name)
		if err != nil {
			s.finding(LeftOut, key, "The selector asks for %s: %s. It is left out, so that there are more items.", name, err)
			return
		}
		conditions = append(conditions, fmt.Sprintf("try(%s, %t)", condition(text.Expr()), missing))
	}
	for _, label := range n.Get("matchLabels").Fields() {
		value := label.Text()
		add(label, label.Key(), false, func(field string) string { return field + " == " + draft.Quote(value) })
	}
	for _, expression := range n.Get("matchExpressions").Items() {
		operator := expression.Get("operator").Text()
		missing := operator == "NotIn" || operator == "DoesNotExist"
		add(expression, expression.Get("key").Text(), missing, func(field string) string { return matchLabel(field, expression) })
	}
	if len(conditions) > 0 {
		g.expression = fmt.Sprintf("{ for key, item in %s : key => item if %s }", g.expression, strings.Join(conditions, " && "))
	}
}
