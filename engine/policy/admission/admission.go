// Package admission judges objects by ValidatingAdmissionPolicies of Kubernetes on this
// machine, as the API server will: match constraints, conditions, variables, parameters,
// CEL expressions with their limits of cost, messages and failure policies.
//
// The expressions are compiled and evaluated by the API server's own library
// (k8s.io/apiserver/pkg/admission/plugin/cel), of which this package is the only home.
// What only a server knows fails closed, whatever the failure policy: who asks
// (request.userInfo), what they may do (authorizer), and the object in another version
// than it is written in. Only engine and what is below it import the package.
package admission

import (
	"context"

	"github.com/gantrycd/gantry/plan/object"
)

// Operation is what is asked of an API server.
type Operation string

// The operations that policies are asked about.
const (
	Create Operation = "CREATE"
	Update Operation = "UPDATE"
	Delete Operation = "DELETE"
)

// Request is what an API server would be asked. Its objects must not be changed once it is
// judged, and it must be judged by one goroutine at a time.
type Request struct {
	Kind        object.GVK
	Resource    string // plural, lower-case: "deployments"
	Subresource string // "scale", "status"; empty is the object itself
	Namespace   string // empty where the object is in none
	Name        string
	Operation   Operation
	Object      object.Object // nil where it is deleted
	Old         object.Object // nil where it is created

	seen *seen // nil until it is judged first
}

// Violation is what one policy has against a request.
type Violation struct {
	Policy  string // the name of the ValidatingAdmissionPolicy
	Binding string // of the binding that has it asked; empty where the policy as a whole is wrong
	Message string
	// Deny: the server would refuse the request; otherwise it would warn, or note it in its
	// audit log.
	Deny bool
	// Failed: the policy could not be evaluated, which is the reason.
	Failed bool
}

// Set is policies with their bindings and parameters, compiled. It is immutable, and safe
// for concurrent use.
type Set struct {
	policies []*policy // sorted by name
	params   parameters
}

// Policies returns the names of the policies, sorted.
func (s *Set) Policies() []string {
	out := make([]string, len(s.policies))
	for i, p := range s.policies {
		out[i] = p.name
	}
	return out
}

// NeedsNamespaces reports whether what a request comes to depends on the labels, or other
// fields, of its namespace.
func (s *Set) NeedsNamespaces() bool {
	for _, p := range s.policies {
		if p.needsNamespaces {
			return true
		}
	}
	return false
}

// ParamKinds are the kinds of objects that the policies take as parameters, each once.
func (s *Set) ParamKinds() []object.GVK {
	var out []object.GVK
	known := map[object.GVK]bool{}
	for _, p := range s.policies {
		if p.paramKind != (object.GVK{}) && !known[p.paramKind] {
			known[p.paramKind] = true
			out = append(out, p.paramKind)
		}
	}
	return out
}

// WithParams returns the set with more objects that may be parameters; one that is there
// already is replaced.
func (s *Set) WithParams(objects []object.Object) *Set {
	return &Set{policies: s.policies, params: s.params.with(objects)}
}

// Judge returns what the policies have against a request, those that deny first; asked
// tells which policies are asked, by name, nil all. namespaces must have the namespace of
// the request, where it is known.
func (s *Set) Judge(ctx context.Context, r *Request, namespaces Namespaces, asked func(policy string) bool) []Violation {
	if r.isExempt() {
		return nil
	}
	var denied, warned []Violation
	var ask *asking
	for _, p := range s.policies {
		if !p.mayMatch(r) || asked != nil && !asked(p.name) {
			continue
		}
		if ask == nil {
			ask = &asking{request: r, namespaces: namespaces, params: s.params}
		}
		for _, v := range p.judge(ctx, ask) {
			if v.Deny {
				denied = append(denied, v)
			} else {
				warned = append(warned, v)
			}
		}
	}
	return append(denied, warned...)
}

// isExempt reports whether no policy is ever asked about a request: admission policies
// could lock themselves in otherwise.
func (r *Request) isExempt() bool {
	if r.Kind.Group != Group {
		return false
	}
	switch r.Kind.Kind {
	case "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", PolicyKind, BindingKind, "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding":
		return true
	}
	return false
}
