package bootstrap

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/engine/remoteplan"
	"github.com/gantrycd/gantry/plan/object"
)

// policy is what refuses the planner everything that is no dry run, whatever roles it is
// given: also by mistake, and later. An error in it refuses, too.
func (o *Options) policy() []object.Object {
	name := o.Name + "-planner-writes-nothing"
	policy := made(admission+"/v1", "ValidatingAdmissionPolicy", "", name)
	dry := "has(request.dryRun) && request.dryRun == true"
	if o.StateNamespace != "" {
		dry = "(" + dry + ") || (" + ofStore(o.StateNamespace, plannedKeys()) + ") || (" + ofAudit(o.StateNamespace) + ")"
	}
	if o.RequestsNamespace != "" {
		dry = "(" + dry + ") || (" + ofStore(o.RequestsNamespace, []string{remoteplan.Prefix + "/"}) + ")"
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

// ofStore is when a request is about what the planner keeps in a store: Secrets of the
// state's type with a key that begins so, before the request and after it. One with the key of
// another's name takes nobody's place: the state goes by names, which keys make, and holds
// each to its own.
func ofStore(namespace string, prefixes []string) string {
	var keys []string
	for _, prefix := range prefixes {
		keys = append(keys, keyOf("%[1]s")+`.startsWith(`+quoted(prefix)+`)`)
	}
	is := func(what string) string {
		return fmt.Sprintf(`(%[1]s == null || (`+keyed("%[1]s")+` && (`+strings.Join(keys, " || ")+`)))`, what)
	}
	return inStore(namespace) + ` && request.operation in ["CREATE", "UPDATE", "DELETE"] && ` + is("object") + " && " + is("oldObject")
}

// ofAudit is when a request is about the audit log: an entry that there was not, which is
// never changed, or what is known of where the log ends.
func ofAudit(namespace string) string {
	entry := `request.operation == "CREATE" && ` + keyOf("object") + `.startsWith("audit/")`
	head := keyOf("object") + ` == "audit" && (request.operation == "CREATE" || (request.operation == "UPDATE" && ` + keyed("oldObject") + ` && ` + keyOf("oldObject") + ` == "audit"))`
	return inStore(namespace) + ` && request.operation in ["CREATE", "UPDATE"] && ` + keyed("object") + " && ((" + entry + ") || (" + head + "))"
}

func inStore(namespace string) string {
	return `request.namespace == ` + quoted(namespace) + ` && request.resource.group == "" && request.resource.resource == "secrets"`
}

// keyOf is the key of a Secret that is keyed.
func keyOf(what string) string { return what + `.metadata.annotations["gantry.dev/key"]` }

// keyed is when an object is a Secret of a store.
func keyed(what string) string {
	return what + `.type == "gantry.dev/state" && has(` + what + `.metadata.annotations) && "gantry.dev/key" in ` + what + `.metadata.annotations`
}

// quoted is a text in CEL, which reads the escapes of Go.
func quoted(text string) string { return strconv.QuoteToASCII(text) }
