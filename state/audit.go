package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gantrycd/gantry/lang/addr"
)

// auditKey is the key of what is known of the log, and the prefix of its entries.
const auditKey = "audit"

// EventKind is what an entry of the audit log is about.
type EventKind string

// What is logged. Rollbacks, actions and self-heals are applies, whose Act tells them.
const (
	EventPlanSaved  EventKind = "plan.saved"
	EventApplyBegun EventKind = "apply.begun"
	EventApplyEnded EventKind = "apply.ended"
	EventHeld       EventKind = "hold"
	EventReleased   EventKind = "release"
	EventUnlocked   EventKind = "unlock"
	EventRecordMove EventKind = "state.mv"
	EventForgotten  EventKind = "state.rm"
	EventPushed     EventKind = "state.push"
	EventRebuilt    EventKind = "state.rebuild"
	EventAccepted   EventKind = "state.accept"
	EventMigrated   EventKind = "state.migrate"
	EventRotated    EventKind = "state.rotate"
	EventLogPruned  EventKind = "log.prune"
	EventOverridden EventKind = "window.override"
	EventRefused    EventKind = "refused" // who asked has no right to it
	EventRecorded   EventKind = "plan.record"
	EventUnapproved EventKind = "approval.override"
	EventRules      EventKind = "rules.accept"
)

// Event is an entry of the audit log: who did what, when, and how it ended. Nothing in it
// is a secret. Records.Audit sets FormatVersion, Number, ID, Lineage, At and Previous.
type Event struct {
	FormatVersion int `json:"formatVersion"`
	// Number is of the entry in the log: 1 and upwards, without gaps.
	Number  int64     `json:"number"`
	ID      string    `json:"id"` // a UUID of version 7
	Lineage string    `json:"lineage"`
	At      time.Time `json:"at"`
	Kind    EventKind `json:"kind"`
	By      Holder    `json:"by"`
	// Plan is the ID of the plan that it is about, and Act what such a plan does where it is
	// no apply of the configuration: "rollback", "self-heal", "action".
	Plan string `json:"plan,omitempty"`
	Act  string `json:"act,omitempty"`
	// Verified says who speaks for the plan file, once that was verified; empty where
	// nobody was asked for.
	Verified string `json:"verified,omitempty"`
	// Applications are what it is about, sorted by address.
	Applications []EventApplication `json:"applications,omitempty"`
	Outcome      string             `json:"outcome,omitempty"` // "succeeded", "failed" or "cancelled"
	// Reason is why, in the words of who did it; Message is what there is to say of it.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Previous is "sha256:…" of the entry before, as it is in the store; empty in the first.
	Previous string `json:"previous,omitempty"`
}

func (e *Event) format() int { return e.FormatVersion }

// EventApplication is an application in an entry of the audit log.
type EventApplication struct {
	Address addr.Address `json:"address"`
	// To is the address that it has from then on, where that is another.
	To      addr.Address `json:"to,omitzero"`
	Digest  string       `json:"digest,omitempty"` // the change digest that was planned
	Serial  int64        `json:"serial,omitempty"` // of its record, when the entry was written
	Outcome string       `json:"outcome,omitempty"`
}

// auditHead is what is known of the log: a hint where it ends, with what the newest entry
// was, and where it begins. What it says may be behind, and never ahead.
type auditHead struct {
	FormatVersion int    `json:"formatVersion"`
	Lineage       string `json:"lineage"`
	First         int64  `json:"first"` // the oldest entry that is kept
	Last          int64  `json:"last"`
	Hash          string `json:"hash"` // of the entry Last
}

func (h *auditHead) format() int { return h.FormatVersion }

// AuditKey returns the key of an entry of the audit log.
func AuditKey(number int64) string { return fmt.Sprintf("%s/%012d", auditKey, number) }

func auditHash(value []byte) string {
	sum := sha256.Sum256(value)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Audit appends an entry to the audit log. It is there when Audit returns nil; after an
// error it may be, where that is ErrUnknown. Two writers never write one number, so that
// entries have one order; each has the hash of the entry before it.
func (r *Records) Audit(ctx context.Context, event Event) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	event.FormatVersion, event.Lineage, event.ID, event.At = FormatVersion, r.lineage, id.String(), stamp(r.clock.Now())
	r.auditing.Lock()
	defer r.auditing.Unlock()
	head, version, err := r.auditHead(ctx)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	for {
		event.Number, event.Previous = head.Last+1, head.Hash
		text, err := encode(&event)
		if err != nil {
			return err
		}
		key := AuditKey(event.Number)
		if _, err = r.store.Put(ctx, key, text, ""); err != nil {
			if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnknown) {
				return fmt.Errorf("audit log: %w", err)
			}
			there, _, readErr := r.store.Get(ctx, key)
			if readErr != nil {
				return fmt.Errorf("audit log: %w", errors.Join(err, readErr))
			}
			head.Last, head.Hash = event.Number, auditHash(there)
			if found := (&Event{}); decode(key, there, found) != nil || found.ID != event.ID {
				continue // someone else's
			}
		}
		head.Last, head.Hash = event.Number, auditHash(text)
		r.putAuditHead(ctx, head, version)
		return nil
	}
}

// auditHead reads what is known of the log; without it, it is made from the entries.
func (r *Records) auditHead(ctx context.Context) (*auditHead, string, error) {
	value, version, err := r.store.Get(ctx, auditKey)
	if err == nil {
		found := &auditHead{}
		if err := decode(auditKey, value, found); err != nil {
			return nil, "", err
		}
		return found, version, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, "", err
	}
	head := &auditHead{First: 1}
	numbers, err := r.auditNumbers(ctx)
	if err != nil || len(numbers) == 0 {
		return head, "", err
	}
	last := numbers[len(numbers)-1]
	if value, _, err = r.store.Get(ctx, AuditKey(last)); err != nil {
		return nil, "", err
	}
	head.First, head.Last, head.Hash = numbers[0], last, auditHash(value)
	return head, "", nil
}

// putAuditHead notes where the log ends. That it fails costs the next writer some reads.
func (r *Records) putAuditHead(ctx context.Context, head *auditHead, version string) {
	head.FormatVersion, head.Lineage = FormatVersion, r.lineage
	if text, err := encode(head); err == nil {
		_, _ = r.store.Put(ctx, auditKey, text, version)
	}
}

// auditNumbers lists the entries that there are, oldest first.
func (r *Records) auditNumbers(ctx context.Context) ([]int64, error) {
	keys, err := r.store.List(ctx, auditKey)
	if err != nil {
		return nil, err
	}
	numbers := make([]int64, 0, len(keys))
	for _, key := range keys {
		number, err := strconv.ParseInt(strings.TrimPrefix(key, auditKey+"/"), 10, 64)
		if err != nil || AuditKey(number) != key {
			return nil, &BrokenError{Key: key, Reason: "it is no entry of the audit log"}
		}
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	return numbers, nil
}
