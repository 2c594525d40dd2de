package engine

import (
	"fmt"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// TestTheRecordIsReadWhileItIsWritten: what is read of a record is not changed by
// what other steps enter into it, neither afterwards nor, with the race detector,
// meanwhile.
func TestTheRecordIsReadWhileItIsWritten(t *testing.T) {
	t.Parallel()
	id := func(name string) object.ID { return object.ID{Kind: "ConfigMap", Namespace: "web", Name: name} }
	p := &progress{record: &state.Record{Objects: make([]state.Owned, 0, 1000)}}
	p.record.Own(state.Owned{ID: id("m"), UID: "m"})
	got := p.ownedNow(id("m"))
	p.record.Own(state.Owned{ID: id("a"), UID: "a"}) // moves it along
	if got == nil || got.ID != id("m") || got.UID != "m" {
		t.Fatalf("what was read is now %+v", got)
	}
	if p.ownedNow(id("x")) != nil {
		t.Error("something is found that was never entered")
	}

	var group sync.WaitGroup
	group.Go(func() {
		for i := range 500 {
			p.mu.Lock()
			p.record.Own(state.Owned{ID: id(fmt.Sprintf("b-%03d", i))})
			p.mu.Unlock()
		}
	})
	group.Go(func() {
		for range 500 {
			if got := p.ownedNow(id("m")); got == nil || got.UID != "m" {
				t.Errorf("read %+v", got)
				return
			}
		}
	})
	group.Wait()
}
