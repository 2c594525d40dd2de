package main

import (
	"strings"
	"testing"
)

func TestReadEvents(t *testing.T) {
	events := `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: survived: 29 kills\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:2: no strace\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Test":"TestA/sub"}
`
	var r result
	if err := r.read([]byte(events)); err != nil {
		t.Fatal(err)
	}
	if want := "29 kills (not run here: TestB: no strace)"; r.verdict() != want || !r.passed() {
		t.Errorf("verdict %q, want %q", r.verdict(), want)
	}
	failing := `{"Action":"output","Package":"p","Test":"TestA","Output":"lost one\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`
	r = result{}
	if err := r.read([]byte(failing)); err != nil {
		t.Fatal(err)
	}
	if r.passed() || !strings.Contains(r.verdict(), "TestA of p") || r.output != "lost one\n" {
		t.Errorf("verdict %q, output %q", r.verdict(), r.output)
	}
	if r = (result{}); r.passed() || r.verdict() != "**not found**" {
		t.Errorf("nothing ran: %q", r.verdict())
	}
}

// TestTableKeepsOtherRows has one case run, and all others stay as the page has them.
func TestTableKeepsOtherRows(t *testing.T) {
	all := cases()
	var before []result
	for _, c := range all {
		before = append(before, result{faultCase: c, ran: 1, survived: []string{"1,000 of it"}})
	}
	first := table(before, nil)
	again := table([]result{{faultCase: all[1], ran: 1, soak: true, survived: []string{"2,000 of it"}}}, rows(first))
	for i, line := range strings.Split(strings.TrimSpace(again), "\n")[2:] {
		want := "1,000 of it"
		if i == 1 {
			want = "2,000 of it | 0001-01-01, the long form"
		}
		if !strings.HasPrefix(line, "| "+all[i].name+" | ") || !strings.Contains(line, want) {
			t.Errorf("row %d is %q, want %q", i, line, want)
		}
	}
	if n := strings.Count(again, "\n"); n != len(all)+2 {
		t.Errorf("%d lines of %d cases", n, len(all))
	}
}
