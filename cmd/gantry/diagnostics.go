package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
)

// diagnostic is one diagnostic as JSON.
type diagnostic struct {
	Event    string     `json:"event,omitempty"` // "diagnostic" on a stream of events
	Severity string     `json:"severity"`        // "error" or "warning"
	Summary  string     `json:"summary"`
	Detail   string     `json:"detail,omitempty"`
	Range    *fileRange `json:"range,omitempty"`
}

// fileRange is a range of a file as JSON; lines and columns count from 1.
type fileRange struct {
	Filename string   `json:"filename"`
	Start    position `json:"start"`
	End      position `json:"end"`
}

type position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// printDiagnostics writes diagnostics for people, with the lines they are about
// where files has them, or one JSON object each. After an interruption they would tell
// of nothing else, and are left out.
func (c *cli) printDiagnostics(files map[string]*hcl.File, diags hcl.Diagnostics) {
	if !c.stopped() {
		c.tellDiagnostics(files, diags)
	}
}

// tellDiagnostics is printDiagnostics for what was done before an interruption, too.
func (c *cli) tellDiagnostics(files map[string]*hcl.File, diags hcl.Diagnostics) {
	if len(diags) == 0 {
		return
	}
	c.events.diagnostics(diags)
	c.heard.diagnostics(diags)
	if c.json {
		encoder := jsonEncoder(c.err)
		for _, d := range diags {
			shown := toDiagnostic(d)
			shown.Event = "diagnostic"
			// The stream is gone when this fails; there is nowhere to say so.
			_ = encoder.Encode(shown)
		}
		return
	}
	c.writeDiagnostics(c.err, files, diags)
}

// writeDiagnostics writes diagnostics for people.
func (c *cli) writeDiagnostics(out io.Writer, files map[string]*hcl.File, diags hcl.Diagnostics) {
	files = printableFiles(files)
	writer := hcl.NewDiagnosticTextWriter(out, files, uint(width(out)), c.colour(out))
	blind := hcl.NewDiagnosticTextWriter(out, nil, uint(width(out)), c.colour(out))
	for _, d := range diags {
		d := printableDiagnostic(d)
		to := writer
		if _, ok := hcl.DiagnosticExtra[lang.HideSource](d); ok {
			to = blind
		}
		if where, ok := outside(d); ok {
			to = placed{out: out, place: where, files: files, width: uint(width(out)), colour: c.colour(out)}
		}
		if err := to.WriteDiagnostic(d); err != nil {
			fmt.Fprintln(out, d.Error())
		}
	}
}

// outside says where a value came from that is in no file: "on the command line,
// --var n".
func outside(d *hcl.Diagnostic) (string, bool) {
	if d.Subject == nil {
		return "", false
	}
	where, _, ok := outsideFile(d.Subject.Filename)
	return where, ok
}

// outsideFile is outside for the name that such a value's text has among the files,
// and tells the variable, where the name does.
func outsideFile(filename string) (where, variable string, ok bool) {
	inner, ok := strings.CutPrefix(filename, "<")
	if !ok || filename == stdinFile {
		return "", "", false
	}
	inner = strings.TrimSuffix(inner, ">")
	if name, answered := strings.CutPrefix(inner, lang.Answered+" "); answered {
		return "in what was typed, var." + name, name, true
	}
	if name, given := strings.CutPrefix(inner, "--var "); given {
		return "on the command line, --var " + name, name, true
	}
	return "in the environment, " + inner, "", true
}

// placed writes diagnostics about a value that is in no file.
type placed struct {
	out    io.Writer
	place  string
	files  map[string]*hcl.File
	width  uint
	colour bool
}

// WriteDiagnostics implements hcl.DiagnosticWriter.
func (p placed) WriteDiagnostics(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if err := p.WriteDiagnostic(d); err != nil {
			return err
		}
	}
	return nil
}

// WriteDiagnostic implements hcl.DiagnosticWriter: the place stands where that in a
// file would, and below it the value.
func (p placed) WriteDiagnostic(d *hcl.Diagnostic) error {
	bare := *d
	bare.Subject, bare.Context, bare.Expression, bare.EvalContext = nil, nil, nil, nil
	var text strings.Builder
	if err := hcl.NewDiagnosticTextWriter(&text, nil, p.width, p.colour).WriteDiagnostic(&bare); err != nil {
		return err
	}
	head, rest, _ := strings.Cut(text.String(), "\n\n")
	value := ""
	if file := p.files[d.Subject.Filename]; file != nil {
		first, _, more := strings.Cut(strings.TrimSpace(string(file.Bytes)), "\n")
		value = "\n    " + first
		if more {
			value += " …"
		}
	}
	_, err := fmt.Fprintf(p.out, "%s\n\n  %s:%s\n\n%s", head, p.place, value, rest)
	return err
}

func toDiagnostic(d *hcl.Diagnostic) diagnostic {
	shown := diagnostic{Severity: "error", Summary: d.Summary, Detail: d.Detail}
	if d.Severity == hcl.DiagWarning {
		shown.Severity = "warning"
	}
	if d.Subject != nil {
		shown.Range = &fileRange{
			Filename: d.Subject.Filename,
			Start:    position(d.Subject.Start),
			End:      position(d.Subject.End),
		}
	}
	return shown
}

// errorDiagnostic is an error that no place in a file is to blame for.
func errorDiagnostic(summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail}}
}

// failed turns diagnostics that have been printed into the exit code.
func failed(diags hcl.Diagnostics) error {
	if diags.HasErrors() {
		return exitCode(exitError)
	}
	return nil
}

// plainWord is a word that may be capitalised: no file, flag or address.
var plainWord = regexp.MustCompile(`^[a-z]+[ :,]`)

// sentence makes an error's text a sentence.
func sentence(err error) string {
	text := strings.TrimRight(plainly(err), "\n")
	if plainWord.MatchString(text) {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	return text
}
