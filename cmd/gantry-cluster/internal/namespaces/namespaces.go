// Package namespaces deletes namespaces with the code of Kubernetes' own
// controller and without its pauses: that waits five seconds before every look at
// a namespace, for the sake of several API servers, and half of the longest grace
// period of a pod, when here pods end at once.
package namespaces

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/pkg/controller/namespace/deletion"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/loop"
)

// Run deletes what is in namespaces that are to be deleted, and then them, until
// the context is done.
func Run(ctx context.Context, config *rest.Config, client kubernetes.Interface, log *slog.Logger) error {
	objects, err := metadata.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client for namespaces' contents: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Namespaces()
	lister := informer.Lister()
	discover := func() ([]*metav1.APIResourceList, error) {
		return client.Discovery().ServerPreferredNamespacedResources()
	}
	deleter := deletion.NewNamespacedResourcesDeleter(ctx, client.CoreV1().Namespaces(), objects, client.CoreV1(), discover, corev1.FinalizerKubernetes)

	pauses := loop.Pauses{First: 200 * time.Millisecond, Longest: 5 * time.Second}
	work := loop.New("namespace", log, informer.Informer(), pauses, func(ctx context.Context, name string) error {
		namespace, err := lister.Get(name)
		if err != nil || namespace.DeletionTimestamp == nil {
			return nil //nolint:nilerr // it is gone
		}
		return deleter.Delete(ctx, name)
	})
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	work.Run(ctx)
	factory.Shutdown()
	return nil
}
