package late_test

import (
	"testing"

	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan/object"
)

// What expressions come to, and what they say where they cannot be evaluated, is the same
// over the parts that they look at as over everything.
func TestParts(t *testing.T) {
	t.Parallel()
	o := object.Object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "labels": map[string]any{"app": "web", "tier": "front"}},
		"spec": map[string]any{"replicas": int64(3), "containers": []any{map[string]any{"name": "a", "image": "x:1"}, map[string]any{"name": "b", "image": "y:latest"}}},
	}
	before := o.DeepCopy()
	before["spec"].(map[string]any)["replicas"] = int64(1)
	texts := []string{
		`object.spec.replicas > 2`, `object.metadata.labels.app == "web"`, `object.metadata["labels"]["tier"]`, `object["spec"].replicas`,
		`object.metadata.labels`, `object`, `keys(object)`, `keys(object.spec)`, `jsonencode(object.spec)`, `object.spec == change.before.spec`,
		`[for c in object.spec.containers : c.image]`, `object.spec.containers[1].image`, `object.spec.containers[*].name`, `object.spec.containers.image`,
		`{ for k, v in object.metadata.labels : v => k }`, `{ for object in object.spec.containers : object.name => object.image }`, `(object).kind`, `[object][0].spec.replicas`,
		`try(object.spec.none, "none")`, `can(object.spec.replicas.none)`, `object.spec.replica`, `object.metadata.label.app`, `object.kind.none`, `object.spec.containers[7]`,
		`change`, `change.before`, `change.before.spec.replicas`, `change["before"]["kind"]`, `change.action`, `change.before.none`, `length(change.paths)`,
		`change.before == null`, `object.spec.none == null`, `lookup(object.metadata.labels, "tier", "none")`, `app.labels.tier`, `"${object.metadata.name} of ${object.kind}"`,
	}
	var all []late.Expression
	for _, text := range texts {
		all = append(all, mustCompile(t, late.Policy, late.Any, text))
	}
	for name, before := range map[string]object.Object{"changed": before, "new": nil} {
		values := func(parts *late.Parts) late.Values {
			return late.PolicyValues(late.PolicyCase{
				App: late.PolicyApp{Name: "web"}.Value(), Action: "update", Before: before, Object: o, Paths: []string{"spec.replicas"}, Parts: parts,
			})
		}
		together := values(late.PartsOf(all...))
		for i, e := range all {
			want, wantDiags := e.Evaluate(values(nil))
			for what, of := range map[string]late.Values{"alone": values(late.PartsOf(e)), "together": together} {
				got, diags := e.Evaluate(of)
				if diags.HasErrors() != wantDiags.HasErrors() || diags.HasErrors() && diags.Error() != wantDiags.Error() || !diags.HasErrors() && !got.RawEquals(want) {
					t.Errorf("%s, %s, %s: got %#v, %v; want %#v, %v", name, what, texts[i], got, diags, want, wantDiags)
				}
			}
		}
	}
}
