package admission

import (
	"context"
	"errors"
	"fmt"
	"strings"

	celtypes "github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"

	"github.com/gantrycd/gantry/plan/object"
)

// asking is one request while policies are asked about it: what they look at is made once.
// It is of one goroutine.
type asking struct {
	request    *Request
	namespaces Namespaces
	params     parameters
	inside     *corev1.Namespace // nil where there is none, and until it is asked for
}

// seen is what expressions look at of a request.
type seen struct {
	attributes *admission.VersionedAttributes
	admission  *admissionv1.AdmissionRequest
}

func runtimeObject(o object.Object) runtime.Object {
	if o == nil {
		return nil // an untyped nil, where there is none
	}
	return &unstructured.Unstructured{Object: o}
}

// look returns what expressions look at, which is made once for all policies.
func (r *Request) look() *seen {
	if r.seen != nil {
		return r.seen
	}
	kind := schema.GroupVersionKind{Group: r.Kind.Group, Version: r.Kind.Version, Kind: r.Kind.Kind}
	resource := schema.GroupVersionResource{Group: r.Kind.Group, Version: r.Kind.Version, Resource: r.Resource}
	attributes := admission.NewAttributesRecord(runtimeObject(r.Object), runtimeObject(r.Old), kind, r.Namespace, r.Name, resource, r.Subresource, admission.Operation(r.Operation), nil, false, nil)
	out := &seen{attributes: &admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind}}
	if r.Object != nil {
		out.attributes.VersionedObject.Set(runtimeObject(r.Object))
	}
	if r.Old != nil {
		out.attributes.VersionedOldObject.Set(runtimeObject(r.Old))
	}
	out.admission = cel.CreateAdmissionRequest(attributes, metav1.GroupVersionResource(resource), metav1.GroupVersionKind(kind))
	r.seen = out
	return out
}

// judge asks the policy about a request, by all its bindings.
func (p *policy) judge(ctx context.Context, a *asking) []Violation {
	matched, err := p.match.matches(a)
	if err != nil {
		return []Violation{p.failed(nil, err, true)}
	}
	if !matched {
		return nil
	}
	if sub := a.request.Subresource; sub != "" {
		return []Violation{p.failed(nil, unsupported(fmt.Sprintf("it is asked about the subresource %q, whose object only the server knows", sub)), true)}
	}
	var out []Violation
	for _, b := range p.bindings {
		matched, err := b.match.matches(a)
		switch {
		case err != nil:
			out = append(out, p.failed(b, err, b.denies))
			continue
		case !matched:
			continue
		case p.broken != nil:
			out = append(out, p.failed(b, p.broken, b.denies && !p.ignores))
			continue
		case b.broken != nil:
			out = append(out, p.failed(b, b.broken, b.denies && !p.ignores))
			continue
		case p.unsupported != "":
			out = append(out, p.failed(b, unsupported("it uses "+p.unsupported), b.denies))
			continue
		}
		params, err := a.params.find(p.paramKind, b, a.request)
		if err != nil {
			out = append(out, p.failed(b, err, !p.ignores)) // whatever the binding does: so does the server
			continue
		}
		for _, param := range params {
			out = append(out, p.evaluate(ctx, a, b, param)...)
		}
	}
	return out
}

// failed is the violation of a policy that cannot be evaluated.
func (p *policy) failed(b *binding, err error, deny bool) Violation {
	out := Violation{Policy: p.name, Deny: deny, Failed: true, Message: "The policy could not be evaluated: " + err.Error()}
	if why := unsupported(""); errors.As(err, &why) {
		out.Message = "The policy cannot be evaluated on this machine, so that it denies: " + err.Error()
		if !deny {
			out.Message = "The policy cannot be evaluated on this machine: " + err.Error()
		}
	}
	if !strings.HasSuffix(out.Message, ".") {
		out.Message += "."
	}
	if b != nil {
		out.Binding = b.name
	}
	return out
}

// evaluate evaluates the policy with one parameter, which may be nil.
func (p *policy) evaluate(ctx context.Context, a *asking, b *binding, param runtime.Object) []Violation {
	attributes := a.request.look().attributes
	inputs := cel.OptionalVariableBindings{VersionedParams: param}
	fail := func(err error) []Violation { return []Violation{p.failed(b, err, b.denies && !p.ignores)} }
	if p.conditions != nil {
		applies, err := p.applies(ctx, a, inputs)
		if err != nil {
			return fail(err)
		}
		if !applies {
			return nil
		}
	}
	request, namespace := a.looked(p)
	results, left, err := p.validations.ForInput(p.variables(ctx), attributes, request, inputs, namespace, celconfig.RuntimeCELCostBudget)
	if err != nil {
		return fail(err)
	}
	// Messages share the budget of the validations, as in the API server.
	var messages []cel.EvaluationResult
	var messageErr error
	if p.messages != nil {
		messages, _, messageErr = p.messages.ForInput(p.variables(ctx), attributes, request, inputs, namespace, left)
	}
	var out []Violation
	for i, result := range results {
		switch {
		case result.Error != nil:
			out = append(out, p.failed(b, result.Error, b.denies && !p.ignores))
		case errors.Is(messageErr, apiservercel.ErrInternal) || errors.Is(messageErr, apiservercel.ErrOutOfBudget):
			out = append(out, p.failed(b, fmt.Errorf("failed messageExpression: %w", messageErr), b.denies && !p.ignores))
		case result.EvalResult != celtypes.True:
			out = append(out, Violation{Policy: p.name, Binding: b.name, Deny: b.denies, Message: p.message(i, messages)})
		}
	}
	annotations, _, err := p.annotations.ForInput(p.variables(ctx), attributes, request, inputs, namespace, celconfig.RuntimeCELCostBudget)
	if err != nil {
		return fail(err)
	}
	for _, result := range annotations {
		if result.Error != nil && !p.ignores {
			out = append(out, p.failed(b, result.Error, true)) // whatever the binding does: so does the server
		}
	}
	return out
}

// looked returns what the policy's expressions look at beside the object: what they do not
// is nil, for it would become a value for each of them.
func (a *asking) looked(p *policy) (request *admissionv1.AdmissionRequest, namespace *corev1.Namespace) {
	if p.looks[cel.RequestVarName] {
		request = a.request.look().admission
	}
	if p.looks[cel.NamespaceVarName] {
		namespace = cel.CreateNamespaceObject(a.namespace())
	}
	return request, namespace
}

// variables is the context in which expressions find the policy's variables. What these
// cost counts once for each use of it.
func (p *policy) variables(ctx context.Context) context.Context {
	if !p.looks[cel.VariableVarName] {
		return ctx
	}
	return p.compiler.CreateContext(ctx)
}

// applies evaluates the match conditions: one that is false decides, whatever fails.
func (p *policy) applies(ctx context.Context, a *asking, inputs cel.OptionalVariableBindings) (bool, error) {
	request, _ := a.looked(p)
	results, _, err := p.conditions.ForInput(p.variables(ctx), a.request.look().attributes, request, inputs, nil, celconfig.RuntimeCELCostBudgetMatchConditions)
	if err != nil {
		return false, err
	}
	var errs []error
	for _, result := range results {
		if result.Error != nil {
			errs = append(errs, result.Error)
		} else if result.EvalResult == celtypes.False {
			return false, nil
		}
	}
	return true, errors.Join(errs...)
}

// message is what the i-th validation says of an object that violates it: the first that
// there is of its messageExpression, its message and its expression.
func (p *policy) message(i int, messages []cel.EvaluationResult) string {
	if i < len(messages) && messages[i].Error == nil && messages[i].EvalResult != nil {
		if text, ok := messages[i].EvalResult.Value().(string); ok {
			text = strings.TrimSpace(text)
			if text != "" && len(text) <= celconfig.MaxEvaluatedMessageExpressionSizeBytes && !strings.Contains(text, "\n") {
				return text
			}
		}
	}
	validation := &p.spec.Validations[i]
	if text := strings.TrimSpace(validation.Message); text != "" {
		return text
	}
	return "failed expression: " + strings.TrimSpace(validation.Expression)
}
