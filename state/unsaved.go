package state

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

// Sealer is what a Store may add that encrypts what it holds: what is kept elsewhere is
// encrypted as its values are.
type Sealer interface {
	// Seal encrypts a value as that of a key, and Open reverses it.
	Seal(ctx context.Context, key string, value []byte) ([]byte, error)
	Open(ctx context.Context, key string, value []byte) ([]byte, error)
}

// Unsaved is what an apply knew and could not write into the state.
type Unsaved struct {
	// FormatVersion, Lineage and SavedAt are set by ExportUnsaved.
	FormatVersion int             `json:"formatVersion"`
	Lineage       string          `json:"lineage"`
	SavedAt       time.Time       `json:"savedAt"`
	Run           string          `json:"run"` // the ID of the lease that it was applied under
	Holder        Holder          `json:"holder"`
	Plan          string          `json:"plan,omitempty"`
	Records       []UnsavedRecord `json:"records"`
}

func (u *Unsaved) format() int { return u.FormatVersion }

// UnsavedRecord is a record as it would have been written. Its serial is that of the
// record in the state that it takes the place of.
type UnsavedRecord struct {
	Record *Record `json:"record"`
	Gone   bool    `json:"gone,omitempty"` // the application has left, and its record with it
}

// sealedUnsaved is what ExportUnsaved makes where the store encrypts its values.
type sealedUnsaved struct {
	FormatVersion int    `json:"formatVersion"`
	Sealed        []byte `json:"sealed"`
}

// unsavedKey is the name by which unsaved records are encrypted; nothing is stored at it.
const unsavedKey = "unsaved"

// ExportUnsaved makes a document of what could not be written, which PushUnsaved takes. It is encrypted
// where the records are.
func (r *Records) ExportUnsaved(ctx context.Context, unsaved Unsaved) ([]byte, error) {
	unsaved.FormatVersion, unsaved.Lineage, unsaved.SavedAt = FormatVersion, r.lineage, stamp(r.clock.Now())
	text, err := encode(&unsaved)
	if err != nil {
		return nil, err
	}
	sealer, ok := sealerOf(r.store)
	if !ok {
		return text, nil
	}
	sealed, err := sealer.Seal(ctx, unsavedKey, text)
	if err != nil {
		return nil, err
	}
	return json.Marshal(sealedUnsaved{FormatVersion: FormatVersion, Sealed: sealed})
}

// sealerOf returns what a store encrypts with, also where it is wrapped.
func sealerOf(store Store) (Sealer, bool) {
	for {
		if sealer, ok := store.(Sealer); ok {
			return sealer, true
		}
		wrapped, ok := store.(unwrapper)
		if !ok {
			return nil, false
		}
		store = wrapped.Unwrap()
	}
}

// ImportUnsaved reads a document of ExportUnsaved. One of another installation is refused.
func (r *Records) ImportUnsaved(ctx context.Context, document []byte) (*Unsaved, error) {
	var sealed sealedUnsaved
	if json.Unmarshal(document, &sealed) == nil && len(sealed.Sealed) > 0 {
		sealer, ok := sealerOf(r.store)
		if !ok {
			return nil, errors.New("it is encrypted, and this state is not: open the state that it was made from")
		}
		var err error
		if document, err = sealer.Open(ctx, unsavedKey, sealed.Sealed); err != nil {
			return nil, err
		}
	}
	found := &Unsaved{}
	if err := decode(unsavedKey, document, found); err != nil {
		var broken *BrokenError
		if errors.As(err, &broken) {
			return nil, fmt.Errorf("it is not what an apply saved: %s", broken.Reason)
		}
		return nil, err
	}
	if found.Lineage != r.lineage {
		return nil, fmt.Errorf("it is of another installation: its lineage is %s, this state's is %s", found.Lineage, r.lineage)
	}
	for i := range found.Records {
		record := found.Records[i].Record
		if record == nil {
			return nil, fmt.Errorf("record %d is empty", i+1)
		}
		checked := *record
		checked.Serial++ // that of one that was never written is 0
		if err := r.check(record.Address, &checked); err != nil {
			return nil, fmt.Errorf("the record of %s: %w", record.Address, err)
		}
	}
	return found, nil
}

// Pushed is what became of one record that was pushed.
type Pushed struct {
	Address addr.Address `json:"address"`
	Serial  int64        `json:"serial"`            // in the state, after it
	Taken   bool         `json:"taken"`             // false: it was there already
	Refused string       `json:"refused,omitempty"` // why it was not taken
	Objects int          `json:"objects"`
	Journal int          `json:"journal"` // requests whose outcome is not known
	Gone    bool         `json:"gone,omitempty"`
}

// PushUnsaved takes what an apply could not write into the state. A record is taken if the one in
// the state is that which it was made from; what is in the state already is left, and
// what is older is refused. Records whose application is being applied are refused.
func (r *Records) PushUnsaved(ctx context.Context, unsaved *Unsaved, options LeaseOptions) ([]Pushed, error) {
	var out []Pushed
	for i := range unsaved.Records {
		pushed, err := r.push(ctx, unsaved, &unsaved.Records[i], options)
		if err != nil {
			return out, err
		}
		out = append(out, pushed)
	}
	return out, nil
}

func (r *Records) push(ctx context.Context, unsaved *Unsaved, one *UnsavedRecord, options LeaseOptions) (Pushed, error) {
	next := *one.Record
	next.Claim = nil
	pushed := Pushed{Address: next.Address, Objects: len(next.Objects), Journal: len(next.Journal), Gone: one.Gone}
	err := swap(ctx, r.clock, func() error {
		have, version, err := r.Get(ctx, next.Address)
		if err != nil {
			return err
		}
		pushed.Serial = 0
		if have != nil {
			pushed.Serial = have.Serial
			if have.Claim != nil && have.Claim.Lease != unsaved.Run {
				var locked *LockedError
				if err := r.Settle(ctx, have.Claim, next.Address.String(), options); errors.As(err, &locked) {
					pushed.Refused = locked.Error()
					return nil
				} else if err != nil {
					return err
				}
			}
		}
		switch {
		case have == nil && one.Gone, have != nil && !one.Gone && sameContent(have, &next):
			return nil // it is there already
		case have == nil && next.Serial > 0:
			pushed.Refused = fmt.Sprintf("its record is gone from the state, and had serial %d", next.Serial)
		case have != nil && have.Serial != next.Serial:
			pushed.Refused = fmt.Sprintf("the state has serial %d, and this was made from serial %d: it was written since", have.Serial, next.Serial)
		case one.Gone:
			if err := r.Delete(ctx, next.Address, version); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			pushed.Taken, pushed.Serial = true, 0
		default:
			written := next
			if _, err := r.Put(ctx, &written, version); err != nil {
				return err
			}
			pushed.Taken, pushed.Serial = true, written.Serial
		}
		return nil
	})
	return pushed, err
}

// sameContent reports whether a record in the state says what one that was pushed says.
func sameContent(have, next *Record) bool {
	a, b := *have, *next
	a.FormatVersion, a.Serial, a.UpdatedAt, a.Claim = b.FormatVersion, b.Serial, b.UpdatedAt, b.Claim
	one, err := json.Marshal(&a)
	other, otherErr := json.Marshal(&b)
	return err == nil && otherErr == nil && bytes.Equal(one, other)
}
