package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
	statememory "github.com/gantrycd/gantry/state/memory"
)

var errCutOff = errors.New("the process is gone")

// lifeline is how many more writes a process does, to the state and to clusters.
type lifeline struct{ left atomic.Int64 }

func (l *lifeline) take() error {
	if l.left.Add(-1) < 0 {
		return errCutOff
	}
	return nil
}

type mortalStore struct {
	state.Store
	life *lifeline
}

func (s mortalStore) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if err := s.life.take(); err != nil {
		return "", err
	}
	return s.Store.Put(ctx, key, value, version)
}

func (s mortalStore) Delete(ctx context.Context, key, version string) error {
	if err := s.life.take(); err != nil {
		return err
	}
	return s.Store.Delete(ctx, key, version)
}

type mortalCluster struct {
	providers.Cluster
	life *lifeline
}

func (c mortalCluster) Apply(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	if !r.DryRun {
		if err := c.life.take(); err != nil {
			return providers.ApplyResult{}, err
		}
	}
	return c.Cluster.Apply(ctx, r)
}

func (c mortalCluster) Delete(ctx context.Context, r providers.DeleteRequest) error {
	if err := c.life.take(); err != nil {
		return err
	}
	return c.Cluster.Delete(ctx, r)
}

func (c mortalCluster) Patch(ctx context.Context, r providers.Resource, namespace, name string, patch []byte, dryRun bool) (object.Object, error) {
	if err := c.life.take(); err != nil {
		return nil, err
	}
	return c.Cluster.Patch(ctx, r, namespace, name, patch, dryRun)
}

// An application gets another address and another namespace, and its apply is cut off
// before each of its writes. The next apply leaves one parent, where it is to be.
func TestParentsOfAnApplyThatIsCutOff(t *testing.T) {
	t.Parallel()
	for n := int64(0); ; n++ {
		b, cluster := withParents(t)
		store := statememory.New()
		var err error
		if b.Records, err = state.Open(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		b.Adapt = func(options *engine.Options) {
			options.Parents = true
			options.Lease = state.LeaseOptions{Dead: func(state.Holder) bool { return true }}
		}
		webs(t, b, "", "web")
		b.MustApply(t, engine.PlanOptions{})
		webs(t, b, "moved {\n  from = application.web\n  to = application.shop\n}\n", "shop")
		edit(t, b, `namespace = "web"`, `namespace = "shop"`)
		p := b.MustPlan(t, engine.PlanOptions{})

		life := &lifeline{}
		life.left.Store(n)
		mortal, wrap := *b, b.Wrap
		mortal.Wrap = func(providers.Clusters) providers.Clusters { return connecting{mortalCluster{cluster, life}} }
		if mortal.Records, err = state.Open(t.Context(), mortalStore{store, life}, state.Existing()); err != nil {
			t.Fatal(err)
		}
		_, diags := mortal.Apply(t.Context(), t, p)
		b.Wrap = wrap
		b.MustApply(t, engine.PlanOptions{})
		record, _, err := b.Records.Get(t.Context(), addr.Application("shop"))
		if err != nil || record == nil {
			t.Fatal(record, err)
		}
		if got := parentsIn(t, cluster); !strings.HasPrefix(got, "shop application.shop ") || strings.Contains(got, ",") {
			t.Errorf("cut off before write %d: parents are %q", n+1, got)
		}
		if p := b.MustPlan(t, engine.PlanOptions{}); p.HasChanges() {
			t.Errorf("cut off before write %d: the third plan has %v", n+1, p.Counts())
		}
		if life.left.Load() >= 0 {
			if diags.HasErrors() || n < 10 {
				t.Errorf("with %d writes: %v", n, diags)
			}
			wantParents(t, cluster, fmt.Sprintf("shop application.shop %d", record.Serial))
			return
		}
	}
}
