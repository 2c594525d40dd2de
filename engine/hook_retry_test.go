package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/providers"
)

// TestFailedHooksRunAgain: a hook that fails is run anew in the next round, as a new object,
// where what its failed run left may go; and where running it again fails, that is tried
// again too. One whose failed run is kept is not, which is told at once.
func TestFailedHooksRunAgain(t *testing.T) {
	t.Parallel()
	const named, generated = "name: migrate", "generateName: migrate-"
	for name, test := range map[string]struct {
		metadata, policy string
		failedWrites     int // of the runs after the first one
		runs             int
		want             string // the error; empty for success
	}{
		"BeforeHookCreation":         {named, "BeforeHookCreation", 0, 3, ""},
		"no policy":                  {named, "", 0, 3, ""},
		"HookFailed":                 {named, "HookFailed", 0, 3, ""},
		"a generated name":           {generated, "HookSucceeded", 0, 3, ""},
		"it cannot be written":       {named, "BeforeHookCreation", 2, 3, ""},
		"it cannot be written again": {named, "BeforeHookCreation", 9, 1, "the connection was cut"},
		"what failed is kept":        {named, "HookSucceeded", 0, 1, "is kept, so that it is not run again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMemoryStage(t)
			s.Write(t, map[string]string{"health.gantry.hcl": `health "example.com/Migration" {
  healthy  = field("status.phase") == "Succeeded"
  degraded = field("status.phase") == "Failed"
}`})
			policy := ""
			if test.policy != "" {
				policy = deletePolicy + test.policy + "\n"
			}
			s.application(t, "web", "sync {\n retry {\n  limit = 5\n  backoff = \"1ms\"\n }\n}", configMap("a", "v=1"), fmt.Sprintf(
				"apiVersion: example.com/v1\nkind: Migration\nmetadata:\n  %s\n  annotations:\n    argocd.argoproj.io/hook: PreSync\n%s", test.metadata, policy))
			p := s.MustPlan(t, engine.PlanOptions{})
			uids := map[string]bool{}
			runs, failed := 0, 0
			s.tap(taps{apply: func(_ context.Context, r providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
				if r.Object.Kind() != "Migration" {
					return on()
				}
				if runs > 0 && failed < test.failedWrites {
					failed++
					return providers.ApplyResult{}, errCut
				}
				runs++
				phase := "Failed"
				if runs == 3 {
					phase = "Succeeded"
				}
				if err := r.Object.Set(phase, "status", "phase"); err != nil {
					return providers.ApplyResult{}, err
				}
				made, err := on()
				uids[made.Object.UID()] = true
				return made, err
			}})
			result, diags := s.Apply(t.Context(), t, p)
			if test.want != "" {
				wantError(t, diags, "Apply failed", test.want)
			} else {
				enginetest.Check(t, diags)
				if done := result.Applications[0].Done; done["run"] != 1 || done["create"] != 1 {
					t.Errorf("done is counted as %v", done)
				}
			}
			if runs != test.runs || len(uids) != test.runs {
				t.Errorf("it ran %d times, as %d objects, want %d", runs, len(uids), test.runs)
			}
			if test.failedWrites > 5 && failed != 5 {
				t.Errorf("writing it was tried %d times, want all 5 rounds", failed)
			}
		})
	}
}
