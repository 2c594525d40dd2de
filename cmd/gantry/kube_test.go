package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
)

// kubeCommand looks at, and changes, what is in a cluster behind gantry's back. It
// needs no kubectl.
func kubeCommand(ts *testscript.TestScript, neg bool, args []string) {
	const usage = "usage: kube get KIND NAME [PATH] | kube wait KIND NAME | kube absent KIND NAME | kube edit MANAGER KIND NAME PATCH | kube delete KIND NAME | kube kubeconfig FILE TOKEN | kube token ACCOUNT AUDIENCE FILE"
	if neg || len(args) < 3 {
		ts.Fatalf(usage)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	k, err := newKube(ts.Getenv("KUBECONFIG"), ts.Getenv("NS"))
	ts.Check(err)
	switch {
	case args[0] == "get" && len(args) <= 4:
		found, err := k.get(ctx, args[1], args[2])
		ts.Check(err)
		path := ""
		if len(args) == 4 {
			path = args[3]
		}
		text, err := part(found, path)
		ts.Check(err)
		fmt.Fprintln(ts.Stdout(), text)
	case args[0] == "wait" && len(args) == 3:
		ts.Check(k.until(ctx, args[1], args[2], true))
	case args[0] == "absent" && len(args) == 3:
		ts.Check(k.until(ctx, args[1], args[2], false))
	case args[0] == "delete" && len(args) == 3:
		ts.Check(k.delete(ctx, args[1], args[2]))
	case args[0] == "kubeconfig" && len(args) == 3:
		ts.Check(writeKubeconfig(ts.Getenv("KUBECONFIG"), ts.MkAbs(args[1]), args[2]))
	case args[0] == "token" && len(args) == 4:
		token, err := k.token(ctx, ts.Getenv("KUBECONFIG"), args[1], args[2])
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(token), 0o600))
	case args[0] == "edit" && len(args) == 5:
		ts.Check(k.edit(ctx, args[1], args[2], args[3], args[4]))
	default:
		ts.Fatalf(usage)
	}
}

// kube is a cluster, and a namespace of it.
type kube struct {
	cluster   providers.Cluster
	namespace string
}

func newKube(kubeconfig, namespace string) (*kube, error) {
	cluster, err := kubernetes.New(kubernetes.Options{}).Connect("test", target.Connection{Kubeconfig: kubeconfig}, target.Credentials{})
	return &kube{cluster: cluster, namespace: namespace}, err
}

// resource finds a kind by its name alone.
func (k *kube) resource(ctx context.Context, kind string) (providers.Resource, string, error) {
	all, err := k.cluster.Resources(ctx)
	if err != nil {
		return providers.Resource{}, "", err
	}
	for _, resource := range all {
		if resource.GVK.Kind != kind {
			continue
		}
		if resource.Namespaced {
			return resource, k.namespace, nil
		}
		return resource, "", nil
	}
	return providers.Resource{}, "", fmt.Errorf("the cluster has no kind %s", kind)
}

func (k *kube) get(ctx context.Context, kind, name string) (object.Object, error) {
	resource, namespace, err := k.resource(ctx, kind)
	if err != nil {
		return nil, err
	}
	return k.cluster.Get(ctx, resource, namespace, name)
}

func (k *kube) delete(ctx context.Context, kind, name string) error {
	resource, namespace, err := k.resource(ctx, kind)
	if err != nil {
		return err
	}
	return k.cluster.Delete(ctx, providers.DeleteRequest{Resource: resource, Namespace: namespace, Name: name})
}

// until waits until an object is there, or is not.
func (k *kube) until(ctx context.Context, kind, name string, there bool) error {
	for {
		_, err := k.get(ctx, kind, name)
		switch {
		case err == nil && there, errors.Is(err, providers.ErrNotFound) && !there:
			return nil
		case err != nil && !errors.Is(err, providers.ErrNotFound):
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("that %s %s is there: %t, for a minute now", kind, name, !there)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// edit applies the fields of a patch, as kubectl does under another manager's
// name: what they had is taken over.
func (k *kube) edit(ctx context.Context, manager, kind, name, patch string) error {
	resource, namespace, err := k.resource(ctx, kind)
	if err != nil {
		return err
	}
	desired := object.Object{}
	if err := json.Unmarshal([]byte(patch), &desired); err != nil {
		return err
	}
	desired["apiVersion"], desired["kind"] = resource.GVK.APIVersion(), kind
	metadata, _ := desired["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["name"] = name
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	desired["metadata"] = metadata
	_, err = k.cluster.Apply(ctx, providers.ApplyRequest{Resource: resource, Object: desired, Manager: manager, Force: true})
	return err
}

// part returns what is at a path like spec.containers.0.image: text as it is,
// everything else as JSON.
func part(value any, path string) (string, error) {
	if o, ok := value.(object.Object); ok {
		value = map[string]any(o)
	}
	for step := range strings.SplitSeq(path, ".") {
		if step == "" {
			continue
		}
		switch at := value.(type) {
		case map[string]any:
			next, ok := at[step]
			if !ok {
				return "", fmt.Errorf("there is no %s at %s", step, path)
			}
			value = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return "", fmt.Errorf("there is no element %s at %s", step, path)
			}
			value = at[i]
		default:
			return "", fmt.Errorf("there is nothing below %s", path)
		}
	}
	if text, ok := value.(string); ok {
		return text, nil
	}
	out, err := json.Marshal(value)
	return string(out), err
}

// writeKubeconfig writes a kubeconfig of the same cluster, for whoever has a token.
func writeKubeconfig(from, to, token string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var config map[string]any
	if err := yaml.Unmarshal(text, &config); err != nil {
		return err
	}
	users, _ := config["users"].([]any)
	for _, user := range users {
		user.(map[string]any)["user"] = map[string]any{"token": token}
	}
	if text, err = yaml.Marshal(config); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}
