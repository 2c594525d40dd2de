package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

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
	where := "Where it happened is in %s; please report it with that file."
	file, err := saveStack(value, stack)
	if err != nil {
		where, file = "Where it happened:\n\n%s", string(stack)
	}
	detail := fmt.Sprintf("This is a bug in gantry: %v. What was begun in a cluster is in the journal of the state, and the next run finishes or forgets it. "+where, value, file)
	c.printDiagnostics(nil, errorDiagnostic("Bug in gantry", detail))
	return exitError
}

func asError(value any) error {
	err, _ := value.(error)
	return err
}

// saveStack writes what a report needs to a new file that only its owner can read.
func saveStack(value any, stack []byte) (string, error) {
	file, err := os.CreateTemp("", "gantry-bug-*.txt")
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(file, "gantry %s, %s %s/%s\n\n%v\n\n%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, value, stack)
	return file.Name(), errors.Join(err, file.Close())
}
