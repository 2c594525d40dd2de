package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gantrycd/gantry/engine"
)

// TestLiveOnAPseudoTerminal: on a real terminal rows are drawn and go again, the terminal's
// size counts when it changes, and a notice of an interrupt garbles nothing.
func TestLiveOnAPseudoTerminal(t *testing.T) {
	ours, theirs := terminal(t)
	sized := func(columns, lines uint16) {
		if err := unix.IoctlSetWinsize(int(theirs.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: lines}); err != nil {
			t.Fatal(err)
		}
	}
	sized(80, 24)
	v := newVT(t, 80, 24)
	go func() {
		_, _ = io.Copy(v, ours) // until the test ends
	}()
	shows := func(what string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !strings.Contains(v.text(), what); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("there is no %q on the terminal:\n%s", what, v.text())
			}
		}
	}
	c := &cli{err: theirs, getenv: func(string) string { return "" }, notices: &notices{out: theirs}}
	p := newProgress(c)
	p.applying(planOf(2, "web"))
	p.event(engine.Event{Kind: engine.EventStarted, At: time.Now(), Application: web})
	shows("→ application.web  0/2  at work")
	p.mu.Lock() // as what was drawn for the old size could come to the terminal of the new one
	if _, err := io.WriteString(theirs, "\x1b[5n"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !p.out.idle() || !v.reported(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what was written does not come to the terminal")
		}
	}
	v.resize(40, 24)
	sized(40, 24)
	p.mu.Unlock()
	p.event(engine.Event{Kind: engine.EventWaiting, At: time.Now(), Application: web, Object: &deployment, Message: "this is more than there is room for"})
	shows("s Deploymen")
	fmt.Fprint(c.notices, "\nInterrupted: finishing.\n")
	shows("Interrupted: finishing.")
	shows("s Deploymen") // drawn again below it
	p.event(engine.Event{Kind: engine.EventFailed, At: time.Now(), Application: web, Message: "stopped"})
	p.close()
	fmt.Fprint(theirs, "$ ")
	shows("\n$")
	if got, want := v.text(), "Interrupted: finishing.\napplication.web: failed: stopped\n$\n"; got != want {
		t.Errorf("the terminal is left with:\n%s", got)
	}
}
