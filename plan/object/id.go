package object

import (
	"cmp"
	"fmt"
	"strings"
)

// ID is the identity of an object in a cluster: group, kind, namespace and
// name. The version is no part of it: one object is served in several. It is
// comparable and sorts by Compare.
type ID struct {
	Group     string `json:"group,omitempty"` // empty in the core group
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"` // empty for cluster-scoped objects
	Name      string `json:"name"`
}

// String renders an ID as people read it, "Deployment.apps web/podinfo",
// "Namespace web", and ParseID reads it back.
func (id ID) String() string {
	kind := id.Kind
	if id.Group != "" {
		kind += "." + id.Group
	}
	if id.Namespace == "" {
		return kind + " " + id.Name
	}
	return kind + " " + id.Namespace + "/" + id.Name
}

// ParseID parses what ID.String prints.
func ParseID(text string) (ID, error) {
	groupKind, name, ok := strings.Cut(text, " ")
	if !ok || groupKind == "" || name == "" {
		return ID{}, fmt.Errorf("object %q: expected \"Kind.group namespace/name\"", text)
	}
	var id ID
	id.Kind, id.Group, _ = strings.Cut(groupKind, ".")
	if namespace, rest, ok := strings.Cut(name, "/"); ok {
		id.Namespace, id.Name = namespace, rest
	} else {
		id.Name = name
	}
	if id.Kind == "" || id.Name == "" {
		return ID{}, fmt.Errorf("object %q: expected \"Kind.group namespace/name\"", text)
	}
	return id, nil
}

// GroupKind returns the ID's group and kind.
func (id ID) GroupKind() GroupKind { return GroupKind{Group: id.Group, Kind: id.Kind} }

// Compare orders IDs by namespace, group, kind and name.
func (id ID) Compare(other ID) int {
	return cmp.Or(
		cmp.Compare(id.Namespace, other.Namespace),
		cmp.Compare(id.Group, other.Group),
		cmp.Compare(id.Kind, other.Kind),
		cmp.Compare(id.Name, other.Name),
	)
}

// GroupKind names a kind in any of its versions.
type GroupKind struct {
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind"`
}

// String renders a GroupKind as "Deployment.apps", or "Service" in the core group.
func (gk GroupKind) String() string {
	if gk.Group == "" {
		return gk.Kind
	}
	return gk.Kind + "." + gk.Group
}

// GVK names a kind in one of its versions.
type GVK struct {
	Group   string `json:"group,omitempty"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

// GroupKind returns the GVK without its version.
func (gvk GVK) GroupKind() GroupKind { return GroupKind{Group: gvk.Group, Kind: gvk.Kind} }

// APIVersion returns "group/version", or "version" in the core group.
func (gvk GVK) APIVersion() string {
	if gvk.Group == "" {
		return gvk.Version
	}
	return gvk.Group + "/" + gvk.Version
}

// String renders a GVK as "apps/v1 Deployment".
func (gvk GVK) String() string { return gvk.APIVersion() + " " + gvk.Kind }

// SplitAPIVersion splits "group/version"; "v1" is version v1 of the core group.
func SplitAPIVersion(apiVersion string) (group, version string) {
	if group, version, ok := strings.Cut(apiVersion, "/"); ok {
		return group, version
	}
	return "", apiVersion
}
