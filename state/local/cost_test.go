package local_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
)

// BenchmarkLocksAndJournal is what an apply of 10,000 objects in 100 applications writes for
// its lock, its journal and its records: the lease and the ledger, and two writes for each
// application, with 100 objects that have a kilobyte of fields each.
func BenchmarkLocksAndJournal(b *testing.B) {
	fields := json.RawMessage(`{"f:data":{` + strings.Repeat(`"f:some-key":{},`, 60) + `"f:last":{}}}`)
	for b.Loop() {
		records, err := state.Open(b.Context(), local.New(b.TempDir()))
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		lease, err := records.Enter(b.Context(), state.Holder{Who: "bench"}, state.Scope{Plan: "p"}, state.LeaseOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if err := records.BeginPlan(b.Context(), state.AppliedPlan{ID: "p", CreatedAt: began}); err != nil {
			b.Fatal(err)
		}
		under := records.Under(lease)
		for app := range 100 {
			record := &state.Record{Address: addr.Application(fmt.Sprint("app-", app)), Claim: &state.Claim{Lease: lease.ID()}}
			for i := range 100 {
				id := object.ID{Kind: "ConfigMap", Namespace: "web", Name: fmt.Sprintf("object-%03d", i)}
				record.Begin(state.Intent{ID: id, Version: "v1", Action: plan.Create, At: began})
			}
			version, err := under.Put(b.Context(), record, "")
			if err != nil {
				b.Fatal(err)
			}
			for _, intent := range record.Journal {
				record.Own(state.Owned{ID: intent.ID, Version: "v1", UID: "00000000-0000-4000-8000-000000000000", Fields: fields})
			}
			record.Journal, record.Claim = nil, nil
			if _, err := under.Put(b.Context(), record, version); err != nil {
				b.Fatal(err)
			}
		}
		if err := records.EndPlan(b.Context(), "p"); err != nil {
			b.Fatal(err)
		}
		if err := lease.Release(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
