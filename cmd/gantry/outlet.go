package main

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"
)

// outlet writes what it is given in the order in which it was given, without making who
// gives it wait: a terminal that is stopped, or a program that reads slowly or has gone,
// must not hold up an apply. What was given at once is written at once. It is safe for
// concurrent use.
type outlet struct {
	out io.Writer

	mu      sync.Mutex
	queue   [][]byte
	bytes   int  // of queue
	writing bool // by one goroutine, which ends when there is nothing left
	written int  // how many were
	lost    int  // how many were given when too much waited already
	err     error
	news    chan struct{} // closed when written, err or writing changes
}

const (
	// outletHolds is how much may wait to be written.
	outletHolds = 64 << 20
	// outletPatience is how long flush waits for a reader that reads nothing.
	outletPatience = 5 * time.Second
)

// errUnread is why what was given is not all written.
var errUnread = errors.New("nobody reads it")

func newOutlet(out io.Writer) *outlet { return &outlet{out: out, news: make(chan struct{})} }

// Write takes what is to be written. It always succeeds; flush tells the error.
func (o *outlet) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
	case o.bytes+len(text) > outletHolds:
		o.lost++
	default:
		o.queue = append(o.queue, bytes.Clone(text))
		o.bytes += len(text)
		if !o.writing {
			o.writing = true
			go o.drain()
		}
	}
	return len(text), nil
}

// idle reports whether everything that was given is written.
func (o *outlet) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.writing
}

func (o *outlet) drain() {
	for {
		o.mu.Lock()
		if len(o.queue) == 0 || o.err != nil {
			o.queue, o.bytes, o.writing = nil, 0, false
			o.tell()
			o.mu.Unlock()
			return
		}
		next := o.queue[0]
		o.queue = o.queue[1:]
		o.mu.Unlock()
		_, err := o.out.Write(next)
		o.mu.Lock()
		o.bytes -= len(next)
		o.written++
		if o.err == nil {
			o.err = err
		}
		o.tell()
		o.mu.Unlock()
	}
}

// tell wakes who waits. The caller holds mu.
func (o *outlet) tell() {
	close(o.news)
	o.news = make(chan struct{})
}

// flush waits until everything is written, and gives up when nothing was for a while. It
// returns why something was not written.
func (o *outlet) flush(patience time.Duration) error {
	idle := time.NewTimer(patience)
	defer idle.Stop()
	for written := -1; ; {
		o.mu.Lock()
		busy, err, news := o.writing, o.err, o.news
		if o.written != written {
			written = o.written
			idle.Reset(patience)
		}
		o.mu.Unlock()
		if !busy {
			return err
		}
		select {
		case <-news:
		case <-idle.C:
			return errUnread
		}
	}
}

// takeLost returns how many were lost since it was last asked.
func (o *outlet) takeLost() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	lost := o.lost
	if o.bytes > outletHolds/2 {
		return 0 // there is no room to say so yet
	}
	o.lost = 0
	return lost
}
