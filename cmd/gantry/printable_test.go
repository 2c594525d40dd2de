package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// TestDiagnosticsCannotDeceive: neither texts nor the lines of files reach a terminal
// with escape sequences, or with what changes the direction of a text.
func TestDiagnosticsCannotDeceive(t *testing.T) {
	const evil = "\x1b[2J\u202egood\u200b\r"
	source := "a = 1\nb = \"" + evil + "\"\nc = 3\n"
	at := hcl.Range{Filename: "main.gantry.hcl", Start: hcl.Pos{Line: 2, Column: 1, Byte: 6}, End: hcl.Pos{Line: 2, Column: 2, Byte: 7}}
	var out bytes.Buffer
	c := &cli{err: &out, getenv: func(string) string { return "" }}
	c.writeDiagnostics(&out, map[string]*hcl.File{at.Filename: {Bytes: []byte(source)}}, hcl.Diagnostics{{
		Severity: hcl.DiagError, Summary: "Bad " + evil, Detail: "first" + evil + "\nsecond " + evil, Subject: &at,
	}})
	if strings.ContainsAny(out.String(), "\x1b\u202e\u200b\r") {
		t.Errorf("printed:\n%q", out.String())
	}
	for _, want := range []string{`\x1b[2J\u202egood`, "   2: b = \"?[2J???good????", "\nsecond "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%q", want, out.String())
		}
	}
}

func TestKeysThatNameNoFileAreAnError(t *testing.T) {
	for value, wrong := range map[string]bool{"": false, ":": true, "::": true} {
		c := &cli{getenv: func(string) string { return value }}
		keys, err := c.trusted(readingOptions{})
		if (err != nil) != wrong || keys != nil {
			t.Errorf("%q: keys %v, error %v", value, keys, err)
		}
	}
}
