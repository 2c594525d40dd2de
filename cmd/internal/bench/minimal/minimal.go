// Package minimal is the least that a client must do, which gantry is measured against.
//
// To know whether objects are as desired, Run lists them, takes what the manager owns
// out of each, and compares that with the desired object by the server's schema, one
// object after another with the plain calls of client-go and structured-merge-diff. To
// bring objects into a cluster, Apply sends them, many at once, and does nothing else.
// Only the benchmark imports it.
package minimal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Result is what it took. Reading the desired objects is no part of it.
type Result struct {
	Objects int
	List    time.Duration // discovery, schemas, and the lists
	Compare time.Duration
}

// pageSize is how many objects one answer has at most.
const pageSize = 500

// Run compares the objects that the YAML files of a folder and those below it have
// with what a cluster has of them, whatever their namespace. It returns an error
// where one is not there, or the manager owns nothing of it.
func Run(ctx context.Context, kubeconfig, folder, manager string) (Result, error) {
	desired, err := read(folder)
	if err != nil {
		return Result{}, err
	}
	start := time.Now()
	client, err := open(kubeconfig)
	if err != nil {
		return Result{}, err
	}
	types, err := client.types(desired)
	if err != nil {
		return Result{}, err
	}
	live := map[key]*unstructured.Unstructured{}
	for _, gvk := range kinds(desired) {
		if err := client.list(ctx, gvk, live); err != nil {
			return Result{}, fmt.Errorf("listing %s: %w", gvk, err)
		}
	}
	listed := time.Now()
	for i := range desired {
		have := live[keyOf(&desired[i])]
		if have == nil {
			return Result{}, fmt.Errorf("%s %s is not in the cluster", desired[i].GetKind(), desired[i].GetName())
		}
		if err := compare(types, &desired[i], have, manager); err != nil {
			return Result{}, fmt.Errorf("%s %s: %w", have.GetKind(), have.GetName(), err)
		}
	}
	return Result{Objects: len(desired), List: listed.Sub(start), Compare: time.Since(listed)}, nil
}

// key names an object; the names of the workload differ in all namespaces.
type key struct{ group, kind, name string }

func keyOf(o *unstructured.Unstructured) key {
	return key{o.GroupVersionKind().Group, o.GetKind(), o.GetName()}
}

// read reads the objects of all YAML files.
func read(folder string) ([]unstructured.Unstructured, error) {
	var out []unstructured.Unstructured
	err := eachFile(folder, func(_ string, found []unstructured.Unstructured) { out = append(out, found...) })
	return out, err
}

// eachFile reads the YAML files of a folder and those below it, one after another.
func eachFile(folder string, visit func(file string, found []unstructured.Unstructured)) error {
	return filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var found []unstructured.Unstructured
		documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
		for {
			var o unstructured.Unstructured
			err := documents.Decode(&o.Object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			found = append(found, o)
		}
		visit(path, found)
		return nil
	})
}

func kinds(objects []unstructured.Unstructured) []schema.GroupVersionKind {
	seen := map[schema.GroupVersionKind]bool{}
	for i := range objects {
		seen[objects[i].GroupVersionKind()] = true
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b schema.GroupVersionKind) int {
		return bytes.Compare([]byte(a.String()), []byte(b.String()))
	})
}

type client struct {
	dynamic dynamic.Interface
	openapi openapi.Client
	mapper  meta.RESTMapper
}

func connect(config *rest.Config) (*client, error) {
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	disco, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	groups, err := restmapper.GetAPIGroupResources(disco)
	if err != nil {
		return nil, err
	}
	return &client{dynamic: dyn, openapi: disco.OpenAPIV3(), mapper: restmapper.NewDiscoveryRESTMapper(groups)}, nil
}

// types reads the schemas of the objects' group versions.
func (c *client) types(objects []unstructured.Unstructured) (managedfields.TypeConverter, error) {
	paths, err := c.openapi.Paths()
	if err != nil {
		return nil, err
	}
	models, seen := map[string]*spec.Schema{}, map[string]bool{}
	for _, gvk := range kinds(objects) {
		path := "apis/" + gvk.GroupVersion().String()
		if gvk.Group == "" {
			path = "api/" + gvk.Version
		}
		if seen[path] {
			continue
		}
		seen[path] = true
		if paths[path] == nil {
			return nil, fmt.Errorf("the server has no schema of %s", gvk.GroupVersion())
		}
		text, err := paths[path].Schema("application/json")
		if err != nil {
			return nil, err
		}
		var document spec3.OpenAPI
		if err := json.Unmarshal(text, &document); err != nil {
			return nil, err
		}
		maps.Copy(models, document.Components.Schemas)
	}
	return managedfields.NewTypeConverter(models, false)
}

// list reads all objects of a kind, in pages.
func (c *client) list(ctx context.Context, gvk schema.GroupVersionKind, into map[key]*unstructured.Unstructured) error {
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return err
	}
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := c.dynamic.Resource(mapping.Resource).List(ctx, options)
		if err != nil {
			return err
		}
		for i := range page.Items {
			into[keyOf(&page.Items[i])] = &page.Items[i]
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return nil
		}
	}
}

// compare compares what a manager owns of an object with what is desired.
func compare(types managedfields.TypeConverter, desired, live *unstructured.Unstructured, manager string) error {
	owned := &fieldpath.Set{}
	found := false
	for _, entry := range live.GetManagedFields() {
		if entry.Manager == manager && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == "" {
			if err := owned.FromJSON(entry.FieldsV1.GetRawReader()); err != nil {
				return err
			}
			found = true
		}
	}
	if !found {
		return fmt.Errorf("%s owns nothing of it", manager)
	}
	have, err := types.ObjectToTyped(live)
	if err != nil {
		return err
	}
	want, err := types.ObjectToTyped(desired)
	if err != nil {
		return err
	}
	_, err = want.Compare(have.ExtractItems(owned.Leaves()))
	return err
}
