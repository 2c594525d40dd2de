package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// quoting refuses every write with the values of what is there and of what is sent.
type quoting struct{ providers.Clusters }

func (q quoting) Connect(name string, to target.Connection, with target.Credentials) (providers.Cluster, error) {
	cluster, err := q.Clusters.Connect(name, to, with)
	return quotingCluster{cluster}, err
}

type quotingCluster struct{ providers.Cluster }

func (q quotingCluster) Apply(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	if request.DryRun {
		return q.Cluster.Apply(ctx, request)
	}
	have, err := q.Get(ctx, request.Resource, request.Object.Namespace(), request.Object.Name())
	if err != nil {
		return providers.ApplyResult{}, err
	}
	return providers.ApplyResult{}, fmt.Errorf("the webhook minds %v instead of %v", request.Object["data"], have["data"])
}

// TestRefusalsQuoteNoRedactedValue: what a server quotes of the live object is taken out
// of an apply's error, as what was sent is.
func TestRefusalsQuoteNoRedactedValue(t *testing.T) {
	t.Parallel()
	b, cluster := inMemory(t)
	b.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
	settings := func(token string) {
		b.Write(t, map[string]string{"web.gantry.hcl": `
application "web" {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "web" }, data = { token = "` + token + `", shown = "plain" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
  redact {
    kind          = "ConfigMap"
    json_pointers = ["/data/token"]
  }
}
`})
	}
	settings("first-s3cret")
	b.MustApply(t, engine.PlanOptions{})
	settings("second-s3cret")
	p := b.MustPlan(t, engine.PlanOptions{})
	b.Wrap = func(providers.Clusters) providers.Clusters { return quoting{oneCluster{cluster}} }
	_, diags := b.Apply(t.Context(), t, p)
	wantError(t, diags, "the webhook minds", "plain")
	for _, secret := range []string{"first-s3cret", "second-s3cret"} {
		refuseText(t, diags.Error(), secret)
	}
}
