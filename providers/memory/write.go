package memory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// created is when everything in the cluster was made.
const created = "2000-01-01T00:00:00Z"

// Apply implements providers.Cluster.
func (c *Cluster) Apply(_ context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	verb := "APPLY"
	if request.DryRun {
		verb = "DRYRUN"
	}
	c.requests[verb]++
	id := identify(request.Resource, request.Object.Namespace(), request.Object.Name())
	have := c.objects[id]
	if err := precondition(id, have, request.UID, request.ResourceVersion); err != nil {
		return providers.ApplyResult{}, err
	}
	if request.New && have != nil {
		return providers.ApplyResult{}, &providers.ConflictError{Message: fmt.Sprintf("%s has changed", id)}
	}
	if errs := refuse(request); errs != nil {
		return providers.ApplyResult{}, errs
	}
	live := &unstructured.Unstructured{Object: map[string]any{}}
	if have != nil {
		live.Object = have.DeepCopy()
		live.Object["apiVersion"] = request.Resource.GVK.APIVersion()
	} else {
		live.Object = map[string]any{"apiVersion": request.Resource.GVK.APIVersion(), "kind": request.Resource.GVK.Kind, "metadata": map[string]any{}}
	}
	manager, err := fieldManager(request.Resource.GVK)
	if err != nil {
		return providers.ApplyResult{}, err
	}
	if request.Merge {
		return c.patched(id, have, manager, request)
	}
	if request.Replace {
		return c.replaced(id, have, manager, request)
	}
	merged, err := manager.Apply(live, &unstructured.Unstructured{Object: request.Object.DeepCopy()}, request.Manager, request.Force)
	if err != nil {
		return providers.ApplyResult{}, conflictOf(id, err)
	}
	return c.store(id, have, merged, request.DryRun)
}

// replaced puts an object in the place of one that is there, whose status it keeps.
func (c *Cluster) replaced(id object.ID, have object.Object, manager *managedfields.FieldManager, request providers.ApplyRequest) (providers.ApplyResult, error) {
	if have == nil {
		return providers.ApplyResult{}, fmt.Errorf("%s: %w", id, providers.ErrNotFound)
	}
	made := request.Object.DeepCopy()
	delete(made, "status")
	if status, ok := have["status"]; ok {
		made["status"] = object.DeepCopyValue(status)
	}
	changed, err := manager.Update(&unstructured.Unstructured{Object: have.DeepCopy()}, &unstructured.Unstructured{Object: made}, request.Manager)
	if err != nil {
		return providers.ApplyResult{}, conflictOf(id, err)
	}
	return c.store(id, have, changed, request.DryRun)
}

// patched changes an object by a merge patch. What of it is patched makes no difference,
// for in memory objects have no subresources.
func (c *Cluster) patched(id object.ID, have object.Object, manager *managedfields.FieldManager, request providers.ApplyRequest) (providers.ApplyResult, error) {
	if have == nil {
		return providers.ApplyResult{}, fmt.Errorf("%s: %w", id, providers.ErrNotFound)
	}
	before, err := json.Marshal(have)
	if err != nil {
		return providers.ApplyResult{}, err
	}
	patch, err := json.Marshal(request.Object)
	if err != nil {
		return providers.ApplyResult{}, err
	}
	after, err := jsonpatch.MergePatch(before, patch)
	if err != nil {
		return providers.ApplyResult{}, &providers.InvalidError{Message: err.Error()}
	}
	var changed map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(after, &changed); err != nil {
		return providers.ApplyResult{}, err
	}
	live := &unstructured.Unstructured{Object: have.DeepCopy()}
	made, err := manager.Update(live, &unstructured.Unstructured{Object: changed}, request.Manager)
	if err != nil {
		return providers.ApplyResult{}, conflictOf(id, err)
	}
	return c.store(id, have, made, request.DryRun)
}

// Create implements providers.Cluster.
func (c *Cluster) Create(_ context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests["CREATE"]++
	o := request.Object.DeepCopy()
	if o.Name() == "" {
		if err := o.Set(o.GenerateName()+strconv.Itoa(c.writes+1), "metadata", "name"); err != nil {
			return providers.ApplyResult{}, &providers.InvalidError{Message: err.Error()}
		}
	}
	id := identify(request.Resource, o.Namespace(), o.Name())
	if c.objects[id] != nil {
		return providers.ApplyResult{}, &providers.ConflictError{Message: fmt.Sprintf("%s already exists", id)}
	}
	manager, err := fieldManager(request.Resource.GVK)
	if err != nil {
		return providers.ApplyResult{}, err
	}
	none := &unstructured.Unstructured{Object: map[string]any{"apiVersion": o.APIVersion(), "kind": o.Kind(), "metadata": map[string]any{}}}
	made, err := manager.Update(none, &unstructured.Unstructured{Object: o}, request.Manager)
	if err != nil {
		return providers.ApplyResult{}, conflictOf(id, err)
	}
	return c.store(id, nil, made, request.DryRun)
}

// Patch implements providers.Cluster.
func (c *Cluster) Patch(_ context.Context, resource providers.Resource, namespace, name string, patch []byte, dryRun bool) (object.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests["PATCH"]++
	id := identify(resource, namespace, name)
	have := c.objects[id]
	if have == nil {
		return nil, fmt.Errorf("%s: %w", id, providers.ErrNotFound)
	}
	before, err := json.Marshal(have)
	if err != nil {
		return nil, err
	}
	decoded, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, &providers.InvalidError{Message: err.Error()}
	}
	after, err := decoded.Apply(before)
	if err != nil {
		return nil, &providers.InvalidError{Message: err.Error()}
	}
	var changed map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(after, &changed); err != nil {
		return nil, err
	}
	result, err := c.store(id, have, &unstructured.Unstructured{Object: changed}, dryRun)
	return result.Object, err
}

// Delete implements providers.Cluster. What is in a namespace goes with it.
func (c *Cluster) Delete(_ context.Context, request providers.DeleteRequest) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests["DELETE"]++
	id := identify(request.Resource, request.Namespace, request.Name)
	have := c.objects[id]
	if have == nil {
		return fmt.Errorf("%s: %w", id, providers.ErrNotFound)
	}
	if err := precondition(id, have, request.UID, request.ResourceVersion); err != nil || request.DryRun {
		return err
	}
	gone := []object.ID{id}
	if id.GroupKind() == (object.GroupKind{Kind: "Namespace"}) {
		for other := range c.objects {
			if other.Namespace == id.Name {
				gone = append(gone, other)
			}
		}
	}
	for _, id := range gone {
		c.happened(event{object: c.objects[id], deleted: true})
		delete(c.objects, id)
	}
	return nil
}

// happened tells the watchers.
func (c *Cluster) happened(e event) {
	c.events = append(c.events, e)
	close(c.changed)
	c.changed = make(chan struct{})
}

// precondition holds a request to the object that it means.
func precondition(id object.ID, have object.Object, uid, resourceVersion string) error {
	switch {
	case uid != "" && have.UID() != uid:
		return &providers.ConflictError{Message: fmt.Sprintf("%s is another object by now", id)}
	case resourceVersion != "" && have.ResourceVersion() != resourceVersion:
		return &providers.ConflictError{Message: fmt.Sprintf("%s has changed", id)}
	}
	return nil
}

// refuse says why an object can be no object of Kubernetes.
func refuse(request providers.ApplyRequest) error {
	if request.Object.Name() == "" {
		return &providers.InvalidError{Message: "metadata.name: a name is required", Causes: []providers.Cause{{Field: "metadata.name", Reason: "FieldValueRequired"}}}
	}
	return nil
}

// store makes an object what a server would answer, and keeps it unless it is a
// dry run. An object that does not change keeps its version, as on a server.
func (c *Cluster) store(id object.ID, have object.Object, made runtime.Object, dryRun bool) (providers.ApplyResult, error) {
	content, ok := made.(*unstructured.Unstructured)
	if !ok {
		return providers.ApplyResult{}, fmt.Errorf("%s became a %T", id, made)
	}
	o := object.Object(content.Object)
	freeze(o)
	metadata := o.Metadata()
	metadata["uid"], metadata["creationTimestamp"] = have.UID(), created
	if have == nil {
		metadata["uid"] = c.uid(id.String() + strconv.Itoa(c.writes))
	}
	if have != nil && same(have, o) {
		return providers.ApplyResult{Object: have.DeepCopy()}, nil
	}
	metadata["resourceVersion"], metadata["generation"] = strconv.Itoa(c.writes+1), int64(c.writes+1)
	if dryRun {
		return providers.ApplyResult{Object: o.DeepCopy()}, nil
	}
	c.writes++
	if status := settled(o); status != nil {
		o["status"] = status
	}
	c.objects[id] = o
	c.happened(event{object: o})
	return providers.ApplyResult{Object: o.DeepCopy()}, nil
}

// freeze sets the times at which fields were written to one, so that nothing differs
// from run to run.
func freeze(o object.Object) {
	entries, _ := o.Metadata()["managedFields"].([]any)
	for _, entry := range entries {
		if fields, ok := entry.(map[string]any); ok {
			fields["time"] = created
		}
	}
}

// same reports whether an object would not change.
func same(have, made object.Object) bool {
	have, made = have.DeepCopy(), made.DeepCopy()
	for _, field := range []string{"resourceVersion", "generation"} {
		have.Remove("metadata", field)
		made.Remove("metadata", field)
	}
	return reflect.DeepEqual(have, made)
}

// conflictOf turns the field manager's refusal into a conflict.
func conflictOf(id object.ID, err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Reason != metav1.StatusReasonConflict {
		return &providers.InvalidError{Message: fmt.Sprintf("%s: %s", id, err)}
	}
	out := &providers.ConflictError{Message: err.Error()}
	if details := status.Status().Details; details != nil {
		for _, cause := range details.Causes {
			if cause.Type == metav1.CauseTypeFieldManagerConflict {
				out.Fields = append(out.Fields, providers.FieldConflict{
					Manager: strings.TrimPrefix(cause.Message, "conflict with "), Path: cause.Field,
				})
			}
		}
	}
	return out
}
