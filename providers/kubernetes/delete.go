package kubernetes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gantrycd/gantry/providers"
)

// Delete removes one object. It is never sent twice unless the server turned the
// first request away.
func (c *cluster) Delete(ctx context.Context, r providers.DeleteRequest) error {
	path, err := objectPath(r.Resource, r.Namespace, r.Name)
	if err != nil {
		return err
	}
	options, err := deleteOptions(r)
	if err != nil {
		return err
	}
	body, err := json.Marshal(options)
	if err != nil {
		return fmt.Errorf("encoding the options of a deletion: %w", err)
	}
	out := request{
		verb:        verbDelete,
		method:      http.MethodDelete,
		path:        path,
		contentType: typeJSON,
		body:        body,
		repeatable:  r.DryRun,
		resource:    &r.Resource,
		scrub:       scrubberOfPatch(r.Resource, r.Name, nil),
	}
	if r.DryRun {
		out.verb = verbDryRun
	}
	_, err = c.do(ctx, out)
	return err
}

func deleteOptions(r providers.DeleteRequest) (metav1.DeleteOptions, error) {
	propagation := metav1.DeletionPropagation(cmp.Or(r.Propagation, string(metav1.DeletePropagationBackground)))
	switch propagation {
	case metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan:
	default:
		return metav1.DeleteOptions{}, fmt.Errorf("deletion propagation %q: expected Foreground, Background or Orphan", r.Propagation)
	}
	options := metav1.DeleteOptions{
		TypeMeta:          metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"},
		PropagationPolicy: &propagation,
	}
	if r.UID != "" || r.ResourceVersion != "" {
		options.Preconditions = &metav1.Preconditions{}
		if r.UID != "" {
			uid := types.UID(r.UID)
			options.Preconditions.UID = &uid
		}
		if r.ResourceVersion != "" {
			options.Preconditions.ResourceVersion = &r.ResourceVersion
		}
	}
	if r.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return options, nil
}
