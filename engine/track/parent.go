package track

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// What is on a parent, beside what KEP-3659 asks for.
const (
	LabelSet     = "applyset.kubernetes.io/id"
	LabelLineage = "gantry.dev/lineage"

	annotationTooling    = "applyset.kubernetes.io/tooling"
	annotationKinds      = "applyset.kubernetes.io/contains-group-kinds"
	annotationNamespaces = "applyset.kubernetes.io/additional-namespaces"
	annotationAddress    = "gantry.dev/address"
	annotationSerial     = "gantry.dev/serial"
	annotationBackend    = "gantry.dev/backend"
	annotationRecord     = "gantry.dev/record"

	tooling = "gantry/v1"
)

// ParentGVK is the kind of parents.
var ParentGVK = object.GVK{Version: "v1", Kind: "ConfigMap"}

// Parent is the object on a cluster that stands for an application (KEP-3659): which
// objects it may have, and up to which serial its record was written when they were. It
// carries what of a record can be found out in no other way. It holds nothing that would
// be a secret, and no data.
type Parent struct {
	Namespace string
	Name      string
	UID       string // empty where it is not read from a cluster

	Address addr.Address
	Lineage string
	Serial  int64  // the record's when the parent was written
	Backend string // the type of the place that the state is in: "local"
	Kinds   []object.GroupKind
	// Namespaces are those that its objects are in, beside its own, sorted.
	Namespaces []string
	Record     ParentRecord
}

// ParentRecord is what of an application's record cannot be told from its objects.
type ParentRecord struct {
	Name      string         `json:"name,omitempty"`
	Project   string         `json:"project,omitempty"`
	Cluster   string         `json:"cluster,omitempty"` // the name of its cluster block
	Namespace string         `json:"namespace,omitempty"`
	DependsOn []addr.Address `json:"dependsOn,omitempty"`
	Settings  plan.Settings  `json:"settings"`
}

// ParentName returns the name of an application's parent, which no other has: for people
// as much of the address as a name can hold, and ten digits of a hash.
func ParentName(lineage string, address addr.Address) string {
	const most = 200
	text := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, ApplicationLabel(address)), "-")
	sum := sha256.Sum256([]byte(SetID(lineage, address)))
	return "gantry-" + strings.TrimLeft(text[:min(len(text), most)]+"-", "-") + hex.EncodeToString(sum[:5])
}

// ParentOf describes the parent of an application as its record is, in a namespace.
func ParentOf(r *state.Record, namespace, backend string) Parent {
	out := Parent{
		Namespace: namespace, Name: ParentName(r.Lineage, r.Address), Address: r.Address, Lineage: r.Lineage, Serial: r.Serial, Backend: backend,
		Record: ParentRecord{Name: r.Name, Project: r.Project, Cluster: r.Cluster.Name, Namespace: r.Namespace, DependsOn: r.DependsOn, Settings: r.Settings},
	}
	kinds, namespaces := map[object.GroupKind]bool{}, map[string]bool{}
	for _, o := range r.Owns() {
		kinds[o.ID.GroupKind()] = true
		if o.ID.Namespace != "" && o.ID.Namespace != namespace {
			namespaces[o.ID.Namespace] = true
		}
	}
	out.Kinds = slices.SortedFunc(maps.Keys(kinds), func(a, b object.GroupKind) int { return strings.Compare(a.String(), b.String()) })
	out.Namespaces = slices.Sorted(maps.Keys(namespaces))
	return out
}

// Object renders the parent.
func (p *Parent) Object() (object.Object, error) {
	kinds := make([]string, len(p.Kinds))
	for i, kind := range p.Kinds {
		kinds[i] = kind.String()
	}
	record, err := json.Marshal(p.Record)
	if err != nil {
		return nil, err
	}
	annotations := map[string]any{
		annotationTooling: tooling, annotationKinds: strings.Join(kinds, ","), annotationAddress: p.Address.String(),
		annotationSerial: strconv.FormatInt(p.Serial, 10), annotationBackend: p.Backend, annotationRecord: string(record),
	}
	if len(p.Namespaces) > 0 {
		annotations[annotationNamespaces] = strings.Join(p.Namespaces, ",")
	}
	return object.Object{
		"apiVersion": ParentGVK.APIVersion(), "kind": ParentGVK.Kind,
		"metadata": map[string]any{
			"name": p.Name, "namespace": p.Namespace, "annotations": annotations,
			"labels": map[string]any{LabelSet: SetID(p.Lineage, p.Address), LabelLineage: p.Lineage, LabelApplication: ApplicationLabel(p.Address)},
		},
	}, nil
}

// ReadParent reads a parent; false where a live object is none. A copy under another name
// is none.
func ReadParent(o object.Object) (Parent, bool) {
	labels, annotations := o.Labels(), o.Annotations()
	out := Parent{
		Namespace: o.Namespace(), Name: o.Name(), UID: o.UID(), Lineage: labels[LabelLineage], Backend: annotations[annotationBackend],
	}
	tool, _, _ := strings.Cut(annotations[annotationTooling], "/")
	if tool != "gantry" || out.Lineage == "" {
		return Parent{}, false
	}
	var err error
	if out.Address, err = addr.Parse(annotations[annotationAddress]); err != nil {
		return Parent{}, false
	}
	if labels[LabelSet] != SetID(out.Lineage, out.Address) || out.Name != ParentName(out.Lineage, out.Address) {
		return Parent{}, false
	}
	if out.Serial, err = strconv.ParseInt(annotations[annotationSerial], 10, 64); err != nil || out.Serial < 1 {
		return Parent{}, false
	}
	if text := annotations[annotationNamespaces]; text != "" {
		out.Namespaces = strings.Split(text, ",")
	}
	for _, text := range strings.Split(annotations[annotationKinds], ",") {
		if kind, group, _ := strings.Cut(text, "."); kind != "" {
			out.Kinds = append(out.Kinds, object.GroupKind{Group: group, Kind: kind})
		}
	}
	// Without it the parent still tells the serial.
	_ = json.Unmarshal([]byte(annotations[annotationRecord]), &out.Record)
	return out, true
}
