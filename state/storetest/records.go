package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// recordChecks are about what is built over a store: the same on every backend.
func recordChecks() []check {
	return []check{
		{"one installation", testOneInstallation},
		{"records come back", testRecords},
		{"of two writers of a record one wins", testRecordWriters},
		{"serials grow by one", testSerials},
		{"the journal is there before and gone after", testJournal},
		{"history is kept to its limit", testHistory},
		{"all records", testAllRecords},
		{"a broken record costs itself", testBrokenRecord},
		{"another installation's record", testOtherLineage},
		{"a newer gantry's record", testNewerRecord},
		{"a plan is applied once", testLedger},
		{"one ledger for all", testLedgerRace},
	}
}

func openRecords(t *testing.T, store state.Store) *state.Records {
	t.Helper()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func application(i int) addr.Address {
	return addr.Application("web").Instance(fmt.Sprintf("eu-%03d", i))
}

func newRecord(address addr.Address) *state.Record {
	return &state.Record{
		Address: address, Name: address.Name, Namespace: "web",
		Cluster:  state.Cluster{Name: "prod", UID: "1234"},
		Settings: plan.Settings{OnDestroy: "orphan", HealthTimeout: 5 * time.Minute},
	}
}

func configMap(name string) object.ID {
	return object.ID{Kind: "ConfigMap", Namespace: "web", Name: name}
}

// testOneInstallation: of those who open an empty store at once, all are of one lineage.
func testOneInstallation(t *testing.T, store *place) {
	clients := []state.Store{store.Store, store.other(t), store.other(t)}
	lineages, errs := make([]string, len(clients)), make([]error, len(clients))
	var group sync.WaitGroup
	for i, client := range clients {
		group.Go(func() {
			records, err := state.Open(t.Context(), client)
			if errs[i] = err; err == nil {
				lineages[i] = records.Lineage()
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if len(slices.Compact(lineages)) != 1 {
		t.Errorf("lineages %q of one store", lineages)
	}
}

func testRecords(t *testing.T, store *place) {
	records, other := openRecords(t, store.Store), openRecords(t, store.other(t))
	record := newRecord(application(1))
	record.Own(state.Owned{ID: configMap("a"), Version: "v1", UID: "u1"})
	version, err := records.Put(t.Context(), record, "")
	if err != nil {
		t.Fatal(err)
	}
	got, found, err := other.Get(t.Context(), record.Address)
	if err != nil || got == nil || found != version {
		t.Fatalf("Get = %+v at %q, %v, want version %q", got, found, err, version)
	}
	if got.Find(configMap("a")) == nil || got.Serial != 1 || got.Lineage != records.Lineage() {
		t.Errorf("the record came back as %+v", got)
	}
	if err := other.Delete(t.Context(), record.Address, version); err != nil {
		t.Fatal(err)
	}
	if got, _, err := records.Get(t.Context(), record.Address); err != nil || got != nil {
		t.Errorf("Get of the deleted = %+v, %v", got, err)
	}
}

func testRecordWriters(t *testing.T, store *place) {
	records, other := openRecords(t, store.Store), openRecords(t, store.other(t))
	record := newRecord(application(1))
	version, err := records.Put(t.Context(), record, "")
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := other.Get(t.Context(), record.Address)
	if err != nil {
		t.Fatal(err)
	}
	second.Project = "theirs"
	if _, err := other.Put(t.Context(), second, version); err != nil {
		t.Fatal(err)
	}
	record.Project = "ours"
	before := *record
	if _, err := records.Put(t.Context(), record, version); !errors.Is(err, state.ErrConflict) {
		t.Errorf("the later writer: %v, want ErrConflict", err)
	}
	if record.Serial != before.Serial {
		t.Errorf("a record that was not written has serial %d, want %d", record.Serial, before.Serial)
	}
	if got, _, err := records.Get(t.Context(), record.Address); err != nil || got.Project != "theirs" || got.Serial != 2 {
		t.Errorf("the state has %+v, %v, want theirs", got, err)
	}
	if err := records.Delete(t.Context(), record.Address, version); !errors.Is(err, state.ErrConflict) {
		t.Errorf("Delete at a stale version: %v, want ErrConflict", err)
	}
}

// testSerials has clients write one record in turns: no serial is lost, none is there
// twice.
func testSerials(t *testing.T, store *place) {
	const rounds = 15
	address := application(1)
	if _, err := openRecords(t, store.Store).Put(t.Context(), newRecord(address), ""); err != nil {
		t.Fatal(err)
	}
	clients := []*state.Records{openRecords(t, store.Store), openRecords(t, store.other(t))}
	var mu sync.Mutex
	serials := map[int64]int{1: 1}
	var group sync.WaitGroup
	for _, client := range clients {
		group.Go(func() {
			for done := 0; done < rounds; {
				record, version, err := client.Get(t.Context(), address)
				if err != nil {
					t.Error(err)
					return
				}
				switch _, err := client.Put(t.Context(), record, version); {
				case err == nil:
					done++
					mu.Lock()
					serials[record.Serial]++
					mu.Unlock()
				case !errors.Is(err, state.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	for serial := int64(1); serial <= int64(len(clients)*rounds+1); serial++ {
		if serials[serial] != 1 {
			t.Errorf("serial %d was written %d times", serial, serials[serial])
		}
	}
}

func testJournal(t *testing.T, store *place) {
	records := openRecords(t, store.Store)
	record := newRecord(application(1))
	record.Begin(state.Intent{ID: configMap("a"), Version: "v1", Action: plan.Create, At: time.Unix(1, 0).UTC()})
	version, err := records.Put(t.Context(), record, "")
	if err != nil {
		t.Fatal(err)
	}
	// The process ended here; another one reads.
	other := openRecords(t, store.other(t))
	found, _, err := other.Get(t.Context(), record.Address)
	if err != nil || len(found.Journal) != 1 || len(found.Owns()) != 1 {
		t.Fatalf("what was begun: %+v, %v", found, err)
	}
	found.Own(state.Owned{ID: configMap("a"), Version: "v1", UID: "u1"})
	found.Done(configMap("a"))
	if _, err := other.Put(t.Context(), found, version); err != nil {
		t.Fatal(err)
	}
	got, _, err := records.Get(t.Context(), record.Address)
	if err != nil || len(got.Journal) != 0 || got.Find(configMap("a")) == nil {
		t.Errorf("what is done: %+v, %v", got, err)
	}
}

func testHistory(t *testing.T, store *place) {
	records := openRecords(t, store.Store)
	record := newRecord(application(1))
	version := ""
	for i := range 15 {
		record.Finish(state.Entry{Outcome: "succeeded", Digest: strconv.Itoa(i)}, 10)
		var err error
		if version, err = records.Put(t.Context(), record, version); err != nil {
			t.Fatal(err)
		}
	}
	got, _, err := records.Get(t.Context(), record.Address)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.History) != 10 || got.History[0].Digest != "5" || got.History[9].Digest != "14" {
		t.Errorf("the history has %d entries: %+v", len(got.History), got.History)
	}
}

func testAllRecords(t *testing.T, store *place) {
	const count = 60
	records := openRecords(t, store.Store)
	for i := range count {
		record := newRecord(application(count - 1 - i))
		record.Own(state.Owned{ID: configMap(strconv.Itoa(i)), Version: "v1", UID: "u"})
		if _, err := records.Put(t.Context(), record, ""); err != nil {
			t.Fatal(err)
		}
	}
	all, err := openRecords(t, store.other(t)).List(t.Context())
	if err != nil || len(all) != count {
		t.Fatalf("List has %d records, %v, want %d", len(all), err, count)
	}
	for i, record := range all {
		if record.Address != application(i) || len(record.Objects) != 1 || record.Version == "" {
			t.Fatalf("record %d is %+v", i, record)
		}
	}
	// The versions of a list are good for writing.
	if _, err := records.Put(t.Context(), all[7].Record, all[7].Version); err != nil {
		t.Error(err)
	}
}

func testBrokenRecord(t *testing.T, store *place) {
	records := openRecords(t, store.Store)
	for i := range 3 {
		if _, err := records.Put(t.Context(), newRecord(application(i)), ""); err != nil {
			t.Fatal(err)
		}
	}
	overwrite(t, store, state.RecordKey(application(1)), func(text string) string { return text[:len(text)/2] })
	var broken *state.BrokenError
	if _, _, err := records.Get(t.Context(), application(1)); !errors.As(err, &broken) {
		t.Errorf("Get of half a record: %v, want BrokenError", err)
	}
	all, err := records.List(t.Context())
	if len(all) != 2 || !errors.As(err, &broken) || broken.Key != state.RecordKey(application(1)) {
		t.Errorf("List = %d records, %v, want the other two and the broken one's key", len(all), err)
	}
}

func testOtherLineage(t *testing.T, store *place) {
	records := openRecords(t, store.Store)
	if _, err := records.Put(t.Context(), newRecord(application(1)), ""); err != nil {
		t.Fatal(err)
	}
	overwrite(t, store, state.RecordKey(application(1)), func(text string) string {
		return strings.ReplaceAll(text, records.Lineage(), "0198c0de-0000-7000-8000-000000000001")
	})
	var broken *state.BrokenError
	if _, _, err := records.Get(t.Context(), application(1)); !errors.As(err, &broken) || !strings.Contains(err.Error(), "lineage") {
		t.Errorf("Get of another installation's record: %v", err)
	}
}

func testNewerRecord(t *testing.T, store *place) {
	records := openRecords(t, store.Store)
	if _, err := records.Put(t.Context(), newRecord(application(1)), ""); err != nil {
		t.Fatal(err)
	}
	key := state.RecordKey(application(1))
	overwrite(t, store, key, func(text string) string {
		return strings.Replace(text, fmt.Sprintf(`"formatVersion":%d`, state.FormatVersion), `"formatVersion":9999,"later":{}`, 1)
	})
	before, version, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := records.Get(t.Context(), application(1)); !errors.Is(err, state.ErrNewer) {
		t.Errorf("Get of a newer record: %v, want ErrNewer", err)
	}
	if _, err := records.Put(t.Context(), newRecord(application(1)), ""); !errors.Is(err, state.ErrConflict) {
		t.Errorf("Put over a newer record: %v, want ErrConflict", err)
	}
	expect(t, store, key, string(before), version)
}

func testLedger(t *testing.T, store *place) {
	records, other := openRecords(t, store.Store), openRecords(t, store.other(t))
	made := time.Now().UTC()
	if got, err := other.AppliedPlan(t.Context(), "p1", made); err != nil || got != nil {
		t.Fatalf("a plan that was never applied: %+v, %v", got, err)
	}
	if err := records.BeginPlan(t.Context(), state.AppliedPlan{ID: "p1", CreatedAt: made, By: "alice@laptop"}); err != nil {
		t.Fatal(err)
	}
	if got, err := other.AppliedPlan(t.Context(), "p1", made); err != nil || got == nil || !got.DoneAt.IsZero() {
		t.Errorf("a plan that was begun: %+v, %v", got, err)
	}
	if err := records.EndPlan(t.Context(), "p1"); err != nil {
		t.Fatal(err)
	}
	if got, err := other.AppliedPlan(t.Context(), "p1", made); err != nil || got == nil || got.DoneAt.IsZero() || got.By != "alice@laptop" {
		t.Errorf("a plan that is applied: %+v, %v", got, err)
	}
}

// testLedgerRace has several note their plans at once: every one is noted.
func testLedgerRace(t *testing.T, store *place) {
	const each = 6
	clients := []*state.Records{openRecords(t, store.Store), openRecords(t, store.other(t)), openRecords(t, store.other(t))}
	made := time.Now().UTC()
	var group sync.WaitGroup
	for i, client := range clients {
		group.Go(func() {
			for j := range each {
				id := fmt.Sprintf("p-%d-%d", i, j)
				if err := client.BeginPlan(t.Context(), state.AppliedPlan{ID: id, CreatedAt: made}); err != nil {
					t.Errorf("%s: %v", id, err)
				} else if err := client.EndPlan(t.Context(), id); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
	group.Wait()
	for i := range clients {
		for j := range each {
			id := fmt.Sprintf("p-%d-%d", i, j)
			if got, err := clients[0].AppliedPlan(t.Context(), id, made); err != nil || got == nil || got.DoneAt.IsZero() {
				t.Errorf("%s: %+v, %v", id, got, err)
			}
		}
	}
}

// overwrite changes a value in the store as no gantry would.
func overwrite(t *testing.T, store state.Store, key string, change func(string) string) {
	t.Helper()
	value, version, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(string(value))
	if changed == string(value) {
		t.Fatalf("nothing changed in %s", value)
	}
	put(t, store, key, changed, version)
}
