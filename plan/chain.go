package plan

import (
	"slices"
	"time"
)

// Follows returns for each application those that it comes after, by the steps that its
// own need; sorted. What a rollout makes it wait for is not among them.
func (p *Plan) Follows() [][]int {
	out := make([][]int, len(p.Applications))
	for i := range p.Steps {
		step := &p.Steps[i]
		for _, need := range step.Needs {
			if other := p.Steps[need].Application; other != step.Application && !slices.Contains(out[step.Application], other) {
				out[step.Application] = append(out[step.Application], other)
			}
		}
	}
	for i := range out {
		slices.Sort(out[i])
	}
	return out
}

// unknownTime stands for how long an application takes of which nobody knows.
const unknownTime = 10 * time.Second

// takes is how long an application is likely to take.
func (a *Application) takes() time.Duration {
	if !a.HasChanges() {
		return 0
	}
	return Takes(a.Lasted)
}

// Takes is how long an application is likely to take that took so long the last time; 0 is
// not known.
func Takes(lasted time.Duration) time.Duration {
	if lasted > 0 {
		return lasted
	}
	return unknownTime
}

// After returns for each application how long the longest chain of applications that
// begins with it is likely to take, its own time included: what is to be started first.
func (p *Plan) After() []time.Duration {
	follows, out := p.Follows(), make([]time.Duration, len(p.Applications))
	followers := make([][]int, len(follows))
	for i, others := range follows {
		for _, other := range others {
			followers[other] = append(followers[other], i)
		}
	}
	for _, i := range slices.Backward(Sequence(follows)) {
		for _, next := range followers[i] {
			out[i] = max(out[i], out[next])
		}
		out[i] += p.Applications[i].takes()
	}
	return out
}

// LongestChain returns the applications with changes, one following the other, that are
// likely to take longest, and how long that was the last time; 0 where of one of them
// it is not known. There is none where no application with changes follows another.
func (p *Plan) LongestChain() (chain []int, lasted time.Duration) {
	takes := make([]time.Duration, len(p.Applications))
	for i := range takes {
		takes[i] = p.Applications[i].takes()
	}
	known := true
	for _, at := range Longest(p.Follows(), takes) {
		if app := &p.Applications[at]; app.HasChanges() {
			chain = append(chain, at)
			lasted += app.Lasted
			known = known && app.Lasted > 0
		}
	}
	if len(chain) < 2 {
		return nil, 0
	}
	if !known {
		lasted = 0
	}
	return chain, lasted
}

// Longest returns the chain of a graph that takes longest, each one following the one before
// it; of several the first by index. What is before a chain and takes no time is no part of it.
func Longest(follows [][]int, takes []time.Duration) []int {
	best, before := make([]time.Duration, len(follows)), make([]int, len(follows))
	last := -1
	for _, i := range Sequence(follows) {
		before[i] = -1
		for _, other := range follows[i] {
			if best[other] > 0 && (before[i] < 0 || best[other] > best[before[i]]) {
				before[i] = other
			}
		}
		if best[i] = takes[i]; before[i] >= 0 {
			best[i] += best[before[i]]
		}
		if last < 0 || best[i] > best[last] {
			last = i
		}
	}
	var chain []int
	for at := last; at >= 0; at = before[at] {
		chain = append(chain, at)
	}
	slices.Reverse(chain)
	return chain
}

// Sequence returns the indices of a graph so that each comes after those it follows.
func Sequence(follows [][]int) []int {
	out := make([]int, 0, len(follows))
	seen := make([]bool, len(follows))
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, other := range follows[i] {
			visit(other)
		}
		out = append(out, i)
	}
	for i := range follows {
		visit(i)
	}
	return out
}
