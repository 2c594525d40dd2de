package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/plan/object"
)

// The API group of admission policies, and their kinds.
const (
	Group       = "admissionregistration.k8s.io"
	PolicyKind  = "ValidatingAdmissionPolicy"
	BindingKind = "ValidatingAdmissionPolicyBinding"
)

// Compile reads and compiles the policies and bindings among some objects; the others may
// be parameters. The error says everything that is wrong, and that the API server would
// refuse, too; the set is nil then.
func Compile(objects []object.Object) (*Set, error) { return new(Compilers).Compile(objects) }

// Compile is Compile, with what several sets share.
func (c *Compilers) Compile(objects []object.Object) (*Set, error) {
	set, errs := c.compileAll(objects)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return set, nil
}

// CompileLive compiles policies that a cluster has: what is wrong with one is no error
// here, and denies what it matches, as its failure policy says. A binding whose policy is
// not there is passed over.
func CompileLive(objects []object.Object) *Set {
	set, _ := new(Compilers).compileAll(objects)
	return set
}

func (c *Compilers) compileAll(objects []object.Object) (*Set, []error) {
	var errs []error
	set := &Set{}
	byName := map[string]*policy{}
	for _, o := range objects {
		if o.GVK().Group != Group || o.Kind() != PolicyKind {
			continue
		}
		made, problems := compilePolicy(o, c)
		errs = append(errs, prefixed(PolicyKind, o.Name(), problems)...)
		if made == nil {
			continue
		}
		if byName[made.name] != nil {
			errs = append(errs, fmt.Errorf("%s %q: there are two of that name", PolicyKind, made.name))
			continue
		}
		byName[made.name] = made
		set.policies = append(set.policies, made)
	}
	var params []object.Object
	for _, o := range objects {
		switch {
		case o.GVK().Group != Group || o.Kind() != PolicyKind && o.Kind() != BindingKind:
			params = append(params, o)
		case o.Kind() == BindingKind:
			errs = append(errs, prefixed(BindingKind, o.Name(), bind(o, byName))...)
		}
	}
	for _, p := range set.policies {
		if len(p.bindings) == 0 {
			errs = append(errs, fmt.Errorf("%s %q: no binding among the objects names it, so that it is never asked; add a %s with policyName: %s", PolicyKind, p.name, BindingKind, p.name))
		}
		slices.SortFunc(p.bindings, func(a, b *binding) int { return strings.Compare(a.name, b.name) })
	}
	slices.SortFunc(set.policies, func(a, b *policy) int { return strings.Compare(a.name, b.name) })
	set.params = set.params.with(params)
	return set, errs
}

func prefixed(kind, name string, errs []error) []error {
	out := make([]error, len(errs))
	for i, err := range errs {
		out[i] = fmt.Errorf("%s %q: %w", kind, name, err)
	}
	return out
}

// decode reads an object strictly: a mistyped field would be passed over otherwise.
func decode(o object.Object, into any) []error {
	switch o.GVK().Version {
	case "v1", "v1beta1":
	default:
		return []error{fmt.Errorf("the version %q is none of v1 and v1beta1", o.GVK().Version)}
	}
	text, err := json.Marshal(o)
	if err != nil {
		return []error{err}
	}
	problems, err := kjson.UnmarshalStrict(text, into)
	if err != nil {
		return []error{err}
	}
	return problems
}

// compilePolicy reads one policy. It is nil where it cannot be read at all.
func compilePolicy(o object.Object, compilers *Compilers) (*policy, []error) {
	var read v1.ValidatingAdmissionPolicy
	errs := decode(o, &read)
	spec := &read.Spec
	p := &policy{name: o.Name(), spec: spec, looks: map[string]bool{}}
	if spec.FailurePolicy != nil && *spec.FailurePolicy == v1.Ignore {
		p.ignores = true
	} else if spec.FailurePolicy != nil && *spec.FailurePolicy != v1.Fail {
		errs = append(errs, fmt.Errorf("spec.failurePolicy %q is neither Fail nor Ignore", *spec.FailurePolicy))
	}
	if spec.ParamKind != nil {
		group, version, grouped := strings.Cut(spec.ParamKind.APIVersion, "/")
		if !grouped {
			group, version = "", group
		}
		if p.paramKind = (object.GVK{Group: group, Version: version, Kind: spec.ParamKind.Kind}); version == "" || p.paramKind.Kind == "" {
			errs = append(errs, errors.New("spec.paramKind needs an apiVersion and a kind"))
		}
	}
	if spec.MatchConstraints == nil || len(spec.MatchConstraints.ResourceRules) == 0 {
		errs = append(errs, errors.New("spec.matchConstraints.resourceRules is empty: a policy must say what it is asked about"))
	}
	var problems []error
	p.match, problems = compileMatch("spec.matchConstraints", spec.MatchConstraints)
	errs = append(errs, problems...)
	if len(spec.Validations) == 0 && len(spec.AuditAnnotations) == 0 {
		errs = append(errs, errors.New("it has neither validations nor auditAnnotations"))
	}
	errs = append(errs, p.compile(compilers)...)
	p.needsNamespaces = p.needsNamespaces || p.match.needsNamespaces()
	p.broken = errors.Join(errs...)
	return p, errs
}

// bind reads one binding, and adds it to its policy.
func bind(o object.Object, policies map[string]*policy) []error {
	var read v1.ValidatingAdmissionPolicyBinding
	errs := decode(o, &read)
	spec := &read.Spec
	p := policies[spec.PolicyName]
	if p == nil {
		return append(errs, fmt.Errorf("spec.policyName is %q, and there is no such policy among the objects", spec.PolicyName))
	}
	b := &binding{name: o.Name(), paramRef: spec.ParamRef}
	for _, action := range spec.ValidationActions {
		switch action {
		case v1.Deny:
			b.denies = true
		case v1.Warn, v1.Audit:
			b.tells = true
		default:
			errs = append(errs, fmt.Errorf("spec.validationActions has %q, which is none of Deny, Warn and Audit", action))
		}
	}
	if len(spec.ValidationActions) == 0 {
		errs = append(errs, errors.New("spec.validationActions is empty: it must say what comes of a violation"))
	}
	if spec.MatchResources != nil {
		var problems []error
		b.match, problems = compileMatch("spec.matchResources", spec.MatchResources)
		errs = append(errs, problems...)
		p.needsNamespaces = p.needsNamespaces || b.match.needsNamespaces()
	}
	errs = append(errs, b.checkParams(p)...)
	b.broken = errors.Join(errs...)
	p.bindings = append(p.bindings, b)
	return errs
}

// checkParams holds that a binding's reference to parameters can be followed.
func (b *binding) checkParams(p *policy) []error {
	ref := b.paramRef
	switch {
	case p.paramKind == (object.GVK{}) && ref != nil:
		return []error{fmt.Errorf("it has a spec.paramRef, and the policy %q has no paramKind", p.name)}
	case ref == nil:
		return nil
	case (ref.Name == "") == (ref.Selector == nil):
		return []error{errors.New("spec.paramRef needs either a name or a selector")}
	case ref.ParameterNotFoundAction == nil || *ref.ParameterNotFoundAction != v1.AllowAction && *ref.ParameterNotFoundAction != v1.DenyAction:
		return []error{errors.New("spec.paramRef.parameterNotFoundAction must be Allow or Deny")}
	}
	if ref.Selector != nil {
		selector, err := selectorOf(ref.Selector)
		if err != nil {
			return []error{fmt.Errorf("spec.paramRef.selector: %w", err)}
		}
		b.params = selector
	}
	return nil
}
