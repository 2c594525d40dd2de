package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadEvents(t *testing.T) {
	events := `{"Action":"output","Package":"example.com/gantry/p","Test":"TestA","Output":"    a_test.go:1: survived: {29} kills of 3 sorts\n"}
{"Action":"output","Package":"example.com/gantry/p","Test":"TestA/sub","Output":"    a_test.go:1: survived: {1} kills of 3 sorts\n"}
{"Action":"output","Package":"example.com/gantry/p","Test":"TestA","Output":"    a_test.go:1: survived: {7} kills of 4 sorts\n"}
{"Action":"pass","Package":"example.com/gantry/p","Test":"TestA"}
{"Action":"output","Package":"example.com/gantry/p","Test":"TestB","Output":"    b_test.go:2: no strace\n"}
{"Action":"skip","Package":"example.com/gantry/p","Test":"TestB"}
{"Action":"pass","Package":"example.com/gantry/p","Test":"TestA/sub"}
`
	var c faultCase
	r := &run{}
	if err := r.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	if got, want := c.verdict([]block{r.block}), "30 kills of 3 sorts; 7 kills of 4 sorts (not run here: TestB: no strace)"; got != want || !r.passed() {
		t.Errorf("verdict %q, want %q", got, want)
	}
	if got, want := c.verdict([]block{r.block, r.block}), "60 kills of 3 sorts; 14 kills of 4 sorts (not run here: TestB: no strace)"; got != want {
		t.Errorf("verdict of two %q, want %q", got, want)
	}
	failing := `{"Action":"output","Package":"p","Test":"TestA","Output":"lost one\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`
	r = &run{}
	if err := r.read(strings.NewReader(failing)); err != nil {
		t.Fatal(err)
	}
	if verdict := c.verdict([]block{r.block}); r.passed() || !strings.Contains(verdict, "TestA of p") || r.output != "lost one\n" {
		t.Errorf("verdict %q, output %q", verdict, r.output)
	}
	if r = (&run{}); r.passed() || c.verdict([]block{r.block}) != "**not found**" {
		t.Errorf("nothing ran: %q", c.verdict([]block{r.block}))
	}
}

// TestInterrupted has a run end in its middle: what it told counts, that its tests were ended
// does not, and what had failed before does.
func TestInterrupted(t *testing.T) {
	told := `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: survived: {10} kills\n"}
`
	ended := `{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`
	failed := `{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA (1.00s)\n"}
`
	for events, want := range map[string]string{told + ended: "10 kills", told: "10 kills", told + failed + ended: "**failed**: TestA of p", ended: "cut short before anything was told"} {
		r := &run{interrupted: func() bool { return true }}
		if err := r.read(strings.NewReader(events)); err != nil {
			t.Fatal(err)
		}
		r.Cut = true
		if got := (faultCase{}).verdict([]block{r.block}); got != want || r.passed() != (want == "10 kills") {
			t.Errorf("%s is %q, want %q", events, got, want)
		}
	}
}

// TestReadsAsItComes reads what was told before the events end.
func TestReadsAsItComes(t *testing.T) {
	in, out := io.Pipe()
	go func() {
		_, _ = io.WriteString(out, `{"Action":"output","Package":"p","Test":"TestA","Output":"a_test.go:1: survived: {10} kills\n"}`+"\n")
		_ = out.CloseWithError(errors.New("the process is gone"))
	}()
	r := &run{}
	if err := r.read(in); err == nil {
		t.Error("the events ended well")
	}
	if len(r.Survived) != 1 || r.Survived[0].Text != "{10} kills" {
		t.Errorf("%+v was kept", r.Survived)
	}
}

func TestLabels(t *testing.T) {
	at := func(folder, test, text string) outcome { return outcome{folder, test, text} }
	for _, test := range []struct {
		survived []outcome
		want     string
	}{
		{[]outcome{at("./a", "TestA", "{1} kills")}, "1 kills"},
		{[]outcome{at("./a", "TestA", "{1} kills"), at("./b", "TestA", "{1} kills")}, "./a: 1 kills; ./b: 1 kills"},
		{[]outcome{at("./a", "TestA", "{1} kills"), at("./a", "TestB", "{1} kills")}, "`TestA`: 1 kills; `TestB`: 1 kills"},
	} {
		if got := (faultCase{}).verdict([]block{{Ran: 1, Survived: test.survived}}); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// TestBlocks adds blocks to a case and to the file, and refuses seeds that were counted.
func TestBlocks(t *testing.T) {
	name := cases()[2].name
	seeds := func(from uint64, text string) block {
		return block{Case: name, Date: "2001-02-03", Form: longForm, Seed: from, Ran: 1, Survived: []outcome{{"./engine/crash", "TestSimulatedFaults", text}}}
	}
	other := block{Case: cases()[0].name, Date: "2001-02-03", Form: shortForm, Ran: 1}
	file := filepath.Join(t.TempDir(), "results.json")
	all, err := load(file)
	if err != nil || all != nil {
		t.Fatalf("no file has %v, %v", all, err)
	}
	for _, b := range []block{seeds(1, "{500} seeds"), other, seeds(501, "{500} seeds")} {
		if all, err = all.with(b, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := all.save(file); err != nil {
		t.Fatal(err)
	}
	if all, err = load(file); err != nil || len(all) != 3 || all[0].Case != other.Case {
		t.Fatalf("the file has %+v, %v", all, err)
	}
	for _, from := range []uint64{1, 500, 501, 1000} {
		if _, err := all.with(seeds(from, "{500} seeds"), true); err == nil || !strings.Contains(err.Error(), "counted already") {
			t.Errorf("seeds from %d: %v", from, err)
		}
	}
	if got := table(all, nil); !strings.Contains(got, "| 1000 seeds | 2001-02-03, the long form, in 2 blocks |") {
		t.Errorf("the table is\n%s", got)
	}
	if all, err = all.with(seeds(1, "{7} seeds"), false); err != nil || !strings.Contains(table(all, nil), "| 7 seeds | 2001-02-03, the long form |") {
		t.Errorf("replaced, the table is, with %v,\n%s", err, table(all, nil))
	}
}

// TestTableKeepsOtherRows has one case run, and all others stay as the page has them.
func TestTableKeepsOtherRows(t *testing.T) {
	all := cases()
	var before results
	for _, c := range all {
		before = append(before, block{Case: c.name, Ran: 1, Form: shortForm, Survived: []outcome{{Text: "1,000 of it"}}})
	}
	first := table(before, nil)
	again := table(results{{Case: all[1].name, Date: "2001-02-03", Form: longForm, Ran: 1, Survived: []outcome{{Text: "2,000 of it"}}}}, rows(first))
	for i, line := range strings.Split(strings.TrimSpace(again), "\n")[2:] {
		want := "1,000 of it"
		if i == 1 {
			want = "2,000 of it | 2001-02-03, the long form"
		}
		if !strings.HasPrefix(line, "| "+all[i].name+" | ") || !strings.Contains(line, want) {
			t.Errorf("row %d is %q, want %q", i, line, want)
		}
	}
	if n := strings.Count(again, "\n"); n != len(all)+2 {
		t.Errorf("%d lines of %d cases", n, len(all))
	}
}

// TestThePageIsOfItsResults holds the rows of the page to the file of results.
func TestThePageIsOfItsResults(t *testing.T) {
	const page = "../../../docs/reliability.md"
	all, err := load(beside(page))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases() {
		if blocks := all.of(c.name); len(blocks) > 0 && !strings.Contains(string(content), c.row(blocks)) {
			t.Errorf("the page has another row of %q than %s: run go run ./cmd/internal/faults", c.name, beside(page))
		}
	}
}
