package schedule

import "context"

// place is the room that a step takes in its lane; nil takes none.
type place struct {
	schedule *Schedule
	lane     *lane
	left     bool // guarded by the schedule's mu
}

type placeKey struct{}

// enter returns a context that Leave finds the place in.
func (p *place) enter(ctx context.Context) context.Context {
	if p == nil {
		return ctx
	}
	return context.WithValue(ctx, placeKey{}, p)
}

// Leave gives up the room that the step of a context takes, for it begins to wait for
// something that may take long: others go on meanwhile. It may be called again, and in
// any context.
func Leave(ctx context.Context) {
	if p, ok := ctx.Value(placeKey{}).(*place); ok {
		p.leave()
	}
}

func (p *place) leave() {
	if p == nil {
		return
	}
	p.schedule.mu.Lock()
	defer p.schedule.mu.Unlock()
	if p.giveBack() {
		p.schedule.admit()
	}
}

// giveBack gives up the room, and reports whether it was still taken. The caller holds mu.
func (p *place) giveBack() bool {
	if p == nil || p.left {
		return false
	}
	p.left = true
	p.lane.room++
	return true
}

// queue is steps in the order in which they get room.
type queue struct {
	schedule *Schedule
	steps    []int
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (q *queue) Len() int { return len(q.steps) }

// Less puts the steps of the application that counts most first.
func (q *queue) Less(i, j int) bool {
	a, b := q.steps[i], q.steps[j]
	if x, y := q.rank(a), q.rank(b); x != y {
		return x < y
	}
	return a < b
}

func (q *queue) rank(step int) int {
	app := q.schedule.Steps[step].Application
	if q.schedule.Rank == nil {
		return app
	}
	return q.schedule.Rank[app]
}

// Swap implements heap.Interface.
func (q *queue) Swap(i, j int) { q.steps[i], q.steps[j] = q.steps[j], q.steps[i] }

// Push implements heap.Interface.
func (q *queue) Push(step any) { q.steps = append(q.steps, step.(int)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := q.steps[len(q.steps)-1]
	q.steps = q.steps[:len(q.steps)-1]
	return last
}
