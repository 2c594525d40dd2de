package rollout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/rollout"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// now is the time of the tests; "healthy -5m" is since five minutes before it.
var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// members reads how applications are: "healthy, failed is broken, ready". One that is
// healthy may say since when.
func members(t *testing.T, text string) []rollout.Member {
	states := map[string]rollout.State{
		"waiting": rollout.Waiting, "ready": rollout.Ready, "moving": rollout.Moving, "healthy": rollout.Healthy,
		"unsettled": rollout.Unsettled, "out": rollout.Out, "failed": rollout.Failed,
	}
	var out []rollout.Member
	for part := range strings.SplitSeq(text, ", ") {
		word, rest, _ := strings.Cut(part, " ")
		state, ok := states[word]
		if !ok {
			t.Fatalf("%q is no state", word)
		}
		m := rollout.Member{State: state, Why: rest}
		if state == rollout.Healthy {
			if rest == "" {
				rest = "0s"
			}
			ago, err := time.ParseDuration(rest)
			if err != nil {
				t.Fatal(err)
			}
			m.Since = now.Add(ago)
		}
		out = append(out, m)
	}
	return out
}

// text is a decision as the tests have it.
func text(d rollout.Decision) []string {
	var out []string
	name := func(i int) string { return string(rune('a' + i)) }
	for _, i := range d.Start {
		out = append(out, "start "+name(i))
	}
	for _, s := range d.Skip {
		out = append(out, fmt.Sprintf("skip %s: %s", name(s.Application), s.Why))
	}
	for _, h := range d.Held {
		out = append(out, fmt.Sprintf("hold %s: %s", name(h.Application), h.Why))
	}
	for _, i := range d.Watch {
		out = append(out, "watch "+name(i))
	}
	if !d.Again.IsZero() {
		out = append(out, "again in "+d.Again.Sub(now).String())
	}
	return append(out, d.State)
}

func TestDecide(t *testing.T) {
	three := []plan.RolloutStep{{Applications: []int{0}, Bake: 10 * time.Minute}, {Applications: []int{1, 2, 3}, MaxUpdate: 2}, {Applications: []int{4}}}
	tests := map[string]struct {
		steps   []plan.RolloutStep
		members string
		order   rollout.Order
		want    []string
	}{
		"the first step": {three, "ready, ready, waiting, ready, ready", rollout.Go, []string{
			"start a", "hold b: waits for step 1 of rollout.x: 0 of 1 healthy", "hold d: waits for step 1 of rollout.x: 0 of 1 healthy",
			"hold e: waits for step 1 of rollout.x: 0 of 1 healthy", "step 1 of 3: 0 of 1 healthy",
		}},
		"it waits for something else": {three, "waiting, ready, ready, ready, ready", rollout.Go, []string{
			"hold b: waits for step 1 of rollout.x: 0 of 1 healthy", "hold c: waits for step 1 of rollout.x: 0 of 1 healthy",
			"hold d: waits for step 1 of rollout.x: 0 of 1 healthy", "hold e: waits for step 1 of rollout.x: 0 of 1 healthy", "step 1 of 3: 0 of 1 healthy",
		}},
		"it bakes": {three, "healthy -4m, ready, waiting, ready, ready", rollout.Go, []string{
			"hold b: step 1 of rollout.x bakes for 10m, until 12:06:00 UTC", "hold d: step 1 of rollout.x bakes for 10m, until 12:06:00 UTC",
			"hold e: step 1 of rollout.x bakes for 10m, until 12:06:00 UTC", "watch a", "again in 6m0s", "step 1 of 3 bakes until 12:06:00 UTC",
		}},
		"it is not healthy while it bakes": {three, "unsettled has no replicas, ready, ready, ready, ready", rollout.Go, []string{
			"hold b: waits for step 1 of rollout.x: 0 of 1 healthy (a has no replicas)", "hold c: waits for step 1 of rollout.x: 0 of 1 healthy (a has no replicas)",
			"hold d: waits for step 1 of rollout.x: 0 of 1 healthy (a has no replicas)", "hold e: waits for step 1 of rollout.x: 0 of 1 healthy (a has no replicas)",
			"watch a", "step 1 of 3: 0 of 1 healthy",
		}},
		"it is degraded while it bakes": {three, "failed is degraded, ready, waiting, ready, ready", rollout.Go, []string{
			"skip b: rollout.x stopped at step 1 of 3: a is degraded", "skip c: rollout.x stopped at step 1 of 3: a is degraded",
			"skip d: rollout.x stopped at step 1 of 3: a is degraded", "skip e: rollout.x stopped at step 1 of 3: a is degraded",
			"rollout.x stopped at step 1 of 3: a is degraded",
		}},
		"it has baked": {three, "healthy -10m, ready, ready, ready, ready", rollout.Go, []string{
			"start b", "start c", "hold d: waits for its turn in step 2 of rollout.x: 2 at once", "hold e: waits for step 2 of rollout.x: 0 of 3 healthy", "step 2 of 3: 0 of 3 healthy",
		}},
		"the next one moves": {three, "healthy -10m, healthy, moving, ready, ready", rollout.Go, []string{
			"start d", "hold e: waits for step 2 of rollout.x: 1 of 3 healthy", "watch b", "step 2 of 3: 1 of 3 healthy",
		}},
		"what is not healthy any more counts as moving": {three, "healthy -10m, unsettled is gone, moving, ready, waiting", rollout.Go, []string{
			"hold d: waits for its turn in step 2 of rollout.x: 2 at once", "watch b", "step 2 of 3: 0 of 3 healthy",
		}},
		"one fails": {three, "healthy -1h, failed was refused, moving, ready, waiting", rollout.Go, []string{
			"skip d: rollout.x stopped at step 2 of 3: b was refused", "skip e: rollout.x stopped at step 2 of 3: b was refused", "rollout.x stopped at step 2 of 3: b was refused",
		}},
		"two failed": {three, "healthy -1h, failed was refused, failed too, out, out", rollout.Go, []string{
			"rollout.x stopped at step 2 of 3: b was refused, and 1 more",
		}},
		"paused": {three, "healthy -10m, moving, ready, ready, ready", rollout.Pause, []string{
			"hold c: rollout.x is paused", "hold d: rollout.x is paused", "hold e: rollout.x is paused; waits for step 2 of rollout.x: 0 of 3 healthy", "step 2 of 3: 0 of 3 healthy, paused",
		}},
		"it bakes while it is paused": {three, "healthy -9m, waiting, waiting, waiting, ready", rollout.Pause, []string{
			"hold e: rollout.x is paused; step 1 of rollout.x bakes for 10m, until 12:01:00 UTC", "watch a", "again in 1m0s", "step 1 of 3 bakes until 12:01:00 UTC, paused",
		}},
		"aborted": {three, "healthy -1m, ready, waiting, ready, ready", rollout.Abort, []string{
			"skip b: rollout.x was aborted at step 1 of 3", "skip c: rollout.x was aborted at step 1 of 3", "skip d: rollout.x was aborted at step 1 of 3",
			"skip e: rollout.x was aborted at step 1 of 3", "rollout.x was aborted at step 1 of 3",
		}},
		"nothing is left to abort": {three, "healthy -1h, healthy, healthy, healthy, moving", rollout.Abort, []string{"step 3 of 3: 0 of 1 healthy"}},
		"the last one":             {three, "healthy -1h, healthy, healthy, healthy, ready", rollout.Go, []string{"start e", "step 3 of 3: 0 of 1 healthy"}},
		"done":                     {three, "healthy -1h, healthy, healthy, healthy, healthy", rollout.Go, []string{"done"}},
		"all at once":              {[]plan.RolloutStep{{Applications: []int{0, 1}}}, "ready, ready", rollout.Go, []string{"start a", "start b", "step 1 of 1: 0 of 2 healthy"}},
		"a step of nobody":         {[]plan.RolloutStep{{Applications: []int{}, Bake: time.Hour}, {Applications: []int{0}}}, "ready", rollout.Go, []string{"start a", "step 2 of 2: 0 of 1 healthy"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			all := members(t, test.members)
			d := rollout.Decide(&plan.Rollout{Address: addr.Address{Kind: "rollout", Name: "x"}, Steps: test.steps},
				func(i int) rollout.Member { return all[i] }, func(i int) string { return string(rune('a' + i)) }, test.order, now)
			if diff := cmp.Diff(test.want, text(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if d.Stopped != strings.Contains(d.State, "rollout.x") {
				t.Errorf("stopped is %t", d.Stopped)
			}
		})
	}
}

// TestEveryOneMovesOnce plays rollouts to their end, and checks that the order is kept.
func TestEveryOneMovesOnce(t *testing.T) {
	r := &plan.Rollout{Address: addr.Address{Kind: "rollout", Name: "x"}, Steps: []plan.RolloutStep{
		{Applications: []int{2}, Bake: time.Minute}, {Applications: []int{0, 3, 5, 6}, MaxUpdate: 3, Bake: time.Hour}, {Applications: []int{1, 4}, MaxUpdate: 1},
	}}
	all := slices.Repeat([]rollout.Member{{State: rollout.Ready}}, 7)
	clock := now
	var started []int
	for rounds := 0; ; rounds++ {
		if rounds > 100 {
			t.Fatal("it does not end")
		}
		d := rollout.Decide(r, func(i int) rollout.Member { return all[i] }, func(int) string { return "" }, rollout.Go, clock)
		if d.Step == len(r.Steps) {
			break
		}
		moving := 0
		for i := range all {
			if all[i].State == rollout.Moving {
				moving++
			}
		}
		for _, i := range d.Start {
			all[i].State = rollout.Moving
			moving++
			started = append(started, i)
		}
		if most := r.Steps[d.Step].MaxUpdate; most > 0 && moving > most {
			t.Fatalf("%d move in step %d", moving, d.Step)
		}
		clock = clock.Add(time.Second)
		if i := slices.IndexFunc(all, func(m rollout.Member) bool { return m.State == rollout.Moving }); i >= 0 {
			all[i] = rollout.Member{State: rollout.Healthy, Since: clock}
		} else if !d.Again.IsZero() {
			clock = d.Again
		}
	}
	if diff := cmp.Diff([]int{2, 0, 3, 5, 6, 1, 4}, started); diff != "" {
		t.Error(diff)
	}
	if took := clock.Sub(now); took < time.Hour+time.Minute || took > time.Hour+2*time.Minute {
		t.Errorf("it took %s", took)
	}
}
