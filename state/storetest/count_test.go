package storetest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/backends.md anew")

const (
	tableBegins = "<!-- begin: made by go test ./state/storetest -run TestChecksPerBackend -update -->\n"
	tableEnds   = "<!-- end -->\n"
)

// TestChecksPerBackend: the table of docs/backends.md says how many checks each backend is
// held to, by what the tests of the backends call.
func TestChecksPerBackend(t *testing.T) {
	page := filepath.Join("..", "..", "docs", "backends.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	have, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", page)
	}
	want := checksPerBackend(t)
	if have == want {
		return
	}
	if !*update {
		t.Fatalf("the table of %s is not as the tests are: run this with -update. It should be\n%s", page, want)
	}
	if err := os.WriteFile(page, []byte(before+tableBegins+want+tableEnds+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func checksPerBackend(t *testing.T) string {
	t.Helper()
	backends := []string{"memory", "local", "kubernetes", "postgres", "s3", "http"}
	sources := map[string]string{}
	for _, backend := range backends {
		files, err := filepath.Glob(filepath.Join("..", backend, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(backend, files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources[backend] += string(text)
		}
		if strings.Contains(sources[backend], "storetest.Without(") {
			t.Fatalf("the tests of %s leave out checks: the table must say which", backend)
		}
	}
	var b strings.Builder
	row := func(name string, cell func(source string) string) {
		b.WriteString("| " + name + " |")
		for _, backend := range backends {
			b.WriteString(" " + cell(sources[backend]) + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString("| | " + strings.Join(backends, " | ") + " |\n|---" + strings.Repeat("|---", len(backends)) + "|\n")
	total := 0
	for _, group := range []struct {
		name   string
		checks []check
	}{{"values", valueChecks()}, {"names", nameChecks()}, {"races", raceChecks()}, {"records", recordChecks()}, {"leases", leaseChecks()}} {
		total += len(group.checks)
		row(group.name, func(source string) string {
			if !strings.Contains(source, "storetest.Run(") {
				return "-"
			}
			return fmt.Sprint(len(group.checks))
		})
	}
	if total != Count() {
		t.Errorf("the groups have %d checks, and the suite %d", total, Count())
	}
	row("all checks of one process", func(source string) string {
		if !strings.Contains(source, "storetest.Run(") {
			return "-"
		}
		return fmt.Sprint(total)
	})
	for _, suite := range [][2]string{{"several processes", "Processes"}, {"one order of locks and writes", "Linearizable"}, {"the server killed and started again", "Restarts"}} {
		row(suite[0], func(source string) string {
			if strings.Contains(source, "storetest."+suite[1]+"(") {
				return "yes"
			}
			return "-"
		})
	}
	return b.String()
}
