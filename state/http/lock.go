package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/gantrycd/gantry/state"
)

// operation marks the locks of gantry: they are held for one turn only.
const operation = "gantry state write"

// lockInfo is what Terraform's protocol says of a lock.
type lockInfo struct {
	ID        string    `json:"ID"`
	Operation string    `json:"Operation"`
	Info      string    `json:"Info"`
	Who       string    `json:"Who"`
	Version   string    `json:"Version"`
	Created   time.Time `json:"Created"`
	Path      string    `json:"Path"`
}

// held is a lock that was taken, until when its turn must have ended.
type held struct {
	info  lockInfo
	until time.Time
}

// lock takes the lock. It waits for whoever has it; a lock that a dead gantry left is
// removed, after it was seen unchanged for longer than any turn lasts.
func (s *Store) lock(ctx context.Context) (*held, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("making a lock: %w", err)
	}
	info := lockInfo{ID: id.String(), Operation: operation, Who: s.options.Holder, Created: time.Now().UTC(), Path: s.address.Path}
	body, err := json.Marshal(info)
	if err != nil {
		return nil, fmt.Errorf("making a lock: %w", err)
	}
	begun := time.Now()
	var watched lockInfo
	var since time.Time
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		asked := time.Now()
		status, answer, err := s.repeat(ctx, s.options.LockMethod, s.lockURL, body, http.Header{"Content-Type": {"application/json"}})
		if ctx.Err() != nil {
			s.unlock(&held{info: info}) // it may have been taken
			return nil, ctx.Err()
		}
		if err != nil {
			s.leftover[info.ID] = info
			return nil, s.explain("locking", err)
		}
		if status/100 == 2 {
			return &held{info: info, until: asked.Add(s.options.Times.Hold)}, nil
		}
		if status != http.StatusConflict && status != http.StatusLocked {
			return nil, s.explain("locking", s.unlockable(status, answer))
		}
		other := parseLock(answer)
		if other.ID == info.ID {
			// The answer to an earlier attempt was lost.
			return &held{info: info, until: asked.Add(s.options.Times.Hold)}, nil
		}
		if _, mine := s.leftover[other.ID]; mine {
			s.unlock(&held{info: other})
			continue
		}
		if other.ID != watched.ID || since.IsZero() {
			watched, since = other, asked
		}
		if other.Operation == operation && other.ID != "" && time.Since(since) >= s.options.Times.Abandoned {
			s.unlock(&held{info: other})
			since = time.Time{}
			continue
		}
		limit := s.options.Times.Wait
		if other.Operation != operation {
			limit = s.options.Times.Foreign
		}
		if time.Since(begun) >= limit {
			return nil, s.lockedBy(other)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// unlockable says why a lock cannot be taken.
func (s *Store) unlockable(status int, answer []byte) error {
	text := answerText(status, answer)
	if status == http.StatusNotFound || status == http.StatusNotImplemented {
		text += ": it has no lock there, without which state is not safe; correct lock_address"
	}
	return errors.New(text)
}

// parseLock reads what a server says of the lock that is held. What it does not say is
// zero.
func parseLock(answer []byte) lockInfo {
	var found lockInfo
	if json.Unmarshal(answer, &found) == nil {
		return found
	}
	// A time in another form must not hide the rest.
	var some struct{ ID, Operation, Who string }
	_ = json.Unmarshal(answer, &some)
	return lockInfo{ID: some.ID, Operation: some.Operation, Who: some.Who}
}

// lockedBy is the error of a lock that someone else holds.
func (s *Store) lockedBy(other lockInfo) error {
	text := "it is locked by someone"
	if other.Who != "" {
		text = "it is locked by " + other.Who
	}
	if other.Operation != "" {
		text += " (" + other.Operation + ")"
	}
	if !other.Created.IsZero() {
		text += " since " + other.Created.UTC().Format(time.RFC3339)
	}
	text += ". If nothing is at work there, unlock it at the server"
	return s.explain("locking", fmt.Errorf("%w: %s", state.ErrLocked, text))
}

// unlockTimeout is how long a lock is tried to be given back.
const unlockTimeout = 20 * time.Second

// unlock gives a lock back. One that could not be is remembered, and given back before
// the next is taken.
func (s *Store) unlock(h *held) {
	ctx, cancel := context.WithTimeout(context.Background(), unlockTimeout)
	defer cancel()
	s.leftover[h.info.ID] = h.info
	body, err := json.Marshal(h.info)
	if err != nil {
		return
	}
	address := *s.lockURL
	query := address.Query()
	query.Set("ID", h.info.ID)
	address.RawQuery = query.Encode()
	status, _, err := s.repeat(ctx, s.options.UnlockMethod, &address, body, http.Header{"Content-Type": {"application/json"}})
	if err == nil && (status/100 == 2 || status == http.StatusNotFound || status == http.StatusConflict || status == http.StatusLocked) {
		delete(s.leftover, h.info.ID) // given back, or another's by now
	}
}
