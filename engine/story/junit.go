package story

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan/view/words"
)

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Skipped *junitSkipped `xml:"skipped"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

// JUnit writes a report as the results of tests, one for each application: one that
// failed or was cancelled fails, one that was left out is skipped.
func JUnit(w io.Writer, r *Report) error {
	suite := junitSuite{Name: r.Command, Tests: len(r.Applications), Time: seconds(r.Elapsed)}
	for i := range r.Applications {
		a := &r.Applications[i]
		c := junitCase{Class: words.Printable(a.Cluster), Name: words.Printable(a.Address.String()), Time: seconds(a.Elapsed)}
		switch a.Outcome {
		case engine.OutcomeSucceeded:
		case engine.OutcomeSkipped, NotBegun:
			suite.Skipped++
			c.Skipped = &junitSkipped{words.Printable(a.Message)}
		default:
			suite.Failures++
			c.Failure = &junitFailure{words.Printable(a.Message), a.lines()}
		}
		suite.Cases = append(suite.Cases, c)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing a JUnit report: %w", err)
	}
	if err := encoder.Encode(suite); err != nil {
		return fmt.Errorf("writing a JUnit report: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("writing a JUnit report: %w", err)
	}
	return nil
}

// lines are the failures of an application, one a line.
func (a *ApplicationReport) lines() string {
	var b strings.Builder
	for _, n := range a.Failures {
		b.WriteString(words.Printable(n.Message))
		if n.Cause != "" && !strings.Contains(n.Message, n.Cause) {
			b.WriteString(": " + words.Printable(n.Cause))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func seconds(s engine.Seconds) string { return fmt.Sprintf("%.3f", time.Duration(s).Seconds()) }
