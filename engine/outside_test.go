package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
)

// selecting is a cluster in memory that can select by the label app.
type selecting struct{ *memory.Cluster }

func (c selecting) Connect(string, target.Connection, target.Credentials) (providers.Cluster, error) {
	return c, nil
}

func (c selecting) List(ctx context.Context, resource providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, error) {
	label, ok := strings.CutPrefix(options.LabelSelector, "app=")
	if !ok {
		return nil, fmt.Errorf("the selector is %q", options.LabelSelector)
	}
	all, err := c.Cluster.List(ctx, resource, namespace, providers.ListOptions{})
	out := slices.DeleteFunc(all, func(o object.Object) bool { return o.Labels()["app"] != label })
	slices.Reverse(out) // in no order that could be relied on
	return out, err
}

// A generator reads its decisions of a cluster: by name, or all with certain labels.
func TestDecisionsAreReadOfClusters(t *testing.T) {
	t.Parallel()
	decision := func(name, label string, clusters ...any) object.Object {
		return object.Object{
			"apiVersion": "example.com/v1", "kind": "Decision",
			"metadata": map[string]any{"name": name, "namespace": "gantry", "labels": map[string]any{"app": label}},
			"status":   map[string]any{"decisions": clusters},
		}
	}
	cluster := memory.New(memory.Options{Name: "hub", Resource: func(gvk object.GVK) providers.Resource {
		return providers.Resource{GVK: gvk, Plural: strings.ToLower(gvk.Kind) + "s", Namespaced: true}
	}})
	resource, err := cluster.Resource(t.Context(), object.GVK{Group: "example.com", Version: "v1", Kind: "Decision"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []object.Object{
		decision("web-2", "web", map[string]any{"clusterName": "us"}), decision("web-1", "web", map[string]any{"clusterName": "eu"}),
		decision("api-1", "api", map[string]any{"clusterName": "us"}),
	} {
		if _, err := cluster.Create(t.Context(), providers.ApplyRequest{Resource: resource, Object: o, Manager: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	b := enginetest.New(t, map[string]string{"main.gantry.hcl": `
cluster "hub" {
  server = "https://hub.example.com"
}
cluster "eu" {
  server = "https://eu.example.com"
}
cluster "us" {
  server = "https://us.example.com"
}
generator "cluster_decision_resource" "selected" {
  cluster     = cluster.hub
  api_version = "example.com/v1"
  kind        = "Decision"
  namespace   = "gantry"
  selector {
    match_labels = { app = "web" }
  }
}
generator "cluster_decision_resource" "named" {
  cluster     = cluster.hub
  api_version = "example.com/v1"
  kind        = "Decision"
  namespace   = "gantry"
  name        = "api-1"
}
`})
	b.Wrap = func(providers.Clusters) providers.Clusters { return selecting{cluster} }
	config, diags := b.Config(t, b.Engine())
	enginetest.Check(t, diags)
	got := map[string][]string{}
	for _, g := range config.Generators {
		got[g.Address.Name] = g.Keys()
	}
	if diff := cmp.Diff(map[string][]string{"selected": {"eu", "us"}, "named": {"us"}}, got); diff != "" {
		t.Error(diff)
	}

	reader := b.Engine().Reader().(interface {
		lang.Reader
		lang.ResourceReader
		lang.PluginCaller
	})
	query := lang.ResourceQuery{Cluster: "hub", APIVersion: "example.com/v1", Kind: "Decision", Namespace: "gantry", LabelSelector: "app=web"}
	found, err := reader.ReadResources(t.Context(), query)
	if err != nil || len(found) != 2 || found[0].Name() != "web-1" {
		t.Errorf("got %v, %v", found, err)
	}
	query.Name, query.Namespace = "api-1", ""
	if _, err := reader.ReadResources(t.Context(), query); err == nil || !strings.Contains(err.Error(), "argument namespace") {
		t.Errorf("got %v", err)
	}
	query.Name, query.Namespace = "nothing", "gantry"
	if _, err := reader.ReadResources(t.Context(), query); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := reader.CallPlugin(t.Context(), lang.PluginCall{URL: "https://plugin.example.com"}); !errors.Is(err, providers.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
