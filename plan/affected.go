package plan

import (
	"fmt"

	"github.com/gantrycd/gantry/lang/addr"
)

// Affected is what a plan of what a change touches was limited to: the applications whose
// inputs are not as they were at a commit, and those that the state has and the configuration
// has not. The inputs of all others were proven to be as they were.
type Affected struct {
	// Ref is what the change was compared with, as people call it: "main". Commit is what was
	// compared with.
	Ref    string `json:"ref"`
	Commit string `json:"commit"`
	// Touched are the applications of the configuration that are planned, sorted by address.
	Touched []Touched `json:"touched"`
	// Others are those that were not looked at, sorted.
	Others []addr.Address `json:"others"`
}

// Touched is an application whose inputs may not be what they were.
type Touched struct {
	Address addr.Address `json:"address"`
	Kind    TouchedKind  `json:"kind"`
	Why     string       `json:"why"` // in words, with the argument, file or source
}

// TouchedKind is in which way the inputs of an application differ.
type TouchedKind string

// The ways in which inputs differ.
const (
	TouchedNew           TouchedKind = "new"           // it was not in the configuration
	TouchedConfiguration TouchedKind = "configuration" // what is configured is another
	TouchedFiles         TouchedKind = "files"         // a file that it is rendered from is another
	TouchedUnproven      TouchedKind = "unproven"      // it could not be proven that they do not
)

// Banner tells what a plan was limited to, and what is known of the rest; empty where it is
// of everything.
func (a *Affected) Banner() string {
	if a == nil {
		return ""
	}
	text := fmt.Sprintf("Only what the change since %s (%.12s) touches: %s.", a.Ref, a.Commit, applications(len(a.Touched)))
	if len(a.Others) > 0 {
		text += fmt.Sprintf(" Not looked at: %s, whose inputs are as they were there.", applications(len(a.Others)))
	}
	return text
}

func applications(n int) string {
	if n == 1 {
		return "1 application"
	}
	return fmt.Sprintf("%d applications", n)
}

// Reasons tell why the first few applications are planned, and how many there are more.
func (a *Affected) Reasons(most int) []string {
	if a == nil {
		return nil
	}
	var out []string
	for _, touched := range a.Touched[:min(len(a.Touched), most)] {
		why := touched.Why
		switch touched.Kind {
		case TouchedConfiguration:
			why = "configured differently: " + why
		case TouchedFiles:
			why = "rendered from what differs: " + why
		case TouchedUnproven:
			why = "not proven to be the same: " + why
		case TouchedNew:
		}
		out = append(out, fmt.Sprintf("%s: %s", touched.Address, why))
	}
	if more := len(a.Touched) - most; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return out
}
