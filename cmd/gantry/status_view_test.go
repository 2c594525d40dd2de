package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/engine/status"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// someStatus has what a status can have.
func someStatus(now time.Time) *status.Status {
	id := func(kind, name string) object.ID { return object.ID{Kind: kind, Namespace: "web", Name: name} }
	pod := status.Node{Object: id("Pod", "web-1"), Known: true, Health: health.Degraded, Message: "back-off\x1b[2J", Created: now.Add(-3 * time.Hour)}
	s := &status.Status{
		At:      now,
		Running: &status.Running{By: "alice@laptop", Command: "gantry apply", PID: 7, Host: "laptop", Since: now.Add(-90 * time.Second)},
		Applications: []status.Application{
			{
				Address: addr.Application("web"), Cluster: "main", Sync: status.OutOfSync, Health: health.Degraded, Why: "1 of its objects missing, 1 changed by others",
				Objects: status.Objects{Total: 4, Missing: 1, Changed: 1}, Last: &status.Apply{
					At: now.Add(-3 * time.Hour), By: "alice@laptop", Outcome: "failed", Message: "not healthy", Revisions: []string{"0123456789abcdef0123456789abcdef01234567", "sha256:0123456789abcdef"},
				},
				Doing: &status.Doing{Since: now.Add(-time.Minute), Left: 5, Next: []status.Intent{{Object: id("ConfigMap", "a"), Action: plan.Create}}},
				Tree: []status.Node{
					{Object: id("ConfigMap", "gone"), Missing: true, Known: true, Health: health.Missing},
					{Object: id("ConfigMap", "settings"), Health: health.Healthy, Changed: "data.colour by kubectl-edit", Created: now.Add(-50 * time.Hour)},
					{
						Object: id("Deployment", "web"), Known: true, Health: health.Degraded, Message: "0 of 1 ready", Cause: `Pod web/web-1: cannot pull image "世界:1", which is not in the registry that it names`,
						Created: now.Add(-72 * time.Hour), Since: now.Add(-5 * time.Minute), Owned: []status.Node{pod}, More: 3,
					},
					{Object: id("Job", "migrate"), Hook: true, Missing: true, Known: true, Health: health.Missing},
				},
			},
			{
				Address: addr.Application("a-much-longer-name-than-that"), Cluster: "main", Sync: status.Synced, Health: health.Healthy, Objects: status.Objects{Total: 1}, Leaves: true,
				Last: &status.Apply{At: now, By: "ci", Outcome: "succeeded"},
				Tree: []status.Node{{Object: id("ConfigMap", "x"), Health: health.Healthy, Created: now}},
			},
			status.Never(addr.Application("new"), "", "main", "web"),
		},
	}
	s.Sort()
	return s
}

// TestStatusView: what is shown of a status, wrapped to several widths.
func TestStatusView(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	var b strings.Builder
	for _, shown := range []struct {
		width int
		tree  bool
	}{{0, false}, {0, true}, {60, true}, {30, false}} {
		fmt.Fprintf(&b, "=== width %d, tree %t\n", shown.width, shown.tree)
		v := statusView{tree: shown.tree, width: shown.width, now: now}
		for _, r := range v.rows(someStatus(now)) {
			text, wide := r.fit(0, false)
			if shown.width > 0 && wide > shown.width {
				t.Errorf("%d columns where there are %d: %s", wide, shown.width, text)
			}
			b.WriteString(strings.TrimRight(text, " ") + "\n")
		}
	}
	file := filepath.Join("testdata", "live", t.Name()+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-update writes it):\n%s", file, diff)
	}
}

// TestStatusExitCodes: 1 for what cannot be read, and 2 for what is not well, if asked for.
func TestStatusExitCodes(t *testing.T) {
	of := func(sync status.Sync, code health.Code) *status.Status {
		return &status.Status{Applications: []status.Application{{Sync: status.Synced, Health: health.Healthy}, {Sync: sync, Health: code}}}
	}
	for _, c := range []struct {
		status   *status.Status
		detailed bool
		want     error
	}{
		{of(status.Synced, health.Healthy), true, nil},
		{of(status.Synced, health.Suspended), true, nil},
		{of(status.Synced, health.Degraded), true, exitCode(exitChanges)},
		{of(status.Synced, health.Degraded), false, nil},
		{of(status.OutOfSync, health.Healthy), true, exitCode(exitChanges)},
		{of(status.Unknown, health.Unknown), false, exitCode(exitError)},
	} {
		if got := (&statusOptions{detailed: c.detailed}).verdict(c.status, nil); got != c.want { //nolint:errorlint // the very value
			t.Errorf("%+v: %v", c.status.Applications[1], got)
		}
	}
}
