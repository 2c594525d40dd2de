package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal: what is written to ours is typed in theirs.
func terminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Close() })
	return ours, theirs
}

func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// TestInterruptedQuestions: an interrupt while a secret is typed ends the question,
// and the terminal shows again what is typed.
func TestInterruptedQuestions(t *testing.T) {
	_, theirs := terminal(t)
	c := &cli{in: theirs, out: io.Discard, err: io.Discard}
	for _, secret := range []bool{false, true} {
		ctx, cancel := context.WithCancelCause(t.Context())
		answered := make(chan error, 1)
		go func() {
			_, err := c.ask(ctx, "key: ", secret)
			answered <- err
		}()
		for deadline := time.Now().Add(10 * time.Second); secret && echoes(t, theirs); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("what is typed is shown")
			}
		}
		cancel(errInterrupted)
		select {
		case err := <-answered:
			if !errors.Is(err, errInterrupted) {
				t.Errorf("secret %v: it ends with %v", secret, err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the question goes on")
		}
		if !echoes(t, theirs) {
			t.Errorf("secret %v: the terminal is left without echo", secret)
		}
	}
}

func TestAnswers(t *testing.T) {
	ours, theirs := terminal(t)
	c := &cli{in: theirs, out: io.Discard, err: io.Discard}
	for typed, want := range map[string]string{"a b\n": "a b", "\n": "", "ü\n": "ü"} {
		for _, secret := range []bool{false, true} {
			if _, err := io.WriteString(ours, typed); err != nil {
				t.Fatal(err)
			}
			if got, err := c.ask(t.Context(), "? ", secret); err != nil || got != want {
				t.Errorf("typed %q, secret %v: got %q (%v)", typed, secret, got, err)
			}
		}
	}
	if _, err := io.WriteString(ours, "\x04"); err != nil { // Ctrl-D: nobody answers
		t.Fatal(err)
	}
	if _, err := c.ask(t.Context(), "? ", false); !errors.Is(err, io.EOF) {
		t.Errorf("at the end it says %v", err)
	}
}
