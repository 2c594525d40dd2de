package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/state"
)

// applications, of so many objects each, are what Benchmark fills a store with.
const (
	applications = 5000
	objectsEach  = 20
)

// Benchmark measures a store: a write and a read of one record, of several at once, the
// keys of 5,000 applications, and their 100,000 objects. open returns a store; the first is
// filled, and each load is by one of its own, as a new process has it: open must lead to the
// same place whenever it is called.
func Benchmark(b *testing.B, open func() state.Store) {
	store := open()
	records, err := state.Open(b.Context(), store)
	if err != nil {
		b.Fatal(err)
	}
	fillRecords(b, records)
	one := addr.Application("web").Instance("0")
	b.Run("put", func(b *testing.B) {
		record, version, err := records.Get(b.Context(), one)
		for b.Loop() {
			if err == nil {
				version, err = records.Put(b.Context(), record, version)
			}
		}
		if err != nil {
			b.Fatal(err)
		}
	})
	b.Run("put of 16 at once", func(b *testing.B) {
		b.SetParallelism(16) // times the processors
		var next atomic.Int64
		b.RunParallel(func(p *testing.PB) {
			address := addr.Application("web").Instance(strconv.Itoa(int(next.Add(1))))
			record, version, err := records.Get(b.Context(), address)
			for p.Next() {
				if err == nil {
					version, err = records.Put(b.Context(), record, version)
				}
			}
			if err != nil {
				b.Error(err)
			}
		})
	})
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := records.Get(b.Context(), one); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(fmt.Sprintf("list of %d keys", applications), func(b *testing.B) {
		for b.Loop() {
			keys, err := store.List(b.Context(), "applications")
			if err != nil || len(keys) != applications {
				b.Fatalf("%d keys, %v", len(keys), err)
			}
		}
	})
	b.Run(fmt.Sprintf("load of %d objects", applications*objectsEach), func(b *testing.B) {
		for b.Loop() {
			records, err := state.Open(b.Context(), open())
			if err != nil {
				b.Fatal(err)
			}
			found, err := records.List(b.Context())
			if err != nil || len(found) != applications {
				b.Fatalf("%d records, %v", len(found), err)
			}
		}
	})
}

// fillRecords writes the records of all applications.
func fillRecords(b *testing.B, records *state.Records) {
	b.Helper()
	numbers := make(chan int)
	var group sync.WaitGroup
	for range 512 { // a store of one document writes all that wait at once
		group.Go(func() {
			for i := range numbers {
				if _, err := records.Put(b.Context(), sample(i), ""); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range applications {
		numbers <- i
	}
	close(numbers)
	group.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// sample returns the record of an application as an apply leaves it.
func sample(number int) *state.Record {
	name := strconv.Itoa(number)
	at := time.Date(2026, 1, 1, 0, 0, number, 0, time.UTC)
	digest := func(kind string, i int) string {
		sum := sha256.Sum256([]byte(kind + name + "/" + strconv.Itoa(i)))
		return kind + ":" + hex.EncodeToString(sum[:])
	}
	record := &state.Record{
		Address: addr.Application("web").Instance(name), Name: "web-" + name, Project: "payments",
		Cluster:   state.Cluster{Name: "prod", UID: "7c1b5a9e-0d0f-4f6c-9a54-3f3f0c7f0b11"},
		Namespace: "web-" + name,
		Settings:  plan.Settings{OnDestroy: "delete", HealthTimeout: 5 * time.Minute},
		Plan:      "plan-" + name,
	}
	for i := range objectsEach {
		record.Objects = append(record.Objects, state.Owned{
			ID:      object.ID{Group: "apps", Kind: "Deployment", Namespace: record.Namespace, Name: fmt.Sprintf("component-%02d", i)},
			Version: "v1", Plural: "deployments", Namespaced: true, UID: fmt.Sprintf("7c1b5a9e-0d0f-4f6c-%04d-%012d", i, number),
			Fields: json.RawMessage(`{"f:metadata":{"f:labels":{"f:app.kubernetes.io/name":{},"f:app.kubernetes.io/part-of":{}}},` +
				`"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":` +
				`{"k:{\"name\":\"web\"}":{".":{},"f:env":{"k:{\"name\":\"PORT\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:name":{}}}}}}}`),
			Desired: digest("d1", i), Values: digest("v1", i), AppliedAt: at,
		})
	}
	record.History = []state.Entry{{
		ID: 1, Serial: 1, StartedAt: at, FinishedAt: at.Add(time.Minute), Outcome: "succeeded", Digest: digest("sha256", 0), By: "ci@example.com",
		Sources: []source.Pin{}, Counts: plan.Counts{plan.Create: objectsEach},
	}}
	return record
}
