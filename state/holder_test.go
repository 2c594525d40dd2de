package state

import (
	"testing"

	"github.com/gantrycd/gantry/plan/identity"
)

// TestHolderIs: a holder that is read twice is one, also where it says who it is; waiting for
// it is told once.
func TestHolderIs(t *testing.T) {
	who := func() *identity.Identity { return &identity.Identity{Name: "alice", Verified: true} }
	one := Holder{Who: "alice@laptop", PID: 7, Identity: who()}
	if !one.is(Holder{Who: "alice@laptop", PID: 7, Identity: who()}) {
		t.Error("one holder is taken for two")
	}
	if one.is(Holder{Who: "alice@laptop", PID: 8, Identity: who()}) || one.is(Holder{}) {
		t.Error("two holders are taken for one")
	}
}
