package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

// ErrNotEmpty means that a copy of a state cannot become the state of a place, for there is
// something already.
var ErrNotEmpty = errors.New("there is something in its place")

// ErrPartial means that a copy is of one application, which is no state by itself.
var ErrPartial = errors.New("the copy is of one application")

// Restore makes a copy the state of a store that has none, and returns how many keys it
// wrote. The store is the one below what encrypts: values are as they were. Until the last
// of them is written the store has no installation, so that nobody uses it; cut off, the
// same again goes on. ErrNotEmpty where there is anything that is not of the copy.
func Restore(ctx context.Context, store Store, copied *Export, holder Holder, options LeaseOptions) (written int, err error) {
	if !copied.Application.IsZero() {
		return 0, ErrPartial
	}
	if len(copied.Keys[installationKey]) == 0 {
		return 0, errors.New("the copy has no installation")
	}
	lease, err := EnterWhole(ctx, store, holder, options)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lease.Release(context.WithoutCancel(ctx))) }()
	store = Guard(store, lease.Check)
	listed, err := store.List(ctx, "")
	if err != nil {
		return 0, err
	}
	there := map[string]bool{}
	for _, key := range slices.DeleteFunc(listed, isLock) {
		have, _, err := store.Get(ctx, key)
		if err != nil {
			return 0, err
		}
		value := []byte(nil)
		if _, there[key] = copied.Keys[key]; there[key] {
			if value, err = copied.value(key); err != nil {
				return 0, err
			}
		}
		if !there[key] || !bytes.Equal(have, value) {
			return 0, fmt.Errorf("%w: %s", ErrNotEmpty, key)
		}
	}
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(copied.Keys)), func(key string) bool { return key == installationKey })
	for _, key := range append(keys, installationKey) {
		value, err := copied.value(key)
		if err != nil {
			return written, err
		}
		if there[key] {
			continue
		}
		if _, err := putOnce(ctx, store, SystemClock(), key, value, ""); err != nil {
			return written, fmt.Errorf("%s: %w", key, err)
		}
		written++
	}
	return written, nil
}

// Applications are those that the copy has records of, sorted.
func (e *Export) Applications() []addr.Address {
	var out []addr.Address
	for key := range e.Keys {
		if address, err := ParseRecordKey(key); err == nil {
			out = append(out, address)
		}
	}
	slices.SortFunc(out, addr.Address.Compare)
	return out
}

// Returned is what became of a copy that was put back.
type Returned struct {
	Records []Pushed `json:"records"` // sorted by address
	// Others are how many other values were taken: revisions and holds of the records that
	// were, and what the state had nothing of.
	Others int `json:"others"`
}

// PushExport puts a copy back into the state that it was made from. A record is taken, with
// the serial that it has, where the state has none, one that is broken, or one of a lower
// serial; what is there already is left, and what the state has a later one of is refused.
// The audit log and the installation stay as they are. Nothing is written where part of the
// copy cannot be read. The caller holds the state as a whole.
func (r *Records) PushExport(ctx context.Context, copied *Export) (*Returned, error) {
	if copied.Lineage != r.lineage {
		return nil, fmt.Errorf("it is of another installation: its lineage is %s, this state's is %s", copied.Lineage, r.lineage)
	}
	values := make(map[string][]byte, len(copied.Keys))
	var records []*Record
	for _, key := range slices.Sorted(maps.Keys(copied.Keys)) {
		value, err := r.opened(ctx, copied, key)
		if err != nil {
			return nil, err
		}
		values[key] = value
		if !strings.HasPrefix(key, recordPrefix+"/") {
			continue
		}
		address, err := ParseRecordKey(key)
		if err != nil {
			return nil, err
		}
		record, err := r.read(address, value)
		if err != nil {
			return nil, fmt.Errorf("in the copy: %w", err)
		}
		records = append(records, record)
	}
	slices.SortFunc(records, func(a, b *Record) int { return a.Address.Compare(b.Address) })
	out := &Returned{Records: []Pushed{}}
	for _, record := range records {
		pushed, err := r.pushCopied(ctx, record, func() error { return r.pushBeside(ctx, record, values, out) })
		if err != nil {
			return out, err
		}
		out.Records = append(out.Records, pushed)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if r.goesAlone(key, records) {
			if err := r.pushAbsent(ctx, key, values[key], out); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// opened is a value of a copy, decrypted where the state is encrypted.
func (r *Records) opened(ctx context.Context, copied *Export, key string) ([]byte, error) {
	value, err := copied.value(key)
	if err != nil {
		return nil, err
	}
	if sealer, ok := sealerOf(r.store); ok && !isLock(key) {
		if value, err = sealer.Open(ctx, key, value); err != nil {
			return nil, fmt.Errorf("in the copy: %w", err)
		}
	}
	return value, nil
}

// pushCopied puts one record of a copy back, once what is beside it is there.
func (r *Records) pushCopied(ctx context.Context, next *Record, beside func() error) (Pushed, error) {
	next.Claim, next.FormatVersion = nil, FormatVersion
	pushed := Pushed{Address: next.Address, Serial: next.Serial, Objects: len(next.Objects), Journal: len(next.Journal)}
	key := RecordKey(next.Address)
	version := ""
	have, _, err := r.Get(ctx, next.Address)
	var broken *BrokenError
	switch {
	case errors.As(err, &broken):
		have = nil
	case err != nil:
		return pushed, err
	}
	switch {
	case have == nil:
	case have.Serial > next.Serial:
		pushed.Refused = fmt.Sprintf("the state has serial %d, and the copy has %d: it was written since the copy was made", have.Serial, next.Serial)
		pushed.Serial = have.Serial
		return pushed, nil
	case have.Serial == next.Serial && sameContent(have, next):
		return pushed, nil
	case have.Serial == next.Serial:
		pushed.Refused = fmt.Sprintf("the state has another record of the same serial %d", have.Serial)
		return pushed, nil
	}
	if err := beside(); err != nil {
		return pushed, err
	}
	// Also of one that cannot be decrypted.
	if _, version, err = innermost(r.store).Get(ctx, key); err != nil && !errors.Is(err, ErrNotFound) {
		return pushed, err
	}
	text, err := encode(next)
	if err != nil {
		return pushed, err
	}
	if _, err := putOnce(ctx, r.store, r.clock, key, text, version); err != nil {
		return pushed, err
	}
	pushed.Taken = true
	return pushed, nil
}

// pushBeside puts back what belongs to a record that is taken: its revisions and its hold.
func (r *Records) pushBeside(ctx context.Context, record *Record, values map[string][]byte, out *Returned) error {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if key == HoldKey(record.Address) || belongs(key, record) {
			if err := r.pushAbsent(ctx, key, values[key], out); err != nil {
				return err
			}
		}
	}
	return nil
}

// belongs reports whether a key is of a revision of a record.
func belongs(key string, record *Record) bool {
	return isRevisionOf(key, record.UID) || strings.HasPrefix(key, RevisionPrefix+"/") && isOf(path.Dir(key), record.Address)
}

// goesAlone reports whether what a copy has at a key is of none of its records, and of no
// installation.
func (r *Records) goesAlone(key string, records []*Record) bool {
	if key == installationKey || key == auditKey || strings.HasPrefix(key, auditKey+"/") || strings.HasPrefix(key, recordPrefix+"/") || isLock(key) {
		return false
	}
	return !slices.ContainsFunc(records, func(record *Record) bool { return key == HoldKey(record.Address) || belongs(key, record) })
}

// pushAbsent writes a value of a copy where the state has none.
func (r *Records) pushAbsent(ctx context.Context, key string, value []byte, out *Returned) error {
	_, _, err := r.store.Get(ctx, key)
	if err == nil {
		return nil
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	if _, err := putOnce(ctx, r.store, r.clock, key, value, ""); err != nil {
		return err
	}
	out.Others++
	return nil
}

// Forget removes what is kept of an application beside its revisions: its hold, and at last
// its record, also one that is broken. Its objects stay. What a newer gantry wrote stays,
// too: that one knows what else it has of it.
func (r *Records) Forget(ctx context.Context, address addr.Address) error {
	if _, _, err := r.Get(ctx, address); errors.Is(err, ErrNewer) {
		return err
	}
	if _, err := r.DeleteHold(ctx, address, time.Time{}); err != nil {
		return err
	}
	return r.remove(ctx, RecordKey(address))
}
