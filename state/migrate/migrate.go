// Package migrate moves a state from one store to another, as it is: what is encrypted or
// sealed stays so.
//
// At each moment one of the two counts. The old one does until a single write marks it as
// moved; the new one is marked as arriving until then, and nobody opens it. A move that is
// cut off anywhere is gone on with by running it again. Locks stay behind: both stores are
// held as a whole meanwhile. Only cmd/gantry imports the package.
package migrate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/gantrycd/gantry/state"
)

// Side is one of the two stores.
type Side struct {
	Store state.Store // as it is: without what decrypts it
	At    state.Location
}

// Options say how a state is moved.
type Options struct {
	From, To Side
	Holder   state.Holder
	Lease    state.LeaseOptions
	// DryRun has nothing written, and the result tell what would be moved.
	DryRun bool
	// Step, where set, is called before each step, with its name. It is for tests, and for
	// showing what is done.
	Step func(name string)
}

// Result is what was moved.
type Result struct {
	Migration string         `json:"migration,omitempty"`
	Keys      int            `json:"keys"`     // that the state has
	Bytes     int64          `json:"bytes"`    // of their values
	Kinds     map[string]int `json:"kinds"`    // keys by what they begin with, such as applications
	Written   int            `json:"written"`  // keys that were written; the rest was there from a move that was cut off
	Verified  int            `json:"verified"` // keys that were read back and are the same
	Resumed   bool           `json:"resumed"`  // it went on with a move that was cut off
	Already   bool           `json:"already"`  // the state had been moved before
}

// Errors that a move can end with, beside those of the stores.
var (
	// ErrNothing means that there is no state to move.
	ErrNothing = errors.New("there is no state to move")
	// ErrOccupied means that there is another state where this one is to go.
	ErrOccupied = errors.New("there is another state where it is to go")
	// ErrDiffers means that what arrived is not what was sent.
	ErrDiffers = errors.New("what arrived differs from what was sent")
)

// Run moves a state. Whoever calls it makes sure that the two are not the same place.
func Run(ctx context.Context, options Options) (*Result, error) {
	if options.Step == nil {
		options.Step = func(string) {}
	}
	m := &move{Options: options, result: &Result{Kinds: map[string]int{}}}
	done, err := m.look(ctx)
	if err != nil || done {
		return m.result, err
	}
	if options.DryRun {
		return m.result, m.count(ctx)
	}
	release, err := m.hold(ctx)
	if err != nil {
		return m.result, err
	}
	err = m.carry(ctx)
	return m.result, errors.Join(err, release(context.WithoutCancel(ctx)))
}

// move is a state on its way.
type move struct {
	Options
	result *Result

	id           string
	installation []byte // of the state
	from, to     found
	leases       []*state.Lease
}

// found is what a store has at the key of its installation.
type found struct {
	value   []byte
	version string
	mark    *state.Mark // nil where it is an installation, or nothing
}

func look(ctx context.Context, store state.Store) (found, error) {
	value, version, err := store.Get(ctx, state.InstallationKey)
	if errors.Is(err, state.ErrNotFound) {
		return found{}, nil
	}
	if err != nil {
		return found{}, err
	}
	mark, err := state.ReadMark(value)
	return found{value, version, mark}, err
}

// look finds out how far the state is, and reports whether it has arrived already.
func (m *move) look(ctx context.Context) (done bool, err error) {
	if m.from, err = look(ctx, m.From.Store); err != nil {
		return false, fmt.Errorf("reading the state in %s: %w", m.From.At.Place, err)
	}
	if m.to, err = look(ctx, m.To.Store); err != nil {
		return false, fmt.Errorf("reading the state in %s: %w", m.To.At.Place, err)
	}
	switch mark := m.from.mark; {
	case m.from.value == nil:
		return false, fmt.Errorf("%w in %s", ErrNothing, m.From.At.Place)
	case mark == nil:
		m.installation = m.from.value
	case mark.MovedTo != nil && sameInstallation(m.to, mark):
		m.result.Migration, m.result.Already = mark.Migration, true
		return true, nil
	case mark.MovedTo != nil && m.to.mark != nil && m.to.mark.Migration == mark.Migration:
		m.id, m.installation = mark.Migration, mark.Installation
	default:
		return false, mark.Err()
	}
	switch mark := m.to.mark; {
	case m.to.value == nil:
		return false, m.empty(ctx)
	case mark == nil:
		return false, fmt.Errorf("%w: %s has one, which is not written over. Name another place, or remove that state first", ErrOccupied, m.To.At.Place)
	case mark.Arriving != nil && !bytes.Equal(mark.Installation, m.installation):
		return false, fmt.Errorf("%w: another is on its way to %s, from %s", ErrOccupied, m.To.At.Place, mark.Arriving.Place)
	case mark.Arriving != nil:
		m.id, m.result.Resumed = mark.Migration, true
	case Lineage(mark.Installation) != Lineage(m.installation):
		// It was there once, and moved on: only the state itself may come back.
		return false, fmt.Errorf("%w: %s had one that was moved to %s", ErrOccupied, m.To.At.Place, mark.MovedTo.Place)
	}
	return false, nil
}

// Lineage returns the lineage of an installation, which is in clear also where the rest
// of it is encrypted.
func Lineage(installation []byte) string {
	line, _, _ := bytes.Cut(installation, []byte("\n"))
	var found struct {
		Lineage string `json:"lineage"`
	}
	if at := bytes.IndexByte(line, '{'); at >= 0 {
		_ = json.Unmarshal(line[at:], &found) // what is none has no lineage
	}
	return found.Lineage
}

// sameInstallation reports whether a store has the installation that was moved.
func sameInstallation(have found, mark *state.Mark) bool {
	return have.mark == nil && bytes.Equal(have.value, mark.Installation)
}

// empty makes sure that nothing is where the state is to go.
func (m *move) empty(ctx context.Context) error {
	keys, err := keysOf(ctx, m.To.Store)
	if err != nil {
		return fmt.Errorf("reading %s: %w", m.To.At.Place, err)
	}
	if len(keys) > 0 {
		return fmt.Errorf("%w: %s has %d keys and no installation, such as %s", ErrOccupied, m.To.At.Place, len(keys), keys[0])
	}
	return nil
}

// hold takes both stores for this move alone, the new one once it is marked.
func (m *move) hold(ctx context.Context) (release func(context.Context) error, err error) {
	release = func(ctx context.Context) error {
		var errs []error
		for _, lease := range m.leases {
			errs = append(errs, lease.Release(ctx))
		}
		return errors.Join(errs...)
	}
	for _, side := range []Side{m.From, m.To} {
		m.Step("lock " + side.At.Place)
		lease, err := state.EnterWhole(ctx, side.Store, m.Holder, m.Lease)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("holding the state in %s: %w", side.At.Place, err), release(context.WithoutCancel(ctx)))
		}
		m.leases = append(m.leases, lease)
	}
	return release, nil
}

// check reports whether both stores are still held.
func (m *move) check() error {
	for _, lease := range m.leases {
		if err := lease.Check(); err != nil {
			return err
		}
	}
	return nil
}

// carry moves the state, from wherever it is on its way.
func (m *move) carry(ctx context.Context) error {
	// What was looked at before the stores were held may be different by now.
	done, err := m.look(ctx)
	if err != nil || done {
		return err
	}
	if m.id == "" {
		made, err := uuid.NewRandom()
		if err != nil {
			return fmt.Errorf("making an ID: %w", err)
		}
		m.id = made.String()
	}
	m.result.Migration = m.id
	if m.to.mark == nil || m.to.mark.Arriving == nil {
		m.Step("mark the new as arriving")
		if err := m.mark(ctx, m.To.Store, &m.to, state.Mark{Arriving: &m.From.At}); err != nil {
			return fmt.Errorf("marking the state in %s: %w", m.To.At.Place, err)
		}
	}
	if err := m.copy(ctx); err != nil {
		return err
	}
	if m.from.mark == nil {
		m.Step("mark the old as moved")
		if err := m.mark(ctx, m.From.Store, &m.from, state.Mark{MovedTo: &m.To.At}); err != nil {
			return fmt.Errorf("marking the state in %s: %w", m.From.At.Place, err)
		}
		// Whoever had it open may have written until now.
		if err := m.copy(ctx); err != nil {
			return err
		}
	}
	m.Step("open the new")
	if err := m.put(ctx, m.To.Store, &m.to, m.installation); err != nil {
		return fmt.Errorf("opening the state in %s: %w", m.To.At.Place, err)
	}
	return nil
}

// mark puts a mark in the place of an installation.
func (m *move) mark(ctx context.Context, store state.Store, at *found, mark state.Mark) error {
	mark.Migration, mark.At, mark.By, mark.Installation = m.id, time.Now(), m.Holder.Who, m.installation
	text, err := mark.Encode()
	if err != nil {
		return err
	}
	return m.put(ctx, store, at, text)
}

// put writes the key of the installation, if it is as it was found. Where nobody knows
// whether it was written, reading tells.
func (m *move) put(ctx context.Context, store state.Store, at *found, value []byte) error {
	if err := m.check(); err != nil {
		return err
	}
	version, err := store.Put(ctx, state.InstallationKey, value, at.version)
	if errors.Is(err, state.ErrUnknown) {
		now, lookErr := look(ctx, store)
		if lookErr != nil || !bytes.Equal(now.value, value) {
			return errors.Join(err, lookErr)
		}
		version, err = now.version, nil
	}
	if err != nil {
		return err
	}
	mark, err := state.ReadMark(value)
	*at = found{value, version, mark}
	return err
}

// parallelism is how many keys are written at once.
const parallelism = 16

// copy makes the new hold what the old does, and reads it back.
func (m *move) copy(ctx context.Context) error {
	m.Step("read the old")
	want, err := itemsOf(ctx, m.From.Store)
	if err != nil {
		return fmt.Errorf("reading the state in %s: %w", m.From.At.Place, err)
	}
	m.tell(want)
	have, err := itemsOf(ctx, m.To.Store)
	if err != nil {
		return fmt.Errorf("reading the state in %s: %w", m.To.At.Place, err)
	}
	m.Step("copy")
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(parallelism)
	for key, item := range want {
		there, ok := have[key]
		if ok && bytes.Equal(there.Value, item.Value) {
			continue
		}
		m.result.Written++
		group.Go(func() error {
			if err := m.check(); err != nil {
				return err
			}
			_, err := m.To.Store.Put(within, key, item.Value, there.Version)
			return ignoreUnknown(err)
		})
	}
	for key, there := range have {
		if _, ok := want[key]; ok {
			continue
		}
		group.Go(func() error {
			if err := m.check(); err != nil {
				return err
			}
			err := m.To.Store.Delete(within, key, there.Version)
			if errors.Is(err, state.ErrNotFound) {
				return nil
			}
			return ignoreUnknown(err)
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("writing the state to %s: %w", m.To.At.Place, err)
	}
	return m.verify(ctx, want)
}

// ignoreUnknown drops the error of a write of which nobody knows whether it took place:
// what is read back tells.
func ignoreUnknown(err error) error {
	if errors.Is(err, state.ErrUnknown) {
		return nil
	}
	return err
}

// verify compares all that arrived with what was sent.
func (m *move) verify(ctx context.Context, want map[string]state.Item) error {
	m.Step("verify")
	have, err := itemsOf(ctx, m.To.Store)
	if err != nil {
		return fmt.Errorf("reading back the state in %s: %w", m.To.At.Place, err)
	}
	m.result.Verified = 0
	for key, item := range want {
		there, ok := have[key]
		switch {
		case !ok:
			return fmt.Errorf("%w: %s is not in %s. Run it again", ErrDiffers, key, m.To.At.Place)
		case !bytes.Equal(there.Value, item.Value):
			return fmt.Errorf("%w: %s has another value in %s. Run it again", ErrDiffers, key, m.To.At.Place)
		}
		m.result.Verified++
	}
	if len(have) != len(want) {
		return fmt.Errorf("%w: %s has %d keys, and %d were sent. Run it again", ErrDiffers, m.To.At.Place, len(have), len(want))
	}
	return nil
}

// count tells what would be moved.
func (m *move) count(ctx context.Context) error {
	want, err := itemsOf(ctx, m.From.Store)
	if err != nil {
		return fmt.Errorf("reading the state in %s: %w", m.From.At.Place, err)
	}
	m.tell(want)
	return nil
}

func (m *move) tell(items map[string]state.Item) {
	m.result.Keys, m.result.Bytes, m.result.Kinds = len(items), 0, map[string]int{}
	for key, item := range items {
		kind, _, _ := strings.Cut(key, "/")
		m.result.Kinds[kind]++
		m.result.Bytes += int64(len(item.Value))
	}
}

// isMoved reports whether a key is of the state, and not of the place that it is in.
func isMoved(key string) bool {
	return key != state.InstallationKey && key != state.LocksPrefix && !strings.HasPrefix(key, state.LocksPrefix+"/")
}

func keysOf(ctx context.Context, store state.Store) ([]string, error) {
	keys, err := store.List(ctx, "")
	return slices.DeleteFunc(keys, func(key string) bool { return !isMoved(key) }), err
}

// itemsOf reads all that is moved of a store.
func itemsOf(ctx context.Context, store state.Store) (map[string]state.Item, error) {
	out := map[string]state.Item{}
	if bulk, ok := store.(state.BulkReader); ok {
		items, err := bulk.GetAll(ctx, "")
		for _, item := range items {
			if isMoved(item.Key) {
				out[item.Key] = item
			}
		}
		return out, err
	}
	keys, err := keysOf(ctx, store)
	if err != nil {
		return nil, err
	}
	items := make([]state.Item, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelism)
	for i, key := range keys {
		group.Go(func() error {
			value, version, err := store.Get(ctx, key)
			if errors.Is(err, state.ErrNotFound) {
				return nil // it went since it was listed
			}
			items[i] = state.Item{Key: key, Value: value, Version: version}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, item := range items {
		if item.Key != "" {
			out[item.Key] = item
		}
	}
	return out, nil
}
