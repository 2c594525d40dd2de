package eval

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
)

// PluginCaller is a Reader that can ask the services of generators "plugin", too.
type PluginCaller interface {
	// CallPlugin sends a request and returns the answer. Its errors hold no
	// credentials.
	CallPlugin(ctx context.Context, call PluginCall) ([]byte, error)
}

// PluginCall is one request to a service.
type PluginCall struct {
	URL     string       // what is posted to
	Auth    *source.Auth // the token, and whom to trust
	Body    []byte       // JSON
	Timeout time.Duration
}

// ResourceReader is a Reader that can read objects of clusters, too.
type ResourceReader interface {
	// ReadResources returns the objects that a query names, sorted by namespace and
	// name. An object that is named and not there is an error.
	ReadResources(ctx context.Context, query ResourceQuery) ([]object.Object, error)
}

// ResourceQuery names objects of a cluster: one by its name, or all that have certain
// labels.
type ResourceQuery struct {
	Cluster     string // what messages call it
	Connection  target.Connection
	Credentials target.Credentials

	APIVersion, Kind string
	Namespace        string // empty for all, or for objects without one
	Name             string // empty for all
	LabelSelector    string // as Kubernetes writes it
}

// ErrNotRead means that the states of other configurations are not read, for nothing is
// asked: what depends on them is not known.
var ErrNotRead = errors.New("the states of other configurations are not read here")

// RemoteReader is a Reader that can read what other configurations published, too.
type RemoteReader interface {
	// ReadRemote returns what the configuration published whose state is kept there; nil
	// where it has published nothing yet. It changes nothing there.
	ReadRemote(ctx context.Context, state RemoteState) (*published.Document, error)
}

// RemoteState says where the state of another configuration is kept.
type RemoteState struct {
	Type      string            // of the backend
	Arguments map[string]string // by name, e.g. path, without credentials
	// Credentials are the arguments that log in, by name.
	Credentials map[string]target.Credential
}

// ReadRemote reads what another configuration published through the Reader, which
// there must be. Where that reads no states the error is ErrNotRead.
func (e *Evaluation) ReadRemote(state RemoteState) (*published.Document, error) {
	reader, ok := e.reader.(RemoteReader)
	if !ok {
		return nil, ErrNotRead
	}
	return reader.ReadRemote(e.ctx, state)
}

// ReferredTo returns the references to the instance's block that are written in the
// configuration, in the order of the blocks.
func (in *Instance) ReferredTo() []hcl.Traversal {
	var out []hcl.Traversal
	for _, b := range in.module.blocks {
		for _, refs := range [][]reference{b.references, b.given} {
			for _, ref := range refs {
				if ref.target == in.block {
					out = append(out, ref.traversal)
				}
			}
		}
	}
	return out
}

// ReadPinned is Read, and also returns what the location was.
func (e *Evaluation) ReadPinned(location source.Location) (fs.FS, source.Pin, error) {
	before := len(e.result.Pins)
	tree, err := e.Read(location)
	if err != nil {
		return nil, source.Pin{}, err
	}
	return tree, e.result.Pins[before], nil
}

// CallPlugin asks a service through the Reader, which there must be.
func (e *Evaluation) CallPlugin(call PluginCall) ([]byte, error) {
	caller, ok := e.reader.(PluginCaller)
	if !ok {
		return nil, errors.New("no service can be asked here")
	}
	return caller.CallPlugin(e.ctx, call)
}

// ReadResources reads objects of a cluster through the Reader, which there must be.
func (e *Evaluation) ReadResources(query ResourceQuery) ([]object.Object, error) {
	reader, ok := e.reader.(ResourceReader)
	if !ok {
		return nil, errors.New("no cluster can be read here")
	}
	return reader.ReadResources(e.ctx, query)
}

// Pin records what a decoder read of the outside world other than by Read.
func (e *Evaluation) Pin(pin source.Pin) { e.result.Pins = append(e.result.Pins, pin) }

// HasForEach reports whether a block that the instance refers to is several: one
// instance for each element.
func (in *Instance) HasForEach(a addr.Address) bool {
	b := in.block.unit.find(a)
	return b != nil && b.forEach != nil
}
