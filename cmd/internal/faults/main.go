// Command faults runs the tests of what Gantry survives, and writes what came of them
// into docs/reliability.md: the page's table is made by it and by nothing else.
//
//	go run ./cmd/internal/faults          # the forms that the tests have in CI
//	go run ./cmd/internal/faults -soak    # the long forms; hours
//
// With -case, the rows of some faults are run and written, and the others stay as they are.
//
// A test says how much it survived by logging lines that begin with "survived: ". The
// command ends with status 1 where one fails. Nothing imports it.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	soak := flag.Bool("soak", false, "run the long forms of the tests")
	page := flag.String("write", "docs/reliability.md", "the page whose table is written; empty: none")
	only := flag.String("case", "", "run only the cases whose name or one of whose tests has this in it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *soak, *page, *only); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, soak bool, page, only string) error {
	var results []result
	failed := 0
	for _, c := range cases() {
		if !c.matches(only) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s\n", c.name)
		began := time.Now()
		r, err := c.run(ctx, soak)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintf(os.Stderr, "  %s (%s)\n", r.verdict(), time.Since(began).Round(time.Second))
		if !r.passed() {
			failed++
			fmt.Fprintln(os.Stderr, r.output)
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return fmt.Errorf("no fault and no test of one has %q in its name", only)
	}
	if page == "" {
		fmt.Print(table(results, nil))
	} else if err := write(page, results); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d cases failed", failed, len(results))
	}
	return nil
}

const begin, end = "<!-- begin: made by go run ./cmd/internal/faults -->\n", "<!-- end -->\n"

// write puts the table into the page, between its marks.
func write(page string, results []result) error {
	content, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(content, []byte(begin))
	old, after, ended := bytes.Cut(rest, []byte(end))
	if !found || !ended {
		return fmt.Errorf("%s has no place for the table: the lines %q and %q", page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(page, []byte(string(before)+begin+"\n"+table(results, rows(string(old)))+"\n"+end+string(after)), 0o644)
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

// table is what the page shows: a row of each fault that was run, and the old one of the
// others.
func table(results []result, old map[string]string) string {
	var out strings.Builder
	out.WriteString("| fault | bar | survived | of | tests |\n|---|---|---|---|---|\n")
	for _, c := range cases() {
		at := slices.IndexFunc(results, func(r result) bool { return r.name == c.name })
		if at < 0 {
			out.WriteString(old[c.name])
			continue
		}
		out.WriteString(results[at].row())
	}
	return out.String()
}
