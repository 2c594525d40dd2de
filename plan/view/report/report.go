// Package report writes a plan for the programs of forges and CI that show tests,
// findings and counts: JUnit, SARIF and GitLab's report of plans.
//
// It says what the plan says; it decides nothing, and knows no forge beyond the format.
// It is imported by cmd.
package report

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// subject is what a finding is about: an object, or an application.
func subject(id *object.ID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

// place is a file:line,column.
type place struct {
	file         string
	line, column int // from 1; 0 where it is not known
}

// placeOf reads a range as plans have it.
func placeOf(text string) place {
	cut := strings.LastIndex(text, ":")
	if cut < 0 {
		return place{file: text}
	}
	lineText, columnText, _ := strings.Cut(text[cut+1:], ",")
	line, err := strconv.Atoi(lineText)
	if err != nil {
		return place{file: text}
	}
	columnText, _, _ = strings.Cut(columnText, "-")
	column, err := strconv.Atoi(columnText)
	if err != nil {
		column = 0
	}
	return place{text[:cut], line, column}
}

// clean is a text without what XML cannot hold, terminals act on, or nobody sees.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r) && r > ' ':
			return ' '
		}
		return '�'
	}, strings.ToValidUTF8(text, "�"))
}

// blocked are the reasons for which a plan, or a part of it, cannot be applied.
func blocked(p *plan.Plan, a *plan.Application) []plan.Problem {
	out := a.Blocked
	for _, problem := range p.Problems {
		if problem.Address == a.Address {
			out = append(out[:len(out):len(out)], problem)
		}
	}
	return out
}
