package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan"
)

func TestChains(t *testing.T) {
	const s = time.Second
	type app struct {
		lasted  time.Duration
		idle    bool
		follows []int
	}
	tests := map[string]struct {
		apps   []app
		chain  []int
		lasted time.Duration
		after  []time.Duration
	}{
		"alone":               {[]app{{lasted: s}, {lasted: 2 * s}}, nil, 0, []time.Duration{s, 2 * s}},
		"the longer one":      {[]app{{lasted: 5 * s}, {lasted: s}, {lasted: s, follows: []int{0}}, {lasted: 2 * s, follows: []int{1}}}, []int{0, 2}, 6 * s, []time.Duration{6 * s, 3 * s, s, 2 * s}},
		"a diamond":           {[]app{{lasted: s, follows: []int{1, 2}}, {lasted: 3 * s, follows: []int{3}}, {lasted: 4 * s, follows: []int{3}}, {lasted: s}}, []int{3, 2, 0}, 6 * s, []time.Duration{s, 4 * s, 5 * s, 6 * s}},
		"not known of one":    {[]app{{lasted: s}, {follows: []int{0}}}, []int{0, 1}, 0, []time.Duration{11 * s, 10 * s}},
		"through what stays":  {[]app{{lasted: s}, {idle: true, lasted: s, follows: []int{0}}, {lasted: s, follows: []int{1}}}, []int{0, 2}, 2 * s, []time.Duration{2 * s, s, s}},
		"only what stays":     {[]app{{idle: true}, {lasted: s, follows: []int{0}}}, nil, 0, []time.Duration{s, s}},
		"nothing in the plan": {nil, nil, 0, []time.Duration{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &plan.Plan{}
			for i, app := range test.apps {
				made := plan.Application{Lasted: app.lasted}
				if !app.idle {
					made.Changes = []plan.Change{{Action: plan.Create}}
				}
				p.Applications = append(p.Applications, made)
				p.Steps = append(p.Steps, plan.Step{Application: i, Needs: app.follows})
			}
			chain, lasted := p.LongestChain()
			if diff := cmp.Diff(test.chain, chain); diff != "" || lasted != test.lasted {
				t.Errorf("lasted %s, want %s; chain (-want +got):\n%s", lasted, test.lasted, diff)
			}
			if diff := cmp.Diff(test.after, p.After()); diff != "" {
				t.Errorf("after (-want +got):\n%s", diff)
			}
		})
	}
}
