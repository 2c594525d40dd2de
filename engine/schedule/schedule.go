// Package schedule says which step of a plan is carried out when. A step starts when all
// that it needs is over. What sends requests goes through a lane, one for each cluster,
// that has room for a number of steps at once; of those that wait for room the one of
// the application that counts most goes first, so that applications are finished one
// after the other rather than all at the end. Applications may be held back until
// someone releases them, and why one waits is told whenever it changes.
//
// It knows no cluster, does no I/O, and decides nothing about failures: what a step
// does when one that it needs has failed is the caller's. The engine imports it.
package schedule

import (
	"container/heap"
	"context"
	"sync"

	"github.com/gantrycd/gantry/plan"
)

// Options is what is to be done, and how. Do, Over and Go are required.
type Options struct {
	Steps        []plan.Step
	Applications int // how many
	// Lane returns the lane that a step goes through, -1 where it needs no room; nil is
	// that no step does.
	Lane func(step int) int
	// Lanes is how many lanes there are, and Room how many steps are in one at once.
	Lanes, Room int
	// Rank is by application: the lower goes first. Nil is by index.
	Rank []int
	// Gated reports whether an application is held back until Release; nil is none.
	Gated func(application int) bool
	// Do carries out a step.
	Do func(ctx context.Context, step int) error
	// Over is called when the last step of an application is over, and before any step
	// starts that needed it.
	Over func(application int)
	// Held tells why an application that has not started waits, whenever that changes.
	// Ready tells that nothing but Release keeps a gated application from starting. Both
	// may be nil; they are called with the schedule locked, and must not call it.
	Held  func(application int, why Reason)
	Ready func(application int)
	// Go runs a function in a goroutine, as the caller has them watched.
	Go func(func())
}

// Reason is why an application waits: for another one, or for room in a lane.
type Reason struct {
	Application int // that it follows; -1 where it waits for room
	Lane        int // that is full; -1 where it waits for an application
}

// Schedule is steps while they are carried out.
type Schedule struct {
	Options
	then     [][]int   // by step: who needs it
	roots    [][]int   // by application: its steps that need none of its own
	followed [][]int   // by application: the steps of others that its first root needs
	waiters  [][]int32 // by step: applications that wait for it first of all

	ctx context.Context // of Run; nil before it

	mu      sync.Mutex
	missing []int   // by step: how many of its needs are not over
	over    []bool  // by step
	errs    []error // by step: how it ended
	open    []int   // by application: how many of its steps are not over
	started []bool  // by application
	gated   []bool  // by application
	cursor  []int   // by application: which of the needs in followed it waits for
	lanes   []lane
	left    int // steps that are not over
	running int
	broken  bool // a step has panicked: no other is begun
	done    chan struct{}
}

// lane is the steps that wait for room, and how many more may be in it.
type lane struct {
	room    int
	waiting queue
}

// New prepares a schedule.
func New(o Options) *Schedule {
	n := len(o.Steps)
	s := &Schedule{
		Options: o, then: make([][]int, n), missing: make([]int, n), over: make([]bool, n), errs: make([]error, n),
		waiters: make([][]int32, n), roots: make([][]int, o.Applications), followed: make([][]int, o.Applications),
		open: make([]int, o.Applications), started: make([]bool, o.Applications), gated: make([]bool, o.Applications),
		cursor: make([]int, o.Applications), lanes: make([]lane, o.Lanes), left: n, done: make(chan struct{}),
	}
	for i := range o.Steps {
		step := &o.Steps[i]
		app := step.Application
		own := false
		for _, need := range step.Needs {
			s.then[need] = append(s.then[need], i)
			own = own || o.Steps[need].Application == app
		}
		s.missing[i] = len(step.Needs)
		s.open[app]++
		if !own {
			if len(s.roots[app]) == 0 {
				s.followed[app] = step.Needs
			}
			s.roots[app] = append(s.roots[app], i)
		}
	}
	for app := range s.gated {
		if s.gated[app] = o.Gated != nil && len(s.roots[app]) > 0 && o.Gated(app); s.gated[app] {
			for _, root := range s.roots[app] {
				s.missing[root]++
			}
		}
	}
	for i := range s.lanes {
		s.lanes[i] = lane{room: max(o.Room, 1), waiting: queue{schedule: s}}
	}
	return s
}

// Run carries out all steps, and returns when they are over. After a panic of one of
// them, it returns when those that had begun are over. When the context ends, nothing is
// held back any more: it is Do that does nothing then.
func (s *Schedule) Run(ctx context.Context) {
	if len(s.Steps) == 0 {
		return
	}
	defer context.AfterFunc(ctx, s.releaseAll)()
	s.mu.Lock()
	s.ctx = ctx
	var ready []int
	for i := range s.Steps {
		if s.missing[i] == 0 {
			ready = append(ready, i)
		}
	}
	for app := range s.followed {
		s.follow(app)
	}
	s.launch(ready)
	for app := range s.gated {
		s.tellReady(app)
	}
	s.mu.Unlock()
	<-s.done
}

// releaseAll lets all gated applications start.
func (s *Schedule) releaseAll() {
	for app := range s.gated {
		s.Release(app)
	}
}

// Release lets a gated application start.
func (s *Schedule) Release(app int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gated[app] {
		return
	}
	s.gated[app] = false
	var ready []int
	for _, root := range s.roots[app] {
		if s.missing[root]--; s.missing[root] == 0 {
			ready = append(ready, root)
		}
	}
	if s.ctx != nil { // else Run finds them
		s.launch(ready)
	}
}

// Failed returns the first of a step's needs that did not succeed.
func (s *Schedule) Failed(step int) (need int, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, need := range s.Steps[step].Needs {
		if s.errs[need] != nil {
			return need, true
		}
	}
	return 0, false
}

// launch starts steps, or has them wait for room. The caller holds mu.
func (s *Schedule) launch(ready []int) {
	for _, i := range ready {
		if lane := s.laneOf(i); lane >= 0 {
			heap.Push(&s.lanes[lane].waiting, i)
		} else {
			s.begin(i, nil)
		}
	}
	s.admit()
	for _, i := range ready {
		if app := s.Steps[i].Application; !s.started[app] && s.Held != nil {
			s.Held(app, Reason{Application: -1, Lane: s.laneOf(i)})
		}
	}
}

func (s *Schedule) laneOf(step int) int {
	if s.Lane == nil {
		return -1
	}
	return s.Lane(step)
}

// admit begins what there is room for. The caller holds mu.
func (s *Schedule) admit() {
	for i := range s.lanes {
		l := &s.lanes[i]
		for l.room > 0 && l.waiting.Len() > 0 {
			l.room--
			s.begin(heap.Pop(&l.waiting).(int), &place{schedule: s, lane: l})
		}
	}
}

// begin starts a step. The caller holds mu.
func (s *Schedule) begin(i int, in *place) {
	if s.broken {
		return
	}
	s.started[s.Steps[i].Application] = true
	s.running++
	s.Go(func() {
		returned := false
		defer func() { s.ended(returned) }()
		err := s.Do(in.enter(s.ctx), i)
		s.finish(i, err, in)
		returned = true
	})
}

// ended notes that the goroutine of a step ends; one that panics has not returned.
func (s *Schedule) ended(returned bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.broken = s.broken || !returned
	if s.running == 0 && (s.left == 0 || s.broken) {
		close(s.done)
	}
}

// finish notes how a step ended, closes its application if it was the last, and starts
// what waited for it.
func (s *Schedule) finish(i int, err error, in *place) {
	app := s.Steps[i].Application
	s.mu.Lock()
	s.errs[i] = err
	s.open[app]--
	last := s.open[app] == 0
	s.mu.Unlock()
	if last {
		in.leave()
		s.Over(app)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over[i] = true
	s.left--
	var ready []int
	for _, next := range s.then[i] {
		if s.missing[next]--; s.missing[next] == 0 {
			ready = append(ready, next)
		}
	}
	in.giveBack()
	s.launch(ready)
	for _, waiter := range s.waiters[i] {
		s.follow(int(waiter))
	}
	for _, next := range s.then[i] {
		s.tellReady(s.Steps[next].Application)
	}
}

// follow finds the next step of another application that one waits for, and tells of it.
// The caller holds mu.
func (s *Schedule) follow(app int) {
	needs, at := s.followed[app], s.cursor[app]
	before := -1
	if at < len(needs) {
		before = s.Steps[needs[at]].Application
	}
	first := at == 0 && len(needs) > 0 && !s.over[needs[0]]
	for at < len(needs) && s.over[needs[at]] {
		at++
	}
	s.cursor[app] = at
	if at == len(needs) || s.started[app] {
		return
	}
	s.waiters[needs[at]] = append(s.waiters[needs[at]], int32(app))
	if now := s.Steps[needs[at]].Application; s.Held != nil && (first || now != before) {
		s.Held(app, Reason{Application: now, Lane: -1})
	}
}

// tellReady tells of a gated application that nothing else holds back. The caller holds mu.
func (s *Schedule) tellReady(app int) {
	if !s.gated[app] || s.Ready == nil {
		return
	}
	for _, root := range s.roots[app] {
		if s.missing[root] > 1 {
			return
		}
	}
	s.Ready(app)
}
