package govern

import (
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/object"
)

// Policy is a rule that every plan must pass: an expression, or admission policies of
// Kubernetes.
type Policy struct {
	Address     addr.Address
	Name        string
	Kinds       []string // "Kind", "group/Kind", globs
	Actions     []string // of plan.Action
	Scope       PolicyScope
	Enforcement string          // "deny", "warn" or "approve"
	Approvals   *Approvals      // who approves; nil: as the protection has it, or nobody is asked
	Violated    late.Expression // zero for admission policies
	Message     late.Expression // zero for none
	// Manifests are admission policies with their bindings and parameters.
	Manifests []object.Object
	// ClusterPolicies: the admission policies of each application's cluster are asked, too.
	ClusterPolicies bool
	Exemptions      []Exemption
	Range           hcl.Range
}

// IsAdmission reports whether it asks admission policies, and no expression.
func (p *Policy) IsAdmission() bool { return p.Violated.IsZero() }

// PolicyScope is which applications a policy, or an exemption of one, is for, as globs;
// an empty list is all. All lists must match.
type PolicyScope struct {
	Projects     []string // names; an application in none matches "" and what matches that
	Applications []string // names or addresses
	Clusters     []string // names, or servers
	Namespaces   []string // of the objects; one that is in none has ""
}

// Exemption is what a policy does not hold for.
type Exemption struct {
	Scope    PolicyScope
	Kinds    []string // as those of a policy; empty is all
	Names    []string // globs of objects' names
	Policies []string // globs of names of admission policies
	Reason   string
	Until    time.Time // when it ends; zero is never
	Range    hcl.Range
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
			Doc: "A rule that every plan must pass, when it is made and again when it is applied. It is asked about every change of the kinds and actions that it names. " +
				"In the expressions [`object`](late.md) is the object as it will be, or as it is where it goes, `change` what is done to it, and `app` its application. A policy that cannot be evaluated is violated. " +
				"In place of an expression there may be ValidatingAdmissionPolicies of Kubernetes, which are evaluated as the API server does.",
			Example: `policy "no_latest_tag" {
  kinds       = ["apps/Deployment"]
  actions     = ["create", "update"]
  enforcement = "deny"
  violated    = anytrue([for c in object.spec.template.spec.containers : endswith(c.image, ":latest")])
  message     = "${object.metadata.name} runs a :latest image"

  exempt {
    applications = ["sandbox-*"]
    reason       = "they are thrown away every night"
    until        = "2030-12-31"
  }
}

policy "public_services" {
  kinds       = ["Service"]
  enforcement = "approve"
  violated    = try(object.spec.type, "") == "LoadBalancer"
  message     = "${object.metadata.name} is reached from everywhere"

  approvals {
    groups = ["example:security"]
  }
}

policy "admission" {
  manifests = yamldecode_all(file("policies/replicas.yaml"))
}`,
			Arguments: append([]schema.Argument{
				eval.ForEachArgument(),
				eval.DependsOnArgument(),
				{Name: "kinds", Type: schema.Strings, Default: "all", Doc: "Patterns of the kinds that it is asked about: `Kind`, `group/Kind`."},
				{Name: "actions", Type: schema.Strings, OneOf: all, Default: "`" + strings.Join(usual, "`, `") + "`", Doc: "Which changes it is asked about: `" + strings.Join(all, "`, `") + "`."},
				{Name: "enforcement", Type: schema.String, Default: `"deny"`, OneOf: []string{"deny", "warn", "approve"}, Doc: "What comes of a violation: the application cannot be applied, or it is shown, or it is applied only with an approval of who may approve for the policy. Of admission policies, what their bindings only warn of is only shown in any case."},
				{Name: "violated", Type: late.Policy.Type(late.Condition), Doc: "Whether the change breaks the rule."},
				{Name: "message", Type: late.Policy.Type(late.Text), Doc: "What is wrong, for who made the change."},
				{Name: "manifests", Type: schema.Objects, Doc: "In place of `violated`: ValidatingAdmissionPolicies, their bindings, and the objects that these name as parameters, such as `yamldecode_all(file(\"policies/replicas.yaml\"))`."},
				{Name: "cluster_policies", Type: schema.Bool, Default: "false", Doc: "In place of `violated`: whether the ValidatingAdmissionPolicies of each application's cluster are asked, as the plan leaves them. The server itself is asked about most objects; this is for those that it cannot be asked about yet, and for policies that the plan changes."},
			}, scopeArguments("asked about", "it is asked about")...),
			Blocks: []schema.Nested{
				{Block: exemptBlock()},
				{Max: 1, Block: approvalsBlock("With `enforcement = \"approve\"`: who must have approved a change that violates the policy. Whose approval does not count by the protection does not count here either.", "as the protection has them", "as the protection has it")},
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
		Scope:    scopeOf(in, v), ClusterPolicies: v.Bool("cluster_policies", false),
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
	checkNotEmpty(in, v, "actions", "The policy would never be asked.")
	checkKinds(in, v)
	policy.Manifests = admissionManifests(in, v)
	checkWhatIsAsked(in, v)
	block := v.One("approvals")
	policy.Approvals = decodeApprovals(in, block)
	if block != nil && policy.Enforcement != "approve" && (!v.Has("enforcement") || v.IsKnown("enforcement")) {
		in.Errorf(block.Range, "Conflicting arguments", "The block says who approves, and with enforcement = %q nobody is asked. Set enforcement = \"approve\", or remove the block.", policy.Enforcement)
	}
	for _, block := range v.Blocks("exempt") {
		policy.Exemptions = append(policy.Exemptions, decodeExempt(in, block))
	}
	return eval.Decoded{Value: cty.EmptyObjectVal, Made: policy}
}

// checkKinds holds that the patterns of kinds can be read.
func checkKinds(in *eval.Instance, v *schema.Values) {
	checkNotEmpty(in, v, "kinds", "It would be for none.")
	CheckPatterns(in, v, "kinds", false)
	for _, kind := range v.Strings("kinds") {
		if strings.Count(kind, "/") > 1 || strings.Contains(kind, ":") {
			in.ErrorAt(v, "kinds", "Invalid pattern", "%q must be of the form Kind or group/Kind, such as \"Secret\" or \"apps/Deployment\".", kind)
		}
	}
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
