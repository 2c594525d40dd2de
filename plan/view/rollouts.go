package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

type jsonRollout struct {
	Address addr.Address      `json:"address"`
	Steps   []jsonRolloutStep `json:"steps"`
}

type jsonRolloutStep struct {
	Applications []addr.Address `json:"applications"`
	MaxUpdate    int            `json:"maxUpdate"`
	BakeSeconds  float64        `json:"bakeSeconds"`
}

func jsonRollouts(p *plan.Plan) []jsonRollout {
	out := []jsonRollout{}
	for _, r := range p.Rollouts {
		made := jsonRollout{Address: r.Address, Steps: []jsonRolloutStep{}}
		for _, s := range r.Steps {
			step := jsonRolloutStep{Applications: []addr.Address{}, MaxUpdate: s.MaxUpdate, BakeSeconds: s.Bake.Seconds()}
			for _, i := range s.Applications {
				step.Applications = append(step.Applications, p.Applications[i].Address)
			}
			made.Steps = append(made.Steps, step)
		}
		out = append(out, made)
	}
	return out
}

// rollouts tells in which steps applications move, and which of them are likely to take
// longest one after the other.
func (t *text) rollouts() {
	if len(t.p.Rollouts) > 0 {
		t.line(0, span{bold, "Rollouts:"})
		for _, r := range t.p.Rollouts {
			t.line(2, span{"", r.Address.String()})
			for i := range r.Steps {
				t.line(4, span{"", rolloutStepText(t.p, &r.Steps[i], i)})
			}
		}
		t.blank()
	}
	if chain := chainText(t.p); chain != "" {
		t.line(0, span{faint, chain})
		t.blank()
	}
}

// maxRolling is how many applications of a step are named.
const maxRolling = 10

func rolloutStepText(p *plan.Plan, step *plan.RolloutStep, i int) string {
	var names []string
	for _, app := range step.Applications {
		names = append(names, p.Applications[app].Address.String())
	}
	who := words.Join(names)
	if more := len(names) - maxRolling; more > 0 {
		who = strings.Join(names[:maxRolling], ", ") + fmt.Sprintf(" and %d more", more)
	}
	if len(names) == 0 {
		who = "nothing of this plan"
	}
	out := fmt.Sprintf("step %d: %s", i+1, who)
	if step.MaxUpdate > 0 && step.MaxUpdate < len(names) {
		out += fmt.Sprintf(", %d at once", step.MaxUpdate)
	}
	if step.Bake > 0 {
		out += ", bakes for " + plan.Spell(step.Bake)
	}
	return out
}

// longChain is from when on it is worth a line what takes longest.
const longChain = time.Minute

// chainText names the applications that follow each other and are likely to take longest;
// empty where how long they take is not known, or not long, or none follows another.
func chainText(p *plan.Plan) string {
	chain, lasted := p.LongestChain()
	if lasted < longChain {
		return ""
	}
	names := make([]string, len(chain))
	for i, app := range chain {
		names[i] = fmt.Sprintf("%s (%s)", p.Applications[app].Address, plan.Spell(p.Applications[app].Lasted))
	}
	return fmt.Sprintf("Longest chain, by the last apply of each: %s.", strings.Join(names, " → "))
}

// rollouts shows the same, if there is room for it.
func (m *markdown) rollouts() {
	if len(m.p.Rollouts) == 0 {
		return
	}
	body := diffText(m.p, func(t *text) { t.rollouts() })
	if shown := "\n**Rollouts:**\n" + fenced(body); len(shown) < m.left/2 {
		m.force(shown)
	}
}
