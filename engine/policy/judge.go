package policy

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrycd/gantry/engine/policy/admission"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan"
)

// Judge asks all policies about all cases, side by side. The results are by case, in the
// order of the policies; now is what exemptions are held against. Where the context ends,
// the error says so, and the results are not complete. A policy that does not come to an end
// is violated, and so are those behind it, which are not asked about that case. It is stopped,
// and not asked about other cases again.
func (s *Set) Judge(ctx context.Context, cases []Case, world *World, now time.Time) ([][]plan.PolicyResult, error) {
	out := make([][]plan.PolicyResult, len(cases))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(cases)) {
		workers.Go(func() {
			w := worker{set: s, world: world, now: now}
			defer w.leave()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(cases) || ctx.Err() != nil {
					return
				}
				out[i] = w.judge(ctx, &cases[i])
			}
		})
	}
	workers.Wait()
	return out, context.Cause(ctx)
}

// judging is how far asking about one case is.
type judging struct {
	*Case
	mu    sync.Mutex
	found []plan.PolicyResult
	at    int // which of the policies is being asked
}

// begin says which policy is asked next.
func (j *judging) begin(at int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.at = at
}

func (j *judging) add(found ...plan.PolicyResult) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found = append(j.found, found...)
}

// endless is what is known by a policy that does not come to an end.
func (s *Set) endless() admission.Violation {
	return admission.Violation{Message: fmt.Sprintf("The policy did not come to an end in %s, so that it denies.", s.limit), Deny: true, Failed: true}
}

// worker judges one case after the other, and waits for none longer than it may take.
type worker struct {
	set   *Set
	world *World
	now   time.Time
	// asks is where cases are judged, and done where that ends. Both are nil until a case is
	// judged, and after one that did not end: what judges it is left to itself.
	asks chan func()
	done chan struct{}
}

// judge asks all policies about a case.
func (w *worker) judge(ctx context.Context, c *Case) []plan.PolicyResult {
	if w.asks == nil {
		asks, done := make(chan func()), make(chan struct{}, 1)
		w.asks, w.done = asks, done
		go func() {
			for ask := range asks {
				ask()
				done <- struct{}{}
			}
		}()
	}
	// What is left to itself ends, too: its loops ask whether it is still wanted.
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	j := &judging{Case: c}
	w.asks <- func() { w.set.judge(within, j, w.world, w.now) }
	limit := time.NewTimer(w.set.limit)
	defer limit.Stop()
	select {
	case <-w.done:
		return j.found
	case <-ctx.Done():
		w.leave()
		return nil
	case <-limit.C:
		w.leave()
		return w.set.given(j, w.now)
	}
}

// leave lets what judges end, after the case at which it is.
func (w *worker) leave() {
	if w.asks != nil {
		close(w.asks)
		w.asks, w.done = nil, nil
	}
}

// given are the results of a case that did not come to an end: of the policy at which it is,
// and of those that were not asked any more.
func (s *Set) given(j *judging, now time.Time) []plan.PolicyResult {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := slices.Clone(j.found)
	for i, r := range s.asked(j.Change).rules {
		if i < j.at || !r.scope.match(j.Case) {
			continue
		}
		known := s.endless()
		if i == j.at {
			r.endless.Store(true)
		} else {
			known.Message = "The policy was not asked, for one before it did not come to an end, so that it denies."
		}
		out = append(out, r.result(j.Case, now, known))
	}
	return out
}

// judge asks all policies about one case, until the context ends.
func (s *Set) judge(ctx context.Context, j *judging, world *World, now time.Time) {
	c := j.Case
	var values late.Values
	var requests []admission.Request
	made, requested := false, false
	asked := s.asked(c.Change)
	for i, r := range asked.rules {
		if ctx.Err() != nil {
			return
		}
		if !r.scope.match(c) {
			continue
		}
		j.begin(i)
		switch {
		case r.endless.Load():
			j.add(r.result(c, now, s.endless()))
		case r.expression == nil:
			if !requested {
				requests, requested = c.requests(), true
			}
			var out []plan.PolicyResult
			for n := range requests {
				for _, v := range r.askAdmission(ctx, c, &requests[n], world) {
					out = append(out, r.result(c, now, v))
				}
			}
			j.add(out...)
		default:
			key, keyed := r.passed.key(c.object())
			if keyed && r.passed.knows(key) {
				continue
			}
			if !made {
				values, made = c.values(ctx, asked.parts), true
			}
			verdict := r.expression.Judge(values)
			switch {
			case verdict.Violated:
				j.add(r.result(c, now, admission.Violation{Message: verdict.Message, Deny: true, Failed: len(verdict.Failed) > 0}))
			case keyed:
				r.passed.add(key)
			}
		}
	}
}
