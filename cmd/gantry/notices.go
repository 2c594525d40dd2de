package main

import (
	"io"
	"strings"
	"sync"
	"time"
)

// notices is where is written what happens beside a command, such as an interrupt: above
// the rows of a progress while there is one, so that neither garbles the other. It is
// safe for concurrent use.
type notices struct {
	out io.Writer

	mu     sync.Mutex
	by     *progress
	hushed bool
}

// noticePatience is how long a notice may take: who gives it may be about to leave.
const noticePatience = time.Second

// to has notices written by a progress from now on; nil is for directly.
func (n *notices) to(p *progress) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.by = p
}

// hush has nothing written any more, for a command of which an interrupt is the usual end.
func (n *notices) hush() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hushed = true
}

// Write implements io.Writer.
func (n *notices) Write(text []byte) (int, error) {
	n.mu.Lock()
	by, hushed := n.by, n.hushed
	n.mu.Unlock()
	if hushed {
		return len(text), nil
	}
	if by == nil || by.encoder != nil {
		return n.out.Write(text)
	}
	by.note(strings.Trim(string(text), "\n"))
	return len(text), by.out.flush(noticePatience)
}
