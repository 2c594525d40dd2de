package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/term"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/console"
	"github.com/gantrycd/gantry/lang/function"
)

const (
	consolePrompt  = "> "
	consoleGoesOn  = "… "
	consoleHistory = "console_history" // in the cache directory
)

// consoleHelp is what :help says.
const consoleHelp = `An expression is evaluated as if it were written in the configuration:

  local.teams
  [for a in application.web : a.namespace]
  generator.git.apps

It may go on in the next line while a bracket is open. Tab completes names; the arrow
keys bring back what was typed before.

  :reload    reads the configuration again
  :help      shows this
  exit       leaves, as Ctrl-D does
`

func newConsole(c *cli) *cobra.Command {
	in := inputs{partial: true}
	offline := false
	command := &cobra.Command{
		Use:   "console",
		Short: "Evaluate expressions in the configuration",
		Long: `Reads expressions, one after another, and shows what they come to in the
configuration: variables, locals, clusters, what generators give, applications, and
all functions. On a terminal it completes names, keeps a history, and takes
expressions of several lines; :help says more. Otherwise the expressions are read
from stdin, and the exit code is 1 where one of them cannot be evaluated.

Generators read their repositories, as for a plan. With --offline nothing is read,
and what they give is unknown. Variables without a value are unknown. Sensitive
values are not shown.`,
		Example: `  gantry console
  echo 'keys(generator.git.apps)' | gantry console
  gantry console --json --offline < expressions.txt`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			k := &consoleCommand{cli: c, in: &in, offline: offline}
			if err := k.load(cmd.Context()); err != nil {
				return err
			}
			if isTerminal(c.in) && isTerminal(c.out) && !c.json {
				return k.terminal(cmd.Context())
			}
			return k.batch()
		},
	}
	in.register(c, command)
	command.Flags().BoolVar(&offline, "offline", false, "read no repository: what generators give is unknown")
	return command
}

// consoleCommand is one run of `gantry console`.
type consoleCommand struct {
	cli     *cli
	in      *inputs
	offline bool

	session *console.Session
	broken  bool // the configuration has errors
}

// load reads the configuration. What is wrong with it is shown; the rest of it can
// be asked.
func (k *consoleCommand) load(ctx context.Context) error {
	dir, err := k.cli.directory()
	if err != nil {
		return err
	}
	var reader lang.Reader
	if !k.offline {
		cache, err := k.cli.cache()
		if err != nil {
			return err
		}
		lock, err := k.cli.openLock(dir, k.in.lockMode())
		if err != nil {
			return err
		}
		reader = engine.New(engine.Options{Sources: k.cli.sources(dir, cache, false), Lock: lock, Version: version}).Reader()
	}
	read, diags, err := k.cli.evaluate(ctx, k.in, reader)
	if err != nil {
		return err
	}
	errs := diags[:0:0]
	for _, diag := range diags {
		if diag.Severity == hcl.DiagError {
			errs = append(errs, diag)
		}
	}
	k.cli.printDiagnostics(read.files, errs)
	k.broken = len(errs) > 0
	k.session = console.New(read.scope, read.config.Graph, function.Describe(os.DirFS(dir)))
	return nil
}

// batch evaluates what is on stdin, and writes one result per expression.
func (k *consoleCommand) batch() error {
	text, err := io.ReadAll(k.cli.in)
	if err != nil {
		return err
	}
	failed := k.broken
	for _, expression := range console.Split(string(text)) {
		if isCommand(expression, "exit", "quit", ":exit", ":quit") {
			break
		}
		v, diags := k.session.Evaluate(expression)
		failed = failed || diags.HasErrors()
		if err := k.show(k.cli.out, k.cli.err, expression, v, diags); err != nil {
			return err
		}
	}
	if failed {
		return exitCode(exitError)
	}
	return nil
}

func isCommand(text string, names ...string) bool {
	for _, name := range names {
		if strings.TrimSpace(text) == name {
			return true
		}
	}
	return false
}

// consoleResult is one expression's result as JSON, a line each.
type consoleResult struct {
	Expression  string       `json:"expression"`
	Value       any          `json:"value"`
	Type        string       `json:"type,omitempty"`
	Sensitive   []string     `json:"sensitive,omitempty"` // JSON pointers of what is not shown
	Unknown     []string     `json:"unknown,omitempty"`   // of what is not known
	Diagnostics []diagnostic `json:"diagnostics,omitempty"`
}

// show writes what an expression came to.
func (k *consoleCommand) show(out, errs io.Writer, expression string, v cty.Value, diags hcl.Diagnostics) error {
	if k.cli.json {
		result := consoleResult{Expression: expression}
		for _, diag := range diags {
			result.Diagnostics = append(result.Diagnostics, toDiagnostic(diag))
		}
		if !diags.HasErrors() {
			result.Value, result.Sensitive, result.Unknown = console.JSON(v)
			result.Type = v.Type().FriendlyName()
		}
		return json.NewEncoder(out).Encode(result)
	}
	k.cli.writeDiagnostics(errs, k.session.Files(), diags)
	if diags.HasErrors() {
		return nil
	}
	_, err := fmt.Fprintln(out, console.Format(v))
	return err
}

// terminal asks on a terminal until it is left.
func (k *consoleCommand) terminal(ctx context.Context) (err error) {
	in, ok := k.cli.in.(*os.File)
	if !ok {
		return errors.New("stdin is no terminal")
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("the terminal cannot be set up: %w", err)
	}
	defer func() { err = errors.Join(err, term.Restore(int(in.Fd()), before)) }()
	screen := struct {
		io.Reader
		io.Writer
	}{in, k.cli.out}
	asking := term.NewTerminal(screen, consolePrompt)
	if columns, lines, sizeErr := term.GetSize(int(in.Fd())); sizeErr == nil {
		if err := asking.SetSize(columns, lines); err != nil {
			return err
		}
	}
	asking.History = k.history()
	return k.ask(ctx, asking)
}

// history keeps what was typed; without a place for it, in memory.
func (k *consoleCommand) history() *history {
	cache, err := k.cli.cache()
	if err != nil {
		return newHistory("")
	}
	return newHistory(filepath.Join(cache, consoleHistory))
}

// ask reads expressions and answers them.
func (k *consoleCommand) ask(ctx context.Context, asking *term.Terminal) error {
	asking.AutoCompleteCallback = k.completion(asking)
	pending := ""
	for ctx.Err() == nil {
		asking.SetPrompt(consolePrompt)
		if pending != "" {
			asking.SetPrompt(consoleGoesOn)
		}
		line, err := asking.ReadLine()
		if errors.Is(err, io.EOF) {
			_, err = fmt.Fprintln(asking)
			return err
		}
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			return err
		}
		text := pending + line
		pending = ""
		switch {
		case strings.TrimSpace(text) == "":
		case isCommand(text, "exit", "quit", ":exit", ":quit"):
			return nil
		case isCommand(text, "help", ":help", "?"):
			if _, err := io.WriteString(asking, consoleHelp); err != nil {
				return err
			}
		case isCommand(text, ":reload"):
			if err := k.reload(ctx, asking); err != nil {
				return err
			}
		case console.Incomplete(text):
			pending = text + "\n"
		default:
			v, diags := k.session.Evaluate(text)
			if err := k.show(asking, asking, text, v, diags); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}

// reload reads the configuration again.
func (k *consoleCommand) reload(ctx context.Context, asking io.Writer) error {
	// What load prints must go through the terminal, which is in raw mode.
	var told bytes.Buffer
	stderr := k.cli.err
	k.cli.err = &told
	err := k.load(ctx)
	k.cli.err = stderr
	if _, writeErr := asking.Write(told.Bytes()); writeErr != nil {
		return writeErr
	}
	if err != nil {
		_, err = fmt.Fprintln(asking, sentence(err))
	}
	return err
}

// completion completes names on Tab: what is common to all that fit, and where that
// is no more than was typed, it lists them.
func (k *consoleCommand) completion(asking io.Writer) func(string, int, rune) (string, int, bool) {
	return func(line string, position int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		before, after := line[:position], line[position:] // in bytes
		start, candidates := k.session.Complete(before)
		if len(candidates) == 0 {
			return line, position, true
		}
		common := console.Common(candidates)
		if len(candidates) > 1 && common == before[start:] {
			// There is nowhere to say that the terminal is gone.
			_, _ = fmt.Fprintln(asking, strings.Join(candidates, "  "))
		}
		completed := before[:start] + common
		return completed + after, len(completed), true
	}
}
