// Package policy judges the changes of a plan by its policies: expressions of the
// language, and ValidatingAdmissionPolicies of Kubernetes, with scopes, exemptions and
// levels of enforcement.
//
// It works on rules as a plan carries them, so that the same code judges when the plan is
// made and when it is applied. It has no clock, asks no cluster, and decides nothing about
// what a violation means for an application: the engine does. Only engine imports it.
package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrycd/gantry/engine/policy/admission"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/zclconf/go-cty/cty"
)

// Application is what policies may know of an application.
type Application struct {
	Address                  addr.Address
	Name, Project, Namespace string
	Labels, Info             map[string]string
	Cluster                  Cluster

	once  sync.Once
	value cty.Value
}

// Cluster is what policies may know of an application's cluster.
type Cluster struct {
	Name, Server        string
	Labels, Annotations map[string]string
}

// Case is one change that policies are asked about. Its objects hold nothing that must not
// be seen, and must not be changed.
type Case struct {
	Application *Application
	Change      *plan.Change
	Before      object.Object // as it is in the cluster; nil where it is not there
	After       object.Object // as it will be; nil where it goes
	// Asked: the API server has been asked about this very change.
	Asked bool
}

// World is what admission policies look at beside the object, of one cluster.
type World struct {
	Namespaces admission.Namespaces
	// Policies are the cluster's own, as the plan leaves them; nil for none. Changed tells
	// which of them the plan changes.
	Policies *admission.Set
	Changed  map[string]bool
}

// Set is policies, ready to be asked. It is safe for concurrent use.
type Set struct {
	rules  []*rule
	asking sync.Map      // what is asked of changes, *asked by what, each found once
	limit  time.Duration // how long the policies may take over one change
}

// longest is how long all policies may take over one change. They take less than a
// thousandth of it, but nothing keeps loops in loops from taking years.
const longest = 30 * time.Second

// what is what alone decides of a change which policies could be asked about it, but for
// their scopes.
type what struct {
	kind   object.GroupKind
	action plan.Action
}

// asked are the policies that could be asked about changes of a kind, in their order, and
// what their expressions look at.
type asked struct {
	rules []*rule
	parts *late.Parts
}

// asked returns the policies that could be asked about a change, but for their scopes.
func (s *Set) asked(c *plan.Change) *asked {
	key := what{c.ID.GroupKind(), c.Action}
	if known, ok := s.asking.Load(key); ok {
		return known.(*asked)
	}
	out := &asked{}
	var expressions []late.Expression
	for _, r := range s.rules {
		if r.isFor(c) {
			out.rules = append(out.rules, r)
			if r.expression != nil {
				expressions = append(expressions, r.expression.Violated, r.expression.Message)
			}
		}
	}
	out.parts = late.PartsOf(expressions...)
	s.asking.Store(key, out)
	return out
}

// rule is one policy that is ready to be asked.
type rule struct {
	*plan.Policy
	scope      scope
	kinds      kinds
	actions    map[plan.Action]bool
	expression *govern.Policy // nil for admission policies
	admission  *admission.Set // nil where the manifests have none
	exemptions []exemption
	passed     *passed // nil where what it says depends on more than the object
	// endless: it did not come to an end once, and is not asked again.
	endless atomic.Bool
}

// Error is why a policy cannot be used.
type Error struct {
	Policy *plan.Policy
	Err    error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Policy.Address, e.Err) }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Compile makes policies ready. What is wrong with some of them is told of each, and then
// there is no set: a policy that cannot be used must not be passed over.
func Compile(policies []plan.Policy) (*Set, []*Error) {
	out := &Set{limit: longest}
	var errs []*Error
	compilers := &admission.Compilers{}
	for i := range policies {
		made, err := compile(&policies[i], compilers)
		if err != nil {
			errs = append(errs, &Error{&policies[i], err})
			continue
		}
		out.rules = append(out.rules, made)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return out, nil
}

func compile(p *plan.Policy, compilers *admission.Compilers) (*rule, error) {
	switch p.Enforcement {
	case plan.PolicyDeny, plan.PolicyWarn, plan.PolicyApprove:
	default:
		return nil, fmt.Errorf("%q is none of deny, warn and approve", p.Enforcement)
	}
	out := &rule{Policy: p, actions: map[plan.Action]bool{}}
	var errs [3]error
	out.scope, errs[0] = compileScope(p.PolicyScope)
	out.kinds, errs[1] = compileKinds(p.Kinds)
	out.exemptions, errs[2] = compileExemptions(p.Exemptions)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	for _, action := range p.Actions {
		out.actions[action] = true
	}
	if len(p.Violated) > 0 {
		out.expression = &govern.Policy{Address: p.Address}
		for _, one := range []struct {
			text json.RawMessage
			into *late.Expression
		}{{p.Violated, &out.expression.Violated}, {p.Message, &out.expression.Message}} {
			if len(one.text) == 0 {
				continue
			}
			if err := json.Unmarshal(one.text, one.into); err != nil {
				return nil, err
			}
		}
		if out.expression.Violated.IsZero() {
			return nil, errors.New("it has no expression that says whether it is violated")
		}
		out.passed = passedOf(out.expression.Violated)
		return out, nil
	}
	if len(p.Manifests) == 0 && !p.ClusterPolicies {
		return nil, errors.New("it has neither an expression nor admission policies")
	}
	if len(p.Manifests) > 0 {
		var err error
		if out.admission, err = compilers.Compile(p.Manifests); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Empty reports whether there is nothing to ask.
func (s *Set) Empty() bool { return s == nil || len(s.rules) == 0 }

// AsksClusters reports whether the admission policies of clusters are asked.
func (s *Set) AsksClusters() bool {
	for _, r := range s.rules {
		if r.ClusterPolicies {
			return true
		}
	}
	return false
}

// NeedsNamespaces reports whether policies look at the namespaces of objects. Those of
// clusters may, too.
func (s *Set) NeedsNamespaces() bool {
	for _, r := range s.rules {
		if r.ClusterPolicies || r.admission != nil && r.admission.NeedsNamespaces() {
			return true
		}
	}
	return false
}

// Applies reports whether a policy could be asked about a change: by its kind, its action
// and its application.
func (s *Set) Applies(app *Application, c *plan.Change) bool {
	one := Case{Application: app, Change: c}
	for _, r := range s.asked(c).rules {
		if r.scope.match(&one) {
			return true
		}
	}
	return false
}

// isFor reports whether a policy is for a change, by its kind and its action.
func (r *rule) isFor(c *plan.Change) bool {
	if r.expression != nil {
		return r.actions[c.Action] && r.kinds.match(c.ID)
	}
	return c.Action.Changes()
}

// askAdmission asks a rule's admission policies about a request. Of the cluster's own, the
// server has asked those that the plan leaves alone, where it was asked itself.
func (r *rule) askAdmission(ctx context.Context, c *Case, request *admission.Request, world *World) []admission.Violation {
	var out []admission.Violation
	if r.admission != nil {
		out = r.admission.Judge(ctx, request, world.Namespaces, nil)
	}
	if !r.ClusterPolicies || world.Policies == nil {
		return out
	}
	return append(out, world.Policies.Judge(ctx, request, world.Namespaces, func(name string) bool { return !c.Asked || world.Changed[name] })...)
}

// result is a violation as the plan has it.
func (r *rule) result(c *Case, now time.Time, v admission.Violation) plan.PolicyResult {
	out := plan.PolicyResult{
		Policy: r.Address.String(), Rule: v.Policy, Binding: v.Binding, Enforcement: r.Enforcement, Object: c.Change.ID, Action: c.Change.Action,
		Message: v.Message, Failed: v.Failed, Range: r.Range, Source: c.Change.Origin,
	}
	if !v.Deny {
		out.Enforcement = plan.PolicyWarn
	}
	if out.Enforcement == plan.PolicyApprove {
		out.Approvals = r.Approvals
	}
	var ended *exemption
	for i := range r.exemptions {
		e := &r.exemptions[i]
		if !e.match(c, v.Policy) {
			continue
		}
		if e.Until.IsZero() || now.Before(e.Until) {
			out.Exempt, out.Until, out.Range = e.Reason, e.Until, e.Range
			return out
		}
		ended = e
	}
	if ended != nil {
		out.Message += fmt.Sprintf(" (It was exempt until %s: %s.)", ended.Until.UTC().Format(time.RFC3339), ended.Reason)
	}
	return out
}
