package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/s3"
	"github.com/gantrycd/gantry/state/s3/s3test"
)

// wire is between a store and its server.
type wire struct {
	before func(*http.Request) error // an error: the request is not sent
	after  func(*http.Request) error // an error: the answer is lost
}

func (w *wire) Do(request *http.Request) (*http.Response, error) {
	if w.before != nil {
		if err := w.before(request); err != nil {
			return nil, err
		}
	}
	answer, err := http.DefaultClient.Do(request)
	if err == nil && w.after != nil {
		if lost := w.after(request); lost != nil {
			_ = answer.Body.Close()
			return nil, lost
		}
	}
	return answer, err
}

// isWrite tells the writes of a store from those by which it looks whether it may write.
func isWrite(request *http.Request) bool {
	return request.Method == http.MethodPut && !strings.HasSuffix(request.URL.Path, "!")
}

func through(t *testing.T, server *s3test.Server, prefix string, w *wire) *s3.Store {
	t.Helper()
	options := server.Options(prefix)
	options.Client = w
	store, err := s3.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	plain := open(t, server, "lost")

	// The server has written, and nobody learns of it: the next attempt is refused, and
	// what is there tells that it was this very write.
	lost := 0
	store := through(t, server, "lost", &wire{after: func(r *http.Request) error {
		if isWrite(r) && lost == 0 {
			lost++
			return syscall.ECONNRESET
		}
		return nil
	}})
	version, err := store.Put(t.Context(), "key", []byte("one"), "")
	if err != nil || lost != 1 {
		t.Fatalf("Put: %v, with %d lost answers", err, lost)
	}
	if value, found, err := plain.Get(t.Context(), "key"); err != nil || string(value) != "one" || found != version {
		t.Errorf("%q at %s, %v, want one at %s", value, found, err, version)
	}
	lost = 0
	if version, err = store.Put(t.Context(), "key", []byte("two"), version); err != nil || lost != 1 {
		t.Fatalf("Put: %v, with %d lost answers", err, lost)
	}
	lost = 0
	if err := store.Delete(t.Context(), "key", version); err != nil || lost != 1 {
		t.Fatalf("Delete: %v, with %d lost answers", err, lost)
	}
	if _, _, err := plain.Get(t.Context(), "key"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("after a deletion: %v", err)
	}

	// Someone else writes over it before it is looked: nobody can tell any more.
	raced := through(t, server, "lost", &wire{after: func(r *http.Request) error {
		if !isWrite(r) {
			return nil
		}
		if _, found, err := plain.Get(t.Context(), "raced"); err == nil {
			_, _ = plain.Put(t.Context(), "raced", []byte("theirs"), found)
		}
		return syscall.ECONNRESET
	}})
	if _, err := raced.Put(t.Context(), "raced", []byte("mine"), ""); !errors.Is(err, state.ErrUnknown) || errors.Is(err, state.ErrConflict) {
		t.Errorf("a write that was written over: %v, want ErrUnknown", err)
	}

	// What never was sent did not take place, and is sent again.
	var refused atomic.Int64
	unsent := through(t, server, "lost", &wire{before: func(r *http.Request) error {
		if isWrite(r) && refused.Add(1) <= 2 {
			return syscall.ECONNREFUSED
		}
		return nil
	}})
	if _, err := unsent.Put(t.Context(), "unsent", []byte("x"), ""); err != nil || refused.Load() != 3 {
		t.Errorf("%v after %d attempts", err, refused.Load())
	}
}

func TestServerIsDown(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	store := open(t, server, "down")
	version, err := store.Put(t.Context(), "key", []byte("one"), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Get(t.Context(), "key"); err == nil || errors.Is(err, state.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if _, err := store.Put(t.Context(), "key", []byte("two"), version); err == nil || errors.Is(err, state.ErrConflict) || strings.Contains(err.Error(), s3test.SecretKey.Reveal()) {
		t.Errorf("Put: %v", err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if value, found, err := store.Get(t.Context(), "key"); err != nil || string(value) != "one" || found != version {
		t.Errorf("after the restart: %q, %v", value, err)
	}
}

// TestServerWithoutConditions has servers that ignore one condition or both, which would
// lose state: nothing is written there.
func TestServerWithoutConditions(t *testing.T) {
	for _, ignored := range []string{"If-None-Match", "If-Match"} {
		t.Run(ignored, func(t *testing.T) {
			t.Parallel()
			var objects atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPut {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				conditions := r.Header.Clone()
				conditions.Del(ignored)
				if conditions.Get("If-None-Match") != "" || conditions.Get("If-Match") != "" {
					w.WriteHeader(http.StatusPreconditionFailed)
					return
				}
				if isWrite(r) {
					objects.Add(1)
				}
				w.Header().Set("ETag", `"11111111111111111111111111111111"`)
			}))
			defer server.Close()
			store, err := s3.New(t.Context(), s3.Options{Bucket: "b", Endpoint: server.URL, PathStyle: true, AccessKey: "id", SecretKey: "secret"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Put(t.Context(), "key", []byte("x"), ""); err == nil || !strings.Contains(err.Error(), "does not keep conditions of writes ("+ignored+")") {
				t.Errorf("Put: %v", err)
			}
			if err := store.Delete(t.Context(), "key", `"11111111111111111111111111111111"`); err == nil || !strings.Contains(err.Error(), "does not keep conditions") {
				t.Errorf("Delete: %v", err)
			}
			if n := objects.Load(); n != 0 {
				t.Errorf("%d objects were written", n)
			}
		})
	}
}

// TestEqualValues has the same value come back: whoever read it the first time must not
// write over what came between.
func TestEqualValues(t *testing.T) {
	t.Parallel()
	store := open(t, s3test.Start(t), "equal")
	versions := map[string]bool{}
	version := ""
	for _, value := range []string{"A", "B", "A", "A"} {
		next, err := store.Put(t.Context(), "key", []byte(value), version)
		if err != nil {
			t.Fatal(err)
		}
		if versions[next] {
			t.Errorf("version %s is there twice", next)
		}
		versions[next], version = true, next
	}
}

func TestDeletedKeysAreSwept(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	store := open(t, server, "swept")
	for i := range 5 {
		version, err := store.Put(t.Context(), fmt.Sprintf("locks/runs/%d", i), []byte("x"), "")
		if err != nil {
			t.Fatal(err)
		}
		if i == 4 {
			continue
		}
		if err := store.Delete(t.Context(), fmt.Sprintf("locks/runs/%d", i), version); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for i, step := range []struct {
		at   time.Time
		want int
	}{{now, 4}, {now.Add(2 * time.Hour), 4}, {now.Add(3 * time.Hour), 0}} {
		if n, err := store.SweepAt(t.Context(), step.at); err != nil || n != step.want {
			t.Errorf("step %d: %d objects of deleted keys, %v, want %d", i, n, err, step.want)
		}
	}
	if keys, err := store.List(t.Context(), ""); err != nil || len(keys) != 1 || keys[0] != "locks/runs/4" {
		t.Errorf("%q, %v", keys, err)
	}
	if _, err := store.Put(t.Context(), "locks/runs/0", []byte("again"), ""); err != nil {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	long := state.RecordKey(addr.Application("web").Instance(strings.Repeat("long.", 100)))
	for key, exact := range map[string]bool{
		"a": true, "a/b": true, "%": true, "a%2f/b": true, strings.Repeat("a", 200): true, strings.Repeat("a", 201): false,
		strings.Repeat("k/", 100) + "k": true, strings.Repeat("kkkkk/", 160) + "k": false, long: false,
	} {
		object, ok := s3.NameOf(key)
		if ok != exact || len(object) > 800 {
			t.Errorf("the name of %.40s… is %d long and exact: %v, want %v", key, len(object), ok, exact)
		}
		if again, ok := s3.KeyOf(object); ok != exact || exact && again != key {
			t.Errorf("the key of %.40s… is %.40s…, %v", object, again, ok)
		}
	}
	for _, other := range []string{"", "~", "a", "conditions!", "a//b~", "../a~", "a b~", strings.Repeat("0", 64) + "~~"} {
		if key, ok := s3.KeyOf(other); ok {
			t.Errorf("%q is taken for the object of %q", other, key)
		}
	}
}

// A server may close the connection of a write that it refuses before it has read it, so
// that a large one is not sent where it would be.
func TestLargeWritesAreNotSentInVain(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	writes := 0
	store := through(t, server, "large", &wire{before: func(r *http.Request) error {
		if isWrite(r) {
			writes++
		}
		return nil
	}})
	large := []byte(strings.Repeat("large", 1<<20))
	version, err := store.Put(t.Context(), "key", large, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, expected := range []string{"", `"another"`} {
		if _, err := store.Put(t.Context(), "key", large, expected); !errors.Is(err, state.ErrConflict) {
			t.Errorf("Put at %q: %v, want ErrConflict", expected, err)
		}
	}
	if err := store.Delete(t.Context(), "key", version); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "key", large, version); !errors.Is(err, state.ErrConflict) {
		t.Errorf("Put of the deleted at its version: %v, want ErrConflict", err)
	}
	if _, err := store.Put(t.Context(), "key", large, ""); err != nil {
		t.Fatal(err)
	}
	if writes != 3 {
		t.Errorf("%d writes were sent, want 3: two of the value, and the deletion between", writes)
	}
}
