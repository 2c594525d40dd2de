package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
	memorystate "github.com/gantrycd/gantry/state/memory"
	"github.com/gantrycd/gantry/state/storetest/soak"
)

// TestSimulatedFaults takes one application through seeded schedules of faults, with a
// cluster and a state in memory and a clock that is not real: answers of either are lost,
// the process is cut off from both for good (as if it was killed) or for longer than its lock lasts (as if it
// was stopped) while another applies. After each schedule the next apply must bring about
// what is desired, with nothing done twice and nothing orphaned, and leave nothing for a
// plan. A failure names its seed: GANTRY_SEED runs that one alone, and with GANTRY_ROUNDS so
// many from that one on.
func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	const told = 500 // seeds at a time are told of
	first, seeds := soak.Seeds(1000, 50_000)
	for done := 0; done < seeds && !t.Failed(); done += told {
		block := min(told, seeds-done)
		fates := simulateAll(t, first+uint64(done), block)
		if t.Failed() {
			return
		}
		t.Logf("survived: {%d} seeds of simulated faults, 0 violations: {%d} times answers lost, {%d} cut off for good, {%d} stopped for three times the lease",
			block, fates[fateLost], fates[fateCut], fates[fateStopped])
	}
}

// simulateAll runs seeds from a first one on, and returns how often each fate came.
func simulateAll(t *testing.T, first uint64, seeds int) map[string]int {
	var mu sync.Mutex
	told := map[string]int{}
	next := make(chan uint64)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		b := inMemory(t)
		b.Write(t, map[string]string{"web/all.yaml": someObjects(6, 0)})
		group.Go(func() {
			for seed := range next {
				if t.Failed() {
					continue
				}
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					hangs := time.AfterFunc(4*time.Minute, func() { panic(fmt.Sprintf("seed %d hangs", seed)) })
					defer hangs.Stop()
					synctest.Test(t, func(t *testing.T) {
						s := simulate(t, b, seed)
						mu.Lock()
						defer mu.Unlock()
						for what, n := range s.told {
							told[what] += n
						}
					})
				})
			}
		})
	}
	for i := range seeds {
		next <- first + uint64(i)
	}
	close(next)
	group.Wait()
	return told
}

// world is one simulated schedule.
type world struct {
	*enginetest.Bench
	seed   uint64
	random *rand.Rand
	mu     sync.Mutex
	told   map[string]int
	log    map[string]int // writes the cluster accepted, by object and round
	server *memory.Cluster
	store  state.Store
	round  int
}

// simulate takes the application through three rounds of faults.
func simulate(t *testing.T, base *enginetest.Bench, seed uint64) *world {
	own := *base
	w := &world{
		Bench: &own, seed: seed, random: rand.New(rand.NewPCG(seed, seed)), told: map[string]int{}, log: map[string]int{},
		server: memory.New(memory.Options{Name: "main", Resource: engine.GuessResource}), store: memorystate.New(),
	}
	var err error
	if w.Records, err = state.Open(t.Context(), w.store); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.round++
		w.Write(t, map[string]string{"web/all.yaml": someObjects(6, w.round)})
		w.use(w.process(pointNever))
		p := w.MustPlan(t, engine.PlanOptions{})
		faulty := w.process(w.fate())
		w.use(faulty)
		result, diags := w.Apply(t.Context(), t, p)
		if faulty.stopped && (result == nil || !result.Lost) && diags.HasErrors() && !strings.Contains(said(diags), "lock") {
			t.Errorf("seed %d: stopped for long, it ended with %s", seed, said(diags))
		}
		w.recover(t, p)
	}
	return w
}

// fates of a process.
const (
	fateCut     = "cut off for good"
	fateStopped = "stopped for three times its lease"
	fateLost    = "answers lost"
)

func (w *world) fate() string {
	return []string{fateCut, fateCut, fateStopped, fateLost}[w.random.IntN(4)]
}

// sim is a process with its ways to the cluster and the state.
type sim struct {
	w       *world
	fate    string
	mu      sync.Mutex
	left    int  // operations until its fate
	gone    bool // cut off for good
	stopped bool
	after   bool // the operation at which it happens is done first
}

func (w *world) process(fate string) *sim {
	return &sim{w: w, fate: fate, left: 1 + w.random.IntN(40), after: w.random.IntN(2) == 0}
}

// use has the next engine be that process.
func (w *world) use(s *sim) {
	w.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{&simCluster{w.server, s}} }
	records, err := state.Open(context.Background(), &simStore{w.store, s}, state.Existing(), state.WithClock(hasty{}))
	if err != nil {
		panic(err)
	}
	w.Records = records
	w.Adapt = func(o *engine.Options) {
		o.Lease = state.LeaseOptions{Wait: 10 * time.Minute}
		o.Parallelism = 4
		o.Patience = 10 * time.Second
	}
}

var errCutOff = errors.New("the process is cut off")

// do takes an operation of the process: writes are where its fate comes.
func (s *sim) do(write bool, take func() error, lost func(error) error) error {
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		return lost(errCutOff)
	}
	now := false
	if write && s.fate != pointNever {
		s.left--
		now = s.left == 0 || s.fate == fateLost && s.left < 0 && s.left%7 == 0
	}
	if now {
		s.tell()
		s.gone = s.fate == fateCut
		s.stopped = s.stopped || s.fate == fateStopped
	}
	s.mu.Unlock()
	if !now {
		return take()
	}
	if s.fate == fateStopped { // the others of it go on: a pause that hits one request
		if s.after {
			err := take()
			time.Sleep(90 * time.Second)
			return err
		}
		time.Sleep(90 * time.Second)
		return take()
	}
	if s.after {
		if err := take(); err != nil && s.fate == fateLost {
			return err
		}
	}
	return lost(errCutOff)
}

func (s *sim) tell() {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.told[s.fate]++
}

// hasty is a clock on which short pauses take no time. The engine holds locks while the
// state is written, and the clock of the simulation stands still while anyone waits for a
// lock.
type hasty struct{}

func (hasty) Now() time.Time { return time.Now() }

func (hasty) After(d time.Duration) <-chan time.Time {
	if d < time.Second {
		now := make(chan time.Time, 1)
		now <- time.Now()
		return now
	}
	return time.After(d)
}

type simStore struct {
	state.Store
	sim *sim
}

func (s *simStore) Get(ctx context.Context, key string) (value []byte, version string, err error) {
	err = s.sim.do(false, func() (err error) {
		value, version, err = s.Store.Get(ctx, key)
		return err
	}, func(err error) error { return err })
	return value, version, err
}

func (s *simStore) Put(ctx context.Context, key string, value []byte, version string) (written string, err error) {
	err = s.sim.do(s.sim.fate != fateStopped, func() (err error) {
		written, err = s.Store.Put(ctx, key, value, version)
		return err
	}, func(err error) error { return errors.Join(state.ErrUnknown, err) })
	return written, err
}

func (s *simStore) Delete(ctx context.Context, key, version string) error {
	return s.sim.do(s.sim.fate != fateStopped, func() error { return s.Store.Delete(ctx, key, version) },
		func(err error) error { return errors.Join(state.ErrUnknown, err) })
}

type simCluster struct {
	*memory.Cluster
	sim *sim
}

func unreachable(err error) error { return fmt.Errorf("%w: %w", providers.ErrUnreachable, err) }

func (c *simCluster) Apply(ctx context.Context, request providers.ApplyRequest) (answer providers.ApplyResult, err error) {
	err = c.sim.do(!request.DryRun, func() (err error) {
		answer, err = c.Cluster.Apply(ctx, request)
		if err == nil && !request.DryRun {
			w := c.sim.w
			w.mu.Lock()
			defer w.mu.Unlock()
			w.log[fmt.Sprintf("%s in round %d", request.Object.Name(), w.round)]++
		}
		return err
	}, unreachable)
	return answer, err
}

func (c *simCluster) Get(ctx context.Context, r providers.Resource, namespace, name string) (o object.Object, err error) {
	err = c.sim.do(false, func() (err error) {
		o, err = c.Cluster.Get(ctx, r, namespace, name)
		return err
	}, unreachable)
	return o, err
}

func (c *simCluster) Delete(ctx context.Context, request providers.DeleteRequest) error {
	return c.sim.do(!request.DryRun, func() error { return c.Cluster.Delete(ctx, request) }, unreachable)
}

// recover applies again, with no faults, and checks what must hold then.
func (w *world) recover(t *testing.T, p *plan.Plan) {
	w.use(w.process(pointNever))
	_, diags := w.Apply(t.Context(), t, p)
	if diags.HasErrors() && !strings.Contains(said(diags), "a plan is applied once") {
		t.Fatalf("seed %d, round %d: %s", w.seed, w.round, said(diags))
	}
	if next := w.MustPlan(t, engine.PlanOptions{}); next.HasChanges() {
		t.Fatalf("seed %d, round %d: the next plan has %v", w.seed, w.round, next.Counts())
	}
	record, _, err := w.Records.Get(t.Context(), web)
	if err != nil || record == nil {
		t.Fatalf("seed %d: %+v, %v", w.seed, record, err)
	}
	all, err := w.server.List(t.Context(), configMaps, "web", providers.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range all {
		if _, _, ours := track.Owner(o); !ours {
			continue
		}
		names = append(names, o.Name())
		if record.Find(o.ID()) == nil {
			t.Errorf("seed %d, round %d: %s is marked, and not in the inventory", w.seed, w.round, o.Name())
		}
		if o.Labels()["round"] != fmt.Sprint(w.round) {
			t.Errorf("seed %d, round %d: %s is of round %s", w.seed, w.round, o.Name(), o.Labels()["round"])
		}
	}
	slices.Sort(names)
	if len(names) != 6 || len(record.Objects) != 6 || len(record.Journal) != 0 {
		t.Errorf("seed %d, round %d: there are %q, %d in the inventory, %d in the journal", w.seed, w.round, names, len(record.Objects), len(record.Journal))
	}
	for what, n := range w.log {
		if n > 1 && strings.HasSuffix(what, fmt.Sprintf(" in round %d", w.round)) {
			t.Errorf("seed %d: %s was written %d times", w.seed, what, n)
		}
	}
}
