package govern

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/lang/schema"
)

// Health says how an object of a kind shows that it is healthy.
type Health struct {
	Address addr.Address
	Group   string // "" is the core group; a glob
	Kind    string // a glob
	// Healthy, Degraded, Progressing and Suspended are zero where they are not written.
	Healthy, Degraded, Progressing, Suspended late.Expression
	Message                                   late.Expression // zero for none
	Range                                     hcl.Range
}

func healthKind() *eval.Kind {
	condition := late.Health.Type(late.Condition)
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "health",
			Labels: []string{"name"},
			Doc: "How objects of a kind show that they are healthy. The label is the kind, as `group/Kind`; either may be a pattern. " +
				"In the expressions [`object`](late.md) is the object, and `condition(\"Ready\")` the condition of a type in its status, with the attributes `status`, `reason` and `message`; one that is not there has the status `\"Unknown\"`. " +
				"Where several are true, the worst counts: degraded, then progressing, suspended, healthy. Where none is, it is progressing.",
			Example: `health "cert-manager.io/Certificate" {
  healthy  = condition("Ready").status == "True"
  degraded = condition("Ready").status == "False" && condition("Issuing").status != "True"
  message  = condition("Ready").message
}`,
			Arguments: []schema.Argument{
				{Name: "healthy", Type: condition, Doc: "Whether it does what it is for."},
				{Name: "degraded", Type: condition, Doc: "Whether it has failed, or cannot become healthy."},
				{Name: "progressing", Type: condition, Doc: "Whether it may still become healthy."},
				{Name: "suspended", Type: condition, Doc: "Whether someone has paused it."},
				{Name: "message", Type: late.Health.Type(late.Text), Doc: "Why it is so."},
			},
		},
		Keyed:  true,
		Decode: decodeHealth,
	}
}

func decodeHealth(e *eval.Evaluation, in *eval.Instance) eval.Decoded {
	v := in.Values
	health := &Health{Address: in.Address, Range: v.Range}
	group, kind, grouped := strings.Cut(in.Address.Key, "/")
	if !grouped {
		group, kind = "", in.Address.Key
	}
	if health.Group, health.Kind = group, kind; kind == "" || strings.Contains(kind, "/") || strings.ContainsAny(in.Address.Key, " \t:") {
		in.Errorf(v.Range, "Invalid kind", "%q must be a kind with its group, such as \"cert-manager.io/Certificate\". A kind of the core group, such as \"Pod\", stands alone.", in.Address.Key)
	} else if problem := patternProblem(in.Address.Key); problem != "" {
		in.Errorf(v.Range, "Invalid pattern", "%s", problem)
	}
	if !v.Has("healthy") && !v.Has("degraded") && !v.Has("progressing") && !v.Has("suspended") {
		in.Errorf(v.Range, "Missing required argument", "It is not said how an object shows its health. Set healthy, degraded, progressing or suspended.")
	}
	for name, expression := range map[string]*late.Expression{
		"healthy": &health.Healthy, "degraded": &health.Degraded, "progressing": &health.Progressing, "suspended": &health.Suspended,
	} {
		*expression = lateOf(e, in, v, name, late.Health, late.Condition)
	}
	health.Message = lateOf(e, in, v, "message", late.Health, late.Text)
	return eval.Decoded{Value: cty.EmptyObjectVal, Made: health}
}

// Assess tells the health of an object: "healthy", "suspended", "progressing",
// "degraded", or with diagnostics "unknown".
func (h *Health) Assess(values late.Values) (status, message string, diags hcl.Diagnostics) {
	status = "progressing"
	for _, one := range []struct {
		status    string
		condition late.Expression
	}{{"degraded", h.Degraded}, {"progressing", h.Progressing}, {"suspended", h.Suspended}, {"healthy", h.Healthy}} {
		if one.condition.IsZero() {
			continue
		}
		yes, diags := one.condition.True(values)
		if diags.HasErrors() {
			return "unknown", "Its health could not be told: " + diags[0].Detail, diags
		}
		if yes {
			status = one.status
			break
		}
	}
	if h.Message.IsZero() {
		return status, "", nil
	}
	message, diags = h.Message.String(values)
	if diags.HasErrors() {
		return status, "", diags
	}
	return status, message, nil
}
