// Package bootstrap writes down what a cluster must know so that plans and applies are made
// under two identities: a planner, which reads and asks by dry run and can write nothing,
// and an applier. It makes Kubernetes objects for an administrator to read and to apply; it
// reaches no cluster and changes nothing.
//
// Two things hold the planner, and each would do for what it covers. Its roles name kinds
// and no subresources, and no verb that lends rights: escalate, bind, impersonate. A
// ValidatingAdmissionPolicy refuses whatever of it is no dry run. What such a policy does
// not guard, the roles leave out: the kinds of admission themselves, and what another
// server than Kubernetes' own serves. What the planner cannot be told of for that, a plan
// predicts.
//
// What runs a planner in the cluster, for those who ask without credentials of it, is a
// Workload.
//
// It is imported by the command line.
package bootstrap

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/engine/remoteplan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Identity is who the API server takes someone for. Exactly one of ServiceAccount, User and
// Group is set.
type Identity struct {
	ServiceAccount string // NAMESPACE/NAME; it is made with the roles
	User           string // as the server names a user, of OpenID Connect with its prefix
	Group          string
}

// Options are what roles are made for.
type Options struct {
	Name             string // the beginning of the names of all objects: "gantry"
	Planner, Applier Identity
	// Kinds are those that are planned and applied, each once; their versions do not matter.
	Kinds []providers.Resource
	// Served are the kinds that the planner reads beside them, to tell what depends on what
	// changes; Secrets among them are left out.
	Served []providers.Resource
	// Extensions are the API groups that another server than Kubernetes' own serves: a
	// policy does not guard these, so that the planner may only read them.
	Extensions []string
	// Namespaces are where rights to namespaced kinds are given; none is everywhere.
	Namespaces []string
	// Secrets are the names that the planner may read and ask about, by namespace.
	Secrets map[string][]string
	// StateNamespace is where the state is kept, in Secrets; empty where it is elsewhere.
	StateNamespace string
	// RequestsNamespace is where requests for plans are left, in Secrets, and nothing else is
	// kept; empty where they are elsewhere, or in the state.
	RequestsNamespace string
}

// plannedKeys begin the keys of the state that the planner itself may write: plans for
// others to fetch, what it records of pull requests, and its answers to requests.
func plannedKeys() []string {
	return []string{"planned/", "approvals/pulls/", "approvals/commits/", remoteplan.Prefix + "/"}
}

// admission is the group of the kinds that no admission policy guards.
const admission = "admissionregistration.k8s.io"

// rbac is the group of roles, which grant rights.
const rbac = "rbac.authorization.k8s.io"

// isVirtual reports whether a group is of what is asked and never kept; policies are not
// asked about it.
func isVirtual(group string) bool {
	return group == "authentication.k8s.io" || group == "authorization.k8s.io"
}

var named = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$`)

// Objects returns the objects, in an order in which they can be applied.
func Objects(o Options) ([]object.Object, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	out := append(o.accounts(), o.policy()...) // which holds the planner before it has rights
	for _, role := range []struct {
		suffix        string
		to            Identity
		inAll, within []rule
	}{
		{"planner", o.Planner, o.plannerRules(false), o.plannerRules(true)},
		{"applier", o.Applier, o.applierRules(false), o.applierRules(true)},
	} {
		out = append(out, o.grant(o.Name+"-"+role.suffix, role.to, role.inAll, role.within)...)
	}
	out = append(out, o.secretRoles()...)
	return append(out, o.stateRoles()...), nil
}

func (o *Options) check() error {
	var errs []error
	if !named.MatchString(o.Name) {
		errs = append(errs, fmt.Errorf("%q cannot begin the names of objects: it is lower-case letters, digits and '-', at most 40", o.Name))
	}
	for _, who := range []struct {
		is string
		Identity
	}{{"the planner", o.Planner}, {"the applier", o.Applier}} {
		if err := who.check(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", who.is, err))
		}
	}
	if o.Planner == o.Applier {
		errs = append(errs, errors.New("the planner and the applier are the same identity, which could then apply nothing: give each its own"))
	}
	if len(o.Kinds) == 0 {
		errs = append(errs, errors.New("there is no kind to give rights to"))
	}
	return errors.Join(errs...)
}

func (i Identity) check() error {
	given := 0
	for _, one := range []string{i.ServiceAccount, i.User, i.Group} {
		if one != "" {
			given++
		}
		if strings.ContainsFunc(one, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%q holds a control character", one)
		}
	}
	if given != 1 {
		return errors.New("say one of a service account, a user and a group")
	}
	switch i.Group {
	case "system:masters", "system:authenticated", "system:unauthenticated", "system:serviceaccounts":
		return fmt.Errorf("the group %s is not of one identity, and would take everybody's rights with it", i.Group)
	}
	if i.ServiceAccount != "" {
		namespace, name, ok := strings.Cut(i.ServiceAccount, "/")
		if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
			return fmt.Errorf("%q is not of the form NAMESPACE/NAME", i.ServiceAccount)
		}
	}
	return nil
}

// subject is the identity in a binding.
func (i Identity) subject() map[string]any {
	switch {
	case i.ServiceAccount != "":
		namespace, name, _ := strings.Cut(i.ServiceAccount, "/")
		return map[string]any{"kind": "ServiceAccount", "namespace": namespace, "name": name}
	case i.User != "":
		return map[string]any{"apiGroup": rbac, "kind": "User", "name": i.User}
	default:
		return map[string]any{"apiGroup": rbac, "kind": "Group", "name": i.Group}
	}
}

// accounts are the service accounts, and the namespaces that they are in.
func (o *Options) accounts() []object.Object {
	var namespaces, accounts []object.Object
	seen := map[string]bool{}
	for _, who := range []Identity{o.Planner, o.Applier} {
		namespace, name, ok := strings.Cut(who.ServiceAccount, "/")
		if !ok {
			continue
		}
		if !seen[namespace] {
			seen[namespace] = true
			namespaces = append(namespaces, made("v1", "Namespace", "", namespace))
		}
		accounts = append(accounts, made("v1", "ServiceAccount", namespace, name))
	}
	return append(namespaces, accounts...)
}

// made is an object with nothing but its identity.
func made(apiVersion, kind, namespace, name string) object.Object {
	metadata := map[string]any{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	return object.Object{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}
}

// isSecret reports whether a kind is the one of Secrets.
func isSecret(r providers.Resource) bool {
	return r.GVK.GroupKind() == object.GroupKind{Kind: "Secret"}
}

// asks reports whether the planner may ask about a kind by dry run.
func (o *Options) asks(r providers.Resource) bool {
	group := r.GVK.Group
	return group != admission && group != rbac && !isVirtual(group) && !slices.Contains(o.Extensions, group) && !isSecret(r)
}
