package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v4/merge"
	"sigs.k8s.io/structured-merge-diff/v4/typed"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Predict returns what a server-side apply of desired would make of live, for a
// server that cannot be asked: values merged by the type, what we applied and no
// longer want taken out, and our entry of managedFields. Defaults, webhooks and
// validation are not in it. Without force, fields of others with another value are
// a *providers.ConflictError, in the server's form. live may be nil; neither is
// changed.
func (d *Differ) Predict(live, desired object.Object, kind *Type, force bool) (object.Object, error) {
	if live == nil {
		return desired, nil
	}
	// As servers do: what is there may have the items of a list twice.
	before, err := kind.orDeduced().parseable.FromUnstructured(map[string]any(unmanaged(live)), typed.AllowDuplicates)
	if err != nil {
		return nil, fmt.Errorf("the live object does not fit the schema: %w", err)
	}
	config, err := kind.typed(unmanaged(desired))
	if err != nil {
		return nil, err
	}
	version := fieldpath.APIVersion(desired.APIVersion())
	names := map[string]string{} // by the key of an entry, the manager's name
	managers := fieldpath.ManagedFields{}
	for i, o := range allOwners(live) {
		key := fmt.Sprintf("%d", i)
		if d.ours(o.entry) {
			key = d.manager
		}
		names[key] = o.manager
		managers[key] = fieldpath.NewVersionedSet(o.set, version, o.operation == "Apply")
	}
	updater := (&merge.UpdaterBuilder{Converter: anyVersion{}, ReturnInputOnNoop: true}).BuildUpdater()
	after, managed, err := updater.Apply(before, config, version, managers, d.manager, force)
	var conflicts merge.Conflicts
	switch {
	case errors.As(err, &conflicts):
		return nil, conflictError(conflicts, names)
	case err != nil:
		return nil, err
	}
	out, ok := after.AsValue().Unstructured().(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is no object after it is merged. This is a bug in gantry", desired.ID())
	}
	return d.restored(out, live, desired, managed)
}

// unmanaged leaves out what an apply does not touch: what only servers write, and
// the status.
func unmanaged(o object.Object) object.Object {
	out := maps.Clone(o)
	delete(out, "status")
	if metadata := maps.Clone(o.Metadata()); metadata != nil {
		for _, name := range serverMetadata() {
			delete(metadata, name)
		}
		out["metadata"] = map[string]any(metadata)
	}
	return out
}

// restored gives a merged object back what an apply does not touch, and our entry
// of managedFields as it would be.
func (d *Differ) restored(merged map[string]any, live, desired object.Object, managed fieldpath.ManagedFields) (object.Object, error) {
	out := object.Object(merged).DeepCopy()
	if status, ok := live["status"]; ok {
		out["status"] = status
	}
	metadata := maps.Clone(out.Metadata())
	if metadata == nil {
		metadata = object.Object{}
	}
	for _, name := range serverMetadata() {
		if value, ok := live.Metadata()[name]; ok {
			metadata[name] = value
		}
	}
	entries, _ := live.Metadata()["managedFields"].([]any)
	entries = slices.DeleteFunc(slices.Clone(entries), func(item any) bool {
		m, _ := item.(map[string]any)
		return m["manager"] == d.manager && m["operation"] == "Apply" && (m["subresource"] == nil || m["subresource"] == "")
	})
	owned := fieldpath.NewSet()
	if ours, ok := managed[d.manager]; ok {
		owned = ours.Set().Difference(unownable())
	}
	if !owned.Empty() {
		text, err := owned.ToJSON()
		if err != nil {
			return nil, err
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			return nil, err
		}
		entries = append(entries, map[string]any{
			"manager": d.manager, "operation": "Apply", "apiVersion": desired.APIVersion(), "fieldsType": "FieldsV1", "fieldsV1": fields,
		})
	}
	metadata["managedFields"] = entries
	out["metadata"] = map[string]any(metadata)
	return out, nil
}

// conflictError is a conflict in the words of a server.
func conflictError(conflicts merge.Conflicts, names map[string]string) error {
	out := &providers.ConflictError{}
	for _, c := range conflicts {
		out.Fields = append(out.Fields, providers.FieldConflict{Manager: fmt.Sprintf("%q", names[c.Manager]), Path: c.Path.String()})
	}
	slices.SortFunc(out.Fields, func(a, b providers.FieldConflict) int {
		return slices.Compare([]string{a.Manager, a.Path}, []string{b.Manager, b.Path})
	})
	return out
}

// anyVersion converts nothing: the fields of managers of other versions are taken
// as they are. Where versions differ in structure, the prediction does too.
type anyVersion struct{}

// Convert implements merge.Converter.
func (anyVersion) Convert(o *typed.TypedValue, _ fieldpath.APIVersion) (*typed.TypedValue, error) {
	return o, nil
}

// IsMissingVersionError implements merge.Converter.
func (anyVersion) IsMissingVersionError(error) bool { return false }
