package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// webhooks tells of admission webhooks without whose answer requests fail, where a
// change brings them or makes them so.
func (a *assessment) webhooks(item *Item) {
	id := item.Change.ID
	if id.Group != "admissionregistration.k8s.io" || item.After == nil ||
		id.Kind != "ValidatingWebhookConfiguration" && id.Kind != "MutatingWebhookConfiguration" {
		return
	}
	before := map[string]bool{}
	for _, w := range objects(item.Before["webhooks"]) {
		before[str(w, "name")] = failsClosed(w)
	}
	severity := plan.Low
	var paths, texts []string
	for _, w := range objects(item.After["webhooks"]) {
		name := str(w, "name")
		if !failsClosed(w) || before[name] {
			continue
		}
		stops := stopped(w)
		if len(stops) == 0 {
			continue
		}
		severity = worse(severity, plan.Medium)
		if stopsPods(w) {
			severity = plan.High
		}
		paths = append(paths, "webhooks"+key("name", name)+".failurePolicy")
		texts = append(texts, fmt.Sprintf("As long as webhook %s does not answer, nobody can %s.", name, words(stops)))
	}
	if len(texts) > 0 {
		a.add(riskcode.WebhookFailsClosed, severity, item, paths, firstOf(texts)...)
	}
}

// failsClosed reports whether a request fails where the webhook does not answer: so it
// is where nothing is said.
func failsClosed(webhook object.Object) bool {
	policy := str(webhook, "failurePolicy")
	return policy == "" || policy == "Fail"
}

// stopped says which requests a webhook is asked about: "create, update pods".
func stopped(webhook object.Object) []string {
	var out []string
	for _, r := range objects(webhook["rules"]) {
		operations := strings.ToLower(strings.Join(strs(r["operations"]), ", "))
		if strings.Contains(operations, "*") {
			operations = "create, update, delete"
		}
		resources := words(strs(r["resources"]))
		if slices.Contains(strs(r["resources"]), "*") {
			resources = "anything"
			if groups := strs(r["apiGroups"]); !slices.Contains(groups, "*") {
				resources = "any object of " + words(groups)
			}
		}
		if operations != "" && resources != "" {
			out = append(out, operations+" "+resources)
		}
	}
	return out
}

// stopsPods reports whether a webhook is asked about pods of every namespace: no node
// and no controller can start anything without its answer.
func stopsPods(webhook object.Object) bool {
	for _, selector := range []string{"namespaceSelector", "objectSelector"} {
		if m, _ := webhook[selector].(map[string]any); len(m) > 0 {
			return false
		}
	}
	return slices.ContainsFunc(objects(webhook["rules"]), func(r object.Object) bool {
		scope := str(r, "scope")
		return has(strs(r["apiGroups"]), "") && has(strs(r["resources"]), "pods") && has(strs(r["operations"]), "CREATE") && scope != "Cluster"
	})
}
