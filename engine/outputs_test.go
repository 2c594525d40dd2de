package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

func sharedCluster(name string) func(providers.Clusters) providers.Clusters {
	cluster := memory.New(memory.Options{Name: name, Resource: func(gvk object.GVK) providers.Resource {
		return providers.Resource{GVK: gvk, Plural: strings.ToLower(gvk.Kind) + "s", Namespaced: gvk.Kind != "Namespace"}
	}})
	return func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
}

const giving = `
cluster "main" {
  kubeconfig = "kube/config"
  context    = "main"
  labels     = { tier = "canary" }
}
project "team" {
  description = "The team."
}
output "colour" {
  value = %q
}
output "token" {
  value     = sensitive("hunter2")
  sensitive = true
}
application "web" {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "web" }, data = { a = "b" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`

const taking = `
remote "giving" {
  backend "local" {
    path = "giving"
  }
}
application "reads" {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "reads" }, data = { colour = remote.giving.outputs.colour } }]
  }
  destination {
    cluster   = remote.giving.clusters.main
    namespace = "web"
  }
}
`

// readingFrom is the configuration that reads what a bench gives.
func readingFrom(t *testing.T, from *enginetest.Bench) *enginetest.Bench {
	t.Helper()
	b := enginetest.New(t, map[string]string{"main.gantry.hcl": taking})
	b.Wrap = from.Wrap
	b.Remotes = func(ctx context.Context, state lang.RemoteState) (*published.Document, error) {
		if state.Type != "local" || state.Arguments["path"] != "giving" {
			return nil, fmt.Errorf("asked for %+v", state)
		}
		return from.Records.Published(ctx)
	}
	return b
}

// One configuration reads another: what it is given is in its plan, and a change of it
// changes the plan.
func TestRemoteIsPlanned(t *testing.T) {
	t.Parallel()
	gives := enginetest.New(t, map[string]string{"main.gantry.hcl": fmt.Sprintf(giving, "blue")})
	gives.Wrap = sharedCluster("main")
	takes := readingFrom(t, gives)

	if _, diags := takes.Plan(t, engine.PlanOptions{}); !diags.HasErrors() || diags[0].Summary != "Configuration not applied yet" {
		t.Errorf("before anything is given: %v", diags)
	}
	gives.MustApply(t, engine.PlanOptions{})
	document, err := gives.Records.Published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &published.Document{
		Outputs:  []published.Output{{Name: "colour", Value: []byte(`"blue"`)}, {Name: "token", Sensitive: true}},
		Clusters: []published.Cluster{{Name: "main", Labels: map[string]string{"tier": "canary"}}},
		Projects: []published.Project{{Name: "team", Description: "The team."}},
	}
	want.Clusters[0].Connection.Context, want.Clusters[0].Connection.Kubeconfig = "main", filepath.Join(gives.Dir, "kube", "config")
	if diff := cmp.Diff(want, document); diff != "" {
		t.Errorf("given (-want +got):\n%s", diff)
	}

	first := takes.MustApply(t, engine.PlanOptions{})
	if len(first.Remotes) != 1 || first.Remotes[0].Pin.Digest != document.Digest() {
		t.Errorf("remotes: %+v", first.Remotes)
	}
	again := takes.MustPlan(t, engine.PlanOptions{})
	if again.HasChanges() || again.InputDigest != first.InputDigest {
		t.Error("what was just applied is planned again, or its inputs differ")
	}

	gives.Write(t, map[string]string{"main.gantry.hcl": fmt.Sprintf(giving, "green")})
	p := gives.MustApply(t, engine.PlanOptions{})
	if got := p.Outputs(); len(got) != 2 || got[0].Kind != plan.Changed || string(got[0].Before) != `"blue"` || p.HasChanges() {
		t.Errorf("outputs: %+v", got)
	}
	changed := takes.MustPlan(t, engine.PlanOptions{})
	if !changed.HasChanges() || changed.InputDigest == first.InputDigest {
		t.Error("the change of what is read is not planned")
	}
	fields := changed.Applications[0].Changes[len(changed.Applications[0].Changes)-1].Fields
	if len(fields) != 1 || fields[0].Before != "blue" || fields[0].After != "green" {
		t.Errorf("fields: %+v", fields)
	}
	offline := takes.Engine()
	config, _ := takes.Config(t, offline)
	if p, _ := offline.Plan(t.Context(), config, engine.PlanOptions{Offline: true}); p == nil || p.Published != nil {
		t.Error("an offline plan gives something")
	}
}

// What others read changes only with all of the configuration.
func TestPublishesAsAWhole(t *testing.T) {
	t.Parallel()
	b := enginetest.New(t, map[string]string{"main.gantry.hcl": fmt.Sprintf(giving, "blue")})
	b.Wrap = sharedCluster("main")
	given := func() string {
		t.Helper()
		document, err := b.Records.Published(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if document == nil {
			return "nothing"
		}
		return string(document.Outputs[0].Value)
	}
	apply := func(options engine.PlanOptions) {
		t.Helper()
		p, _ := b.Plan(t, options)
		_, _ = b.Apply(t.Context(), t, p)
	}
	apply(engine.PlanOptions{Targets: []addr.Address{addr.Application("web")}})
	if got := given(); got != "nothing" {
		t.Errorf("with a target: %s", got)
	}
	apply(engine.PlanOptions{})
	b.Write(t, map[string]string{
		"main.gantry.hcl": fmt.Sprintf(giving, "green"),
		"more.gantry.hcl": "locals {\n  broken = local.nothing\n}\n",
	})
	apply(engine.PlanOptions{Unsound: true})
	if got := given(); got != `"blue"` {
		t.Errorf("with errors: %s", got)
	}
	b.Write(t, map[string]string{"more.gantry.hcl": "application \"broken\" {\n  source {\n    path = \"nowhere\"\n  }\n  destination {\n    cluster = cluster.main\n  }\n}\n"})
	apply(engine.PlanOptions{})
	if got := given(); got != `"blue"` {
		t.Errorf("with an application that cannot be planned: %s", got)
	}
	b.Write(t, map[string]string{"more.gantry.hcl": ""})
	p := b.MustPlan(t, engine.PlanOptions{})
	if p.HasChanges() {
		t.Fatal("there is something to apply")
	}
	enginetest.Check(t, b.Engine().Publish(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}}))
	if got := given(); got != `"green"` {
		t.Errorf("without a change: %s", got)
	}
	apply(engine.PlanOptions{Destroy: true})
	if got := given(); got != "nothing" {
		t.Errorf("destroyed: %s", got)
	}
}
