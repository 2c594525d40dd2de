package clustertest

import (
	"context"
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"

	"github.com/gantrycd/gantry/plan/object"
)

// Writer writes objects as another program does: under the name of its field manager,
// by whichever verb it uses.
type Writer struct {
	t       testing.TB
	client  dynamic.Interface
	manager string
}

// As returns a Writer for a cluster under a field manager's name.
func (c Cluster) As(t testing.TB, manager string) Writer {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 200, 400
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return Writer{t, client, manager}
}

// Create sends an object by POST.
func (w Writer) Create(o object.Object) {
	w.t.Helper()
	_, err := w.resource(o).Create(w.context(), &unstructured.Unstructured{Object: o.DeepCopy()}, metav1.CreateOptions{FieldManager: w.manager})
	w.check(o, err)
}

// Update reads an object, changes it, and sends it back by PUT, again where a controller
// has written it meanwhile.
func (w Writer) Update(o object.Object, change func(live object.Object)) {
	w.t.Helper()
	w.check(o, retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		live, err := w.resource(o).Get(w.context(), o.Name(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(object.Object(live.Object))
		_, err = w.resource(o).Update(w.context(), live, metav1.UpdateOptions{FieldManager: w.manager})
		return err
	}))
}

// Merge sends a merge patch, of a subresource where one is named.
func (w Writer) Merge(o object.Object, patch map[string]any, subresources ...string) {
	w.t.Helper()
	text, err := json.Marshal(patch)
	w.check(o, err)
	_, err = w.resource(o).Patch(w.context(), o.Name(), types.MergePatchType, text, metav1.PatchOptions{FieldManager: w.manager}, subresources...)
	w.check(o, err)
}

// Apply sends an object by server-side apply, by force.
func (w Writer) Apply(o object.Object) {
	w.t.Helper()
	_, err := w.resource(o).Apply(w.context(), o.Name(), &unstructured.Unstructured{Object: o.DeepCopy()}, metav1.ApplyOptions{FieldManager: w.manager, Force: true})
	w.check(o, err)
}

func (w Writer) resource(o object.Object) dynamic.ResourceInterface {
	u := &unstructured.Unstructured{Object: o}
	plural, _ := meta.UnsafeGuessKindToResource(u.GroupVersionKind())
	if o.Namespace() == "" {
		return w.client.Resource(plural)
	}
	return w.client.Resource(plural).Namespace(o.Namespace())
}

func (w Writer) context() context.Context { return w.t.Context() }

func (w Writer) check(o object.Object, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s as %s: %s", o.ID(), w.manager, err)
	}
}

// Replace sends a whole object by PUT, and returns what the server has against it.
func (w Writer) Replace(o object.Object) error {
	w.t.Helper()
	_, err := w.resource(o).Update(w.context(), &unstructured.Unstructured{Object: o.DeepCopy()}, metav1.UpdateOptions{FieldManager: w.manager})
	return err
}
