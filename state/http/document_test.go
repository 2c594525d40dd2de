package http_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/http/gitlabtest"
)

// TestDocumentOfTheFirstForm has a document that was written before values were
// compressed: it is read, and what is written beside leaves it whole.
func TestDocumentOfTheFirstForm(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	server.Set("web", `{"gantry":1,"serial":7,"lineage":"of-old","writer":"w","keys":{`+
		`"a/one":{"version":"v1","value":"b25l"},"a/none":{"version":"v2","value":""},"a/null":{"version":"v3","value":null}}}`)
	store := open(t, server.Address("web"))
	expect := func(key, want, wantVersion string) {
		t.Helper()
		if value, version, err := store.Get(t.Context(), key); err != nil || string(value) != want || version != wantVersion {
			t.Errorf("%s is %q at %q, %v; want %q at %q", key, value, version, err, want, wantVersion)
		}
	}
	expect("a/one", "one", "v1")
	expect("a/none", "", "v2")
	long := strings.Repeat("long ", 1000)
	version, err := store.Put(t.Context(), "a/two", []byte(long), "")
	if err != nil {
		t.Fatal(err)
	}
	expect("a/one", "one", "v1")
	expect("a/null", "", "v3")
	expect("a/two", long, version)
	var written struct {
		Gantry, Serial int64
		Lineage        string
	}
	text := server.Get("web")
	if err := json.Unmarshal(text, &written); err != nil || written.Gantry != 2 || written.Serial != 8 || written.Lineage != "of-old" {
		t.Errorf("the document is %+v, %v", written, err)
	}
	if len(text) > len(long)/2 {
		t.Errorf("the document has %d bytes, with a value of %d that repeats itself", len(text), len(long))
	}
	if _, err := store.Put(t.Context(), "a/one", []byte("again"), "v2"); !errors.Is(err, state.ErrConflict) {
		t.Errorf("a write at another version: %v, want ErrConflict", err)
	}
}

// TestWhatIsBrokenIsOneKey has entries that cannot be read: the others can, and can be
// written.
func TestWhatIsBrokenIsOneKey(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	server.Set("web", `{"gantry":2,"serial":7,"lineage":"l","writer":"w","keys":{`+
		`"a/form":[1],"a/gzip":{"version":"v","gzip":"b25l"},"a/fine":{"version":"v","value":"b25l"}}}`)
	store := open(t, server.Address("web"))
	for _, key := range []string{"a/form", "a/gzip"} {
		var broken *state.BrokenError
		if _, _, err := store.Get(t.Context(), key); !errors.As(err, &broken) || broken.Key != key {
			t.Errorf("%s: %v, want that it is broken", key, err)
		}
	}
	if _, err := store.Put(t.Context(), "a/fine", []byte("two"), "v"); err != nil {
		t.Error(err)
	}
	if value, _, err := store.Get(t.Context(), "a/fine"); err != nil || string(value) != "two" {
		t.Errorf("%q, %v", value, err)
	}
	var broken *state.BrokenError
	if _, err := store.GetAll(t.Context(), "a"); !errors.As(err, &broken) {
		t.Errorf("GetAll: %v, want that one is broken", err)
	}
	if keys, err := store.List(t.Context(), "a"); err != nil || len(keys) != 3 {
		t.Errorf("List: %v, %v", keys, err)
	}
}

// TestReadsShareAnswers has many read while an answer is under way: they have the next one
// together, which sees what was written before they asked.
func TestReadsShareAnswers(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	var reads atomic.Int64
	var hold atomic.Bool
	held, goOn := make(chan struct{}), make(chan struct{})
	server.Fault = func(r *http.Request, after bool) error {
		if r.Method == http.MethodGet && !after {
			reads.Add(1)
			if hold.CompareAndSwap(true, false) {
				close(held)
				<-goOn
			}
		}
		return nil
	}
	store := open(t, server.Address("web"))
	version, err := store.Put(t.Context(), "key", []byte("one"), "")
	if err != nil {
		t.Fatal(err)
	}
	hold.Store(true)
	reads.Store(0)
	var group sync.WaitGroup
	get := func(want string) {
		if value, _, err := store.Get(t.Context(), "key"); err != nil || want != "" && string(value) != want {
			t.Errorf("%q, %v, want %q", value, err, want)
		}
	}
	group.Go(func() { get("") }) // which may see either
	<-held
	if _, err := store.Put(t.Context(), "key", []byte("two"), version); err != nil {
		t.Fatal(err)
	}
	const readers = 50
	for range readers {
		group.Go(func() { get("two") })
	}
	close(goOn)
	group.Wait()
	// The first, that of the write, and those of the fifty, of whom some may have come late.
	if n := reads.Load(); n > readers/2 {
		t.Errorf("%d readers at once read the document %d times", readers, n)
	}
}

// TestAReaderThatGivesUp leaves the others their answer.
func TestAReaderThatGivesUp(t *testing.T) {
	t.Parallel()
	server := gitlabtest.Start(t)
	held, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	server.Fault = func(r *http.Request, after bool) error {
		if r.Method == http.MethodGet && !after {
			once.Do(func() { close(held); <-goOn })
		}
		return nil
	}
	store := open(t, server.Address("web"))
	ctx, giveUp := context.WithCancel(t.Context())
	errs := make(chan error, 2)
	go func() { _, err := store.List(ctx, ""); errs <- err }()
	<-held
	giveUp()
	if err := <-errs; err == nil || !errors.Is(err, ctx.Err()) {
		t.Errorf("who gave up has %v", err)
	}
	close(goOn)
	for i := range 3 {
		if _, err := store.List(t.Context(), ""); err != nil {
			t.Error(fmt.Errorf("reading %d after it: %w", i, err))
		}
	}
}
