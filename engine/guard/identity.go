package guard

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/target"
)

// unknownServer is a server that no pattern matches: who is acted as is not guessed.
const unknownServer = "\x00"

// Identity is as whom an application speaks to a cluster; nil where the project names
// nobody. Where it names some and none is for the destination, or the one that is comes to
// nobody, that is a problem: nothing is sent in another name. The server is that which the cluster's block names, or
// empty: patterns of servers then match nothing.
func (r *Rules) Identity(cluster, server, namespace string) (*target.Impersonation, []plan.Problem) {
	if r == nil || len(r.project.Identities) == 0 {
		return nil, nil
	}
	if r.broken != nil {
		return nil, r.broken
	}
	if server == "" {
		server = unknownServer
	}
	for i := range r.identities {
		if !r.identities[i].covers(cluster, server, namespace) {
			continue
		}
		rule := &r.project.Identities[i]
		as, why := actsAs(rule, namespace)
		if why != "" {
			return nil, r.problems("No identity for the destination", rule.Range, fmt.Sprintf("%s: %s", r.project.Address, why))
		}
		return as, nil
	}
	return nil, r.problems("No identity for the destination", r.project.Range, fmt.Sprintf(
		"%s says as whom requests are made, and none of its identity blocks is for the namespace %q in the cluster %q: nothing is sent. Add one for it.",
		r.project.Address, namespace, cluster))
}

// actsAs is whom an identity block names, or why it names nobody.
func actsAs(rule *plan.ActsAs, namespace string) (*target.Impersonation, string) {
	if rule.ServiceAccount == "" {
		as := &target.Impersonation{User: rule.User, Groups: rule.Groups}
		if err := as.Check(); err != nil {
			return nil, fmt.Sprintf("%s. Nothing is sent. Correct the identity block.", err)
		}
		return as, ""
	}
	in, name, qualified := strings.Cut(rule.ServiceAccount, ":")
	if !qualified {
		in, name = namespace, rule.ServiceAccount
	}
	as := &target.Impersonation{User: "system:serviceaccount:" + in + ":" + name}
	if err := as.Check(); in == "" || name == "" || err != nil || strings.Contains(name, ":") {
		return nil, fmt.Sprintf("the service account %q cannot be told: write it as \"namespace:name\", or as a name where the destination has a namespace. Nothing is sent.", rule.ServiceAccount)
	}
	return as, ""
}
