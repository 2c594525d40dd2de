package admission

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gantrycd/gantry/plan/object"
)

// match is which requests a policy, or a binding, is for.
type match struct {
	rules, excluded []v1.NamedRuleWithOperations
	exact           bool // rules are for the very versions that they name
	namespaces      labels.Selector
	objects         labels.Selector
}

func selectorOf(selector *metav1.LabelSelector) (labels.Selector, error) {
	if selector == nil {
		return labels.Everything(), nil
	}
	return metav1.LabelSelectorAsSelector(selector)
}

// compileMatch reads match resources. What is wrong with them is told with where it is.
func compileMatch(at string, resources *v1.MatchResources) (*match, []error) {
	out := &match{namespaces: labels.Everything(), objects: labels.Everything()}
	if resources == nil {
		return out, nil
	}
	var errs []error
	var err error
	if out.namespaces, err = selectorOf(resources.NamespaceSelector); err != nil {
		errs = append(errs, fmt.Errorf("%s.namespaceSelector: %w", at, err))
		out.namespaces = labels.Nothing()
	}
	if out.objects, err = selectorOf(resources.ObjectSelector); err != nil {
		errs = append(errs, fmt.Errorf("%s.objectSelector: %w", at, err))
		out.objects = labels.Nothing()
	}
	out.rules, out.excluded = resources.ResourceRules, resources.ExcludeResourceRules
	if policy := resources.MatchPolicy; policy != nil {
		switch *policy {
		case v1.Exact:
			out.exact = true
		case v1.Equivalent:
		default:
			errs = append(errs, fmt.Errorf("%s.matchPolicy %q is neither Exact nor Equivalent", at, *policy))
		}
	}
	for _, list := range []struct {
		name  string
		rules []v1.NamedRuleWithOperations
	}{{"resourceRules", out.rules}, {"excludeResourceRules", out.excluded}} {
		for i, rule := range list.rules {
			if len(rule.Operations) == 0 || len(rule.APIGroups) == 0 || len(rule.APIVersions) == 0 || len(rule.Resources) == 0 {
				errs = append(errs, fmt.Errorf("%s.%s[%d] needs apiGroups, apiVersions, operations and resources", at, list.name, i))
			}
		}
	}
	return out, errs
}

func (m *match) needsNamespaces() bool { return m != nil && !m.namespaces.Empty() }

// mayMatch tells quickly that a request is none of the policy's, by its resource and
// operation.
func (m *match) mayMatch(r *Request) bool {
	if len(m.rules) == 0 {
		return true
	}
	return slices.ContainsFunc(m.rules, func(rule v1.NamedRuleWithOperations) bool {
		return matchesRule(&rule, r) != no
	})
}

// answer is whether a rule is for a request.
type answer int

const (
	no answer = iota
	yes
	// perhaps: the rule names other versions, and the server matches those that it can
	// convert the object to.
	perhaps
)

// matchesRule is the API server's matching of rules, but for other versions.
func matchesRule(rule *v1.NamedRuleWithOperations, r *Request) answer {
	if !inScope(rule.Scope, r) || !oneOf(rule.APIGroups, r.Kind.Group) ||
		!slices.ContainsFunc(rule.Operations, func(op v1.OperationType) bool { return op == v1.OperationAll || string(op) == string(r.Operation) }) ||
		!slices.ContainsFunc(rule.Resources, func(text string) bool {
			resource, sub, _ := strings.Cut(text, "/")
			return (resource == "*" || resource == r.Resource) && (sub == "*" || sub == r.Subresource)
		}) || len(rule.ResourceNames) > 0 && !slices.Contains(rule.ResourceNames, r.Name) {
		return no
	}
	if oneOf(rule.APIVersions, r.Kind.Version) {
		return yes
	}
	return perhaps
}

func oneOf(items []string, value string) bool {
	return slices.Contains(items, "*") || slices.Contains(items, value)
}

func inScope(scope *v1.ScopeType, r *Request) bool {
	inNone := r.Namespace == "" || isNamespace(r)
	switch {
	case scope == nil || *scope == v1.AllScopes:
		return true
	case *scope == v1.NamespacedScope:
		return !inNone
	}
	return *scope == v1.ClusterScope && inNone
}

func isNamespace(r *Request) bool { return r.Kind.Group == "" && r.Resource == "namespaces" }

// matches reports whether a request is matched; the error says why that cannot be told
// here.
func (m *match) matches(a *asking) (bool, error) {
	if m == nil {
		return true, nil
	}
	r := a.request
	if !m.namespaces.Empty() && (r.Namespace != "" || isNamespace(r)) && !m.namespaces.Matches(labels.Set(a.namespaceLabels())) {
		return false, nil
	}
	if !m.objects.Empty() && !selects(m.objects, r.Object) && !selects(m.objects, r.Old) {
		return false, nil
	}
	for i := range m.excluded {
		if matchesRule(&m.excluded[i], r) == yes {
			return false, nil
		}
	}
	if len(m.rules) == 0 {
		return true, nil
	}
	var other *v1.NamedRuleWithOperations
	for i := range m.rules {
		switch matchesRule(&m.rules[i], r) {
		case yes:
			return true, nil
		case perhaps:
			other = &m.rules[i]
		case no:
		}
	}
	if other == nil || m.exact {
		return false, nil
	}
	return false, unsupported(fmt.Sprintf("it is asked about %s in %s, and the object is written in %s: only the server can convert it. Name %s in apiVersions, or set matchPolicy: Exact",
		r.Resource, strings.Join(other.APIVersions, ", "), r.Kind.Version, r.Kind.Version))
}

func selects(selector labels.Selector, o object.Object) bool {
	return o != nil && selector.Matches(labels.Set(o.Labels()))
}

// unsupported is why something cannot be judged on this machine.
type unsupported string

func (u unsupported) Error() string { return string(u) }

// Namespaces are a cluster's, by name.
type Namespaces map[string]*corev1.Namespace

// nameLabel is the label that every namespace has.
const nameLabel = corev1.LabelMetadataName

// namespace is that of the request; nil where it is in none. One that nobody knows has
// nothing but the label that the server gives it.
func (a *asking) namespace() *corev1.Namespace {
	name := a.request.Namespace
	if name == "" || isNamespace(a.request) {
		return nil
	}
	if a.inside == nil {
		a.inside = a.namespaces[name]
	}
	if a.inside == nil {
		a.inside = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{nameLabel: name}}}
	}
	return a.inside
}

func (a *asking) namespaceLabels() map[string]string {
	r := a.request
	if !isNamespace(r) {
		return a.namespace().Labels
	}
	o := r.Object
	if r.Operation == Delete {
		o = r.Old
	}
	return o.Labels()
}

// NamespaceOf reads a Namespace.
func NamespaceOf(o object.Object) (*corev1.Namespace, error) {
	out := &corev1.Namespace{}
	if err := fromObject(o, out); err != nil {
		return nil, fmt.Errorf("the Namespace %s: %w", o.Name(), err)
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	out.Labels[nameLabel] = out.Name
	return out, nil
}
