package against

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

// healthTimeout bounds how long the configuration as it was is waited for: in memory
// everything is healthy at once, or never.
const healthTimeout = time.Second

// About tells what charts are told of a cluster by its name: its version, and the
// versions and kinds that it serves.
type About func(cluster string) (version string, apiVersions []string)

// world is clusters in memory. It implements providers.Clusters.
type world struct {
	about About

	mu       sync.Mutex
	clusters []*cluster
}

// cluster is one of them, and how it was asked for.
type cluster struct {
	*memory.Cluster
	name       string
	connection target.Connection
}

func newWorld(about About) *world {
	if about == nil {
		about = func(string) (string, []string) { return "", nil }
	}
	return &world{about: about}
}

// Connect implements providers.Clusters. A cluster is the one of its name, or one of
// another name that is reached in the same way: a block may be renamed.
func (w *world) Connect(name string, connection target.Connection, _ target.Credentials) (providers.Cluster, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.clusters {
		if c.name == name {
			return c, nil
		}
	}
	for _, c := range w.clusters {
		if !reflect.ValueOf(connection).IsZero() && reflect.DeepEqual(c.connection, connection) {
			return c, nil
		}
	}
	version, apiVersions := w.about(name)
	made := &cluster{name: name, connection: connection, Cluster: memory.New(memory.Options{
		Name: name, Version: version, APIVersions: apiVersions, Resource: engine.GuessResource,
	})}
	w.clusters = append(w.clusters, made)
	return made, nil
}

// Resource implements providers.Cluster. A kind of which the cluster has no
// definition is unknown: the plan may have one, and else it is guessed.
func (c *cluster) Resource(ctx context.Context, gvk object.GVK) (providers.Resource, error) {
	if !strings.Contains(gvk.Group, ".") || strings.HasSuffix(gvk.Group, ".k8s.io") {
		return c.Cluster.Resource(ctx, gvk)
	}
	definitions, err := c.List(ctx, engine.GuessResource(object.GVK{
		Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition",
	}), "", providers.ListOptions{})
	if err != nil {
		return providers.Resource{}, err
	}
	for _, o := range definitions {
		group, _ := o.Get("spec", "group")
		kind, _ := o.Get("spec", "names", "kind")
		if group == gvk.Group && kind == gvk.Kind {
			return c.Cluster.Resource(ctx, gvk)
		}
	}
	return providers.Resource{}, fmt.Errorf("%w: %s", providers.ErrUnknownKind, gvk)
}

// Guess tells how a kind is most likely served, of which nobody has a definition.
func (c *cluster) Guess(gvk object.GVK) providers.Resource { return engine.GuessResource(gvk) }

// become brings the clusters and the state to what a configuration says, or what it says of
// some applications. It returns
// the applications for which that cannot be done, and why, and what is wrong.
func (w *world) become(ctx context.Context, side Side, only *engine.Affected) (map[addr.Address]string, hcl.Diagnostics) {
	missing := map[addr.Address]string{}
	for _, broken := range side.Config.Broken {
		missing[broken.Address] = "its block, or what it refers to, had errors."
	}
	for _, address := range side.Config.Deferred {
		missing[address] = "it depended on what is not known without a cluster or a state."
	}
	e := engine.New(side.Options)
	made, diags := e.Plan(ctx, side.Config, engine.PlanOptions{Unsound: side.Unsound, Affected: only})
	if made == nil {
		return missing, diags
	}
	for _, problem := range made.Problems {
		if _, told := missing[problem.Address]; !told {
			missing[problem.Address] = problem.Summary + ". " + problem.Detail
		}
	}
	for i := range made.Applications {
		if a := &made.Applications[i]; a.IsBlocked() {
			missing[a.Address] = a.Blocked[0].Summary + ". " + a.Blocked[0].Detail
		}
	}
	result, more := e.Apply(ctx, made, engine.ApplyOptions{Imagined: true, By: state.Holder{Who: "gantry plan", Command: "gantry plan --against"}})
	diags = append(diags, more...)
	if result == nil {
		return missing, diags
	}
	for _, outcome := range result.Applications {
		if outcome.Outcome != engine.OutcomeSucceeded {
			if _, told := missing[outcome.Address]; !told {
				missing[outcome.Address] = outcome.Message
			}
		}
	}
	return missing, diags
}
