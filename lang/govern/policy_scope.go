package govern

import (
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// scopeArguments declare what a PolicyScope has.
func scopeArguments(what, how string) []schema.Argument {
	return []schema.Argument{
		{Name: "projects", Type: schema.ReferencesOrGlobs("project"), Default: "all", Doc: "The projects whose applications are " + what + ", or patterns of their names."},
		{Name: "applications", Type: schema.Strings, Default: "all", Doc: "Patterns of the names, or addresses, of the applications that " + how + "."},
		{Name: "clusters", Type: schema.ReferencesOrGlobs("cluster"), Default: "all", Doc: "The clusters of these applications, or patterns of their names."},
		{Name: "namespaces", Type: schema.Strings, Default: "all", Doc: "Patterns of the namespaces that the objects are in. One that is in none has the namespace `\"\"`, which `\"*\"` matches."},
	}
}

func scopeOf(in *eval.Instance, v *schema.Values) PolicyScope {
	for _, name := range []string{"projects", "applications", "clusters", "namespaces"} {
		CheckPatterns(in, v, name, false)
		checkNotEmpty(in, v, name, "It would be for none; without the argument it is for all.")
	}
	return PolicyScope{
		Projects: v.Strings("projects"), Applications: v.Strings("applications"),
		Clusters: v.Strings("clusters"), Namespaces: v.Strings("namespaces"),
	}
}

func exemptBlock() *schema.Block {
	return &schema.Block{
		Type: "exempt",
		Doc:  "What the policy does not hold for, although it is violated. The violation is shown with the reason. Every list that is given must match.",
		Arguments: append([]schema.Argument{
			{Name: "reason", Type: schema.String, Required: true, Doc: "Why, for who reads the plan."},
			{Name: "until", Type: schema.String, Default: "for ever", Doc: "The last day, in UTC, such as `2030-12-31`, or the moment it ends, as RFC 3339 has it. From then on the policy holds again."},
			{Name: "kinds", Type: schema.Strings, Default: "all", Doc: "Patterns of the kinds of objects: `Kind`, `group/Kind`."},
			{Name: "names", Type: schema.Strings, Default: "all", Doc: "Patterns of the names of objects."},
			{Name: "policies", Type: schema.Strings, Default: "all", Doc: "Patterns of the names of admission policies."},
		}, scopeArguments("exempt", "are exempt")...),
	}
}

func decodeExempt(in *eval.Instance, v *schema.Values) Exemption {
	out := Exemption{
		Scope: scopeOf(in, v), Kinds: v.Strings("kinds"), Names: v.Strings("names"), Policies: v.Strings("policies"),
		Reason: v.String("reason"), Range: v.Range,
	}
	checkKinds(in, v)
	named := false
	for _, name := range []string{"names", "policies"} {
		CheckPatterns(in, v, name, false)
		checkNotEmpty(in, v, name, "It would be for none; without the argument it is for all.")
	}
	for _, name := range []string{"projects", "applications", "clusters", "namespaces", "kinds", "names", "policies"} {
		named = named || v.Has(name)
	}
	if !named {
		in.Errorf(v.Range, "Missing argument", "The exemption says nothing of what is exempt, so that the policy would hold for nothing. Name applications, namespaces, kinds or names; for a policy that only warns, set enforcement = \"warn\".")
	}
	if v.IsKnown("reason") && strings.TrimSpace(out.Reason) == "" {
		in.ErrorAt(v, "reason", "Unsuitable value", "The reason is empty. Whoever reads the plan is told it: say why the policy does not hold here.")
	}
	if v.IsKnown("until") && v.Has("until") {
		out.Until = untilOf(in, v)
	}
	return out
}

// untilOf is when an exemption ends: a day is over when the next one begins in UTC.
func untilOf(in *eval.Instance, v *schema.Values) time.Time {
	text := v.String("until")
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1)
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		in.ErrorAt(v, "until", "Invalid time", "%q is neither a day such as \"2030-12-31\" nor a time such as \"2030-12-31T18:00:00Z\".", text)
	}
	return at
}

// The API group and kinds of admission policies.
const (
	admissionGroup   = "admissionregistration.k8s.io"
	admissionPolicy  = "ValidatingAdmissionPolicy"
	admissionBinding = "ValidatingAdmissionPolicyBinding"
)

// admissionManifests are the objects of manifests. What is in them is the engine's to
// read; here they must be objects, with a policy and a binding among them.
func admissionManifests(in *eval.Instance, v *schema.Values) []object.Object {
	if !v.Has("manifests") || !v.IsKnown("manifests") {
		return nil
	}
	argument, _ := v.Get("manifests")
	at := argument.Range()
	if value.IsSensitive(argument.Value) {
		in.Errorf(at, "Sensitive value not allowed here", "What policies say is shown in plans, so that their manifests cannot hold a sensitive value.")
		return nil
	}
	var out []object.Object
	found := map[string]bool{}
	list, _ := argument.Unmark()
	for i, element := range list.AsValueSlice() {
		plain, _, err := value.ToJSON(element)
		if err != nil {
			in.Errorf(at, "Invalid object", "Object %d cannot be written as JSON: %s.", i, err)
			continue
		}
		made := object.Object(plain.(map[string]any))
		if made.APIVersion() == "" || made.Kind() == "" || made.Name() == "" {
			in.Errorf(at, "Invalid object", "Object %d of the manifests lacks an apiVersion, a kind or a metadata.name.", i)
			continue
		}
		if made.GVK().Group == admissionGroup {
			found[made.Kind()] = true
		}
		out = append(out, made)
	}
	for _, kind := range []string{admissionPolicy, admissionBinding} {
		if !found[kind] {
			in.Errorf(at, "Unsuitable value", "There is no %s of %s among the manifests, so that nothing would be asked.", kind, admissionGroup)
		}
	}
	return out
}

// checkWhatIsAsked holds that a policy has an expression or admission policies, and of
// the arguments only those that go with it.
func checkWhatIsAsked(in *eval.Instance, v *schema.Values) {
	admission := v.Has("manifests") || v.Has("cluster_policies")
	switch {
	case v.Has("violated") && admission:
		in.ErrorAt(v, "violated", "Conflicting arguments", "A policy is either an expression, violated, or admission policies: manifests or cluster_policies. Make two policies of it.")
	case !v.Has("violated") && !admission:
		in.Errorf(v.Range, "Missing argument", "A policy needs violated, an expression that says whether a change breaks it, or admission policies: manifests or cluster_policies.")
	case v.IsKnown("cluster_policies") && !v.Bool("cluster_policies", true) && !v.Has("manifests"):
		in.ErrorAt(v, "cluster_policies", "Unsuitable value", "Without manifests, and without those of the clusters, no policy is asked.")
	}
	if !admission {
		return
	}
	for _, name := range []string{"kinds", "actions", "message"} {
		if v.Has(name) {
			in.ErrorAt(v, name, "Conflicting arguments", "Admission policies say by themselves what they are asked about, and what is wrong. The argument %s goes with violated.", name)
		}
	}
}
