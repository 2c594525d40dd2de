package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
)

// Phase is where a cluster is in its life.
type Phase string

// The phases of a cluster.
const (
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Stopping Phase = "stopping"
	Failed   Phase = "failed"
	// Dead is never written: it is what a cluster is whose processes have been
	// killed, so that nobody could write what became of it.
	Dead Phase = "dead"
)

// ErrUnknown means that there is no cluster of the name.
var ErrUnknown = errors.New("no such cluster")

// Record is what is known about a cluster, kept in its folder.
type Record struct {
	Name  string `json:"name"`
	Phase Phase  `json:"phase"`
	// Message says more about a phase, in a sentence: why a cluster has failed.
	Message          string    `json:"message,omitempty"`
	Created          time.Time `json:"created"`
	Nodes            int       `json:"nodes"`
	ControlPlaneOnly bool      `json:"controlPlaneOnly"`
	// Server is the URL of the API server.
	Server string `json:"server,omitempty"`
	// Context is the name of the context in the kubeconfig.
	Context string `json:"context,omitempty"`
	// Version is the API server's version, such as v1.37.2.
	Version string `json:"version,omitempty"`
	// Supervisor is the process that runs the cluster; while there is none yet,
	// the one that starts it.
	Supervisor process.ID `json:"supervisor"`
	// Parent, if set, is the process with which the cluster ends.
	Parent *process.ID `json:"parent,omitempty"`
	// Children are the servers, by their program's name.
	Children map[string]process.ID `json:"children,omitempty"`
}

const recordName = "cluster.json"

// Record reads the cluster's record. The phase of a cluster that has lost its
// supervisor is Dead unless it had failed. The error is ErrUnknown if the cluster
// has no folder.
func (d Dir) Record() (Record, error) {
	data, err := os.ReadFile(d.Path(recordName))
	if errors.Is(err, fs.ErrNotExist) {
		if !d.Exists() {
			return Record{}, fmt.Errorf("%w: %s", ErrUnknown, d.name)
		}
		// Made a moment ago, or killed in the first moment.
		return Record{Name: d.name, Phase: Dead}, nil
	}
	if err != nil {
		return Record{}, fmt.Errorf("read the record of cluster %s: %w", d.name, err)
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, fmt.Errorf("read the record of cluster %s: %w", d.name, err)
	}
	if r.Phase != Failed && !r.Supervisor.Alive() {
		r.Phase = Dead
	}
	return r, nil
}

// Save writes the record. Only the holder of the lock may.
func (l *Lock) Save(r Record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the record of cluster %s: %w", l.dir.name, err)
	}
	return l.dir.Write(append(data, '\n'), recordName)
}
