package state_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

func openIn(t *testing.T, store state.Store, options ...state.Option) *state.Records {
	t.Helper()
	records, err := state.Open(t.Context(), store, options...)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func audit(t *testing.T, records *state.Records, reasons ...string) {
	t.Helper()
	for _, reason := range reasons {
		if err := records.Audit(t.Context(), state.Event{Kind: state.EventHeld, By: state.Holder{Who: "dev@example.com"}, Reason: reason}); err != nil {
			t.Fatal(err)
		}
	}
}

// logged returns the log, newest first, as "number reason: faults".
func logged(t *testing.T, records *state.Records) string {
	t.Helper()
	var out []string
	for entry, err := range records.AuditLog(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSpace(fmt.Sprintf("%d %s", entry.Number, entry.Reason))
		if len(entry.Faults) > 0 {
			text += ": " + strings.Join(entry.Faults, ", ")
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

func rewrite(t *testing.T, store state.Store, key string, change func(string) string) {
	t.Helper()
	value, version, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), key, []byte(change(string(value))), version); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, store state.Store, key string) {
	t.Helper()
	_, version, err := store.Get(t.Context(), key)
	if err == nil {
		err = store.Delete(t.Context(), key, version)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func wantLog(t *testing.T, records *state.Records, want ...string) {
	t.Helper()
	if got := logged(t, records); got != strings.Join(want, "\n") {
		t.Errorf("the log is\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestAuditLog(t *testing.T) {
	store := memory.New()
	records := openIn(t, store)
	wantLog(t, records, "")
	audit(t, records, "a", "b", "c")
	wantLog(t, openIn(t, store), "3 c", "2 b", "1 a")
	for entry, err := range records.AuditLog(t.Context()) {
		if err != nil || entry.By.Who != "dev@example.com" || entry.At.IsZero() || entry.Lineage != records.Lineage() || entry.ID == "" {
			t.Errorf("%+v, %v", entry, err)
		}
	}
}

// What was done to the log by who can write the store shows, wherever it was done.
func TestAuditLogTamperedWith(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(*testing.T, state.Store)
		want []string
	}{
		"the oldest is gone": {
			func(t *testing.T, s state.Store) { remove(t, s, state.AuditKey(1)) },
			[]string{"4 d", "3 c", "2 b", "1: it is missing"},
		},
		"one in the middle is gone": {
			func(t *testing.T, s state.Store) { remove(t, s, state.AuditKey(3)) },
			[]string{"4 d", "3: it is missing", "2 b", "1 a"},
		},
		"the newest is gone": {
			func(t *testing.T, s state.Store) { remove(t, s, state.AuditKey(4)) },
			[]string{"4: it is missing", "3 c", "2 b", "1 a"},
		},
		"one is another": {
			func(t *testing.T, s state.Store) {
				rewrite(t, s, state.AuditKey(2), func(text string) string { return strings.Replace(text, `"reason":"b"`, `"reason":"x"`, 1) })
			},
			[]string{"4 d", "3 c", "2 x: it is not what was written", "1 a"},
		},
		"the newest is another": {
			func(t *testing.T, s state.Store) {
				rewrite(t, s, state.AuditKey(4), func(text string) string { return strings.Replace(text, `"reason":"d"`, `"reason":"x"`, 1) })
			},
			[]string{"4 x: it is not what was written", "3 c", "2 b", "1 a"},
		},
		"one is in the place of another": {
			func(t *testing.T, s state.Store) {
				first, _, _ := s.Get(t.Context(), state.AuditKey(1))
				rewrite(t, s, state.AuditKey(2), func(string) string { return string(first) })
			},
			[]string{"4 d", "3 c", "2: it is entry 1, it is not what was written", "1 a"},
		},
		"what is noted of it is gone": {
			func(t *testing.T, s state.Store) { remove(t, s, "audit") },
			[]string{"4 d", "3 c", "2 b", "1 a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			records := openIn(t, store)
			audit(t, records, "a", "b", "c", "d")
			test.do(t, store)
			wantLog(t, records, test.want...)
		})
	}
}

// What is noted of the log may be lost, or behind: entries stay in order.
func TestAuditWithoutItsHint(t *testing.T) {
	store := memory.New()
	records := openIn(t, store)
	audit(t, records, "a")
	behind, _, err := store.Get(t.Context(), "audit")
	if err != nil {
		t.Fatal(err)
	}
	audit(t, records, "b", "c")
	rewrite(t, store, "audit", func(string) string { return string(behind) })
	audit(t, records, "d")
	remove(t, store, "audit")
	audit(t, records, "e")
	wantLog(t, records, "5 e", "4 d", "3 c", "2 b", "1 a")
}

func TestAuditBesideOthers(t *testing.T) {
	store := memory.New()
	var writers sync.WaitGroup
	const each, count = 10, 8
	for i := range count {
		records := openIn(t, store)
		writers.Go(func() {
			for j := range each {
				if err := records.Audit(context.Background(), state.Event{Kind: state.EventHeld, Reason: fmt.Sprintf("%d/%d", i, j)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	seen := map[string]bool{}
	for entry, err := range openIn(t, store).AuditLog(t.Context()) {
		if err != nil || len(entry.Faults) > 0 || seen[entry.Reason] {
			t.Errorf("%+v, %v", entry, err)
		}
		seen[entry.Reason] = true
	}
	if len(seen) != each*count {
		t.Errorf("%d of %d entries", len(seen), each*count)
	}
}

// answerless loses the answer to the next write of an entry, which is done, or is not.
type answerless struct {
	state.Store
	lose, done bool
}

func (a *answerless) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if !a.lose || !strings.HasPrefix(key, "audit/") {
		return a.Store.Put(ctx, key, value, version)
	}
	a.lose = false
	if a.done {
		if _, err := a.Store.Put(ctx, key, value, version); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("cut off: %w", state.ErrUnknown)
}

func TestAuditWithoutAnAnswer(t *testing.T) {
	store := &answerless{Store: memory.New()}
	records := openIn(t, store)
	audit(t, records, "a")
	store.lose, store.done = true, true
	audit(t, records, "b")
	store.lose, store.done = true, false
	if err := records.Audit(t.Context(), state.Event{Kind: state.EventHeld}); !errors.Is(err, state.ErrUnknown) {
		t.Errorf("an entry that is not there: %v", err)
	}
	audit(t, records, "c")
	wantLog(t, records, "3 c", "2 b", "1 a")
}

func TestPruneAudit(t *testing.T) {
	store, clock := memory.New(), &fixedClock{now: made}
	records := openIn(t, store, state.WithClock(clock))
	audit(t, records, "a", "b")
	clock.now = made.Add(48 * time.Hour)
	audit(t, records, "c")
	by := state.Holder{Who: "ops@example.com"}
	if n, err := records.PruneAudit(t.Context(), made, by); n != 0 || err != nil {
		t.Errorf("nothing is older: %d, %v", n, err)
	}
	if n, err := records.PruneAudit(t.Context(), made.Add(24*time.Hour), by); n != 2 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	wantLog(t, records, "4", "3 c")
	remove(t, store, state.AuditKey(3))
	wantLog(t, records, "4", "3: it is missing")
	for entry, err := range records.AuditLog(t.Context()) {
		if err != nil {
			continue // what is pruned and what is missing is told there
		}
		if entry.Number == 4 && (entry.Kind != state.EventLogPruned || entry.By != by || !strings.Contains(entry.Message, "1 to 2")) {
			t.Errorf("%+v", entry)
		}
	}
}

type fixedClock struct{ now time.Time }

func (c *fixedClock) Now() time.Time                         { return c.now }
func (c *fixedClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
