package comment

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// shop is the plan that docs/images/comment.png shows: it has something of all that matters.
func shop() *plan.Plan {
	id := func(group, kind, name string) object.ID {
		return object.ID{Group: group, Kind: kind, Namespace: "shop", Name: name}
	}
	deployment, claim := id("apps", "Deployment", "web"), id("", "PersistentVolumeClaim", "data")
	image := plan.FieldChange{Path: "spec.template.spec.containers[name=web].image", Kind: plan.Changed, Before: "example.com/web:1.8.2", After: "example.com/web:1.9.0"}
	p := &plan.Plan{
		ToolVersion: "0.1.0", CreatedAt: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), ExpiresAt: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		InputDigest: "sha256:77aa" + strings.Repeat("0", 60), Clusters: []plan.Cluster{{Name: "eu-1"}, {Name: "eu-2"}, {Name: "us-1"}},
	}
	p.Applications = append(p.Applications, plan.Application{
		Address: addr.Application("database"), Cluster: "eu-1", Namespace: "shop", Digest: "sha256:d",
		Changes: []plan.Change{
			{ID: claim, Version: "v1", Action: plan.Prune, Takes: []plan.Taken{{Kind: "PersistentVolume", Why: plan.TakenVolume, Count: 1, Data: true, IDs: []plan.TakenID{{Name: "pv-17"}}}}},
			{ID: id("", "ConfigMap", "settings"), Version: "v1", Action: plan.Update, Fields: []plan.FieldChange{{Path: "data.max_connections", Kind: plan.Changed, Before: "100", After: "250"}}},
		},
		Risks: []plan.Risk{{Code: "data-loss", Severity: plan.High, Object: &claim, Detail: "The claim's volume has the reclaim policy Delete: its data are deleted with it.", Range: "database.gantry.hcl:1,1"}},
	})
	for _, cluster := range []string{"eu-1", "eu-2", "us-1"} {
		p.Applications = append(p.Applications, plan.Application{
			Address: addr.Application("web").Instance(cluster), Cluster: cluster, Namespace: "shop", Digest: "sha256:" + cluster,
			Changes: []plan.Change{{ID: deployment, Version: "v1", Action: plan.Update, Fields: []plan.FieldChange{image}}, {ID: id("", "Service", "web"), Version: "v1", Action: plan.Unchanged}},
			Risks:   []plan.Risk{{Code: "pods-restart", Severity: plan.Medium, Object: &deployment, Detail: "All 3 pods are replaced, 1 at a time.", Range: "web.gantry.hcl:1,1"}},
		})
	}
	return p
}

func shopOptions() Options {
	return Options{
		Key: "deploy/shop", Head: "4be1" + strings.Repeat("0", 36), Base: "c0de" + strings.Repeat("0", 36), BaseBranch: "main",
		Next: "gantry apply --require-approved", Run: "https://ci.example.com/runs/17",
	}
}

func TestGoldens(t *testing.T) {
	empty := shop()
	empty.ExpiresAt = time.Time{}
	for i := range empty.Applications {
		a := &empty.Applications[i]
		a.Risks = nil
		for j := range a.Changes {
			a.Changes[j] = plan.Change{ID: a.Changes[j].ID, Version: "v1", Action: plan.Unchanged}
		}
	}
	plain := shopOptions()
	plain.NoHTML = true
	wrong := []plan.Problem{
		{Summary: "Unsupported argument", Detail: "An argument named \"imge\" is not expected here. Did you mean \"image\"?", Range: "deploy/shop/web.gantry.hcl:7,5"},
		{Summary: "State cannot be opened", Detail: "The bucket cannot be reached: connection refused."},
	}
	for name, c := range map[string]struct {
		plan     *plan.Plan
		problems []plan.Problem
		options  Options
	}{
		"shop":    {shop(), nil, shopOptions()},
		"empty":   {empty, nil, shopOptions()},
		"failed":  {nil, wrong, shopOptions()},
		"partial": {shop(), wrong[:1], shopOptions()},
		"nohtml":  {shop(), nil, plain},
	} {
		body, err := Body(c.plan, c.problems, c.options)
		if err != nil {
			t.Fatal(err)
		}
		sound(t, c.options, body)
		got := Marker(c.options.Key, c.options.NoHTML) + "\n" + body
		path := filepath.Join("testdata", name+".md")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs; -update rewrites it (-want +got):\n%s", path, diff)
		}
	}
}

// TestValuesOfSecretsAreNotTold: what a plan has of a Secret in memory does not get out,
// however the change is told.
func TestValuesOfSecretsAreNotTold(t *testing.T) {
	const canary = "canary-4711"
	for _, action := range plan.Actions() {
		p := shop()
		p.Applications[0].Changes[0] = plan.Change{
			ID: object.ID{Kind: "Secret", Namespace: "shop", Name: "login"}, Version: "v1", Action: action, Sealed: []byte(canary),
			Body:   object.Object{"apiVersion": "v1", "kind": "Secret", "stringData": map[string]any{"password": canary}, "data": map[string]any{"token": canary}},
			Secret: object.Object{"apiVersion": "v1", "kind": "Secret", "data": map[string]any{"password": canary}},
			Fields: []plan.FieldChange{{Path: "data.password", Kind: plan.Changed, Before: canary, After: canary + "2"}, {Path: "stringData.other", Kind: plan.Added, After: canary}},
		}
		p.Applications[0].Sources = nil
		body, err := Body(p, nil, shopOptions())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(body, canary) {
			t.Errorf("%s: it is in\n%s", action, body)
		}
	}
}

// TestWhatMattersStays: of ten thousand objects with deletions and risks, at every forge's
// budget, these are told, and what is left out is counted.
func TestWhatMattersStays(t *testing.T) {
	p := ofObjects(10_000)
	claim := object.ID{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "data"}
	last := &p.Applications[len(p.Applications)-1]
	last.Changes[len(last.Changes)-1] = plan.Change{ID: claim, Version: "v1", Action: plan.Prune}
	last.Risks = []plan.Risk{{Code: "data-loss", Severity: plan.High, Object: &claim, Detail: "Its data are lost."}}
	for forge, most := range map[string]int{"GitHub": 65_536, "GitLab": 1_000_000, "Bitbucket": 32_768, "a step summary": 1_000_000} {
		options := shopOptions()
		options.Budget = Budget(most)
		start, before := time.Now(), worked(t)
		body, err := Body(p, nil, options)
		if err != nil {
			t.Fatal(err)
		}
		took := worked(t) - before
		t.Logf("%s: %d bytes of %d, %s of CPU, %s", forge, len(body), most, took.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
		if took > 6*time.Second { // 2 on a machine of its own
			t.Errorf("%s: it took %s of CPU", forge, took)
		}
		if len(body) > options.Budget || len(body) < options.Budget/2 && most < 100_000 {
			t.Errorf("%s: %d bytes of %d", forge, len(body), options.Budget)
		}
		for _, must := range []string{"9999 to update, 1 to prune", "1 high risk", "prune `PersistentVolumeClaim shop/data`", "Its data are lost.", " objects not shown", "[this run](https://ci.example.com/runs/17)", "4be100000000"} {
			if !strings.Contains(body, must) {
				t.Errorf("%s: there is no %q", forge, must)
			}
		}
	}
}

func worked(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// ofObjects is a plan that updates so many objects, each otherwise.
func ofObjects(n int) *plan.Plan {
	p := &plan.Plan{ToolVersion: "0.1.0", InputDigest: "sha256:abc", Clusters: []plan.Cluster{{Name: "eu-1"}}}
	for i := range n {
		if i%50 == 0 {
			key := fmt.Sprintf("team-%03d", i/50)
			p.Applications = append(p.Applications, plan.Application{Address: addr.Application("team").Instance(key), Cluster: "eu-1", Namespace: key, Digest: "sha256:" + key})
		}
		a := &p.Applications[len(p.Applications)-1]
		a.Changes = append(a.Changes, plan.Change{
			ID: object.ID{Group: "apps", Kind: "Deployment", Namespace: a.Namespace, Name: fmt.Sprintf("service-%05d", i)}, Version: "v1", Action: plan.Update,
			Fields: []plan.FieldChange{{Path: "spec.template.spec.containers[name=app].image", Kind: plan.Changed, Before: fmt.Sprintf("example.com/app:%d", i), After: fmt.Sprintf("example.com/app:%d", i+1)}},
		})
	}
	return p
}

// BenchmarkComment is the comment for a change of ten thousand objects.
func BenchmarkComment(b *testing.B) {
	p := ofObjects(10_000)
	for b.Loop() {
		if _, err := Body(p, nil, shopOptions()); err != nil {
			b.Fatal(err)
		}
	}
}
