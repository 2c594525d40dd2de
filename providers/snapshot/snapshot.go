// Package snapshot is clusters as they were: what a plan read of them, in memory or
// in a file, answering like the clusters did. A Recorder is a decorator that takes
// it down while a plan is made; a plan made from it later needs no cluster.
//
// It reads and never writes: what would change a cluster, dry-runs included, is
// refused with providers.ErrUnsupported, and what was not taken down with
// providers.ErrNotCached. It redacts nothing itself: who records says how. The
// engine and cmd use it.
package snapshot

import (
	"encoding/json"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Snapshot is clusters, and the state that goes with them, at a point in time. It
// is immutable once made.
type Snapshot struct {
	ToolVersion string    `json:"toolVersion"`
	TakenAt     time.Time `json:"takenAt"`
	// KeyCheck tells whose key the fingerprints in it are made with, as KeyCheck of
	// the installation's Fingerprinter says.
	KeyCheck string     `json:"keyCheck"`
	Clusters []*Content `json:"clusters"`
	// Documents are the servers' OpenAPI documents, by Schema.Digest: clusters of one
	// version share them.
	Documents map[string]json.RawMessage `json:"documents"`
	State     State                      `json:"state"`
}

// State is what the installation remembered: no history, and nothing that is sealed.
type State struct {
	Lineage    string            `json:"lineage"`
	Records    []json.RawMessage `json:"records,omitempty"` // state.Record
	Generators []Generator       `json:"generators,omitempty"`
}

// Generator is what a generator gave when it was last applied.
type Generator struct {
	Address string   `json:"address"`
	Keys    []string `json:"keys"`
}

// Content is what is known of one cluster.
type Content struct {
	Name        string   `json:"name"`
	UID         string   `json:"uid"`
	Server      string   `json:"server"`
	Version     string   `json:"version"`
	APIVersions []string `json:"apiVersions"`
	// Resources are the kinds served at the version that the server prefers.
	Resources []providers.Resource `json:"resources"`
	Schemas   []Schema             `json:"schemas,omitempty"`
	Lists     []List               `json:"lists,omitempty"`
}

// Schema names the OpenAPI document of a group and version.
type Schema struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Hash    string `json:"hash"`   // the server's, "" where it gives none
	Digest  string `json:"digest"` // the document's: its key in Snapshot.Documents
}

// List is all objects of a kind in a namespace: "" is all of them, or the cluster's
// scope.
type List struct {
	GVK       object.GVK      `json:"gvk"`
	Namespace string          `json:"namespace"`
	Objects   []object.Object `json:"objects"`
}

// place is what a List is of.
type place struct {
	gvk       object.GVK
	namespace string
}
