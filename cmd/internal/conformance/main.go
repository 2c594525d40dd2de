// Command conformance runs the tests that hold Gantry against recorded answers of Argo CD,
// and prints how each set of cases went, and the sum.
//
//	go run ./cmd/internal/conformance            # the table
//	go run ./cmd/internal/conformance -record    # and write down the results
//
// It exits with 1 where a case failed for no known reason, a set was not run, or a result
// is not the one that is written down. -record writes results.json of the package
// conformance and the tables of docs/conformance.md.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/gantrycd/gantry/lang/argocd/conformance"
)

// recordFile and page are what -record writes, relative to the module's root.
const (
	recordFile = "lang/argocd/conformance/results.json"
	page       = "docs/conformance.md"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	record := flags.Bool("record", false, "write down the results, and the tables of "+page)
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	failed := test(dir)
	results, err := gather(dir)
	if err != nil {
		return errors.Join(failed, err)
	}
	if _, err := io.WriteString(out, table(results)); err != nil {
		return err
	}
	if *record {
		return errors.Join(failed, write(results))
	}
	return errors.Join(failed, differences(results))
}

// test runs the tests of every set. Each leaves its result in the folder.
func test(dir string) error {
	args := []string{"test", "-count=1", "-run", "Conformance"}
	for _, set := range conformance.Sets() {
		if pkg := "./" + set.Package; !slices.Contains(args, pkg) {
			args = append(args, pkg)
		}
	}
	command := exec.Command("go", args...)
	command.Env = append(os.Environ(), conformance.ResultsVariable+"="+dir)
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go test: %w\n%s", err, output)
	}
	return nil
}

// gather reads the results of all sets.
func gather(dir string) (map[conformance.ID]conformance.Result, error) {
	out := map[conformance.ID]conformance.Result{}
	var missing []error
	for _, set := range conformance.Sets() {
		text, err := os.ReadFile(filepath.Join(dir, string(set.ID)+".json"))
		if err != nil {
			missing = append(missing, fmt.Errorf("%s: no test of ./%s counted it: are the data there? GANTRY_CONFORMANCE says where", set.ID, set.Package))
			continue
		}
		var result conformance.Result
		if err := json.Unmarshal(text, &result); err != nil {
			return nil, fmt.Errorf("the result of %s: %w", set.ID, err)
		}
		out[set.ID] = result
	}
	return out, errors.Join(missing...)
}

// differences says which results are not those that are written down.
func differences(results map[conformance.ID]conformance.Result) error {
	recorded, err := conformance.Recorded()
	if err != nil {
		return err
	}
	var out []error
	for _, set := range conformance.Sets() {
		result := results[set.ID]
		if result.Failed > 0 {
			out = append(out, fmt.Errorf("%s: %d failed; go test -v -run Conformance ./%s tells which", set.ID, result.Failed, set.Package))
		}
		if !result.Equal(recorded[set.ID]) {
			out = append(out, fmt.Errorf("%s: is not what is written down; if it is right, make conformance-record", set.ID))
		}
	}
	return errors.Join(out...)
}

// write writes the results down, and the page's tables.
func write(results map[conformance.ID]conformance.Result) error {
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(recordFile, append(text, '\n'), 0o644); err != nil {
		return err
	}
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	updated, err := replaced(string(old), results)
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(updated), 0o644)
}
