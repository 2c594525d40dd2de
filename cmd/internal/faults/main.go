// Command faults runs the tests of what Gantry survives, and writes what came of them
// into docs/reliability.md: the page's table is made by it and by nothing else.
//
//	go run ./cmd/internal/faults          # the forms that the tests have in CI
//	go run ./cmd/internal/faults -soak    # the long forms; hours
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
	"strings"
	"time"
)

func main() {
	soak := flag.Bool("soak", false, "run the long forms of the tests")
	page := flag.String("write", "docs/reliability.md", "the page whose table is written; empty: none")
	only := flag.String("case", "", "run only the cases whose name has this in it")
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
		if !strings.Contains(c.name, only) {
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
	text := table(results, soak)
	if page == "" || only != "" {
		fmt.Print(text)
	} else if err := write(page, text); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d cases failed", failed, len(results))
	}
	return nil
}

const begin, end = "<!-- begin: made by go run ./cmd/internal/faults -->\n", "<!-- end -->\n"

// write puts the table into the page, between its marks.
func write(page, text string) error {
	content, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(content, []byte(begin))
	_, after, ended := bytes.Cut(rest, []byte(end))
	if !found || !ended {
		return fmt.Errorf("%s has no place for the table: the lines %q and %q", page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(page, []byte(string(before)+begin+"\n"+text+"\n"+end+string(after)), 0o644)
}

// table is what the page shows.
func table(results []result, soak bool) string {
	var out strings.Builder
	form := "the forms that the tests have in CI"
	if soak {
		form = "the long forms of the tests"
	}
	fmt.Fprintf(&out, "Of %s, %s:\n\n| fault | bar | survived | tests |\n|---|---|---|---|\n", time.Now().UTC().Format("2006-01-02"), form)
	for _, r := range results {
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", r.name, r.bar, r.verdict(), "`"+strings.Join(r.tests, "`, `")+"` in "+strings.Join(r.packages, ", "))
	}
	return out.String()
}
