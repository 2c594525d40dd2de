package report

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/gantrycd/gantry/plan"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	File    string       `xml:"file,attr,omitempty"`
	Line    int          `xml:"line,attr,omitempty"`
	Failure *junitResult `xml:"failure"`
	Error   *junitResult `xml:"error"`
	Skipped *junitSkip   `xml:"skipped"`
	Out     string       `xml:"system-out,omitempty"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

type junitSkip struct {
	Message string `xml:"message,attr"`
}

// JUnit writes a suite for each application, sorted by address, with a case that the
// application can be applied, and a case for each of its risks: one of high or medium
// severity fails, a low one passes and is told in its output, one that is accepted is
// skipped. Errors that belong to no application of the plan have a suite of their own.
func JUnit(w io.Writer, p *plan.Plan) error {
	all := junitSuites{Name: "gantry plan"}
	known := map[string]bool{}
	for i := range p.Applications {
		a := &p.Applications[i]
		known[a.Address.String()] = true
		all.add(applicationSuite(p, a))
	}
	rest := junitSuite{Name: "plan"}
	for _, problem := range p.Problems {
		if !known[problem.Address.String()] {
			name := clean(problem.Summary)
			if !problem.Address.IsZero() {
				name = clean(problem.Address.String()) + ": " + name
			}
			c := junitCase{Class: "plan", Name: name}
			c.Error = &junitResult{Message: clean(problem.Summary), Type: "error", Text: clean(problem.Detail)}
			c.at(problem.Range)
			rest.add(c)
		}
	}
	if rest.Tests > 0 {
		all.add(rest)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing a JUnit report: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return fmt.Errorf("writing a JUnit report: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("writing a JUnit report: %w", err)
	}
	return nil
}

func applicationSuite(p *plan.Plan, a *plan.Application) junitSuite {
	name := clean(a.Address.String())
	suite := junitSuite{Name: name}
	applies := junitCase{Class: name, Name: "can be applied"}
	if problems := blocked(p, a); len(problems) > 0 {
		text := ""
		for _, problem := range problems {
			if problem.Object != nil {
				text += problem.Object.String() + ": "
			}
			text += problem.Summary + "\n" + problem.Detail + "\n"
		}
		applies.Error = &junitResult{Message: clean(problems[0].Summary), Type: "blocked", Text: clean(text)}
		applies.at(problems[0].Range)
	}
	suite.add(applies)
	for _, r := range a.Risks {
		c := junitCase{Class: name, Name: clean(r.Code)}
		if of := subject(r.Object); of != "" {
			c.Name += ": " + clean(of)
		}
		c.at(r.Range)
		switch {
		case r.Accepted != "":
			c.Skipped = &junitSkip{Message: "accepted: " + clean(r.Accepted)}
			c.Out = clean(r.Detail)
		case r.Severity == plan.Low:
			c.Out = clean(r.Detail)
		default:
			c.Failure = &junitResult{Message: string(r.Severity) + " risk", Type: clean(r.Code), Text: clean(r.Detail)}
		}
		suite.add(c)
	}
	suite.policies(a)
	return suite
}

func (c *junitCase) at(text string) {
	if text != "" {
		where := placeOf(text)
		c.File, c.Line = clean(where.file), where.line
	}
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Error != nil:
		s.Errors++
	case c.Failure != nil:
		s.Failures++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func (s *junitSuites) add(suite junitSuite) {
	s.Suites = append(s.Suites, suite)
	s.Tests += suite.Tests
	s.Failures += suite.Failures
	s.Errors += suite.Errors
	s.Skipped += suite.Skipped
}
