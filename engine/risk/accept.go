package risk

import (
	"fmt"

	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Acceptance says that risks of a kind are known and accepted, and why. Patterns that
// are empty match everything; one that is not matches no risk of the application as a
// whole.
type Acceptance struct {
	Code                  string
	Reason                string
	Kind, Namespace, Name string // globs
	Range                 string // where it is written
	// Own says that it is written for this application alone, not for many.
	Own bool
}

// covers reports whether a risk is accepted by it.
func (c Acceptance) covers(r *plan.Risk) bool {
	if c.Code != r.Code {
		return false
	}
	if r.Object == nil {
		return !c.narrow()
	}
	return c.about(*r.Object)
}

// about reports whether it is about an object.
func (c Acceptance) about(id object.ID) bool {
	return matches(c.Kind, id.Kind) && matches(c.Namespace, id.Namespace) && matches(c.Name, id.Name)
}

func (c Acceptance) narrow() bool { return c.Kind+c.Namespace+c.Name != "" }

// matches reports whether a pattern matches; the language has checked that it can be read.
func matches(pattern, text string) bool {
	compiled, err := glob.Compile(pattern)
	return pattern == "" || err == nil && compiled.Match(text)
}

// Unmatched returns a warning for each acceptance that is written for an application
// alone, and is about objects of which it has none: most likely a name is mistyped, or
// the object is gone. That a risk is not there in one plan is no reason for a warning:
// it may be in the next.
func Unmatched(accepted []Acceptance, objects []object.ID) []string {
	var out []string
	for _, c := range accepted {
		if !c.Own || !c.narrow() {
			continue
		}
		found := false
		for _, id := range objects {
			found = found || c.about(id)
		}
		if !found {
			out = append(out, fmt.Sprintf("accept_risk %q (%s) is about objects that the application does not have: %s.", c.Code, c.Range, c.pattern()))
		}
	}
	return out
}

func (c Acceptance) pattern() string {
	text := ""
	for _, part := range []struct{ name, pattern string }{{"kind", c.Kind}, {"namespace", c.Namespace}, {"name", c.Name}} {
		if part.pattern == "" {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%s = %q", part.name, part.pattern)
	}
	return text
}
