package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// timeLimit is how long an object is waited for, and which setting says so.
type timeLimit struct {
	time   time.Duration
	whence string // "health_timeout in the application's sync block"
}

// String is the limit for an error: "after 10m (its health_timeout)".
func (l timeLimit) String() string { return fmt.Sprintf("after %s (%s)", plan.Spell(l.time), l.whence) }

// limitOf is how long objects of a kind are waited for, to be healthy or to be gone. The
// first of the application's timeouts that names the kind counts.
func (p *progress) limitOf(kind object.GroupKind) timeLimit {
	for _, t := range p.app.Settings.Timeouts {
		if namesKind(t.Kind, kind) {
			return timeLimit{t.Timeout, fmt.Sprintf("the timeout of kinds %q in the application's sync block", t.Kind)}
		}
	}
	if d := p.app.Settings.HealthTimeout; d > 0 {
		return timeLimit{d, "health_timeout in the application's sync block"}
	}
	return timeLimit{p.applying.engine.options.HealthTimeout, "the default; health_timeout in the application's sync block sets another"}
}

// namesKind reports whether a pattern names a kind: "Job" in whichever group, "batch/Job",
// "*.example.com/*".
func namesKind(pattern string, kind object.GroupKind) bool {
	group, name, qualified := strings.Cut(pattern, "/")
	if !qualified {
		group, name = "*", pattern
	}
	return matches(group, kind.Group) && matches(name, kind.Kind)
}

func matches(pattern, text string) bool {
	compiled, err := glob.Compile(pattern)
	return err == nil && compiled.Match(text) // a pattern that is none names nothing; the language refuses it
}
