package engine

import (
	"maps"
	"strings"
	"sync"

	"github.com/gantrycd/gantry/plan"
)

// Predictions is how far what is decided about existing objects on this machine agreed
// with what the servers said: of those that did not look unchanged, and so were asked
// about.
type Predictions struct {
	Asked int `json:"asked"` // objects that seemed to change
	// Unchanged are those of them of which the server says that nothing changes, and Why
	// is how many for each reason that made them seem to.
	Unchanged int            `json:"unchanged"`
	Why       map[string]int `json:"why"`
	// Otherwise are those that change in other fields too than foreseen: each such
	// field of the plan says that the server brings it.
	Otherwise int `json:"otherwise"`
}

// predictions counts while a plan is made. It is safe for concurrent use.
type predictions struct {
	mu     sync.Mutex
	counts Predictions
}

// Predictions returns what was counted in the plans that the engine made.
func (e *Engine) Predictions() Predictions {
	e.predictions.mu.Lock()
	defer e.predictions.mu.Unlock()
	out := e.predictions.counts
	out.Why = maps.Clone(out.Why)
	return out
}

// answered counts an object that a server was asked about: why it seemed to change, and
// what it comes to.
func (p *predictions) answered(why string, change *plan.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Asked++
	if len(change.Fields) == 0 {
		p.counts.Unchanged++
		if p.counts.Why == nil {
			p.counts.Why = map[string]int{}
		}
		p.counts.Why[withoutPath(why)]++
	}
	for _, f := range change.Fields {
		if f.Server {
			p.counts.Otherwise++
			break
		}
	}
}

// withoutPath leaves the name of the field out of a reason, so that reasons can be counted.
func withoutPath(why string) string {
	for _, known := range []string{"is not ours", "is no longer desired", "differs"} {
		if strings.HasSuffix(why, " "+known) {
			return "a field " + known
		}
	}
	return why
}
