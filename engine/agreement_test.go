package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/state"
)

// TestPredictionAgreesWithServer holds what is decided here about an object to the
// server's dry-run: on everything of realworld, with random edits of what is wanted, and
// by others of what is there. That an object is the same must never be wrong; that it
// may differ may be, rarely, for that costs a request. What Predict makes of it is
// compared as well. GANTRY_SOAK makes the minute ten, with other edits each time.
func TestPredictionAgreesWithServer(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts a cluster of its own")
	}
	root := realworld(t)
	a := &agreement{cluster: clustertest.Own(t, clustertest.ControlPlaneOnly()), schemas: diff.NewSchemas(), loaded: map[string]bool{}, counts: map[string]int{}, writers: map[string]clustertest.Writer{}, seed: 1}
	for _, manager := range managers {
		a.writers[manager] = a.cluster.As(t, manager)
	}
	limit := 60 * time.Second
	if os.Getenv("GANTRY_SOAK") != "" {
		limit, a.soak, a.seed = 10*time.Minute, true, uint64(time.Now().UnixNano())
	}
	var err error
	if a.api, err = kubernetes.New(kubernetes.Options{}).Connect("local", target.Connection{Kubeconfig: a.cluster.Kubeconfig}, target.Credentials{}); err != nil {
		t.Fatal(err)
	}
	for _, e := range estates {
		a.deploy(t, root, e)
	}
	if len(a.objects) < 150 { // of 201, with those definitions
		t.Fatalf("there are %d objects only", len(a.objects))
	}
	t.Logf("seed %d, %d objects", a.seed, len(a.objects))
	start := time.Now()
	done := func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		passed := time.Since(start)
		// A busy machine gets more time for what the test must show.
		return t.Failed() || passed > 4*limit || passed > limit && a.same() >= wantSame && a.counts[agreedDifferent] >= wantDifferent
	}
	const workers = 8
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(a.seed, uint64(w)))
			for !done() {
				a.round(t, random, a.objects[w+workers*random.IntN((len(a.objects)-w+workers-1)/workers)])
			}
		})
	}
	all.Wait()
	a.report(t)
}

// What the test counts, and must have seen.
const (
	agreedDifferent = "different, agreed"
	wantSame        = 100
	wantDifferent   = 100
)

// agreement is the state of the test.
type agreement struct {
	cluster clustertest.Cluster
	api     providers.Cluster
	differ  *diff.Differ
	seed    uint64
	soak    bool
	objects []*subject
	writers map[string]clustertest.Writer

	mu      sync.Mutex
	schemas *diff.Schemas
	loaded  map[string]bool
	counts  map[string]int
}

// managers are those who edit behind our back.
var managers = []string{"kubectl-edit", "operator", "helm"}

// subject is one object of the cluster, and how it is wanted.
type subject struct {
	resource providers.Resource
	first    object.Object // as rendered
	desired  object.Object // as applied last
	prior    *state.Owned
}

// deploy applies what an estate renders to, as it stands, without waiting for anything.
func (a *agreement) deploy(t *testing.T, root string, e estate) {
	t.Helper()
	b := enginetest.New(t, map[string]string{"main.gantry.hcl": fmt.Sprintf(`
		cluster "local" {
		  kubeconfig = %q
		}
		application "estate" {
		  name = %q
		  source {
		    url = %q
		    %s
		  }
		  destination {
		    cluster   = cluster.local
		    namespace = %q
		  }
		  sync {
		    create_namespace = true
		  }
		}
		%s`, a.cluster.Kubeconfig, e.name, enginetest.Repository(t, filepath.Join(root, e.repo)), e.source, e.name, e.extra)})
	a.differ = diff.New("gantry", b.Records.Fingerprinter())
	p := b.MustPlan(t, engine.PlanOptions{})
	for i := range p.Applications {
		for j := range p.Applications[i].Changes {
			c := &p.Applications[i].Changes[j]
			if c.Action != plan.Create || strings.HasSuffix(c.ID.Kind, "WebhookConfiguration") {
				continue // a webhook without its pods refuses everything
			}
			s := &subject{desired: c.Target(), first: c.Target()}
			var err error
			for range 100 { // a kind is served some time after its definition
				if s.resource, err = a.api.Resource(t.Context(), c.GVK()); err == nil {
					if err = a.apply(t, s, s.desired); err == nil {
						break
					}
				}
				a.api.Refresh()
				time.Sleep(100 * time.Millisecond)
			}
			if err != nil {
				t.Fatalf("%s: %s", c.ID, err)
			}
			// Definitions of hundreds of kilobytes keep the server busy for seconds.
			if c.ID.Kind != "Namespace" && (a.soak || c.ID.Kind != "CustomResourceDefinition") {
				a.objects = append(a.objects, s)
			}
		}
	}
}

// apply applies an object and records it, as the engine does.
func (a *agreement) apply(t *testing.T, s *subject, desired object.Object) error {
	answer, err := a.api.Apply(t.Context(), providers.ApplyRequest{Resource: s.resource, Object: desired, Manager: "gantry", Force: true})
	if err != nil {
		return err
	}
	fields := a.differ.Owned(answer.Object, s.resource.GVK.Version)
	s.desired = desired
	s.prior = &state.Owned{
		ID: desired.ID(), UID: answer.Object.UID(), Fields: fields, Desired: a.differ.Digest(desired), Values: a.differ.Values(answer.Object, fields),
	}
	return nil
}

// kind returns the type of a kind, nil where there is none to be had.
func (a *agreement) kind(t *testing.T, gvk object.GVK) *diff.Type {
	a.mu.Lock()
	defer a.mu.Unlock()
	if key := gvk.APIVersion(); !a.loaded[key] {
		document, _, err := a.api.OpenAPI(t.Context(), gvk.Group, gvk.Version)
		if err == nil {
			err = a.schemas.Add(gvk.Group, gvk.Version, document)
		}
		if err != nil {
			t.Errorf("%s: %s", key, err)
			return nil
		}
		a.loaded[key] = true
	}
	kind, _ := a.schemas.Type(gvk)
	return kind
}

func (a *agreement) count(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[what]++
}

// round edits an object and what is wanted of it, and compares what is said.
func (a *agreement) round(t *testing.T, random *rand.Rand, s *subject) {
	ctx, id := t.Context(), s.first.ID()
	get := func() object.Object {
		live, err := a.api.Get(ctx, s.resource, id.Namespace, id.Name)
		if err != nil {
			t.Errorf("%s: %s", id, err)
			live = s.first // the test has failed, and ends with this round
		}
		return live
	}
	edits := &edits{random: random}
	for range random.IntN(2) * random.IntN(3) {
		a.interfere(t, random, edits, s, get())
	}
	desired := s.desired
	if random.IntN(4) == 0 {
		desired = s.first
	}
	if random.IntN(2) > 0 {
		desired = edits.of(desired, 1+random.IntN(2))
	}
	live, kind := get(), a.kind(t, s.resource.GVK)
	in := diff.Input{Desired: desired, Live: live, Type: func() *diff.Type { return kind }}
	typed, why := a.differ.Same(in)
	in.Prior = s.prior
	recorded, _ := a.differ.Same(in)
	answer, err := a.api.Apply(ctx, providers.ApplyRequest{Resource: s.resource, Object: desired, Manager: "gantry", Force: true, DryRun: true, UID: live.UID()})
	if now := get(); now.ResourceVersion() != live.ResourceVersion() {
		a.count("moved on meanwhile")
		return
	}
	var refused *providers.InvalidError
	switch {
	case errors.As(err, &refused):
		a.count("refused by the server")
		if typed || recorded {
			t.Errorf("%s is the same (typed %v, recorded %v) and is refused: %s\nedits: %s", id, typed, recorded, err, edits)
		}
		return
	case errors.Is(err, providers.ErrUnreachable):
		a.count("no answer from the server") // a machine that is too busy
		return
	case err != nil:
		t.Errorf("%s: %s\nedits: %s", id, err, edits)
		return
	}
	unchanged := cmp.Equal(values(live), values(answer.Object), byWorth) && string(a.differ.Owned(live, "")) == string(a.differ.Owned(answer.Object, ""))
	switch {
	case recorded && !typed && !unchanged && cmp.Equal(withoutEmpty(map[string]any(values(live))), withoutEmpty(map[string]any(values(answer.Object))), byWorth):
		// An apply that takes the last item out of a map takes the map, and the next one,
		// of the very same object, brings it back empty. Nothing has happened since.
		a.count("same by the record, and a second apply would add what is empty")
	case (typed || recorded) && !unchanged:
		t.Errorf("%s is the same (typed %v, recorded %v), and the server changes it:\n%s\nowned before %s\nowned after  %s\nedits: %s", id, typed, recorded,
			cmp.Diff(values(live), values(answer.Object), byWorth), a.differ.Owned(live, ""), a.differ.Owned(answer.Object, ""), edits)
	case typed && recorded && unchanged:
		a.count("same, agreed")
	case recorded && unchanged:
		a.count("same, agreed by the record only")
	case typed && unchanged:
		a.count("same, agreed by the types only")
	case unchanged:
		a.count("different, and the server says the same")
		a.count("lost: " + reason(why))
	default:
		a.count(agreedDifferent)
		a.predicted(t, s, edits, live, desired, answer.Object, kind)
	}
	if random.IntN(3) == 0 {
		if err := a.apply(t, s, desired); err != nil {
			t.Errorf("%s is refused after its dry-run was not: %s", id, err)
			return
		}
		after := get()
		if after.ResourceVersion() == answer.Object.ResourceVersion() || cmp.Equal(values(after), values(answer.Object), byWorth) {
			if same, why := a.differ.Same(diff.Input{Desired: desired, Live: after, Prior: s.prior}); !same {
				t.Errorf("%s was just applied, and %s\nedits: %s", id, why, edits)
			}
		}
	}
}

// predicted compares what Predict says with the server's answer: what the server says
// more than that must be its own doing.
func (a *agreement) predicted(t *testing.T, s *subject, edits *edits, live, desired, answer object.Object, kind *diff.Type) {
	after, err := a.differ.Predict(live, desired, kind, true)
	if err != nil {
		t.Errorf("%s cannot be predicted: %s\nedits: %s", s.first.ID(), err, edits)
		return
	}
	if have, want := string(a.differ.Owned(after, "")), string(a.differ.Owned(answer, "")); have != want {
		a.count("ownership predicted otherwise")
		t.Errorf("%s: predicted to own\n%s, and the server says\n%s\nedits: %s", s.first.ID(), have, want, edits)
		return
	}
	if a.differ.Fields(diff.Changes{Before: after, After: answer, Desired: desired, Type: kind}) == nil {
		a.count("predicted exactly")
		return
	}
	theirs := a.differ.Fields(diff.Changes{Before: live, After: answer, Desired: desired, Type: kind})
	ours := map[string]bool{}
	for _, f := range a.differ.Fields(diff.Changes{Before: live, After: after, Desired: desired, Type: kind}) {
		ours[f.Path] = true
	}
	for _, f := range theirs {
		if !f.Server && !ours[f.Path] {
			a.count("predicted otherwise")
			a.count("otherwise: " + s.resource.GVK.Kind + " " + f.Path)
			return
		}
	}
	a.count("predicted but for defaults")
}

// reason is why Same was in doubt, without names.
func reason(why string) string {
	for _, known := range []string{"is no longer desired", "is not ours", "differs"} {
		if strings.HasSuffix(why, known) {
			return known
		}
	}
	return why
}

// withoutEmpty returns a value without maps and lists that have nothing in them.
func withoutEmpty(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, item := range v {
			if kept := withoutEmpty(item); kept != nil {
				out[key] = kept
			}
		}
		if len(out) > 0 {
			return out
		}
		return nil
	case []any:
		if len(v) == 0 {
			return nil
		}
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = withoutEmpty(item)
		}
		return out
	}
	return value
}

// byWorth compares quantities, where they are, by what they are worth: a server may write
// one in another way, and that is no change.
var byWorth = cmp.FilterPath(func(p cmp.Path) bool {
	for _, name := range []string{"limits", "requests", "sizeLimit", "capacity"} {
		if strings.Contains(p.GoString(), `["`+name+`"]`) {
			return true
		}
	}
	return false
}, cmp.Comparer(func(a, b string) bool {
	x, errX := resource.ParseQuantity(a)
	y, errY := resource.ParseQuantity(b)
	return a == b || errX == nil && errY == nil && x.Cmp(y) == 0
}))

func values(o object.Object) object.Object {
	o = o.DeepCopy()
	for _, name := range []string{"managedFields", "resourceVersion", "generation"} {
		delete(o.Metadata(), name)
	}
	delete(o, "status")
	return o
}

// interfere changes the live object as somebody else.
func (a *agreement) interfere(t *testing.T, random *rand.Rand, edits *edits, s *subject, live object.Object) {
	manager := managers[random.IntN(len(managers))]
	var err error
	how := random.IntN(3)
	edits.note("as " + manager + ":")
	switch how {
	case 0, 1:
		edited := edits.of(live, 1+random.IntN(2))
		delete(edited, "status")
		err = a.writers[manager].Replace(edited)
	case 2: // applies what we apply, or most of it
		edited := edits.of(s.desired, random.IntN(2))
		_, err = a.api.Apply(t.Context(), providers.ApplyRequest{Resource: s.resource, Object: edited, Manager: manager, Force: true})
	}
	edits.note("and we:")
	if err != nil {
		a.count("edit refused by the server")
	}
}

// same is how often it was agreed that an object is the same. The caller holds mu.
func (a *agreement) same() int {
	return a.counts["same, agreed"] + a.counts["same, agreed by the record only"] + a.counts["same, agreed by the types only"]
}

// report tells the counts, and fails where too much was asked for nothing.
func (a *agreement) report(t *testing.T) {
	for _, what := range slices.Sorted(maps.Keys(a.counts)) {
		t.Logf("%6d %s", a.counts[what], what)
	}
	same, lost, different := a.same(), a.counts["different, and the server says the same"], a.counts[agreedDifferent]
	if same < wantSame || different < wantDifferent {
		t.Errorf("agreed %d times on the same and %d times on a difference: the test shows little", same, different)
	}
	if lost*10 > same+lost {
		t.Errorf("of %d objects that are the same, %d were asked about", same+lost, lost)
	}
	if other := a.counts["predicted otherwise"]; other*20 > different {
		t.Errorf("of %d differences, %d were predicted otherwise", different, other)
	}
}
