package govern

import (
	"fmt"
	"slices"
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
	// Also are further kinds that show it in the same way, as group/Kind.
	Also []string
	// Status comes to the status itself; where it is there, none of the next four is.
	Status late.Expression
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
				"What the expressions can ask about the object is on a [page of its own](late.md#in-health-blocks): `condition(\"Ready\")`, `field(\"status.phase\")`, `observed()`. " +
				"Where several are true, the worst counts: degraded, then progressing, suspended, healthy. Where none is, it is progressing. [How health is judged](../health.md).",
			Example: `health "example.com/Database" {
  healthy  = condition("Ready").status == "True"
  degraded = condition("Ready").status == "False" && condition("Restoring").status != "True"
  message  = condition("Ready").message
}

health "example.com/Backup" {
  status = lookup({ Completed = "healthy", Failed = "degraded" }, field("status.phase", ""), "progressing")
}`,
			Arguments: []schema.Argument{
				{Name: "also", Type: schema.Strings, Default: "none", Doc: "More kinds that show it in the same way, as `group/Kind`, or patterns of such."},
				{Name: "status", Type: late.Health.Type(late.Text), Doc: "The status itself, where the order of questions matters: `" + strings.Join(healthStatuses(), "`, `") + "`. It stands instead of the next four."},
				{Name: "healthy", Type: condition, Doc: "Whether it does what it is for."},
				{Name: "degraded", Type: condition, Doc: "Whether it has failed, or cannot become healthy."},
				{Name: "progressing", Type: condition, Doc: "Whether it may still become healthy."},
				{Name: "suspended", Type: condition, Doc: "Whether someone has paused it."},
				{Name: "message", Type: late.Health.Type(late.Text), Doc: "Why it is so. Without it, it is what a condition of the object says that is not as it should be, or its `status.message`."},
			},
		},
		Keyed:  true,
		Decode: decodeHealth,
	}
}

// healthStatuses are what status may come to.
func healthStatuses() []string {
	return []string{"healthy", "progressing", "degraded", "suspended", "missing", "unknown"}
}

func decodeHealth(e *eval.Evaluation, in *eval.Instance) eval.Decoded {
	v := in.Values
	health := &Health{Address: in.Address, Also: v.Strings("also"), Range: v.Range}
	if problem := kindProblem(in.Address.Key); problem != nil {
		in.Errorf(v.Range, problem.summary, "%s", problem.detail)
	}
	health.Group, health.Kind = SplitKind(in.Address.Key)
	for _, kind := range health.Also {
		if problem := kindProblem(kind); problem != nil {
			in.ErrorAt(v, "also", problem.summary, "%s", problem.detail)
		}
	}
	conditions := map[string]*late.Expression{
		"healthy": &health.Healthy, "degraded": &health.Degraded, "progressing": &health.Progressing, "suspended": &health.Suspended,
	}
	written := slices.DeleteFunc(schema.SortedKeys(conditions), func(name string) bool { return !v.Has(name) })
	switch {
	case !v.Has("status") && len(written) == 0:
		in.Errorf(v.Range, "Missing required argument", "It is not said how an object shows its health. Set healthy, degraded, progressing or suspended, or status.")
	case v.Has("status") && len(written) > 0:
		in.ErrorAt(v, written[0], "Conflicting arguments", "status says what the health is, so that %q has nothing to add. Use either.", written[0])
	}
	for name, expression := range conditions {
		*expression = lateOf(e, in, v, name, late.Health, late.Condition)
	}
	health.Status = lateOf(e, in, v, "status", late.Health, late.Text)
	health.Message = lateOf(e, in, v, "message", late.Health, late.Text)
	return eval.Decoded{Value: cty.EmptyObjectVal, Made: health}
}

// SplitKind takes group/Kind apart. A kind that stands alone is of the core group.
func SplitKind(text string) (group, kind string) {
	group, kind, grouped := strings.Cut(text, "/")
	if !grouped {
		return "", text
	}
	return group, kind
}

// invalidKind says what is wrong with a kind.
type invalidKind struct{ summary, detail string }

func kindProblem(text string) *invalidKind {
	_, kind := SplitKind(text)
	if kind == "" || strings.Contains(kind, "/") || strings.ContainsAny(text, " \t:") {
		return &invalidKind{"Invalid kind", fmt.Sprintf("%q must be a kind with its group, such as \"cert-manager.io/Certificate\". A kind of the core group, such as \"Pod\", stands alone.", text)}
	}
	if problem := patternProblem(text); problem != "" {
		return &invalidKind{"Invalid pattern", problem}
	}
	return nil
}

// Assess tells the health of an object: "healthy", "suspended", "progressing",
// "degraded", "missing" or "unknown", the last with diagnostics where it could not be
// told.
func (h *Health) Assess(values late.Values) (status, message string, diags hcl.Diagnostics) {
	if status, diags = h.status(values); diags.HasErrors() {
		return "unknown", "Its health could not be told: " + diags[0].Detail, diags
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

func (h *Health) status(values late.Values) (string, hcl.Diagnostics) {
	if !h.Status.IsZero() {
		status, diags := h.Status.String(values)
		if !diags.HasErrors() && !slices.Contains(healthStatuses(), status) {
			diags = hcl.Diagnostics{{
				Severity: hcl.DiagError, Summary: "Invalid health status", Subject: h.Status.Range().Ptr(),
				Detail: fmt.Sprintf("%q is no status of health. It must be one of %s.", status, strings.Join(healthStatuses(), ", ")),
			}}
		}
		return status, diags
	}
	for _, one := range []struct {
		status    string
		condition late.Expression
	}{{"degraded", h.Degraded}, {"progressing", h.Progressing}, {"suspended", h.Suspended}, {"healthy", h.Healthy}} {
		if one.condition.IsZero() {
			continue
		}
		if yes, diags := one.condition.True(values); diags.HasErrors() || yes {
			return one.status, diags
		}
	}
	return "progressing", nil
}
