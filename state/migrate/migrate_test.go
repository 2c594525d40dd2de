package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/encrypted"
	statehttp "github.com/gantrycd/gantry/state/http"
	"github.com/gantrycd/gantry/state/http/gitlabtest"
	statekubernetes "github.com/gantrycd/gantry/state/kubernetes"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/memory"
	"github.com/gantrycd/gantry/state/migrate"
	"github.com/gantrycd/gantry/state/postgres"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
	"github.com/gantrycd/gantry/state/s3"
	"github.com/gantrycd/gantry/state/s3/s3test"
)

func at(name string) state.Location { return state.Location{Type: name, Place: "the " + name + " one"} }

// begin makes a state of some applications in a store, with a lock that stays behind.
func begin(t *testing.T, store state.Store, applications int) *state.Records {
	t.Helper()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	for i := range applications {
		address := addr.Application("web").Instance(fmt.Sprintf("eu/%d", i))
		if _, err := records.Put(t.Context(), &state.Record{Address: address}, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.Put(t.Context(), "revisions/application.web/1", []byte{0, 1, 2, 0xff}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "holds/empty", nil, ""); err != nil {
		t.Fatal(err)
	}
	return records
}

// content is all of a state, but for its locks.
func content(t *testing.T, store state.Store) map[string]string {
	t.Helper()
	keys, err := store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, key := range keys {
		if strings.HasPrefix(key, "locks/") {
			continue
		}
		value, _, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		out[key] = string(value)
	}
	return out
}

// kind opens a store of one kind with nothing in it, by a name that no other has.
type kind func(t *testing.T, name string) state.Store

func kinds(t *testing.T) map[string]kind {
	t.Helper()
	buckets, gitlab := s3test.Start(t), gitlabtest.Start(t)
	return map[string]kind{
		"memory": func(*testing.T, string) state.Store { return memory.New() },
		"local":  func(t *testing.T, _ string) state.Store { return local.New(t.TempDir()) },
		"http": func(t *testing.T, name string) state.Store {
			store, err := statehttp.New(statehttp.Options{Address: gitlab.Address(name), Username: gitlabtest.Username, Password: gitlabtest.Password})
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
		"s3": func(t *testing.T, name string) state.Store {
			store, err := s3.New(t.Context(), buckets.Options(name))
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
	}
}

// TestEveryPair moves a state from each kind of store to each other, and back.
func TestEveryPair(t *testing.T) {
	t.Parallel()
	all := kinds(t)
	for from := range all {
		for to := range all {
			pair(t, from, to, all)
		}
	}
}

// TestEveryPairWithPostgres is TestEveryPair of a database and the others.
func TestEveryPairWithPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	all := kinds(t)
	all["postgres"] = func(t *testing.T, name string) state.Store { return inDatabase(t, server, name) }
	for other := range all {
		pair(t, "postgres", other, all)
	}
}

func inDatabase(t *testing.T, server *pgtest.Server, name string) state.Store {
	t.Helper()
	store, err := postgres.New(t.Context(), postgres.Options{URL: object.Sensitive(server.URL()), Schema: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// TestEveryPairWithKubernetes is TestEveryPair of a cluster and the others.
func TestEveryPairWithKubernetes(t *testing.T) {
	t.Parallel()
	config, err := kubernetes.New(kubernetes.Options{}).Config(target.Connection{Kubeconfig: clustertest.Shared(t).Kubeconfig}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	namespace := "migrate-" + uuid.NewString()[:13]
	all := kinds(t)
	database := pgtest.Start(t)
	all["postgres"] = func(t *testing.T, name string) state.Store { return inDatabase(t, database, name) }
	all["kubernetes"] = func(t *testing.T, name string) state.Store {
		store, err := statekubernetes.New(statekubernetes.Options{Config: config, Namespace: namespace, Name: strings.ReplaceAll(name, "_", "-")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return store
	}
	t.Cleanup(func() {
		cluster, err := kubernetes.New(kubernetes.Options{}).Connect("main", target.Connection{Kubeconfig: clustertest.Shared(t).Kubeconfig}, target.Credentials{})
		if err == nil {
			_ = cluster.Delete(context.Background(), providers.DeleteRequest{Resource: providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Namespace"}, Plural: "namespaces"}, Name: namespace})
		}
	})
	for other := range all {
		pair(t, "kubernetes", other, all)
		if other != "kubernetes" {
			pair(t, other, "kubernetes", all)
		}
	}
}

func pair(t *testing.T, from, to string, all map[string]kind) {
	t.Run(from+" to "+to, func(t *testing.T) {
		t.Parallel()
		old, next := all[from](t, "old_"+from+"_"+to), all[to](t, "new_"+from+"_"+to)
		records := begin(t, old, 20)
		want := content(t, old)
		options := migrate.Options{From: migrate.Side{Store: old, At: at("old")}, To: migrate.Side{Store: next, At: at("new")}, DryRun: true}

		result, err := migrate.Run(t.Context(), options)
		if err != nil || result.Keys != 22 || result.Kinds["applications"] != 20 || result.Written != 0 {
			t.Fatalf("a dry run: %+v, %v", result, err)
		}
		if keys, err := next.List(t.Context(), ""); err != nil || len(keys) != 0 {
			t.Fatalf("a dry run wrote %q, %v", keys, err)
		}
		options.DryRun = false
		if result, err = migrate.Run(t.Context(), options); err != nil || result.Written != 22 || result.Verified != 22 || result.Already {
			t.Fatalf("%+v, %v", result, err)
		}
		if diff := cmp.Diff(want, content(t, next)); diff != "" {
			t.Errorf("what arrived differs (-want +have):\n%s", diff)
		}
		arrived, err := state.Open(t.Context(), next)
		if err != nil || arrived.Lineage() != records.Lineage() {
			t.Fatalf("opening what arrived: %v", err)
		}
		var moved *state.MovedError
		if _, err := state.Open(t.Context(), old); !errors.As(err, &moved) || !strings.Contains(err.Error(), "was moved to the new one") {
			t.Errorf("opening what was moved: %v", err)
		}
		if result, err = migrate.Run(t.Context(), options); err != nil || !result.Already {
			t.Errorf("moved again: %+v, %v", result, err)
		}

		// And back, over what was left there, after something has changed.
		if _, err := arrived.Put(t.Context(), &state.Record{Address: addr.Application("api")}, ""); err != nil {
			t.Fatal(err)
		}
		want = content(t, next)
		options.From, options.To = options.To, options.From
		if result, err = migrate.Run(t.Context(), options); err != nil || result.Written != 1 || result.Verified != 23 {
			t.Fatalf("back: %+v, %v", result, err)
		}
		if diff := cmp.Diff(want, content(t, old)); diff != "" {
			t.Errorf("what came back differs (-want +have):\n%s", diff)
		}
	})
}

func TestWhatIsThereIsNotWrittenOver(t *testing.T) {
	t.Parallel()
	other, empty := memory.New(), memory.New()
	begin(t, other, 1)
	mine := memory.New()
	begin(t, mine, 1)
	before := content(t, other)
	run := func(from, to state.Store) error {
		_, err := migrate.Run(t.Context(), migrate.Options{From: migrate.Side{Store: from, At: at("old")}, To: migrate.Side{Store: to, At: at("new")}})
		return err
	}
	if err := run(mine, other); !errors.Is(err, migrate.ErrOccupied) {
		t.Errorf("onto another state: %v", err)
	}
	if err := run(empty, memory.New()); !errors.Is(err, migrate.ErrNothing) {
		t.Errorf("of nothing: %v", err)
	}
	strange := memory.New()
	if _, err := strange.Put(t.Context(), "applications/x", []byte("x"), ""); err != nil {
		t.Fatal(err)
	}
	if err := run(mine, strange); !errors.Is(err, migrate.ErrOccupied) {
		t.Errorf("onto keys without a state: %v", err)
	}
	if diff := cmp.Diff(before, content(t, other)); diff != "" {
		t.Error(diff)
	}
	if _, err := state.Open(t.Context(), mine); err != nil {
		t.Errorf("a refused move left a mark: %v", err)
	}
	if keys, err := mine.List(t.Context(), "locks"); err != nil || len(keys) != 0 {
		t.Errorf("a refused move left locks: %q, %v", keys, err)
	}
}

// TestHeldState has an apply be at work: the state is not moved under it.
func TestHeldState(t *testing.T) {
	t.Parallel()
	old, next := memory.New(), memory.New()
	records := begin(t, old, 1)
	lease, err := records.Enter(t.Context(), state.Holder{Who: "alice"}, state.Scope{}, state.LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	options := migrate.Options{From: migrate.Side{Store: old, At: at("old")}, To: migrate.Side{Store: next, At: at("new")}}
	if _, err := migrate.Run(t.Context(), options); !errors.Is(err, state.ErrLocked) || !strings.Contains(err.Error(), "alice") {
		t.Errorf("%v, want ErrLocked", err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.Run(t.Context(), options); err != nil {
		t.Error(err)
	}
}

// mortal is a store whose process dies at a write, of both stores together: before it
// takes place, or after.
type mortal struct {
	state.Store
	life *life
}

type life struct {
	mu    sync.Mutex
	left  int  // writes until it dies
	after bool // the last write takes place
	dead  bool
}

var errDead = errors.New("the process is dead")

func (m mortal) write(do func() error) error {
	m.life.mu.Lock()
	defer m.life.mu.Unlock()
	if m.life.dead {
		return errDead
	}
	if m.life.left--; m.life.left > 0 {
		return do()
	}
	m.life.dead = true
	if m.life.after {
		_ = do() // and nobody learns of it
	}
	return errDead
}

func (m mortal) Put(ctx context.Context, key string, value []byte, version string) (written string, err error) {
	err = m.write(func() error {
		written, err = m.Store.Put(ctx, key, value, version)
		return err
	})
	return written, err
}

func (m mortal) Delete(ctx context.Context, key, version string) error {
	return m.write(func() error { return m.Store.Delete(ctx, key, version) })
}

// TestKilledAtEachWrite cuts a move off before and after each of its writes. Never do both
// states count; what is cut off is gone on with; and nothing is lost.
func TestKilledAtEachWrite(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		between, n := 0, 1
		for ; ; n++ {
			old, next := memory.New(), memory.New()
			begin(t, old, 8)
			want := content(t, old)
			one := &life{left: n, after: after}
			side := func(store state.Store, life *life, name string) migrate.Side {
				return migrate.Side{Store: mortal{store, life}, At: at(name)}
			}
			dead := state.LeaseOptions{Dead: func(h state.Holder) bool { return h.Who == "the first" }}
			_, err := migrate.Run(t.Context(), migrate.Options{From: side(old, one, "old"), To: side(next, one, "new"), Holder: state.Holder{Who: "the first"}})
			if err == nil && !one.dead {
				break // it has no more writes than that
			}
			_, oldErr := state.Open(t.Context(), old, state.Existing())
			_, newErr := state.Open(t.Context(), next, state.Existing())
			switch {
			case oldErr == nil && newErr == nil:
				t.Fatalf("killed at write %d, both count", n)
			case oldErr != nil && newErr != nil:
				var moved *state.MovedError
				var arriving *state.ArrivingError
				if !errors.As(oldErr, &moved) || !errors.As(newErr, &arriving) || moved.Mark.Migration != arriving.Mark.Migration {
					t.Fatalf("killed at write %d, none counts: %v; %v", n, oldErr, newErr)
				}
				between++
			}
			another := &life{left: 1000}
			result, err := migrate.Run(t.Context(), migrate.Options{From: side(old, another, "old"), To: side(next, another, "new"), Holder: state.Holder{Who: "the second"}, Lease: dead})
			if err != nil {
				t.Fatalf("killed at write %d (after it: %v), and run again: %v", n, after, err)
			}
			if diff := cmp.Diff(want, content(t, next)); diff != "" {
				t.Fatalf("killed at write %d (after it: %v), and run again (%+v):\n%s", n, after, result, diff)
			}
			if _, err := state.Open(t.Context(), next, state.Existing()); err != nil {
				t.Fatalf("killed at write %d, and run again: %v", n, err)
			}
			if _, err := state.Open(t.Context(), old, state.Existing()); !errors.Is(err, state.ErrElsewhere) {
				t.Fatalf("killed at write %d, and run again: the old one still opens: %v", n, err)
			}
		}
		t.Logf("killed at each of %d writes (after it: %v); at %d of them, the new one was about to be opened", n-1, after, between)
		if n < 15 {
			t.Errorf("there were only %d writes", n-1)
		}
	}
}

// TestEncryptedState moves a state without its key, and whoever has the key opens it there.
func TestEncryptedState(t *testing.T) {
	t.Parallel()
	text, err := seal.GenerateSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := seal.ParseSecretKey(text)
	if err != nil {
		t.Fatal(err)
	}
	keys := encrypted.Keys{Key: key}
	old, next := memory.New(), memory.New()
	records := begin(t, encrypted.New(old, keys), 3)
	options := migrate.Options{From: migrate.Side{Store: old, At: at("old")}, To: migrate.Side{Store: next, At: at("new")}}
	result, err := migrate.Run(t.Context(), options)
	if err != nil || result.Verified != 5 {
		t.Fatalf("%+v, %v", result, err)
	}
	arrived, err := state.Open(t.Context(), encrypted.New(next, keys), state.Existing())
	if err != nil || arrived.Lineage() != records.Lineage() {
		t.Fatalf("opening what arrived: %v", err)
	}
	if list, err := arrived.List(t.Context()); err != nil || len(list) != 3 {
		t.Errorf("%d records, %v", len(list), err)
	}
	value, _, err := next.Get(t.Context(), state.InstallationKey)
	if err != nil || migrate.Lineage(value) != records.Lineage() {
		t.Errorf("the lineage in clear is %q, %v", migrate.Lineage(value), err)
	}
	if _, err := state.Open(t.Context(), encrypted.New(old, keys), state.Existing()); !errors.Is(err, state.ErrElsewhere) {
		t.Errorf("opening what was moved: %v", err)
	}
}
