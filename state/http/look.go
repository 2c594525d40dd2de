package http

import (
	"bytes"
	"context"
	"errors"
	"net/http"
)

// look is one reading of the document that several wait for. It began after each of them
// asked: so each sees what was written before.
type look struct {
	waiting int
	ctx     context.Context
	cancel  context.CancelFunc

	done  chan struct{}
	found *document
	err   error
}

// look reads the document together with all who ask while another reading is under way.
func (s *Store) look(ctx context.Context) (*document, error) {
	s.looks.Lock()
	mine := s.nextLook
	if mine == nil {
		mine = &look{done: make(chan struct{})}
		mine.ctx, mine.cancel = context.WithCancel(context.WithoutCancel(ctx))
		s.nextLook = mine
		if !s.looking {
			s.looking = true
			go s.lookOn() // until nobody waits
		}
	}
	mine.waiting++
	s.looks.Unlock()
	select {
	case <-mine.done:
		return mine.found, mine.err
	case <-ctx.Done():
	}
	s.looks.Lock()
	defer s.looks.Unlock()
	if mine.waiting--; mine.waiting == 0 {
		mine.cancel()
		if s.nextLook == mine {
			s.nextLook = nil
		}
	}
	return nil, ctx.Err()
}

// lookOn reads the document as long as someone waits for it.
func (s *Store) lookOn() {
	for {
		s.looks.Lock()
		now := s.nextLook
		s.nextLook = nil
		if now == nil {
			s.looking = false
			s.looks.Unlock()
			return
		}
		s.looks.Unlock()
		now.found, now.err = s.fetch(now.ctx)
		now.cancel()
		close(now.done)
	}
}

// fetch reads the document. One that has the bytes of the last is not decoded again. That
// the bytes are the same is looked at and not what the server says of them: a server that
// makes an entity tag of a time and a size gives two writes of one second the same.
func (s *Store) fetch(ctx context.Context) (*document, error) {
	status, data, err := s.repeat(ctx, http.MethodGet, s.address, nil, nil)
	switch {
	case err != nil:
		return nil, s.explain("reading", err)
	case status == http.StatusNotFound, status == http.StatusNoContent:
		data = nil
	case status != http.StatusOK:
		return nil, s.explain("reading", errors.New(answerText(status, data)))
	}
	if last := s.last.Load(); last != nil && bytes.Equal(last.body, data) {
		return last, nil
	}
	found, err := read(data)
	if err != nil {
		return nil, s.explain("reading", err)
	}
	s.last.Store(found)
	return found, nil
}
