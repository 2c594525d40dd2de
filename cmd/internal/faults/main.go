// Command faults runs the tests of what Gantry survives, and writes what came of them
// into docs/reliability.md: the page's table is made by it and by nothing else.
//
//	go run ./cmd/internal/faults          # the forms that the tests have in CI
//	go run ./cmd/internal/faults -soak    # the long forms; hours
//
// With -case, the rows of some faults are run and written, and the others stay as they are.
//
// A case can be done in blocks. With -add, what a run survives is added to what the row has
// already, and -rounds says how many rounds, kills or seeds it goes through:
//
//	go run ./cmd/internal/faults -soak -case TestSimulatedFaults -rounds 5000 -seed 1
//	go run ./cmd/internal/faults -soak -case TestSimulatedFaults -rounds 5000 -seed 5001 -add
//
// -part has only a part of each test run, such as one backend of several. What is
// interrupted (Ctrl-C), or at its limit (-for), keeps what it has survived until then. A
// block that ran elsewhere, with its events in a file, is taken in by -events.
//
// The blocks are kept in a file beside the page, docs/reliability.json: the case, the date
// and what each test said. A run without -add replaces those of its cases.
//
// A test says how much it survived by logging lines that begin with "survived: ", as it goes
// on. Counts stand in braces, "{10} rounds of 50 applies", and lines that are the same but
// for them are added up. The command ends with status 1 where a test fails. Nothing imports
// it.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// request is what is asked of the command.
type request struct {
	form
	page, only, events string
	add                bool
}

func main() {
	var r request
	flag.BoolVar(&r.soak, "soak", false, "run the long forms of the tests")
	flag.StringVar(&r.page, "write", "docs/reliability.md", "the page whose table is written, with the file of results beside it; empty: none")
	flag.StringVar(&r.only, "case", "", "run only the cases whose name or one of whose tests has this in it")
	flag.IntVar(&r.rounds, "rounds", 0, "so many rounds, kills or seeds, in place of those of the form")
	flag.Uint64Var(&r.seed, "seed", 0, "the first seed, with -rounds")
	flag.StringVar(&r.part, "part", "", "only the parts of the tests whose name matches this regular expression")
	flag.DurationVar(&r.limit, "for", 0, "end a case after so long, and keep what it has survived; 0: no limit")
	flag.BoolVar(&r.add, "add", false, "add to what was survived before, in place of replacing it")
	flag.StringVar(&r.events, "events", "", "take the events of a run of one case from a file of `go test -json`, and run nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := r.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// run runs the cases one after the other. What one has survived is written when it has ended.
func (q request) run(ctx context.Context) error {
	var asked []faultCase
	for _, c := range cases() {
		if c.matches(q.only) {
			asked = append(asked, c)
		}
	}
	switch {
	case len(asked) == 0:
		return fmt.Errorf("no fault and no test of one has %q in its name", q.only)
	case q.events != "" && len(asked) > 1:
		return fmt.Errorf("-events is for one case, and %d have %q in their names", len(asked), q.only)
	case q.seed > 0 && q.rounds == 0:
		return errors.New("-seed is the first of how many? -rounds says it")
	}
	var all results
	if q.page != "" {
		var err error
		if all, err = load(beside(q.page)); err != nil {
			return err
		}
	}
	failed := 0
	for _, c := range asked {
		fmt.Fprintf(os.Stderr, "%s\n", c.name)
		began := time.Now()
		r, err := q.one(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintf(os.Stderr, "  %s (%s)\n", c.verdict([]block{r.block}), time.Since(began).Round(time.Second))
		if !r.passed() {
			failed++
			fmt.Fprintln(os.Stderr, r.output)
		}
		// A row with what was survived is not lost to a run that was cut short before it
		// survived anything.
		if !r.Cut || len(r.Survived) > 0 || len(r.Failed) > 0 {
			if all, err = all.with(r.block, q.add); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if q.page != "" {
				if err := errors.Join(all.save(beside(q.page)), write(q.page, all)); err != nil {
					return err
				}
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted in %q", c.name)
		}
	}
	if q.page == "" {
		fmt.Print(table(all, nil))
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d cases failed", failed, len(asked))
	}
	return nil
}

// one runs a case, or takes it from where it ran.
func (q request) one(ctx context.Context, c faultCase) (*run, error) {
	if q.events == "" {
		return c.run(ctx, q.form)
	}
	file, err := os.Open(q.events)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := c.begun(q.form)
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := r.read(file); err != nil {
		return nil, err
	}
	if !r.told {
		return nil, fmt.Errorf("%s has no events of `go test -json`", q.events)
	}
	r.Date = info.ModTime().UTC().Format("2006-01-02")
	r.Cut = r.Ran == 0 && len(r.Skipped) == 0
	return r, nil
}

const begin, end = "<!-- begin: made by go run ./cmd/internal/faults -->\n", "<!-- end -->\n"

// beside is the file of results of a page.
func beside(page string) string { return strings.TrimSuffix(page, ".md") + ".json" }

// write puts the table into the page, between its marks.
func write(page string, all results) error {
	content, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(content, []byte(begin))
	old, after, ended := bytes.Cut(rest, []byte(end))
	if !found || !ended {
		return fmt.Errorf("%s has no place for the table: the lines %q and %q", page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(page, []byte(string(before)+begin+"\n"+table(all, rows(string(old)))+"\n"+end+string(after)), 0o644)
}

// rows are those of a table, by the fault.
func rows(text string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok {
			found[name] = line
		}
	}
	return found
}

// table is what the page shows: a row of each fault that has blocks, and the old one of the
// others.
func table(all results, old map[string]string) string {
	var out strings.Builder
	out.WriteString("| fault | bar | survived | of | tests |\n|---|---|---|---|---|\n")
	for _, c := range cases() {
		if blocks := all.of(c.name); len(blocks) > 0 {
			out.WriteString(c.row(blocks))
		} else {
			out.WriteString(old[c.name])
		}
	}
	return out.String()
}
