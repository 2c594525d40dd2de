package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestNarrowPlansOfPullRequests plans only what pull requests touch, on a forge and a cluster:
// what was recorded and approved is applied, and a saved plan does what it shows. An object
// that was given over to an application which the plan leaves out is not deleted.
func TestNarrowPlansOfPullRequests(t *testing.T) {
	t.Parallel()
	s := newPullStory(t)
	api := func(more string) string {
		text := strings.ReplaceAll(s.web("blue"), `"web"`, `"api"`)
		return strings.Replace(text, "objects = [", "objects = ["+more, 1)
	}
	const shared = `{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "shared" } }, `
	s.push("main", map[string]string{"main.gantry.hcl": s.rules()}, false)
	s.apply(0)
	s.push("both", map[string]string{"web.gantry.hcl": s.web("blue"), "api.gantry.hcl": api(shared)}, false)
	first := s.open("both")
	s.plan(first, "--affected")
	s.commented(first, "Only what the change since main", "touches: 2 applications")
	s.approve(first)
	s.merge(first, "squash")
	s.apply(0)
	s.blue()

	s.push("green", map[string]string{"web.gantry.hcl": s.web("green")}, false)
	second := s.open("green")
	s.plan(second, "--affected")
	s.commented(second, "touches: 1 application", "Not looked at: 1 application", "blue", "green")
	s.approve(second)
	s.merge(second, "squash")
	if said := s.apply(0); strings.Contains(said, "application.api") && strings.Contains(said, "not applied") {
		t.Errorf("what the plan has left out is refused, though nothing of it changes:\n%s", said)
	}
	s.checked(s.headOf("main"), "gantry/apply", "success")

	// What is given over, and not applied yet.
	web := strings.Replace(s.web("green"), "objects = [", "objects = ["+shared, 1)
	s.push("main", map[string]string{"web.gantry.hcl": web, "api.gantry.hcl": api("")}, false)
	s.push("more", map[string]string{"api.gantry.hcl": strings.Replace(api(""), `"blue"`, `"black"`, 1)}, false)
	third := s.open("more")
	file := filepath.Join(s.dir, "narrow.plan")
	s.plan(third, "--affected", "--out", file)
	s.commented(third, "touches: 1 application", "Not looked at: 1 application")
	shown := s.run(s.planner, program(t), "show", file)
	if !strings.Contains(shown, "moves to application.web") || strings.Contains(shown, "to delete") || !strings.Contains(shown, "Not looked at: 1 application") {
		t.Errorf("it is not given over:\n%s", shown)
	}
	k, err := newKube(s.kubeconfig, s.namespace)
	if err != nil {
		t.Fatal(err)
	}
	before, err := k.get(t.Context(), "ConfigMap", "shared")
	if err != nil {
		t.Fatal(err)
	}
	s.approve(third)
	s.merge(third, "squash")
	s.apply(3) // what was pushed to main past everyone is approved by nobody
	after, err := k.get(t.Context(), "ConfigMap", "shared")
	if err != nil || after.UID() != before.UID() {
		t.Errorf("it was deleted: %v", err)
	}
}
