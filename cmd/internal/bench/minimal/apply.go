package minimal

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
)

// Namespaces makes namespaces.
func Namespaces(ctx context.Context, kubeconfig string, names []string) error {
	client, err := open(kubeconfig)
	if err != nil {
		return err
	}
	namespaces := make([]unstructured.Unstructured, len(names))
	for i, name := range names {
		namespaces[i].Object = map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}}
	}
	return client.applyAll(ctx, namespaces, "minimal", 8)
}

// open connects to a cluster, without a limit to the requests per second.
func open(kubeconfig string) (*client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return connect(config)
}

// Apply is the least that a client must do to bring objects into a cluster: it sends
// them by server-side apply, with a number of requests in flight at once. Their
// namespaces are there. It waits for nothing, records nothing, and returns how long the
// requests took: reading the objects and finding out about kinds is no part of it.
// namespaceOf names the namespace of what is in a YAML file of the folder.
func Apply(ctx context.Context, kubeconfig, folder, manager string, inFlight int, namespaceOf func(file string) string) (time.Duration, error) {
	var objects []unstructured.Unstructured
	err := eachFile(folder, func(file string, found []unstructured.Unstructured) {
		namespace := namespaceOf(file)
		for i := range found {
			found[i].SetNamespace(namespace)
		}
		objects = append(objects, found...)
	})
	if err != nil {
		return 0, err
	}
	client, err := open(kubeconfig)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	err = client.applyAll(ctx, objects, manager, inFlight)
	return time.Since(start), err
}

// applyAll sends objects, and ends with the first that is refused.
func (c *client) applyAll(ctx context.Context, objects []unstructured.Unstructured, manager string, inFlight int) error {
	resources := map[schema.GroupVersionKind]*meta.RESTMapping{}
	for _, gvk := range kinds(objects) {
		mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
		if err != nil {
			return err
		}
		resources[gvk] = mapping
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	next := make(chan *unstructured.Unstructured)
	var workers sync.WaitGroup
	for range inFlight {
		workers.Go(func() {
			for o := range next {
				if err := c.apply(ctx, resources[o.GroupVersionKind()], o, manager); err != nil {
					stop(fmt.Errorf("applying %s %s: %w", o.GetKind(), o.GetName(), err))
				}
			}
		})
	}
	for i := range objects {
		if ctx.Err() != nil {
			break
		}
		next <- &objects[i]
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

func (c *client) apply(ctx context.Context, mapping *meta.RESTMapping, o *unstructured.Unstructured, manager string) error {
	body, err := json.Marshal(o.Object)
	if err != nil {
		return err
	}
	force := false
	_, err = c.dynamic.Resource(mapping.Resource).Namespace(o.GetNamespace()).
		Patch(ctx, o.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: manager, Force: &force})
	return err
}
