package configtest

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// The elements of JUnit's XML, as CI systems read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		Classname string        `xml:"classname,attr"`
		File      string        `xml:"file,attr"`
		Line      int           `xml:"line,attr,omitempty"`
		Time      string        `xml:"time,attr"`
		Failure   *junitProblem `xml:"failure"`
		Error     *junitProblem `xml:"error"`
		Skipped   *junitProblem `xml:"skipped"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes a report as JUnit's XML: a suite per file, a case per run. A file
// that cannot be read is a case of its own, with an error.
func JUnit(out io.Writer, report *Report) error {
	all := junitSuites{Time: seconds(report.Duration)}
	for _, file := range report.Files {
		suite := junitSuite{Name: file.Name}
		var took time.Duration
		if file.Diagnostics.HasErrors() {
			suite.Tests, suite.Errors = 1, 1
			suite.Cases = append(suite.Cases, junitCase{
				Name: file.Name, Classname: file.Name, File: file.Name, Time: seconds(0), Error: problemOf(file.Diagnostics),
			})
		}
		for _, run := range file.Runs {
			took += run.Duration
			c := junitCase{Name: printable(run.Name), Classname: file.Name, File: file.Name, Line: run.Range.Start.Line, Time: seconds(run.Duration)}
			suite.Tests++
			switch run.Status {
			case Failed:
				suite.Failures++
				c.Failure = problemOf(run.Diagnostics)
			case Errored:
				suite.Errors++
				c.Error = problemOf(run.Diagnostics)
			case Skipped:
				suite.Skipped++
				c.Skipped = &junitProblem{Message: "skipped"}
			case Passed:
			}
			suite.Cases = append(suite.Cases, c)
		}
		suite.Time = seconds(took)
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Errors += suite.Errors
		all.Skipped += suite.Skipped
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}

// problemOf says why a run did not pass; the message is of its first error.
func problemOf(diags hcl.Diagnostics) *junitProblem {
	problem := &junitProblem{}
	var text strings.Builder
	for _, diag := range diags {
		if diag.Severity != hcl.DiagError {
			continue
		}
		if problem.Message == "" {
			first, _, _ := strings.Cut(diag.Detail, "\n")
			problem.Message = printable(diag.Summary + ": " + first)
		}
		if diag.Subject != nil {
			fmt.Fprintf(&text, "%s: ", diag.Subject)
		}
		fmt.Fprintf(&text, "%s\n%s\n", diag.Summary, diag.Detail)
	}
	problem.Text = printable(text.String())
	return problem
}

// printable takes out what XML cannot hold.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, text)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
