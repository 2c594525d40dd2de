package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// Chain is applications that were applied one after the other, because each follows the
// one before: the slowest of them is why an apply took as long as it did.
type Chain struct {
	Links   []ChainLink `json:"applications"`
	Elapsed Seconds     `json:"elapsedSeconds"` // from the start of the first to the end of the last
}

// ChainLink is one application of a Chain.
type ChainLink struct {
	Address addr.Address `json:"address"`
	Elapsed Seconds      `json:"elapsedSeconds"`
}

// String returns "application.a (12s) → application.b (30s)".
func (c *Chain) String() string {
	parts := make([]string, len(c.Links))
	for i, link := range c.Links {
		parts[i] = fmt.Sprintf("%s (%s)", link.Address, roughly(time.Duration(link.Elapsed)))
	}
	return strings.Join(parts, " → ")
}

// roughly is a duration as people read it: 400ms, 1.2s, 12s, 2m30s.
func roughly(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return plan.Spell(d)
}

// slowest returns the chain that ended last, nil where nothing was applied: from the
// application that ended last back to the one that it follows and that ended last, and
// so on.
func (a *applying) slowest() *Chain {
	follows := a.plan.Follows()
	all := make([]int, len(a.apps))
	for i := range all {
		all[i] = i
	}
	last := a.lastOf(all)
	if last < 0 {
		return nil
	}
	out := &Chain{}
	end := a.apps[last].endedAt
	for at := last; at >= 0; at = a.lastOf(follows[at]) {
		p := a.apps[at]
		out.Links = append([]ChainLink{{Address: p.app.Address, Elapsed: p.elapsed}}, out.Links...)
		out.Elapsed = Seconds(end.Sub(p.startedAt))
	}
	return out
}

// lastOf returns which of some applications ended last; -1 where none of them was applied.
func (a *applying) lastOf(among []int) int {
	last := -1
	for _, i := range among {
		if p := a.apps[i]; !p.endedAt.IsZero() && (last < 0 || p.endedAt.After(a.apps[last].endedAt)) {
			last = i
		}
	}
	return last
}
