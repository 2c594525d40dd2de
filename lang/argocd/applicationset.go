package argocd

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// applicationSet turns an ApplicationSet into generators, and an application that
// is stamped from them.
func (im *importer) applicationSet(o *object) {
	if im.refusedIn(o, o.root.Find("spec", "template", "spec", "project")) {
		return
	}
	meta, spec := o.header()
	set := &applicationSet{writer: &writer{object: o}, spec: spec, meta: meta}
	set.goes = spec.Get("goTemplate").True()
	spec.Get("goTemplateOptions").Use() // what is missing is an error always
	set.label = im.label("application", o.name)
	var given []*given
	for _, n := range spec.Get("generators").Items() {
		if g := set.generator(n, nil, set.label); g != nil {
			given = append(given, g)
		}
	}
	if len(given) == 0 {
		o.finding(LeftOut, spec.Find("generators"), "It has no generator that could be imported, so that it makes no application.")
		spec.Get("template").Use()
		set.rest()
		return
	}
	set.write(given)
	set.rest()
	im.imported["ApplicationSet"]++
}

type applicationSet struct {
	*writer
	meta, spec *manifest.Node
	label      string
	labels     []string // of the applications that were made of it
	merging    int      // how many generators of type merge are around
}

// given is a generator that has been written: an expression for for_each, and what
// its items have.
type given struct {
	expression string
	node       *manifest.Node
	override   *manifest.Node // a template of its own
	scope      *itemScope
	stamped    bool // it has the generator before as for_each
}

// write writes the applications: one for all generators where a template means the
// same for all of them, else one for each.
func (s *applicationSet) write(all []*given) {
	if len(all) > 1 && !s.sameFor(all) {
		for i, g := range all {
			label := s.label
			if i > 0 {
				label = s.im.unique("application", fmt.Sprintf("%s_%d", s.label, i+1))
			}
			s.one(label, g.expression, g)
		}
		return
	}
	expressions := make([]string, len(all))
	for i, g := range all {
		expressions[i] = g.expression
	}
	expression := expressions[0]
	if len(all) > 1 {
		expression = "merge(" + strings.Join(expressions, ", ") + ")"
	}
	s.one(s.label, expression, all[0])
}

// sameFor reports whether every text of the template is translated to the same for
// all generators, none of which has a template of its own.
func (s *applicationSet) sameFor(all []*given) bool {
	for _, g := range all {
		if g.override != nil {
			return false
		}
	}
	same := true
	var walk func(n *manifest.Node)
	walk = func(n *manifest.Node) {
		if text := n.Peek(); template.Has(text) {
			first := ""
			for i, g := range all {
				w := &writer{object: s.object, scope: g.scope, goes: s.goes}
				result := w.translate(text)
				quoted := result.Text.Quoted()
				if len(result.Problems) > 0 || i > 0 && quoted != first {
					same = false
				}
				first = quoted
			}
		}
		for _, field := range append(n.Fields(), n.Items()...) {
			walk(field)
		}
	}
	walk(s.spec.Find("template"))
	kinds := all[0].scope.clusters
	for _, g := range all {
		same = same && g.scope.clusters == kinds
	}
	return same
}

func (s *applicationSet) one(label, forEach string, g *given) {
	w := &writer{object: s.object, scope: g.scope, goes: s.goes}
	b := &draft.Block{Type: "application", Labels: []string{label}}
	if s.main == nil {
		s.main = b
	}
	s.at(s.meta, b)
	b.Set("for_each", draft.Raw(forEach), draft.None())
	tmpl := s.spec.Get("template")
	s.at(tmpl, b)
	meta, spec := tmpl.Get("metadata"), tmpl.Get("spec")
	if g.override != nil {
		meta = overlay(meta, g.override.Get("metadata"))
		spec = overlay(spec, g.override.Get("spec"))
	}
	w.nameOf(b, label, meta.Get("name"))
	if namespace := meta.Get("namespace"); template.Has(namespace.Peek()) {
		w.leave(namespace, "Applications are in no namespace.")
	}
	meta.Get("namespace").Text()
	w.body(b, withDefaultFinalizer(s, meta), spec)
	s.policies(b)
	b.Order("for_each", "name", "project", "source", "destination", "sync", "ignore_differences", "lifecycle")
	s.im.add(applicationsFile, b)
	s.labels = append(s.labels, label)
}

// withDefaultFinalizer: what an ApplicationSet makes has the finalizer, unless it
// says something else.
func withDefaultFinalizer(s *applicationSet, meta *manifest.Node) *manifest.Node {
	preserved := s.spec.Find("syncPolicy", "preserveResourcesOnDeletion").Peek() == "true"
	if preserved || len(meta.Find("finalizers").Items()) > 0 {
		return meta
	}
	return manifest.With(meta, "finalizers", "resources-finalizer.argocd.argoproj.io")
}

// overlay puts a generator's own template over the set's.
func overlay(base, over *manifest.Node) *manifest.Node {
	if over == nil {
		return base
	}
	return manifest.Overlay(base, over)
}

// nameOf writes the name, which is a DNS label of what the template gives.
func (w *writer) nameOf(b *draft.Block, label string, n *manifest.Node) {
	if n == nil {
		w.finding(ToDo, n, "The template has no name. Set the argument \"name\".")
		return
	}
	text := w.text(n)
	expression := text.Quoted()
	if text.IsLiteral() && !template.Has(text.Plain()) {
		w.finding(ToDo, n, "The name is the same for every item, which Argo CD refuses, and Gantry, too. Make it of the item's key: dns_label(\"%s-${each.key}\").", label)
	} else if len(text) == 1 {
		expression = text.Expr()
	}
	if !strings.HasPrefix(expression, "dns_label(") || len(text) > 1 {
		expression = "dns_label(" + expression + ")"
	}
	b.Set("name", draft.Raw(expression), w.comments(n))
}

// policies says what of an application may be changed and removed.
func (s *applicationSet) policies(b *draft.Block) {
	policy := s.spec.Get("syncPolicy")
	policy.Get("preserveResourcesOnDeletion").Text()
	mode := policy.Get("applicationsSync")
	update, destroy := true, true
	switch mode.Text() {
	case "create-only":
		update, destroy = false, false
	case "create-update":
		destroy = false
	case "create-delete":
		update = false
	}
	if !update {
		s.lifecycle(b).Set("update", draft.Raw("false"), s.comments(mode))
		s.finding(Differs, mode, "lifecycle { update = false } holds for the objects, too: nothing that is there is changed, even if the sources change. In Argo CD it holds for the Application alone.")
	}
	if !destroy {
		s.lifecycle(b).Set("destroy", draft.Raw("false"), s.comments(mode))
	}
}

// rest reads what concerns the set, not its applications.
func (s *applicationSet) rest() {
	s.leave(s.spec.Get("templatePatch"), "A patch of the template has no counterpart. Write what it does as conditions: sync = each.value.x ? ... : ..., or dynamic blocks.")
	s.leave(s.spec.Get("ignoreApplicationDifferences"), "There are no Application objects that others could change.")
	s.leave(s.spec.Get("preservedFields"), "There are no Application objects that others could change.")
	s.leave(s.spec.Get("applyNestedSelectors"), "Selectors of nested generators are always applied.")
	for _, annotation := range s.meta.Get("annotations").Fields() {
		if annotation.Key() != "kubectl.kubernetes.io/last-applied-configuration" {
			s.leave(annotation, "Generators have no annotations.")
		}
	}
	s.meta.Get("labels").Use()
	s.strategy(s.spec.Get("strategy"))
}

// strategy turns a rolling sync into a rollout.
func (s *applicationSet) strategy(n *manifest.Node) {
	if n == nil {
		return
	}
	s.leave(s.unless(n.Get("deletionOrder"), "AllAtOnce"), "Applications are destroyed in the opposite order of depends_on; a rollout has no order for it.")
	if n.Get("type").Text() != "RollingSync" || len(s.labels) == 0 {
		return
	}
	for _, label := range s.labels {
		rollout := &draft.Block{Type: "rollout", Labels: []string{s.im.unique("rollout", label)}}
		s.at(n, rollout)
		rollout.Set("applications", draft.Raw("application."+label), draft.None())
		for _, step := range n.Get("rollingSync").Get("steps").Items() {
			block := s.nested(rollout, "step", step)
			var conditions []string
			for _, expression := range step.Get("matchExpressions").Items() {
				conditions = append(conditions, matchLabel(template.Path("app.labels", expression.Get("key").Text()), expression))
			}
			if len(conditions) > 0 {
				block.Set("match", draft.Raw(strings.Join(conditions, " && ")), s.comments(step.Get("matchExpressions")))
			}
			s.set(block, "max_update", step.Get("maxUpdate"))
		}
		s.im.add(rolloutsFile, rollout)
	}
}

// matchLabel writes a condition of a label selector.
func matchLabel(field string, expression *manifest.Node) string {
	operator := expression.Get("operator").Text()
	var values []string
	for _, value := range expression.Get("values").Items() {
		values = append(values, draft.Quote(value.Text()))
	}
	switch operator {
	case "NotIn":
		if len(values) == 1 {
			return field + " != " + values[0]
		}
		return "!contains([" + strings.Join(values, ", ") + "], " + field + ")"
	case "Exists":
		return field + " != null"
	case "DoesNotExist":
		return field + " == null"
	}
	if len(values) == 1 {
		return field + " == " + values[0]
	}
	return "contains([" + strings.Join(values, ", ") + "], " + field + ")"
}
