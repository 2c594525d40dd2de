package secret

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// resource is how every cluster serves Secrets.
func resource() providers.Resource {
	return providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Secret"}, Plural: "secrets", Namespaced: true, Verbs: []string{"get"}}
}

func (r *Reader) kubernetes(ctx context.Context, from *target.KubernetesSecret) (string, error) {
	cluster, err := r.clusters.Connect(from.Cluster, from.Connection, from.Credentials)
	if err != nil {
		return "", err
	}
	have, err := cluster.Get(ctx, resource(), from.Namespace, from.Name)
	if errors.Is(err, providers.ErrNotFound) {
		return "", fmt.Errorf("cluster %q has no Secret %s in namespace %s", from.Cluster, from.Name, from.Namespace)
	}
	if err != nil {
		return "", err
	}
	data, _ := have.Get("data")
	keys, _ := data.(map[string]any)
	encoded, ok := keys[from.Key].(string)
	if !ok {
		return "", fmt.Errorf("the Secret %s in namespace %s of cluster %q has no key %q; %s",
			from.Name, from.Namespace, from.Cluster, from.Key, keyList(keys))
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", errors.New("the server gave a value that is not base64") // the error would quote it
	}
	return string(text), nil
}

func keyList(keys map[string]any) string {
	if len(keys) == 0 {
		return "it has none at all"
	}
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names)
	return "it has " + strings.Join(names, ", ")
}
