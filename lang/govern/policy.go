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

// Policy is a rule that every plan must pass.
type Policy struct {
	Address     addr.Address
	Name        string
	Kinds       []string // "Kind", "group/Kind", globs
	Actions     []string // of plan.Action
	Enforcement string   // "deny", "warn" or "approve"
	Violated    late.Expression
	Message     late.Expression // zero for none
	Range       hcl.Range
}

// policyActions are the actions of plan.Action that policies may be asked about, and
// those that they are asked about where nothing is said: what leaves an object as
// somebody wants it. The engine's tests hold them to the plan's.
func policyActions() (all, usual []string) {
	usual = []string{"adopt", "create", "update", "replace", "run"}
	return append([]string{"forget", "remember", "orphan", "prune"}, usual...), usual
}

// PolicyActions returns the actions that policies may be asked about.
func PolicyActions() []string {
	all, _ := policyActions()
	return all
}

func policyKind() *eval.Kind {
	all, usual := policyActions()
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "policy",
			Labels: []string{"name"},
			Doc: "A rule that every plan must pass. It is asked about every change of the kinds and actions that it names. " +
				"In the expressions [`object`](late.md) is the object as it will be, or as it is where it goes, `change` what is done to it, and `app` its application. A policy that cannot be evaluated is violated.",
			Example: `policy "no_latest_tag" {
  kinds       = ["apps/Deployment"]
  actions     = ["create", "update"]
  enforcement = "deny"
  violated    = anytrue([for c in object.spec.template.spec.containers : endswith(c.image, ":latest")])
  message     = "${object.metadata.name} runs a :latest image"
}`,
			Arguments: []schema.Argument{
				eval.ForEachArgument(),
				eval.DependsOnArgument(),
				{Name: "kinds", Type: schema.Strings, Default: "all", Doc: "Patterns of the kinds that it is asked about: `Kind`, `group/Kind`."},
				{Name: "actions", Type: schema.Strings, OneOf: all, Default: "`" + strings.Join(usual, "`, `") + "`", Doc: "Which changes it is asked about: `" + strings.Join(all, "`, `") + "`."},
				{Name: "enforcement", Type: schema.String, Default: `"deny"`, OneOf: []string{"deny", "warn", "approve"}, Doc: "What comes of a violation: the plan is refused, or it is shown, or it needs an approval that names the policy."},
				{Name: "violated", Type: late.Policy.Type(late.Condition), Required: true, Doc: "Whether the change breaks the rule."},
				{Name: "message", Type: late.Policy.Type(late.Text), Doc: "What is wrong, for who made the change."},
			},
		},
		RootOnly: true,
		Decode:   decodePolicy,
	}
}

func decodePolicy(e *eval.Evaluation, in *eval.Instance) eval.Decoded {
	v := in.Values
	policy := &Policy{
		Address: in.Address, Name: in.Name(), Kinds: v.Strings("kinds"), Enforcement: "deny", Range: v.Range,
		Violated: lateOf(e, in, v, "violated", late.Policy, late.Condition),
		Message:  lateOf(e, in, v, "message", late.Policy, late.Text),
	}
	if v.Has("enforcement") {
		policy.Enforcement = v.String("enforcement")
	}
	if !v.Has("kinds") {
		policy.Kinds = []string{"*"}
	}
	_, actions := policyActions()
	if v.Has("actions") {
		actions = v.Strings("actions")
	}
	policy.Actions = actions
	for _, name := range []string{"kinds", "actions"} {
		checkNotEmpty(in, v, name, "The policy would never be asked.")
	}
	CheckPatterns(in, v, "kinds", false)
	for _, kind := range policy.Kinds {
		if strings.Count(kind, "/") > 1 || strings.Contains(kind, ":") {
			in.ErrorAt(v, "kinds", "Invalid pattern", "%q must be of the form Kind or group/Kind, such as \"Secret\" or \"apps/Deployment\".", kind)
		}
	}
	return eval.Decoded{Value: cty.EmptyObjectVal, Made: policy}
}

// Verdict is what a policy says about one change.
type Verdict struct {
	Violated bool
	Message  string          // why; never empty where it is violated
	Failed   hcl.Diagnostics // why it could not be evaluated, where that is the reason
}

// Judge asks the policy about one change. One that cannot be evaluated is violated.
func (p *Policy) Judge(values late.Values) Verdict {
	violated, diags := p.Violated.True(values)
	if diags.HasErrors() {
		return Verdict{Violated: true, Message: "The policy could not be evaluated, so that it denies: " + diags[0].Detail, Failed: diags}
	}
	if !violated {
		return Verdict{}
	}
	if !p.Message.IsZero() {
		if message, diags := p.Message.String(values); !diags.HasErrors() && message != "" {
			return Verdict{Violated: true, Message: message}
		}
	}
	return Verdict{Violated: true, Message: "It violates " + p.Address.String() + "."}
}
