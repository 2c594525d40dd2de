package engine_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// TestWhatKeepsAnObject crosses the annotations that keep an object with the rules of
// its application, where it is no longer wanted, and where the application leaves.
func TestWhatKeepsAnObject(t *testing.T) {
	t.Parallel()
	const (
		prune  = "Prune=false"
		remove = "Delete=false"
		both   = "Prune=false,Delete=false"
	)
	prevent, onDestroy, never := "lifecycle {\n prevent_destroy = true\n}", `on_destroy = "orphan"`, "sync {\n create_namespace = true\n prune = false\n}"
	for _, test := range []struct {
		annotation, rule string
		unwanted, leaves plan.Action
	}{
		{"", "", plan.Prune, plan.Prune},
		{prune, "", plan.Orphan, plan.Prune},
		{remove, "", plan.Prune, plan.Orphan},
		{both, "", plan.Orphan, plan.Orphan},
		{"", prevent, plan.Prune, plan.Blocked},
		{prune, prevent, plan.Orphan, plan.Blocked},
		{remove, prevent, plan.Prune, plan.Orphan},
		{"", onDestroy, plan.Prune, plan.Orphan},
		{prune, onDestroy, plan.Orphan, plan.Orphan},
		{remove, onDestroy, plan.Prune, plan.Orphan},
		{"", prevent + "\n" + onDestroy, plan.Prune, plan.Orphan},
		{"", never, plan.Unchanged, plan.Prune},
		{prune, never, plan.Orphan, plan.Prune},
		{remove, never, plan.Unchanged, plan.Orphan},
	} {
		t.Run(strings.Join(strings.Fields(test.annotation+" "+test.rule), " "), func(t *testing.T) {
			s := newStage(t)
			body := test.rule
			if !strings.Contains(body, "sync {") {
				body += "\n" + createNamespace
			}
			kept := configMap("it", "a=b")
			if test.annotation != "" {
				kept = strings.Replace(kept, "  name: it\n", "  name: it\n  annotations: {argocd.argoproj.io/sync-options: \""+test.annotation+"\"}\n", 1)
			}
			s.application(t, "web", body, kept, configMap("rest", "a=b"))
			s.MustApply(t, engine.PlanOptions{})
			leaving, _ := s.Plan(t, engine.PlanOptions{Destroy: true})
			wantAction(t, s.change(leaving, "web", "ConfigMap", "it"), test.leaves)
			s.application(t, "web", body, configMap("rest", "a=b"))
			wantAction(t, s.change(s.MustPlan(t, engine.PlanOptions{}), "web", "ConfigMap", "it"), test.unwanted)
		})
	}
}

// TestDestroyingAChartSaysWhatGoes installs a chart that nobody here wrote, and looks at
// what the plan to destroy it names.
func TestDestroyingAChartSaysWhatGoes(t *testing.T) {
	t.Parallel()
	root := realworld(t)
	s := newStage(t)
	s.Write(t, map[string]string{"main.gantry.hcl": `
		application "alerts" {
		  name = "alerts"
		  source {
		    url  = "` + enginetest.Repository(t, filepath.Join(root, "prometheus-community")) + `"
		    path = "charts/alertmanager"
		    helm {
		      values = { persistence = { enabled = false } }
		    }
		  }
		  destination {
		    cluster   = cluster.local
		    namespace = "` + s.namespace + `"
		  }
		  sync {
		    create_namespace = true
		  }
		}`})
	made := s.MustApply(t, engine.PlanOptions{})
	p := s.MustPlan(t, engine.PlanOptions{Destroy: true})
	set := enginetest.Change(p, addr.Application("alerts"), "StatefulSet.apps "+s.namespace+"/alerts-alertmanager")
	wantTaken(t, set, "1 owned ControllerRevision transient", "1 owned Pod transient")
	d := p.Destroys()
	// Its namespace stays, and so does what create_namespace made; test pods are hooks.
	if want := made.Counts()[plan.Create] - 1; d.Objects != want || d.With != 0 || d.Data != 0 {
		t.Errorf("it destroys %+v, and %d objects were made", d, want)
	}
	if d.Transient < 3 { // the Pod, its revision, and an EndpointSlice of each Service
		t.Errorf("only %d objects come and go by themselves", d.Transient)
	}
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
}
