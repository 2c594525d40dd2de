package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// The exit codes.
const (
	exitDone    = 0
	exitError   = 1
	exitChanges = 2 // with --detailed-exitcode: the plan has changes
	// exitUnapproved: what would be done is not what was approved, so that it was left out.
	exitUnapproved = 3
	exitRisk       = 3 // with --fail-on-risk: the plan has a risk that nobody accepts
	exitPartial    = 5 // of what was to be applied, something was, and something was not
	exitLost       = 6 // an apply lost its lock, and ended for that
	exitWindow     = 7 // all was applied but what no sync window lets be applied now
)

// cli is one run of the program: its streams, its environment, and the flags
// that every command has. Results go to out, progress and diagnostics to err.
type cli struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	environ  func() []string

	ctx    context.Context // of the command; it ends when someone interrupts it
	giveUp <-chan struct{} // closed when someone interrupts it again; nil is never

	dir      string // --chdir
	json     bool   // --json
	noColor  bool   // --no-color
	cacheDir string // --cache-dir

	backend      backendFlags // --backend, --backend-config
	identityFile string       // --identity-file
	whoFlags     whoFlags     // --identity-token, --identity-ssh-key
	reconfigure  bool         // --reconfigure: the state that was worked with is left
	closers      []io.Closer  // what the command has opened

	events  *eventStream // --events; nil without
	heard   *heard       // what is told elsewhere, too; nil where nothing is
	notices *notices     // where is told what happens beside the command; nil for nowhere
}

// exitCode ends the program with a code when everything has been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a command line that makes no sense; command is whose help helps.
type usageError struct {
	command string
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// failedError is an error with a summary, fixed words that say what failed.
type failedError struct {
	summary string
	err     error
}

func (e *failedError) Error() string { return e.err.Error() }
func (e *failedError) Unwrap() error { return e.err }

// failure gives an error its summary.
func failure(summary string, err error) error { return &failedError{summary, err} }

// run executes a command line and returns the exit code.
func (c *cli) run(ctx context.Context, args []string) int {
	root := newRoot(c)
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	c.ctx = ctx
	command, err := root.ExecuteContextC(ctx)
	c.close()
	if why, ok := interrupted(ctx); ok && err != nil {
		return why.code() // which was told when it came
	}
	code := c.finish(command.CommandPath(), err)
	if err := c.events.end(code); err != nil {
		c.events = nil
		return c.finish(command.CommandPath(), failure("Events cannot be written", fmt.Errorf("--events: %w", err)))
	}
	return code
}

// stopped reports whether someone interrupted the command: what it could not do for
// that is not worth telling.
func (c *cli) stopped() bool {
	if c.ctx == nil {
		return false
	}
	_, ok := interrupted(c.ctx)
	return ok
}

// finish reports an error of a command that was not reported yet and gives the exit
// code.
func (c *cli) finish(command string, err error) int {
	var code exitCode
	var usage *usageError
	var failed *failedError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		c.printDiagnostics(nil, errorDiagnostic("Invalid command line", fmt.Sprintf("%s\nSee \"%s --help\".", sentence(err), usage.command)))
	case errors.As(err, &failed):
		c.printDiagnostics(nil, errorDiagnostic(failed.summary, sentence(err)))
	default:
		c.printDiagnostics(nil, errorDiagnostic(command+" failed", sentence(err)))
	}
	return exitError
}

// directory returns the configuration's directory, as it is shown and as it is.
func (c *cli) directory() (string, error) {
	dir := c.dir
	if dir == "" {
		dir = "."
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", failure("No such directory", fmt.Errorf("--chdir: %w", err))
	}
	if !info.IsDir() {
		return "", failure("No such directory", fmt.Errorf("--chdir: %s is not a directory", dir))
	}
	return dir, nil
}

// cache returns the directory for what is fetched: --cache-dir, GANTRY_CACHE, or
// gantry in the user's cache directory.
func (c *cli) cache() (string, error) {
	if c.cacheDir != "" {
		return filepath.Abs(c.cacheDir)
	}
	if dir := c.getenv("GANTRY_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place to cache sources, set GANTRY_CACHE: %w", err)
	}
	return filepath.Join(dir, "gantry"), nil
}

// isTerminal reports whether a stream is a terminal someone looks at.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// colour reports whether a stream is to be coloured.
func (c *cli) colour(stream io.Writer) bool {
	return !c.noColor && !c.json && c.getenv("NO_COLOR") == "" && c.getenv("TERM") != "dumb" && isTerminal(stream)
}

// width returns how many columns a stream has; 0 where it is not a terminal,
// which means that nothing is wrapped.
func width(stream io.Writer) int {
	file, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil || columns < 20 {
		return 0
	}
	return columns
}

// size returns how many columns and lines a terminal has; those of the smallest that is
// usual where it does not say.
func size(stream io.Writer) (columns, lines int) {
	if file, ok := stream.(*os.File); ok {
		if columns, lines, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 && lines > 0 {
			return columns, lines
		}
	}
	return 80, 24
}
