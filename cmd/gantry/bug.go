package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/gantrycd/gantry/engine"
)

// guarded runs a command. A panic in it is a bug in gantry: it is told as one, with
// what is needed to find it in a file, and ends like an error.
func (c *cli) guarded(run func() int) (code int) {
	defer func() {
		if value := recover(); value != nil {
			code = c.bug(value, debug.Stack())
		}
	}()
	return run()
}

// bug tells of a panic and returns the exit code.
func (c *cli) bug(value any, stack []byte) int {
	var elsewhere *engine.Panic
	if errors.As(asError(value), &elsewhere) {
		value, stack = elsewhere.Value, elsewhere.Stack
	}
	said := sayable(value)
	where := "Where it happened is in %s; please report it with that file."
	file, err := saveStack(said, stack)
	if err != nil {
		where, file = "Where it happened:\n\n%s", string(stack)
	}
	detail := fmt.Sprintf("This is a bug in gantry: %v. What was begun in a cluster is in the journal of the state, and the next run finishes or forgets it. "+where, said, file)
	c.printDiagnostics(nil, errorDiagnostic("Bug in gantry", detail))
	return exitError
}

// sayable is what is told of the value of a panic: what the runtime says, which holds no
// values, and our own words. What a library panics with may quote whatever it was given, a
// secret too: of that only the type is told.
func sayable(value any) string {
	var fault runtime.Error
	if errors.As(asError(value), &fault) {
		return fault.Error()
	}
	if text, ok := value.(string); ok && strings.Contains(text, "his is a bug in gantry") {
		return text
	}
	return fmt.Sprintf("a panic with a %T, whose text is left out since it may quote a value", value)
}

func asError(value any) error {
	err, _ := value.(error)
	return err
}

// saveStack writes what a report needs to a new file that only its owner can read.
func saveStack(said string, stack []byte) (string, error) {
	file, err := os.CreateTemp("", "gantry-bug-*.txt")
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(file, "gantry %s, %s %s/%s\n\n%s\n\n%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, said, stack)
	return file.Name(), errors.Join(err, file.Close())
}
