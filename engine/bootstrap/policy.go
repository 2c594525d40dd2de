package bootstrap

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// policy is what refuses the planner everything that is no dry run, whatever roles it is
// given: also by mistake, and later. An error in it refuses, too.
func (o *Options) policy() []object.Object {
	name := o.Name + "-planner-writes-nothing"
	policy := made(admission+"/v1", "ValidatingAdmissionPolicy", "", name)
	dry := "has(request.dryRun) && request.dryRun == true"
	if o.StateNamespace != "" {
		dry = "(" + dry + ") || (" + o.ofState() + ")"
	}
	policy["spec"] = map[string]any{
		"failurePolicy": "Fail",
		"matchConstraints": map[string]any{
			"matchPolicy": "Equivalent", "namespaceSelector": map[string]any{}, "objectSelector": map[string]any{},
			"resourceRules": []any{map[string]any{
				"apiGroups": []any{"*"}, "apiVersions": []any{"*"}, "operations": []any{"CREATE", "UPDATE", "DELETE", "CONNECT"},
				"resources": []any{"*/*"}, "scope": "*",
			}},
		},
		"matchConditions": []any{map[string]any{"name": "the-planner", "expression": o.Planner.condition()}},
		"validations": []any{map[string]any{
			"expression": dry, "reason": "Forbidden", "message": "this identity plans: it may ask by a dry run, and write nothing",
		}},
	}
	bound := made(admission+"/v1", "ValidatingAdmissionPolicyBinding", "", name)
	bound["spec"] = map[string]any{"policyName": name, "validationActions": []any{"Deny"}}
	return []object.Object{policy, bound}
}

// condition is when a request is of an identity.
func (i Identity) condition() string {
	switch {
	case i.ServiceAccount != "":
		return "request.userInfo.username == " + quoted("system:serviceaccount:"+strings.Replace(i.ServiceAccount, "/", ":", 1))
	case i.User != "":
		return "request.userInfo.username == " + quoted(i.User)
	default:
		return "has(request.userInfo.groups) && " + quoted(i.Group) + " in request.userInfo.groups"
	}
}

// ofState is when a request is about what the planner keeps in the state: Secrets of the
// state's type with such a key, before the request and after it. One with the key of
// another's name takes nobody's place: the state goes by names, which keys make, and holds
// each to its own.
func (o *Options) ofState() string {
	var keys []string
	for _, prefix := range plannedKeys() {
		keys = append(keys, `%[1]s.metadata.annotations["gantry.dev/key"].startsWith(`+quoted(prefix)+`)`)
	}
	is := func(what string) string {
		return fmt.Sprintf(`(%[1]s == null || (%[1]s.type == "gantry.dev/state" && has(%[1]s.metadata.annotations) && `+
			`"gantry.dev/key" in %[1]s.metadata.annotations && (`+strings.Join(keys, " || ")+`)))`, what)
	}
	return fmt.Sprintf(`request.namespace == %s && request.resource.group == "" && request.resource.resource == "secrets" && `+
		`request.operation in ["CREATE", "UPDATE", "DELETE"] && %s && %s`, quoted(o.StateNamespace), is("object"), is("oldObject"))
}

// quoted is a text in CEL, which reads the escapes of Go.
func quoted(text string) string { return strconv.QuoteToASCII(text) }
