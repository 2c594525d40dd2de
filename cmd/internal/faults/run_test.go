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
