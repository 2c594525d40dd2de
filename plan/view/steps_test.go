package view_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view"
)

// hooksExample is a sync with hooks, waves, and a deletion that must be confirmed.
func hooksExample() *plan.Plan {
	hook := func(name string, phase plan.Phase) plan.Change {
		c := change(plan.Run, "Job.batch", name)
		c.Phase, c.Hook = phase, &plan.Hook{}
		c.Body = object.Object{"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": name}}
		return c
	}
	migrate := hook("migrate", plan.PhasePreSync)
	migrate.ID.Name, migrate.Body = "", object.Object{"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"generateName": "migrate-"}}
	cleanUp := hook("clean-up", plan.PhasePreDelete)
	cleanUp.Action, cleanUp.Reason = plan.Remember, "it runs when the application leaves"
	later := change(plan.Update, "Deployment.apps", "podinfo", changed("spec.replicas", int64(2), int64(3)))
	later.Wave = 1
	old := change(plan.Prune, "PersistentVolumeClaim", "data")
	old.Reason, old.Confirm = "no longer desired", true
	p := base(web(migrate, change(plan.Update, "ConfigMap", "settings", changed("data.mode", "slow", "fast")), later, cleanUp, old,
		hook("smoke", plan.PhasePostSync), hook("alert", plan.PhaseSyncFail)))
	p.Steps = []plan.Step{
		{Kind: plan.StepWrite, Change: 0, Phase: plan.PhasePreSync},
		{Kind: plan.StepWait, Changes: []int{0}, Needs: []int{0}, Phase: plan.PhasePreSync},
		{Kind: plan.StepWrite, Change: 1, Needs: []int{1}, Phase: plan.PhaseSync},
		{Kind: plan.StepWait, Changes: []int{1}, Needs: []int{2}, Phase: plan.PhaseSync},
		{Kind: plan.StepWrite, Change: 2, Needs: []int{3}, Phase: plan.PhaseSync, Wave: 1},
		{Kind: plan.StepWait, Changes: []int{2}, Needs: []int{4}, Phase: plan.PhaseSync, Wave: 1},
		{Kind: plan.StepDelete, Change: 4, Needs: []int{5}},
		{Kind: plan.StepWait, Needs: []int{6}},
		{Kind: plan.StepWrite, Change: 5, Needs: []int{7}, Phase: plan.PhasePostSync},
		{Kind: plan.StepWait, Changes: []int{5}, Needs: []int{8}, Phase: plan.PhasePostSync},
		{Kind: plan.StepRecord, Needs: []int{9}},
		{Kind: plan.StepWrite, Change: 6, Needs: []int{10}, Phase: plan.PhaseSyncFail, On: plan.OnFailure},
		{Kind: plan.StepWait, Changes: []int{6}, Needs: []int{11}, Phase: plan.PhaseSyncFail, On: plan.OnFailure},
	}
	return p
}

// TestTextStepsWaitOnce: a stage that waits for nothing before the application is waited
// for as a whole is not told.
func TestTextStepsWaitOnce(t *testing.T) {
	p := base(web(change(plan.Create, "ConfigMap", "settings")))
	p.Steps = []plan.Step{
		{Kind: plan.StepWrite, Phase: plan.PhaseSync},
		{Kind: plan.StepWait, Needs: []int{0}, Phase: plan.PhaseSync},
		{Kind: plan.StepWait, Changes: []int{0}, Needs: []int{1}, Phase: plan.PhaseSync},
		{Kind: plan.StepRecord, Needs: []int{2}},
	}
	var got bytes.Buffer
	if err := view.TextSteps(&got, p, view.Options{}); err != nil {
		t.Fatal(err)
	}
	if text := got.String(); strings.Contains(text, "then") || strings.Count(text, "wait for") != 1 {
		t.Errorf("shown is:\n%s", text)
	}
}

// TestTextSteps compares what is shown of steps with a golden.
func TestTextSteps(t *testing.T) {
	for name, p := range map[string]*plan.Plan{"hooks": hooksExample(), "none": base(), "rollout": rolloutExample()} {
		var got bytes.Buffer
		if err := view.TextSteps(&got, p, view.Options{}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "steps", name+".txt")
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s differs; -update rewrites it (-want +got):\n%s", path, diff)
		}
	}
}
