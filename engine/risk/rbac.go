package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

const rbacGroup = "rbac.authorization.k8s.io"

// role tells of a Role or ClusterRole that permits more than before, and of a new one
// that permits what leads further than it looks.
func (a *assessment) role(item *Item) {
	id := item.Change.ID
	if id.Group != rbacGroup || id.Kind != "Role" && id.Kind != "ClusterRole" || item.After == nil {
		return
	}
	if _, aggregated := item.After.Get("aggregationRule"); aggregated {
		return // its rules are gathered from others
	}
	before := rulesOf(item.Before)
	severity := plan.Low
	var added, powers, paths []string
	for i, r := range rulesOf(item.After) {
		more := r.beyond(before)
		if len(more) == 0 {
			continue
		}
		power, weight := r.power(more)
		if item.Before == nil && power == "" {
			continue
		}
		paths = append(paths, "rules"+index(i))
		added = append(added, r.text(more))
		severity = worse(severity, weight)
		if power != "" {
			powers = append(powers, power)
		}
	}
	if len(added) == 0 {
		return
	}
	begin := fmt.Sprintf("%s now also permits", id)
	if item.Before == nil {
		begin = fmt.Sprintf("%s is new and permits", id)
	}
	a.add(riskcode.RBACWidened, severity, item, paths, fmt.Sprintf("%s %s.", begin, strings.Join(firstOf(added), "; ")), sentences(unique(powers)))
}

// firstOf returns as many as are named in a sentence, and counts the others.
func firstOf(all []string) []string {
	if n := len(all) - mostNamed; n > 0 {
		return append(slices.Clone(all[:mostNamed]), fmt.Sprintf("and %d more", n))
	}
	return all
}

// rule is a rule of a role.
type rule struct{ groups, resources, verbs, names, urls []string }

func rulesOf(o object.Object) []rule {
	var out []rule
	for _, r := range objects(o["rules"]) {
		out = append(out, rule{strs(r["apiGroups"]), strs(r["resources"]), strs(r["verbs"]), strs(r["resourceNames"]), strs(r["nonResourceURLs"])})
	}
	return out
}

// beyond returns the verbs of a rule that other rules do not have for all of its
// resources and URLs.
func (r rule) beyond(others []rule) []string {
	var out []string
	for _, verb := range r.verbs {
		covered := true
		for _, group := range r.groups {
			for _, resource := range r.resources {
				covered = covered && slices.ContainsFunc(others, func(o rule) bool { return o.permits(group, resource, verb, r.names) })
			}
		}
		for _, url := range r.urls {
			covered = covered && slices.ContainsFunc(others, func(o rule) bool { return o.reaches(url, verb) })
		}
		if !covered {
			out = append(out, verb)
		}
	}
	return out
}

// permits reports whether a rule permits a verb on a resource, by these names or, with
// none, by all.
func (r rule) permits(group, resource, verb string, names []string) bool {
	_, sub, _ := strings.Cut(resource, "/")
	return has(r.groups, group) && has(r.verbs, verb) &&
		(has(r.resources, resource) || sub != "" && slices.Contains(r.resources, "*/"+sub)) &&
		(len(r.names) == 0 || len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(r.names, n) }))
}

// reaches reports whether a rule permits a verb on a URL.
func (r rule) reaches(url, verb string) bool {
	return has(r.verbs, verb) && slices.ContainsFunc(r.urls, func(u string) bool {
		prefix, wild := strings.CutSuffix(u, "*")
		return u == url || wild && strings.HasPrefix(url, prefix)
	})
}

// has reports whether a list of a rule has a word, or "*".
func has(list []string, word string) bool {
	return slices.Contains(list, word) || slices.Contains(list, "*")
}

// power says what a rule with these verbs leads to that its words do not show.
func (r rule) power(verbs []string) (text string, severity plan.Severity) {
	on := func(group string, resources ...string) bool {
		return has(r.groups, group) && slices.ContainsFunc(resources, func(resource string) bool { return has(r.resources, resource) })
	}
	able := func(wanted ...string) bool {
		return slices.ContainsFunc(wanted, func(verb string) bool { return has(verbs, verb) })
	}
	switch {
	case len(r.names) == 0 && slices.Contains(r.groups, "*") && slices.Contains(r.resources, "*") && slices.Contains(verbs, "*"):
		return "That is everything.", plan.High
	case on(rbacGroup, "roles", "clusterroles") && able("escalate", "bind"):
		return "With escalate or bind on roles, who has it can give itself every permission.", plan.High
	case on("", "users", "groups", "serviceaccounts") && able("impersonate"):
		return "With impersonate, who has it can act as others.", plan.High
	case on("", "serviceaccounts/token") && able("create"):
		return "With it, tokens of service accounts can be made.", plan.Medium
	case on("", "nodes/proxy") && able("get", "create"):
		return "With nodes/proxy, commands can be run in every pod of a node, past admission and audit.", plan.High
	case on("", "secrets") && able("get", "list", "watch") && len(r.names) == 0:
		return "Whoever has it can read the value of every Secret in its reach.", plan.Medium
	case on("", "pods/exec", "pods/attach") && able("create", "get"):
		return "With it, commands can be run in pods.", plan.Medium
	case slices.Contains(r.resources, "*") && len(r.names) == 0:
		return "It is for all resources of the API group, those to come included.", plan.Medium
	case slices.Contains(verbs, "*") && len(r.names) == 0:
		return "It is for every verb, delete included.", plan.Medium
	}
	return "", plan.Low
}

// text renders a rule with some of its verbs: "get, list on secrets".
func (r rule) text(verbs []string) string {
	on := slices.Clone(r.urls)
	for _, resource := range r.resources {
		if len(r.groups) == 1 && r.groups[0] != "" && r.groups[0] != "*" {
			resource += "." + r.groups[0]
		}
		on = append(on, resource)
	}
	text := strings.Join(verbs, ", ") + " on " + words(on)
	if len(r.groups) == 1 && r.groups[0] == "*" {
		text += " of all API groups"
	}
	if len(r.names) > 0 {
		text += " named " + words(r.names)
	}
	return text
}

// everyone are the subjects that stand for whoever there is.
func everyone(subject string) bool {
	switch subject {
	case "User system:anonymous", "Group system:unauthenticated", "Group system:authenticated", "Group system:serviceaccounts":
		return true
	}
	return false
}

// binding tells of subjects that get a role which others had before, of whoever is
// given everything, and of roles that are given to everyone.
func (a *assessment) binding(item *Item) {
	id := item.Change.ID
	if id.Group != rbacGroup || id.Kind != "RoleBinding" && id.Kind != "ClusterRoleBinding" || item.After == nil {
		return
	}
	role := str(item.After, "roleRef", "kind") + " " + str(item.After, "roleRef", "name")
	was := str(item.Before, "roleRef", "kind") + " " + str(item.Before, "roleRef", "name")
	other := item.Before != nil && role != was
	var added, all []string
	for _, subject := range subjectsOf(item.After) {
		if other || !slices.Contains(subjectsOf(item.Before), subject) {
			added = append(added, subject)
			if everyone(subject) {
				all = append(all, subject)
			}
		}
	}
	if len(added) == 0 {
		return
	}
	where := "in the whole cluster"
	if id.Kind == "RoleBinding" {
		where = "in namespace " + id.Namespace
	}
	severity, detail := plan.Medium, fmt.Sprintf("%s gives %s to %s, %s.", id, role, words(added), where)
	switch {
	case len(all) > 0:
		severity = plan.High
		detail += fmt.Sprintf(" %s is everyone who can reach the API server as such.", words(all))
	case role == "ClusterRole cluster-admin":
		if id.Kind == "ClusterRoleBinding" {
			severity = plan.High
		}
		detail += " That is every permission there is."
	case item.Before == nil:
		return // a new binding of a role to someone is what installing is made of
	}
	if other {
		detail += fmt.Sprintf(" Before, it gave %s.", was)
	}
	a.add(riskcode.RBACSubjects, severity, item, []string{"subjects"}, detail)
}

func subjectsOf(o object.Object) []string {
	var out []string
	for _, s := range objects(o["subjects"]) {
		name := str(s, "name")
		if namespace := str(s, "namespace"); namespace != "" {
			name = namespace + "/" + name
		}
		out = append(out, str(s, "kind")+" "+name)
	}
	return out
}

// serviceAccount tells of a ServiceAccount whose token is mounted into its pods from
// now on.
func (a *assessment) serviceAccount(item *Item) {
	id := item.Change.ID
	if id.Group != "" || id.Kind != "ServiceAccount" || !item.stays() {
		return
	}
	const member = "automountServiceAccountToken"
	was, set := item.Before[member].(bool)
	if now, isSet := item.After[member].(bool); !set || was || isSet && !now {
		return
	}
	a.add(riskcode.ServiceAccountToken, plan.Low, item, []string{member}, fmt.Sprintf(
		"Pods that run as %s and do not say otherwise get its token from their next start, and with it whatever the account may do.", id))
}
