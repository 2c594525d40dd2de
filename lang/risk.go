package lang

import (
	"strings"

	"github.com/gobwas/glob"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// AcceptedRisk says that risks of a kind are known and accepted.
type AcceptedRisk struct {
	Code   string // one of riskcode.Codes
	Reason string
	// Kind, Namespace and Name are globs that narrow it to certain objects; empty is
	// any.
	Kind, Namespace, Name string
	// Own says that the application itself accepts it, and no profile of its.
	Own   bool
	Range hcl.Range
}

func acceptRiskBlock() *schema.Block {
	return &schema.Block{
		Type:   "accept_risk",
		Labels: []string{"code"},
		Doc: "Says that risks of a kind are known and accepted: plans still list them, with the reason, but no longer warn of them, and `gantry plan --fail-on-risk` does not fail for them. " +
			"The codes are `" + strings.Join(riskcode.Codes(), "`, `") + "`; see [risks](../risks.md).",
		Arguments: []schema.Argument{
			{Name: "reason", Type: schema.String, Required: true, Doc: "Why it is accepted, for whoever reads the plan."},
			{Name: "kind", Type: schema.String, Default: "any", Doc: "A pattern of the kind of the objects that it is accepted for: `Deployment`, `*Set`."},
			{Name: "namespace", Type: schema.String, Default: "any", Doc: "A pattern of their namespace."},
			{Name: "name", Type: schema.String, Default: "any", Doc: "A pattern of their name."},
		},
	}
}

// decodeAcceptedRisks reads what an application accepts; the last own blocks are its
// own, those before are of its profiles.
func decodeAcceptedRisks(in *eval.Instance, own int) []AcceptedRisk {
	var out []AcceptedRisk
	blocks := in.Values.Blocks("accept_risk")
	for i, v := range blocks {
		if len(v.Labels) == 0 {
			continue // of a dynamic block, and not known yet
		}
		accepted := AcceptedRisk{
			Code: v.Labels[0], Reason: strings.TrimSpace(v.String("reason")), Own: i >= len(blocks)-own,
			Kind: v.String("kind"), Namespace: v.String("namespace"), Name: v.String("name"), Range: v.Range,
		}
		kind, known := riskcode.Find(accepted.Code)
		if !known {
			hint := ""
			if near := schema.Suggest(accepted.Code, riskcode.Codes()); near != "" {
				hint = " Did you mean \"" + near + "\"?"
			}
			in.Errorf(v.Range, "Unknown risk", "There is no risk with the code %q.%s The page \"risks\" of the documentation lists all codes.", accepted.Code, hint)
			continue
		}
		if v.IsKnown("reason") && accepted.Reason == "" {
			in.ErrorAt(v, "reason", "Unsuitable value", "The reason is empty. Say why the risk is accepted: whoever reads the plan sees it.")
		}
		for _, name := range []string{"kind", "namespace", "name"} {
			if !v.IsKnown(name) {
				continue
			}
			text := v.String(name)
			if _, err := glob.Compile(text); err != nil || text == "" {
				in.ErrorAt(v, name, "Invalid pattern", "%q is no pattern. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.", text)
			}
			if kind.Whole {
				in.ErrorAt(v, name, "Unsuitable argument", "The risk %q concerns an application as a whole, and no object of it. Leave the argument %q out.", accepted.Code, name)
			}
		}
		out = append(out, accepted)
	}
	return out
}
