package state

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"
)

// LoggedEvent is an entry of the audit log as it is read.
type LoggedEvent struct {
	Event
	// Faults say what is wrong with it: it is missing, is not what was written, or cannot be
	// read. Only Number is set, too, where it cannot be.
	Faults []string
	hash   string
}

// AuditLog returns the entries of the audit log, newest first, and reads as it goes. What
// is wrong with one is in its Faults, and an error ends it. Each entry is held to the hash
// that the one after it has; the newest to the one that is noted beside the log. So an entry
// that was changed or taken out by itself is noticed. Who can write the store can write the
// log anew from there on, or all of it: that only a copy elsewhere shows.
func (r *Records) AuditLog(ctx context.Context) iter.Seq2[*LoggedEvent, error] {
	return func(yield func(*LoggedEvent, error) bool) {
		head, last, err := r.auditEnd(ctx)
		if err != nil {
			yield(nil, fmt.Errorf("audit log: %w", err))
			return
		}
		expected := ""
		for at := last; at >= head.First; {
			entries, err := r.auditRange(ctx, max(head.First, at-auditPage+1), at)
			if err != nil {
				yield(nil, fmt.Errorf("audit log: %w", err))
				return
			}
			for i := len(entries) - 1; i >= 0; i-- {
				entry := &entries[i]
				if entry.Number == head.Last && expected == "" {
					expected = head.Hash
				}
				if expected != "" && entry.hash != "" && entry.hash != expected {
					entry.Faults = append(entry.Faults, "it is not what was written")
				}
				expected = entry.Previous // none where it cannot be read: nothing is known of the one before
				if !yield(entry, nil) {
					return
				}
				at = entry.Number - 1
			}
		}
	}
}

// auditPage is how many entries are read side by side.
const auditPage = 32

// auditRange reads entries, both ends included, oldest first.
func (r *Records) auditRange(ctx context.Context, from, to int64) ([]LoggedEvent, error) {
	out := make([]LoggedEvent, to-from+1)
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(listParallelism)
	for i := range out {
		readers.Go(func() error {
			entry, key := &out[i], AuditKey(from+int64(i))
			value, _, err := r.store.Get(ctx, key)
			if errors.Is(err, ErrNotFound) {
				entry.Number, entry.Faults = from+int64(i), []string{"it is missing"}
				return nil
			}
			if err != nil {
				return err
			}
			entry.hash = auditHash(value)
			err = decode(key, value, &entry.Event)
			if err == nil && entry.Number != from+int64(i) {
				err = fmt.Errorf("it is entry %d", entry.Number)
			}
			if errors.Is(err, ErrNewer) {
				return err
			}
			if err != nil {
				*entry = LoggedEvent{Event: Event{Number: from + int64(i)}, Faults: []string{err.Error()}, hash: entry.hash}
			}
			return nil
		})
	}
	return out, readers.Wait()
}

// auditEnd finds the newest entry: what is noted of the log may be behind.
func (r *Records) auditEnd(ctx context.Context) (*auditHead, int64, error) {
	head, _, err := r.auditHead(ctx)
	if err != nil {
		return nil, 0, err
	}
	last := head.Last
	for {
		_, _, err := r.store.Get(ctx, AuditKey(last+1))
		if errors.Is(err, ErrNotFound) {
			return head, last, nil
		}
		if err != nil {
			return nil, 0, err
		}
		last++
	}
}

// PruneAudit takes entries out of the audit log that are older than a time, and tells how
// many. That it was done is logged first, by an event of who does it; if that cannot be
// written, nothing is taken out.
func (r *Records) PruneAudit(ctx context.Context, before time.Time, by Holder) (int, error) {
	numbers, err := r.auditNumbers(ctx)
	if err != nil {
		return 0, fmt.Errorf("audit log: %w", err)
	}
	var old []int64
	for _, number := range numbers {
		value, _, err := r.store.Get(ctx, AuditKey(number))
		if err != nil {
			return 0, fmt.Errorf("audit log: %w", err)
		}
		entry := &Event{}
		if err := decode(AuditKey(number), value, entry); err != nil {
			return 0, fmt.Errorf("audit log: %w", err)
		}
		if !entry.At.Before(before) {
			break
		}
		old = append(old, number)
	}
	if len(old) == 0 {
		return 0, nil
	}
	message := fmt.Sprintf("entries %d to %d, older than %s", old[0], old[len(old)-1], before.UTC().Format(time.RFC3339))
	if err := r.Audit(ctx, Event{Kind: EventLogPruned, By: by, Message: message}); err != nil {
		return 0, err
	}
	if err := r.raiseAuditFirst(ctx, old[len(old)-1]+1); err != nil {
		return 0, fmt.Errorf("audit log: %w", err)
	}
	for i, number := range old {
		_, version, err := r.store.Get(ctx, AuditKey(number))
		if err == nil {
			err = r.store.Delete(ctx, AuditKey(number), version)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return i, fmt.Errorf("audit log: %w", err)
		}
	}
	return len(old), nil
}

// raiseAuditFirst notes that the log begins later than it did.
func (r *Records) raiseAuditFirst(ctx context.Context, first int64) error {
	r.auditing.Lock()
	defer r.auditing.Unlock()
	for {
		head, version, err := r.auditHead(ctx)
		if err != nil || head.First >= first {
			return err
		}
		head.First, head.FormatVersion, head.Lineage = first, FormatVersion, r.lineage
		text, err := encode(head)
		if err != nil {
			return err
		}
		if _, err = r.store.Put(ctx, auditKey, text, version); !errors.Is(err, ErrConflict) {
			return err
		}
	}
}
