package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/storetest/soak"
)

// Linearizable has many clients of one store lock, write under the lock, read and unlock at
// once, and checks that what each saw has one order that explains it (with porcupine): at
// most one holds the lock at any time, only who holds it writes, and every read has what
// was written last. It goes 5 rounds with a store each, or 200 in the long form.
func Linearizable(t *testing.T, open func(t *testing.T) state.Store, options ...Option) {
	t.Helper()
	s := &suite{reopen: func(_ *testing.T, store state.Store) state.Store { return store }}
	for _, option := range options {
		option(s)
	}
	const told = 20 // rounds at a time are told of
	operations, refusals := 0, 0
	rounds := soak.Rounds(5, 200)
	for round := range rounds {
		ok := t.Run(fmt.Sprint("round ", round), func(t *testing.T) { // its stores are closed with it
			h := &history{place: &place{Store: open(t), reopen: s.reopen}, began: time.Now()}
			h.run(t)
			operations += len(h.operations)
			refusals += h.refused
			switch porcupine.CheckOperationsTimeout(lockModel(), h.operations, 5*time.Minute) {
			case porcupine.Illegal:
				t.Errorf("no order explains what clients saw: %v", h.operations)
			case porcupine.Unknown:
				t.Errorf("five minutes did not do to check %d operations", len(h.operations))
			case porcupine.Ok:
			}
		})
		if !ok {
			return
		}
		if done := round%told + 1; done == told || round+1 == rounds {
			t.Logf("survived: {%d} rounds, {%d} operations, of which {%d} were refused the lock: linearizable", done, operations, refusals)
			operations, refusals = 0, 0
		}
	}
}

const (
	linearClients = 8
	linearTurns   = 4
	linearKey     = "generators/linear"
)

// linearInput is what a client does, and linearOutput what it saw.
type linearInput struct {
	client int
	does   string // "lock", "write", "read", "unlock"
	value  string
}

type linearOutput struct {
	refused bool
	value   string
}

// history is what clients did with one store.
type history struct {
	*place
	began time.Time

	mu         sync.Mutex
	operations []porcupine.Operation
	refused    int
}

func (h *history) run(t *testing.T) {
	t.Helper()
	if _, err := h.Put(t.Context(), linearKey, []byte("nothing"), ""); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for client := range linearClients {
		store := h.Store
		if client%2 == 1 {
			store = h.other(t)
		}
		group.Go(func() {
			for turn := range linearTurns {
				if err := h.turn(t.Context(), store, client, turn); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// turn is one attempt of a client to lock, write and unlock; refused, it reads.
func (h *history) turn(ctx context.Context, store state.Store, client, turn int) error {
	var lease *state.Lease
	err := h.note(linearInput{client: client, does: "lock"}, func() (out linearOutput, err error) {
		lease, err = state.Acquire(ctx, store, "linear", state.Holder{Who: fmt.Sprint("client ", client)}, state.LeaseOptions{})
		if errors.Is(err, state.ErrLocked) {
			return linearOutput{refused: true}, nil
		}
		return out, err
	})
	if err != nil || lease == nil {
		return errors.Join(err, h.read(ctx, store, client))
	}
	value := fmt.Sprintf("%d by client %d", turn, client)
	guarded := state.Guard(store, lease.Check)
	err = h.note(linearInput{client, "write", value}, func() (linearOutput, error) {
		_, version, err := guarded.Get(ctx, linearKey)
		if err == nil {
			_, err = guarded.Put(ctx, linearKey, []byte(value), version)
		}
		return linearOutput{}, err
	})
	if err == nil {
		err = h.read(ctx, store, client)
	}
	return errors.Join(err, h.note(linearInput{client: client, does: "unlock"}, func() (linearOutput, error) {
		return linearOutput{}, lease.Release(ctx)
	}))
}

func (h *history) read(ctx context.Context, store state.Store, client int) error {
	return h.note(linearInput{client: client, does: "read"}, func() (linearOutput, error) {
		value, _, err := store.Get(ctx, linearKey)
		return linearOutput{value: string(value)}, err
	})
}

// note does something and enters it into the history.
func (h *history) note(in linearInput, do func() (linearOutput, error)) error {
	called := time.Since(h.began)
	out, err := do()
	returned := time.Since(h.began)
	if err != nil {
		return fmt.Errorf("%s of client %d: %w", in.does, in.client, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if out.refused {
		h.refused++
	}
	h.operations = append(h.operations, porcupine.Operation{
		ClientId: in.client, Input: in, Call: int64(called), Output: out, Return: int64(returned),
	})
	return nil
}

// locked is the store as the model has it.
type locked struct {
	holder int // one more than the client's number; 0 is nobody
	value  string
}

// lockModel is a lock with a value that only its holder writes.
func lockModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return locked{value: "nothing"} },
		Step: func(now, input, output any) (bool, any) {
			s, in, out := now.(locked), input.(linearInput), output.(linearOutput)
			me := in.client + 1
			switch in.does {
			case "lock":
				if out.refused {
					return s.holder != 0 && s.holder != me, s
				}
				return s.holder == 0, locked{me, s.value}
			case "write":
				return s.holder == me, locked{me, in.value}
			case "unlock":
				return s.holder == me, locked{0, s.value}
			}
			return out.value == s.value, s
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %+v", input, output) },
	}
}
