package diff

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Moves lists the managers of a live object whose fields are to become ours when it is
// adopted: the tools that deploy as we do, and those named beside them. Without that a
// field which is dropped later would stay, for they own it too. Of a manager, what it
// wrote to the object itself and to its scale moves; another subresource is a
// controller's. What the rules leave to a manager by its name stays with it. What was
// written in another version than apiVersion, which we write, has the fields of that
// version and stays too: the warnings say so. It is sorted, and has no Fields yet.
func (d *Differ) Moves(live object.Object, named []string, rules []*Ignore, apiVersion string) (list []plan.ManagerMove, warnings []string) {
	version := d.version(live, apiVersion)
	for _, e := range entries(live) {
		switch {
		case !isTool(e.manager) && !slices.Contains(named, e.manager), e.manager == d.manager && e.operation == "Apply",
			e.subresource != "" && e.subresource != "scale", leftTo(e.manager, rules, live):
		case e.apiVersion != version:
			warnings = append(warnings, fmt.Sprintf(
				"what %s owns was written as %s and is not moved: a field of it that is dropped later stays", e.manager, e.apiVersion))
		default:
			list = append(list, plan.ManagerMove{Manager: e.manager, Operation: e.operation, Subresource: e.subresource})
		}
	}
	slices.SortFunc(list, compareMoves)
	slices.Sort(warnings)
	return slices.CompactFunc(list, func(a, b plan.ManagerMove) bool { return compareMoves(a, b) == 0 }), slices.Compact(warnings)
}

// leftTo reports whether the rules leave to a manager what it has of an object.
func leftTo(manager string, rules []*Ignore, live object.Object) bool {
	return slices.ContainsFunc(rules, func(r *Ignore) bool { return slices.Contains(r.managers, manager) && r.Matches(live.ID()) })
}

// version returns the version whose fields can become ours: that of our entry, and
// where we have none, apiVersion.
func (d *Differ) version(live object.Object, apiVersion string) string {
	if e, ok := d.applied(live); ok {
		return e.apiVersion
	}
	return apiVersion
}

func compareMoves(a, b plan.ManagerMove) int {
	return cmp.Or(cmp.Compare(a.Manager, b.Manager), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Subresource, b.Subresource))
}

// moves reports whether an entry's fields, of a version, are to move.
func moves(e entry, list []plan.ManagerMove, version string) bool {
	return e.apiVersion == version && slices.ContainsFunc(list, func(m plan.ManagerMove) bool {
		return m.Manager == e.manager && m.Operation == e.operation && m.Subresource == e.subresource
	})
}

// operation is one of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// MovePatch returns the JSON patch (RFC 6902) that makes the fields of managers ours;
// nil where live has none of them any more. The server refuses it with a conflict where
// the object has moved on since live was read. Where we have not applied yet, our entry
// is one for apiVersion. It changes no value.
func (d *Differ) MovePatch(live object.Object, list []plan.ManagerMove, apiVersion string, now time.Time) ([]byte, error) {
	managed, moved, err := d.moved(live, list, apiVersion, now)
	if err != nil || !moved {
		return nil, err
	}
	return json.Marshal([]operation{
		{Op: "replace", Path: "/metadata/managedFields", Value: managed},
		{Op: "replace", Path: "/metadata/uid", Value: live.UID()},
		{Op: "replace", Path: "/metadata/resourceVersion", Value: live.ResourceVersion()},
	})
}

// Moved predicts what an apply of desired makes of live once the fields of managers are
// ours: fields of theirs that desired does not have, and nobody else owns, go. As with
// Predict, what a server sets by itself is not in it.
func (d *Differ) Moved(live, desired object.Object, list []plan.ManagerMove, kind *Type) (object.Object, error) {
	managed, _, err := d.moved(live, list, desired.APIVersion(), time.Time{})
	if err != nil {
		return nil, err
	}
	return d.Predict(withManagedFields(live, managed), desired, kind, true)
}

// WithMoves returns live as MovePatch leaves it.
func (d *Differ) WithMoves(live object.Object, list []plan.ManagerMove, apiVersion string) (object.Object, error) {
	managed, moved, err := d.moved(live, list, apiVersion, time.Time{})
	if err != nil || !moved {
		return live, err
	}
	return withManagedFields(live, managed), nil
}

// moved returns managedFields in which the fields of managers are ours, and whether
// that is a change. The status is nobody's to apply and stays out.
func (d *Differ) moved(live object.Object, list []plan.ManagerMove, apiVersion string, now time.Time) (managed []any, moved bool, err error) {
	ours, at, version := fieldpath.NewSet(), -1, d.version(live, apiVersion)
	all, _ := live.Metadata()["managedFields"].([]any)
	for _, item := range all {
		e, ok := readEntry(item)
		mine := ok && d.ours(e)
		if !ok || !mine && !moves(e, list, version) {
			managed = append(managed, item)
			continue
		}
		set, err := parseSet(e.fields)
		if err != nil {
			return nil, false, fmt.Errorf("managedFields of %s: %w", e.manager, err)
		}
		ours = ours.Union(set.Difference(statusSet(set)))
		if mine {
			at = len(managed)
			managed = append(managed, item)
		} else {
			moved = true
		}
	}
	if !moved {
		return managed, false, nil
	}
	text, err := ours.ToJSON()
	if err != nil {
		return nil, false, fmt.Errorf("managedFields: %w", err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, false, fmt.Errorf("managedFields: %w", err)
	}
	entry := map[string]any{
		"manager": d.manager, "operation": "Apply", "apiVersion": version, "time": now.UTC().Format(time.RFC3339),
		"fieldsType": "FieldsV1", "fieldsV1": fields,
	}
	if at < 0 {
		return append(managed, entry), true, nil
	}
	managed[at] = entry
	return managed, true, nil
}

// withManagedFields returns an object with another ownership. It shares with o what
// does not change.
func withManagedFields(o object.Object, list []any) object.Object {
	out, metadata := maps.Clone(o), maps.Clone(o.Metadata())
	if metadata == nil {
		metadata = object.Object{}
	}
	metadata["managedFields"] = list
	out["metadata"] = map[string]any(metadata)
	return out
}

// ValuesPatch returns the JSON patch that gives live the values of another version
// of the object, for a dry-run of it; ownership and status are left as they are. The
// server refuses it where it has another object by now.
func ValuesPatch(live, want object.Object) ([]byte, error) {
	patch := []operation{{Op: "replace", Path: "/metadata/uid", Value: live.UID()}}
	member := func(prefix string, from, to map[string]any, name string) {
		now, there := to[name]
		_, was := from[name]
		switch {
		case there:
			patch = append(patch, operation{Op: "add", Path: prefix + escapePointer(name), Value: now})
		case was:
			patch = append(patch, operation{Op: "remove", Path: prefix + escapePointer(name)})
		}
	}
	names := maps.Clone(map[string]any(live))
	maps.Copy(names, want)
	for _, name := range sortedKeys(names) {
		switch name {
		case "apiVersion", "kind", "metadata", "status":
		default:
			member("/", live, want, name)
		}
	}
	for _, name := range []string{"annotations", "finalizers", "labels", "ownerReferences"} {
		member("/metadata/", live.Metadata(), want.Metadata(), name)
	}
	return json.Marshal(patch)
}

// escapePointer writes a member's name as a part of a JSON pointer.
func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// MovedFields returns the moves with the fields that only become ours by them, and so
// go with them: what the managers have in live, that is another value or none in after.
func (d *Differ) MovedFields(live, after object.Object, list []plan.ManagerMove, kind *Type) []plan.ManagerMove {
	if len(list) == 0 {
		return nil
	}
	var w walker
	root := kind.root()
	w.compareMaps(root, nil, compared(live), compared(after))
	will, _ := d.owners(after)
	out, version := slices.Clone(list), d.version(live, after.APIVersion())
	for i := range out {
		out[i].Fields = nil
		for _, e := range entries(live) {
			set, err := parseSet(e.fields)
			if err != nil || !moves(e, out[i:i+1], version) {
				continue
			}
			for _, at := range leaves(set) {
				if !owns(will, at) && touched(w.found, at) {
					out[i].Fields = append(out[i].Fields, at.String())
				}
			}
		}
		slices.Sort(out[i].Fields)
	}
	return out
}

// WithOwnershipOf returns an object with the managedFields of another.
func WithOwnershipOf(o, of object.Object) object.Object {
	list, _ := of.Metadata()["managedFields"].([]any)
	return withManagedFields(o, list)
}
