package kubernetes_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// These tests run against the real API server.

const manager = "gantry"

var (
	configMapKind  = object.GVK{Version: "v1", Kind: "ConfigMap"}
	secretKind     = object.GVK{Version: "v1", Kind: "Secret"}
	serviceKind    = object.GVK{Version: "v1", Kind: "Service"}
	namespaceKind  = object.GVK{Version: "v1", Kind: "Namespace"}
	deploymentKind = object.GVK{Group: "apps", Version: "v1", Kind: "Deployment"}
)

// live is a cluster and a namespace of the test.
type live struct {
	providers.Cluster
	t         *testing.T
	namespace string
}

// connect connects to the shared cluster, in a namespace of the test.
func connect(t *testing.T, options kubernetes.Options) live {
	t.Helper()
	return connectTo(t, clustertest.Shared(t), options)
}

func connectTo(t *testing.T, cluster clustertest.Cluster, options kubernetes.Options) live {
	t.Helper()
	connected, err := kubernetes.New(options).Connect("test", target.Connection{Kubeconfig: cluster.Kubeconfig}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	l := live{Cluster: connected, t: t, namespace: namespaceName(t)}
	l.apply(l.request(namespaceKind, l.namespace, nil))
	t.Cleanup(func() {
		// The test's context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		resource, err := l.Resource(ctx, namespaceKind)
		if err == nil {
			err = l.Delete(ctx, providers.DeleteRequest{Resource: resource, Name: l.namespace})
		}
		var ending *providers.ConflictError // of a namespace that the test itself deleted
		if err != nil && !errors.Is(err, providers.ErrNotFound) && !errors.As(err, &ending) {
			t.Errorf("deleting the namespace of the test: %v", err)
		}
	})
	return l
}

// namespaceCount makes the names of namespaces differ within a process.
var namespaceCount atomic.Int64

func namespaceName(t *testing.T) string {
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	return fmt.Sprintf("%.40s-%d-%d", name, os.Getpid(), namespaceCount.Add(1))
}

func (l live) resource(gvk object.GVK) providers.Resource {
	l.t.Helper()
	resource, err := l.Resource(l.t.Context(), gvk)
	if err != nil {
		l.t.Fatal(err)
	}
	return resource
}

// request is one to apply an object of a name, with some fields beside its
// metadata.
func (l live) request(gvk object.GVK, name string, fields object.Object) providers.ApplyRequest {
	l.t.Helper()
	resource := l.resource(gvk)
	o := object.Object{"apiVersion": gvk.APIVersion(), "kind": gvk.Kind, "metadata": map[string]any{"name": name}}
	if resource.Namespaced {
		o.Metadata()["namespace"] = l.namespace
	}
	for key, value := range fields {
		o[key] = value
	}
	return providers.ApplyRequest{Resource: resource, Object: o, Manager: manager}
}

func (l live) configMap(name string, data map[string]any) providers.ApplyRequest {
	l.t.Helper()
	return l.request(configMapKind, name, object.Object{"data": data})
}

func (l live) apply(r providers.ApplyRequest) object.Object {
	l.t.Helper()
	result, err := l.Apply(l.t.Context(), r)
	if err != nil {
		l.t.Fatal(err)
	}
	return result.Object
}

func (l live) get(gvk object.GVK, name string) (object.Object, error) {
	l.t.Helper()
	return l.Get(l.t.Context(), l.resource(gvk), l.namespace, name)
}

// restConfig is how the administrator of a cluster reaches it.
func restConfig(t *testing.T, cluster clustertest.Cluster) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// eventually waits for a condition, and fails with what it last said.
func eventually(t *testing.T, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still, after a minute: %v", err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(err)
		}
	}
}
