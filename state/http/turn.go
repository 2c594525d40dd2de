package http

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gantrycd/gantry/state"
)

// turn makes changes under a lock, and gives it back.
func (s *Store) turn(held *held, batch []*change) {
	ctx, cancel := context.WithDeadline(context.Background(), held.until)
	defer cancel()
	errs := make([]error, len(batch))
	fail := func(err error) {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = err
			}
		}
	}
	old, err := s.fetch(ctx)
	var next *document
	if err == nil {
		next, err = old.next()
	}
	if err != nil {
		fail(err)
	} else {
		changed := false
		for i, c := range batch {
			errs[i] = c.make(next)
			changed = changed || errs[i] == nil
		}
		if changed {
			if err := s.store(ctx, held, old, next); err != nil {
				fail(err)
			}
		}
	}
	s.unlock(held)
	for i, c := range batch {
		c.done <- errs[i]
	}
}

// store writes a document in the place of another. Where it cannot be told whether that
// took place the error is state.ErrUnknown.
func (s *Store) store(ctx context.Context, held *held, old, next *document) error {
	if err := next.seal(); err != nil {
		return err
	}
	address := *s.address
	query := address.Query()
	query.Set("ID", held.info.ID)
	address.RawQuery = query.Encode()
	sum := md5.Sum(next.body)
	header := http.Header{"Content-Type": {"application/json"}, "Content-MD5": {base64.StdEncoding.EncodeToString(sum[:])}}
	var uncertain error
	for attempt := 1; ; attempt++ {
		if !time.Now().Before(held.until) || !time.Now().Round(0).Before(held.until.Round(0)) {
			// A process that was stopped: someone else may have the lock by now.
			return s.unsure(uncertain, s.explain("writing", errors.New("it took too long, and the lock may be another's by now")))
		}
		status, answer, err := s.send(ctx, http.MethodPost, &address, next.body, header)
		if err == nil {
			switch {
			case status/100 == 2:
				s.last.Store(next) // which the next turn will mostly find
				return nil
			case status == http.StatusConflict || status == http.StatusLocked:
				return s.unsure(uncertain, s.explain("writing", fmt.Errorf("the lock is no longer this one's: %s", answerText(status, answer))))
			case !passing(status):
				return s.unsure(uncertain, s.explain("writing", errors.New(answerText(status, answer))))
			}
			err = errors.New(answerText(status, answer))
		}
		if !unsent(err) {
			// It may have been written: what is there tells.
			uncertain = s.explain("writing", err)
			found, err := s.fetch(ctx)
			switch {
			case err != nil:
				return s.unsure(uncertain, err)
			case found.Writer == next.Writer:
				return nil
			case found.Serial != old.Serial || found.Writer != old.Writer:
				return s.unsure(uncertain, errors.New("and someone else has written since"))
			}
		}
		if attempt == attempts || pause(ctx, attempt) != nil {
			return s.unsure(uncertain, s.explain("writing", err))
		}
	}
}

// unsure is an error of a write of which an answer was lost, if one was.
func (s *Store) unsure(lost, err error) error {
	if lost == nil {
		return err
	}
	return fmt.Errorf("%w: %w: %w", state.ErrUnknown, lost, err)
}

// unsent reports whether an error came before anything was sent.
func unsent(err error) bool {
	var u *url.Error
	return errors.As(err, &u) && isDial(u)
}
