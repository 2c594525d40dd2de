package state

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/seal"
)

// Records is the state as its users see it: the installation and its
// applications' records, in any Store. It is safe for concurrent use.
type Records struct {
	store         Store
	clock         Clock
	leases        LeaseOptions
	fingerprinter seal.Fingerprinter
	lineage       string
	existing      bool
	ledgerLimit   int // how many applies of plans are remembered

	auditing sync.Mutex // held while an entry is appended to the audit log

	mu                  sync.Mutex // guards the two below
	installation        *installation
	installationVersion string
}

// Option changes how Open works.
type Option func(*Records)

// WithClock has Records take the time from a clock.
func WithClock(clock Clock) Option { return func(r *Records) { r.clock = clock } }

// WithLeases has Acquire keep its leases in a certain way.
func WithLeases(options LeaseOptions) Option { return func(r *Records) { r.leases = options } }

// Existing has Open make nothing: in an empty store it returns ErrNoInstallation.
func Existing() Option { return func(r *Records) { r.existing = true } }

// WithLineage has Open give a new installation a lineage: that of one which is
// restored.
func WithLineage(lineage string) Option { return func(r *Records) { r.lineage = lineage } }

// Open opens the state in a store. In an empty store it makes a new
// installation, with a lineage and a fingerprint key of its own.
func Open(ctx context.Context, store Store, options ...Option) (*Records, error) {
	r := &Records{store: store, clock: SystemClock(), ledgerLimit: maxLedger}
	for _, option := range options {
		option(r)
	}
	if r.leases.Clock == nil {
		r.leases.Clock = r.clock
	}
	found, version, err := openInstallation(ctx, store, r.clock, r.lineage, !r.existing)
	if errors.Is(err, ErrNoInstallation) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("opening the state: %w", err)
	}
	r.installation, r.installationVersion, r.lineage = found, version, found.Lineage
	if r.fingerprinter, err = seal.NewFingerprinter(found.FingerprintKey); err != nil {
		return nil, fmt.Errorf("opening the state: %w", err)
	}
	return r, nil
}

// Lineage returns the installation's UUID. State of another lineage is of
// another installation, even where addresses are the same.
func (r *Records) Lineage() string { return r.lineage }

// Store returns the store that the records are in.
func (r *Records) Store() Store { return r.store }

// Acquire takes a lease in the store of the records; see the function Acquire.
func (r *Records) Acquire(ctx context.Context, name string, holder Holder) (*Lease, error) {
	return Acquire(ctx, r.store, name, holder, r.leases)
}

// Get returns an application's record and its version; nil and "" where there
// is none.
func (r *Records) Get(ctx context.Context, address addr.Address) (*Record, string, error) {
	value, version, err := r.store.Get(ctx, RecordKey(address))
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	record, err := r.read(address, value)
	if err != nil {
		return nil, "", err
	}
	return record, version, nil
}

// Put writes a record if the application's is still at version ("" means: there
// is none), and returns the new version. It raises the record's Serial by one and
// sets its FormatVersion, Lineage and UpdatedAt; where it returns an error, the
// record is as it was. ErrConflict where someone else wrote in between.
func (r *Records) Put(ctx context.Context, record *Record, version string) (string, error) {
	next := *record
	next.FormatVersion = FormatVersion
	next.Serial++
	next.UpdatedAt = stamp(r.clock.Now())
	if next.Lineage == "" {
		next.Lineage = r.lineage
	}
	if err := r.check(record.Address, &next); err != nil {
		return "", fmt.Errorf("record of %s: %w. This is a bug in gantry", record.Address, err)
	}
	text, err := encode(&next)
	if err != nil {
		return "", err
	}
	written, err := putOnce(ctx, r.store, r.clock, RecordKey(record.Address), text, version)
	if err != nil {
		return "", err
	}
	*record = next
	return written, nil
}

// Delete removes an application's record if it is still at version.
func (r *Records) Delete(ctx context.Context, address addr.Address, version string) error {
	return r.store.Delete(ctx, RecordKey(address), version)
}

// read decodes the record of an application.
func (r *Records) read(address addr.Address, value []byte) (*Record, error) {
	key := RecordKey(address)
	record := &Record{}
	if err := decode(key, value, record); err != nil {
		return nil, err
	}
	if err := r.check(address, record); err != nil {
		return nil, &BrokenError{Key: key, Reason: err.Error()}
	}
	return record, nil
}

// check holds a record to what its type promises.
func (r *Records) check(address addr.Address, record *Record) error {
	if address.IsZero() {
		return errors.New("it has no address")
	}
	if record.Address != address {
		return fmt.Errorf("it is of %s", record.Address)
	}
	if record.Lineage != r.lineage {
		return fmt.Errorf("its lineage %q is another installation's; this one's is %s", record.Lineage, r.lineage)
	}
	if record.Serial < 1 {
		return fmt.Errorf("its serial %d is below 1", record.Serial)
	}
	for i, owned := range record.Objects {
		if owned.ID.Kind == "" || owned.ID.Name == "" {
			return fmt.Errorf("object %d has no kind or no name", i+1)
		}
		if i > 0 && record.Objects[i-1].ID.Compare(owned.ID) >= 0 {
			return fmt.Errorf("object %s is there twice or not in order", owned.ID)
		}
	}
	for i, intent := range record.Journal {
		if intent.ID.Kind == "" || intent.ID.Name == "" {
			return fmt.Errorf("intent %d has no kind or no name", i+1)
		}
	}
	return nil
}
