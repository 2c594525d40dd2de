package html_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func base(applications ...plan.Application) *plan.Plan {
	return &plan.Plan{
		ToolVersion: "0.1.0", CreatedAt: noon, ID: "44444444-4444-4444-8444-444444444444", Lineage: "33333333-3333-4333-8333-333333333333",
		InputDigest:  "sha256:" + strings.Repeat("ab", 32),
		Clusters:     []plan.Cluster{{Name: "staging", Version: "v1.37.2"}, {Name: "production", Version: "v1.37.2"}},
		Applications: applications,
	}
}

func app(name, cluster string, changes ...plan.Change) plan.Application {
	for i := range changes {
		if changes[i].ID.Namespace == "" && changes[i].ID.Kind != "Namespace" {
			changes[i].ID.Namespace = name
		}
	}
	return plan.Application{
		Address: addr.Application(name), Name: name, Cluster: cluster, Namespace: name, Changes: changes,
		Sources: []source.Pin{{
			Location: source.Location{Type: source.Git, URL: "https://example.com/deploy.git", Revision: "main"},
			Resolved: "3f9c2ab81d04c7e5a6b8f9012345678901234567", Path: "apps/" + name,
		}},
	}
}

func change(action plan.Action, kind, name string, fields ...plan.FieldChange) plan.Change {
	kind, group, _ := strings.Cut(kind, ".")
	return plan.Change{ID: object.ID{Group: group, Kind: kind, Name: name}, Version: "v1", Action: action, Fields: fields}
}

func changed(path string, before, after any) plan.FieldChange {
	return plan.FieldChange{Path: path, Kind: plan.Changed, Before: before, After: after}
}

// estate is a plan of several applications that wait for each other, with something of
// everything.
func estate() *plan.Plan {
	image := "spec.template.spec.containers[name=app].image"
	database := app("database", "production",
		change(plan.Update, "StatefulSet.apps", "database", changed("spec.replicas", int64(2), int64(3))),
		change(plan.Unchanged, "Service", "database"))
	legacy := change(plan.Prune, "Namespace", "legacy")
	legacy.Reason = "no longer desired"
	legacy.Takes = []plan.Taken{
		{Kind: "ConfigMap", Why: plan.TakenInside, Count: 12},
		{Kind: "PersistentVolumeClaim", Why: plan.TakenInside, Count: 2, Data: true, IDs: []plan.TakenID{{Namespace: "legacy", Name: "db-data"}, {Namespace: "legacy", Name: "db-wal"}}},
		{Kind: "Service", Why: plan.TakenInside, Count: 1, Of: "application.shop", IDs: []plan.TakenID{{Namespace: "legacy", Name: "gateway"}}},
	}
	drifted := changed("spec.replicas", int64(5), int64(2))
	drifted.Drift = &plan.Writer{Manager: "kubectl-edit", Operation: "Update", At: noon.Add(-3 * time.Minute)}
	rollout := change(plan.Update, "Deployment.apps", "web", drifted, changed(image, "example.com/web:6.7.1", "example.com/web:6.8.0"))
	config := change(plan.Update, "ConfigMap", "settings",
		changed(`data["config.yaml"]`, "# settings of the web\nlisten: 0.0.0.0:8080\nlog:\n  level: info\n  format: json\ncache:\n  size: 100\n", "# settings of the web\nlisten: 0.0.0.0:8080\nlog:\n  level: debug\n  format: json\ncache:\n  size: 200\n"),
		changed(`data["features.json"]`, `{"search":true,"limits":{"rate":100}}`, `{"search":true,"limits":{"rate":200},"export":true}`))
	web := app("web", "production", config, rollout, legacy)
	web.DependsOn = []addr.Address{addr.Application("database"), addr.Application("cache")}
	web.Risks = []plan.Risk{
		{Code: "data-loss", Severity: plan.High, Object: &legacy.ID, Detail: "2 volumes are deleted with their claims, for their reclaim policy is Delete."},
		{Code: "pods-restart", Severity: plan.Medium, Object: &object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "web"}, Paths: []string{image}, Detail: "All 2 pods restart, one at a time."},
	}
	cache := app("cache", "production", change(plan.Create, "Deployment.apps", "cache"), change(plan.Create, "Service", "cache"))
	cache.Changes[0].Body = object.Object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "cache"}, "spec": map[string]any{"replicas": int64(1), "template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "cache", "image": "example.com/cache:7"}}}}}}
	shop := app("shop", "production", change(plan.Adopt, "Service", "shop", changed("spec.type", "ClusterIP", "LoadBalancer")), change(plan.Run, "Job.batch", "migrate"))
	shop.DependsOn = []addr.Address{addr.Application("web"), addr.Application("database")}
	shop.Changes[0].Moves = []plan.ManagerMove{{Manager: "helm", Operation: "Update", Fields: []string{"metadata.labels.heritage"}}}
	mail := app("mail", "staging", change(plan.Blocked, "Deployment.apps", "mail"))
	mail.Changes[0].Reason = "Server refuses the object: admission webhook \"policy.example.com\" denied the request"
	mail.Blocked = []plan.Problem{{Summary: "Change is blocked", Object: &mail.Changes[0].ID}}
	metrics := app("metrics", "staging", change(plan.Unchanged, "Deployment.apps", "metrics"))
	p := base(cache, database, mail, metrics, shop, web)
	for i := range 4 {
		name := fmt.Sprintf("team-%d", i)
		a := app(name, "staging", change(plan.Update, "ConfigMap", "settings", changed("data.host", name+".example.com", name+".example.org")))
		a.Address = addr.Application("team").Instance(name)
		a.DependsOn = []addr.Address{addr.Application("shop")}
		p.Applications = append(p.Applications, a)
	}
	return p
}

// hostile has everything that could make a page do more than show it, in every place
// where a plan has texts.
func hostile() *plan.Plan {
	evil := `</script></template></pre></style></title><script>window.owned=1</script><img src=x onerror="window.owned=1"><a href="javascript:window.owned=1">x</a>"'><svg onload=window.owned=1>` + "\u202e\x1b[2J"
	c := change(plan.Update, "ConfigMap", evil, changed("data."+evil, evil, "other "+evil), changed("data.lines", "a\n"+evil+"\n", "b\n"+evil+"\n"))
	c.Reason, c.Warnings = evil, []string{evil}
	c.Conflicts = []plan.Conflict{{Path: evil, Writer: plan.Writer{Manager: evil}}}
	c.Takes = []plan.Taken{{Kind: evil, Why: plan.TakenWhy(evil), Count: 1, Of: evil, IDs: []plan.TakenID{{Namespace: evil, Name: evil}}}}
	created := change(plan.Create, evil, evil)
	created.Body = object.Object{"apiVersion": "v1", "kind": evil, "metadata": map[string]any{"name": evil, "annotations": map[string]any{"link": evil}}, "data": map[string]any{evil: evil}}
	pruned := change(plan.Prune, "Namespace", evil)
	pruned.Takes = c.Takes
	odd := change(plan.Action(evil), "ConfigMap", "odd")
	a := app(evil, evil, c, created, pruned, odd)
	a.Address = addr.Application("web").Instance(evil)
	a.Warnings, a.Blocked = []string{evil}, []plan.Problem{{Summary: evil, Detail: evil, Range: evil}}
	a.Risks = []plan.Risk{{Code: evil, Severity: plan.Severity(evil), Object: &c.ID, Detail: evil}, {Code: evil, Severity: plan.Low, Detail: evil, Accepted: evil}}
	a.Sources[0].URL, a.Sources[0].Path = "javascript:window.owned=1", evil
	b := app("b", "production", change(plan.Update, "ConfigMap", "plain", changed("data.a", "1", "2")))
	b.DependsOn = []addr.Address{a.Address}
	p := base(a, b)
	p.ToolVersion, p.ID, p.InputDigest, p.Lineage = evil, evil, evil, evil
	p.Targets = []string{evil}
	p.Clusters = []plan.Cluster{{Name: evil, Version: evil}}
	p.Problems = []plan.Problem{{Summary: evil, Detail: evil, Range: evil}}
	return p
}

// creation is a plan that creates so many objects, a hundred in each application.
func creation(objects int) *plan.Plan {
	p := base()
	for n := range (objects + 99) / 100 {
		name := fmt.Sprintf("team-%04d", n)
		var changes []plan.Change
		for i := range min(100, objects-n*100) {
			c := change(plan.Create, "ConfigMap", fmt.Sprintf("settings-%02d", i))
			c.Body = object.Object{
				"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": c.ID.Name, "namespace": name},
				"data": map[string]any{"number": fmt.Sprintf("number %d of all", n*100+i), "config.yaml": strings.Repeat("some setting: of a service\n", 60)},
			}
			changes = append(changes, c)
		}
		a := app(name, "production", changes...)
		a.Address = addr.Application("team").Instance(name)
		if n > 0 {
			a.DependsOn = []addr.Address{p.Applications[(n-1)/3].Address}
		}
		p.Applications = append(p.Applications, a)
	}
	return p
}
