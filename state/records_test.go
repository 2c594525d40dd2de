package state_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

var (
	web     = addr.Application("web")
	billing = addr.Application("payments").Instance("prod-eu/eu-1")
)

func openRecords(t *testing.T, store state.Store) *state.Records {
	t.Helper()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func record(address addr.Address) *state.Record {
	return &state.Record{
		Address: address, Name: address.Name,
		Cluster:   state.Cluster{Name: "prod", UID: "1234"},
		Namespace: "web",
		Settings:  plan.Settings{OnDestroy: "orphan", HealthTimeout: 5 * time.Minute},
		DependsOn: []addr.Address{billing},
		Objects: []state.Owned{
			{ID: object.ID{Kind: "ConfigMap", Namespace: "web", Name: "a"}, Version: "v1", UID: "u1", Fields: json.RawMessage(`{"f:data":{}}`)},
			{ID: object.ID{Kind: "Secret", Namespace: "web", Name: "a"}, Version: "v1", AppliedAt: time.Unix(1, 0).UTC()},
		},
		Journal: []state.Intent{{ID: object.ID{Kind: "Secret", Namespace: "web", Name: "b"}, Version: "v1", Action: plan.Create, At: time.Unix(2, 0).UTC()}},
		History: []state.Entry{{Serial: 1, Outcome: "succeeded", Counts: plan.Counts{plan.Create: 2}, Plan: json.RawMessage(`{"n":9007199254740993}`)}},
	}
}

func TestRecordsRoundTrip(t *testing.T) {
	store := memory.New()
	records := openRecords(t, store)
	if got, version, err := records.Get(t.Context(), web); got != nil || version != "" || err != nil {
		t.Fatalf("Get of nothing = %v, %q, %v", got, version, err)
	}
	written := record(web)
	version, err := records.Put(t.Context(), written, "")
	if err != nil {
		t.Fatal(err)
	}
	if written.Serial != 1 || written.Lineage != records.Lineage() || written.UpdatedAt.IsZero() || written.FormatVersion != state.FormatVersion {
		t.Errorf("Put set serial %d, lineage %q, time %v, format %d", written.Serial, written.Lineage, written.UpdatedAt, written.FormatVersion)
	}
	got, found, err := openRecords(t, store).Get(t.Context(), web)
	if err != nil || found != version {
		t.Fatalf("Get: version %q, %v, want %q", found, err, version)
	}
	if diff := cmp.Diff(written, got); diff != "" {
		t.Errorf("read back (-written +read):\n%s", diff)
	}
}

func TestRecordsCompareAndSwap(t *testing.T) {
	records := openRecords(t, memory.New())
	first := record(web)
	version, err := records.Put(t.Context(), first, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, stale := range []string{"", "nonsense"} {
		other := record(web)
		if _, err := records.Put(t.Context(), other, stale); !errors.Is(err, state.ErrConflict) {
			t.Errorf("Put at %q: %v, want ErrConflict", stale, err)
		}
		if other.Serial != 0 || other.Lineage != "" {
			t.Errorf("a Put that failed changed the record: %+v", other)
		}
	}
	second, err := records.Put(t.Context(), first, version)
	if err != nil || first.Serial != 2 {
		t.Errorf("serial %d after two writes, %v", first.Serial, err)
	}
	if err := records.Delete(t.Context(), web, version); !errors.Is(err, state.ErrConflict) {
		t.Errorf("Delete at the old version: %v, want ErrConflict", err)
	}
	if err := records.Delete(t.Context(), web, second); err != nil {
		t.Error(err)
	}
	if err := records.Delete(t.Context(), web, second); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("Delete of nothing: %v, want ErrNotFound", err)
	}
}

func TestPutRefusesWhatItCouldNotRead(t *testing.T) {
	records := openRecords(t, memory.New())
	for name, spoil := range map[string]func(*state.Record){
		"no address":      func(r *state.Record) { r.Address = addr.Address{} },
		"foreign lineage": func(r *state.Record) { r.Lineage = "other" },
		"unsorted":        func(r *state.Record) { r.Objects[0], r.Objects[1] = r.Objects[1], r.Objects[0] },
		"twice":           func(r *state.Record) { r.Objects[0] = r.Objects[1] },
		"nameless":        func(r *state.Record) { r.Objects[0].ID.Name = "" },
		"nameless intent": func(r *state.Record) { r.Journal[0].ID.Kind = "" },
	} {
		spoiled := record(web)
		spoil(spoiled)
		if _, err := records.Put(t.Context(), spoiled, ""); err == nil {
			t.Errorf("%s: was written", name)
		}
	}
}

func TestListGivesWhatCanBeRead(t *testing.T) {
	store := memory.New()
	records := openRecords(t, store)
	for _, address := range []addr.Address{web, billing, addr.Application("broken")} {
		if _, err := records.Put(t.Context(), record(address), ""); err != nil {
			t.Fatal(err)
		}
	}
	overwrite(t, store, state.RecordKey(addr.Application("broken")), func(text string) string { return text[:len(text)/2] })
	if _, err := store.Put(t.Context(), "applications/nonsense", []byte("{}"), ""); err != nil {
		t.Fatal(err)
	}
	list, err := records.List(t.Context())
	if len(list) != 2 || list[0].Address != billing || list[1].Address != web || list[1].Version == "" {
		t.Errorf("List = %v", list)
	}
	var broken *state.BrokenError
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), "applications/application.broken") ||
		!strings.Contains(err.Error(), "applications/nonsense") || !strings.Contains(err.Error(), "backup") {
		t.Errorf("List: %v", err)
	}
}

func TestDamagedRecords(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(string) string
		newer  bool
		want   string
	}{
		"newer":           {replace(`"formatVersion":2`, `"formatVersion":3`), true, "format 3"},
		"no format":       {replace(`"formatVersion":2,`, ``), false, "no formatVersion"},
		"unknown member":  {replace(`"serial":1,`, `"serial":1,"later":true,`), false, `unknown field "later"`},
		"member twice":    {replace(`"serial":1,`, `"serial":1, "serial": 2,`), false, `duplicate field "serial"`},
		"member in caps":  {replace(`"serial"`, `"Serial"`), false, `unknown field "Serial"`},
		"another address": {replace(`"address":"application.web"`, `"address":"application.other"`), false, "of application.other"},
		"another lineage": {replace(`"lineage":"`, `"lineage":"0`), false, "another installation"},
		"no serial":       {replace(`"serial":1`, `"serial":0`), false, "serial 0"},
		"cut short":       {func(text string) string { return text[:100] }, false, "JSON"},
		"empty":           {func(string) string { return "" }, false, "JSON"},
		"trailing":        {func(text string) string { return text + "x" }, false, "JSON"},
		"not an object":   {func(string) string { return "[]" }, false, "JSON"},
		"null":            {func(string) string { return "null" }, false, "no formatVersion"},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			records := openRecords(t, store)
			if _, err := records.Put(t.Context(), record(web), ""); err != nil {
				t.Fatal(err)
			}
			overwrite(t, store, state.RecordKey(web), test.damage)
			_, _, err := records.Get(t.Context(), web)
			var broken *state.BrokenError
			if errors.Is(err, state.ErrNewer) != test.newer || errors.As(err, &broken) == test.newer {
				t.Fatalf("Get: %v", err)
			}
			for _, want := range []string{test.want, state.RecordKey(web)} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestInstallation(t *testing.T) {
	store := memory.New()
	first := openRecords(t, store)
	second := openRecords(t, store)
	if first.Lineage() != second.Lineage() || first.Lineage() == openRecords(t, memory.New()).Lineage() {
		t.Error("a lineage is not of a store")
	}
	if first.Fingerprinter().Of("x") != second.Fingerprinter().Of("x") {
		t.Error("the fingerprint key changed")
	}
	if first.Fingerprinter().Of("x") == openRecords(t, memory.New()).Fingerprinter().Of("x") {
		t.Error("two installations share a fingerprint key")
	}
	if recipient, err := first.Recipient(); recipient != nil || err != nil {
		t.Errorf("Recipient = %v, %v, want none", recipient, err)
	}
	mine, other := recipient(t), recipient(t)
	if err := first.SetRecipient(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	// second has read the installation before.
	if err := second.SetRecipient(t.Context(), other); !errors.Is(err, state.ErrOtherRecipient) {
		t.Errorf("SetRecipient of another: %v, want ErrOtherRecipient", err)
	}
	if err := second.SetRecipient(t.Context(), mine); err != nil {
		t.Errorf("SetRecipient of the same: %v", err)
	}
	if got, err := openRecords(t, store).Recipient(); err != nil || got.String() != mine.String() {
		t.Errorf("Recipient = %v, %v, want %v", got, err, mine)
	}
}

func TestDamagedInstallation(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(string) string
		want   string
	}{
		"newer":     {replace(`"formatVersion":2`, `"formatVersion":9`), "newer gantry"},
		"lineage":   {replace(`"lineage":"`, `"lineage":"x`), "no UUID"},
		"key":       {replace(`"fingerprintKey":"`, `"fingerprintKey":"AAAA`), "32 bytes"},
		"recipient": {replace(`"fingerprintKey"`, `"recipient":"age1", "fingerprintKey"`), "age1"},
	} {
		store := memory.New()
		openRecords(t, store)
		overwrite(t, store, "installation", test.damage)
		if _, err := state.Open(t.Context(), store); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	store := memory.New()
	if _, err := openRecords(t, store).Put(t.Context(), record(web), ""); err != nil {
		t.Fatal(err)
	}
	_, version, err := store.Get(t.Context(), "installation")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), "installation", version); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Open(t.Context(), store); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("records without an installation: %v", err)
	}
}

func TestRecordKeysAreReversible(t *testing.T) {
	for _, address := range []addr.Address{
		web, billing, web.Instance(""), web.Instance(`"${x}\/%2f`), {Kind: "application", Name: "a", Module: `module.m["k/1"]`},
	} {
		key := state.RecordKey(address)
		if err := state.CheckKey(key); err != nil {
			t.Error(err)
		}
		if back, err := state.ParseRecordKey(key); err != nil || back != address {
			t.Errorf("ParseRecordKey(%q) = %v, %v, want %v", key, back, err, address)
		}
	}
	if got, want := state.RecordKey(billing), "applications/application.payments%5b%22prod-eu%2feu-1%22%5d"; got != want {
		t.Errorf("RecordKey = %q, want %q", got, want)
	}
	for _, bad := range []string{"", "applications", "locks/application.web", "applications/", "applications/%zz", "applications/a", "applications/application.web%5B0%5D"} {
		if got, err := state.ParseRecordKey(bad); !errors.Is(err, state.ErrBadKey) {
			t.Errorf("ParseRecordKey(%q) = %v, %v, want ErrBadKey", bad, got, err)
		}
	}
}

func recipient(t *testing.T) *seal.Recipient {
	t.Helper()
	identity, err := seal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return identity.Recipient()
}

func replace(old, with string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, with, 1) }
}

// overwrite changes what a key holds, and fails if nothing changed.
func overwrite(t *testing.T, store state.Store, key string, change func(string) string) {
	t.Helper()
	ctx := context.Background()
	text, version, err := store.Get(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(string(text))
	if changed == string(text) {
		t.Fatalf("nothing changed in %s", text)
	}
	if _, err := store.Put(ctx, key, []byte(changed), version); err != nil {
		t.Fatal(err)
	}
}

// TestExisting: who only wants what is there makes nothing.
func TestExisting(t *testing.T) {
	store := memory.New()
	if _, err := state.Open(t.Context(), store, state.Existing()); !errors.Is(err, state.ErrNoInstallation) {
		t.Fatalf("an empty store gives %v", err)
	}
	if keys, err := store.List(t.Context(), ""); err != nil || len(keys) > 0 {
		t.Errorf("the store has %q (%v)", keys, err)
	}
	made := openRecords(t, store)
	found, err := state.Open(t.Context(), store, state.Existing())
	if err != nil || found.Lineage() != made.Lineage() {
		t.Errorf("what is there gives %v", err)
	}
}
