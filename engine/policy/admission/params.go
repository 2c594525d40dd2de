package admission

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gantrycd/gantry/plan/object"
)

// parameters are objects that policies may take as parameters, by kind and by what they
// are.
type parameters map[object.GroupKind]map[object.ID]object.Object

func (p parameters) with(objects []object.Object) parameters {
	out := parameters{}
	for kind, known := range p {
		out[kind] = maps.Clone(known)
	}
	for _, o := range objects {
		id := o.ID()
		if out[id.GroupKind()] == nil {
			out[id.GroupKind()] = map[object.ID]object.Object{}
		}
		out[id.GroupKind()][id] = o
	}
	return out
}

// find returns the parameters that a binding names for a request: with nil where the
// policy is evaluated without, and none where it is not evaluated at all.
func (p parameters) find(kind object.GVK, b *binding, r *Request) ([]runtime.Object, error) {
	ref := b.paramRef
	if kind == (object.GVK{}) || ref == nil {
		return []runtime.Object{nil}, nil
	}
	known := p[kind.GroupKind()]
	namespaced := false
	for id := range known {
		namespaced = namespaced || id.Namespace != ""
	}
	namespace := ref.Namespace
	if namespaced && namespace == "" {
		if namespace = r.Namespace; namespace == "" {
			return nil, errors.New("its parameters are in the namespace of the object, and the object is in none")
		}
	}
	var found []object.Object
	for id, o := range known {
		if namespaced && id.Namespace != namespace || ref.Name != "" && id.Name != ref.Name {
			continue
		}
		if b.params == nil || b.params.Matches(labels.Set(o.Labels())) {
			found = append(found, o)
		}
	}
	if len(found) == 0 && *ref.ParameterNotFoundAction == v1.DenyAction {
		return nil, errors.New("no params found for policy binding with `Deny` parameterNotFoundAction")
	}
	slices.SortFunc(found, func(a, b object.Object) int { return strings.Compare(a.Name(), b.Name()) })
	out := make([]runtime.Object, len(found))
	for i, o := range found {
		out[i] = &unstructured.Unstructured{Object: o}
	}
	return out, nil
}

// fromObject reads an object into a type of Kubernetes.
func fromObject(o object.Object, into any) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
