package storetest

import (
	"testing"

	"github.com/anishathalye/porcupine"
)

// TestTheModelRefuses: what the model of locks is there to find, it finds.
func TestTheModelRefuses(t *testing.T) {
	operation := func(client int, does, value string, out linearOutput, from, to int64) porcupine.Operation {
		return porcupine.Operation{ClientId: client, Input: linearInput{client, does, value}, Output: out, Call: from, Return: to}
	}
	none := linearOutput{}
	for what, test := range map[string]struct {
		want       bool
		operations []porcupine.Operation
	}{
		"one after the other": {true, []porcupine.Operation{
			operation(0, "lock", "", none, 0, 1), operation(0, "write", "a", none, 2, 3), operation(0, "unlock", "", none, 4, 5),
			operation(1, "lock", "", none, 6, 7), operation(1, "read", "", linearOutput{value: "a"}, 8, 9),
		}},
		"two holders": {false, []porcupine.Operation{
			operation(0, "lock", "", none, 0, 1), operation(1, "lock", "", none, 2, 3), operation(0, "unlock", "", none, 4, 5),
		}},
		"a write without the lock": {false, []porcupine.Operation{
			operation(0, "lock", "", none, 0, 1), operation(1, "write", "a", none, 2, 3),
		}},
		"a write that is lost": {false, []porcupine.Operation{
			operation(0, "lock", "", none, 0, 1), operation(0, "write", "a", none, 2, 3), operation(1, "read", "", linearOutput{value: "nothing"}, 4, 5),
		}},
		"refused by nobody": {false, []porcupine.Operation{operation(0, "lock", "", linearOutput{refused: true}, 0, 1)}},
	} {
		if got := porcupine.CheckOperations(lockModel(), test.operations); got != test.want {
			t.Errorf("%s: linearizable %t, want %t", what, got, test.want)
		}
	}
}
