package crash

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/storetest/soak"
)

// TestManyAppliesOfOneApplication has 50 applies begin at once, each of a plan of its own
// that changes the same objects, with its state in each backend. One of them is carried out;
// the others are told who has it, or that their plan no longer holds; and what the cluster
// accepted is of one after the other, never of two at once. It goes 10 rounds in memory and
// in files, and in the long form 200 in every backend.
func TestManyAppliesOfOneApplication(t *testing.T) {
	t.Parallel()
	rounds := soak.Rounds(10, 200)
	for _, b := range backends() {
		t.Run(b.name, func(t *testing.T) {
			if b.server && !soak.Asked() {
				t.Skip("part of make soak")
			}
			manyApplies(t, b, rounds)
		})
	}
}

// manyApplies goes through rounds of applies of one application, in four stores of one place
// as four machines have them.
func manyApplies(t *testing.T, kept backend, rounds int) {
	const applies, stores = 50, 4
	const told = 10 // rounds at a time are told of
	b := inMemory(t)
	open := kept.open(t)
	var opened [stores]*state.Records
	for i := range opened {
		var err error
		if opened[i], err = state.Open(t.Context(), open(t)); err != nil {
			t.Fatal(err)
		}
	}
	b.Records = opened[0]
	log := &requestLog{}
	reached := b.Wrap
	held, stale := 0, 0
	for round := range rounds {
		b.Write(t, map[string]string{"web/all.yaml": someObjects(8, round)})
		p := b.MustPlan(t, engine.PlanOptions{})
		log.reset()
		var group sync.WaitGroup
		results := make([]hcl.Diagnostics, applies)
		for i := range applies {
			mine := *b
			mine.Records = opened[i%stores]
			mine.Wrap = func(all providers.Clusters) providers.Clusters { return logging{reached(all), log, i} }
			own := *p
			own.ID = uuid.NewString()
			group.Go(func() {
				_, results[i] = mine.Engine().Apply(t.Context(), &own, engine.ApplyOptions{By: state.Holder{Who: fmt.Sprint("worker ", i)}})
			})
		}
		group.Wait()
		won := 0
		for i, diags := range results {
			text := said(diags)
			switch {
			case !diags.HasErrors():
				won++
			case strings.Contains(text, "is locked by worker"):
				held++
			case strings.Contains(text, "it was applied since"):
				stale++
			default:
				t.Errorf("round %d: apply %d: %s", round, i, text)
			}
		}
		if won != 1 {
			t.Errorf("round %d: %d of %d applies were carried out", round, won, applies)
		}
		if runs := log.runs(); len(runs) != 1 {
			t.Errorf("round %d: the cluster took writes of the applies %v, one after the other", round, runs)
		}
		if next := b.MustPlan(t, engine.PlanOptions{}); next.HasChanges() {
			t.Errorf("round %d: the next plan has %v", round, next.Counts())
		}
		if t.Failed() {
			return
		}
		if done := round%told + 1; done == told || round+1 == rounds {
			t.Logf("survived: state in %s: {%d} rounds of %d applies at once: one carried out in each, {%d} told who holds it, {%d} that their plan no longer holds; 0 interleaved writes", kept.name, done, applies, held, stale)
			held, stale = 0, 0
		}
	}
}

// inMemory is a configuration with one application, and a cluster in memory.
func inMemory(t *testing.T) *enginetest.Bench {
	t.Helper()
	b := enginetest.New(t, map[string]string{"web.gantry.hcl": `
		cluster "main" {
		  server = "https://main.example.com"
		}
		application "web" {
		  source {
		    path = "./web"
		  }
		  destination {
		    cluster   = cluster.main
		    namespace = "web"
		  }
		}`})
	cluster := memory.New(memory.Options{Name: "main", Resource: engine.GuessResource})
	b.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
	return b
}

// someObjects are objects as they are in a round.
func someObjects(count, round int) string {
	var documents []string
	for i := range count {
		name := fmt.Sprintf("object-%d", i)
		if i%4 == 3 {
			name += fmt.Sprintf("-%d", round)
		}
		documents = append(documents, fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, labels: {round: "%d"}, annotations: {argocd.argoproj.io/sync-wave: "%d"}}, data: {round: "%d"}}`, name, round, i%2, round))
	}
	return strings.Join(documents, "\n---\n")
}

// oneCluster is the one cluster that there is.
type oneCluster struct{ cluster providers.Cluster }

func (o oneCluster) Connect(string, target.Connection, target.Credentials) (providers.Cluster, error) {
	return o.cluster, nil
}

// requestLog is what a cluster accepted, by who sent it.
type requestLog struct {
	mu   sync.Mutex
	sent []int
}

func (l *requestLog) add(by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, by)
}

func (l *requestLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = nil
}

// runs are who sent, each time that it is another.
func (l *requestLog) runs() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []int
	for _, by := range l.sent {
		if len(out) == 0 || out[len(out)-1] != by {
			out = append(out, by)
		}
	}
	return out
}

// logging are clusters that log what they accept.
type logging struct {
	providers.Clusters
	log *requestLog
	by  int
}

func (l logging) Connect(name string, connection target.Connection, credentials target.Credentials) (providers.Cluster, error) {
	cluster, err := l.Clusters.Connect(name, connection, credentials)
	return loggingCluster{cluster, l}, err
}

type loggingCluster struct {
	providers.Cluster
	logging
}

func (l loggingCluster) Apply(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	answer, err := l.Cluster.Apply(ctx, request)
	if err == nil && !request.DryRun {
		l.log.add(l.by)
	}
	return answer, err
}

func (l loggingCluster) Delete(ctx context.Context, request providers.DeleteRequest) error {
	err := l.Cluster.Delete(ctx, request)
	if err == nil && !request.DryRun {
		l.log.add(l.by)
	}
	return err
}
