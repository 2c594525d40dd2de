package view_test

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

func taken(why plan.TakenWhy, kind string, names ...string) plan.Taken {
	kind, group, _ := strings.Cut(kind, ".")
	out := plan.Taken{Group: group, Kind: kind, Why: why, Count: len(names)}
	for _, name := range names {
		namespace, name, ok := strings.Cut(name, "/")
		if !ok {
			namespace, name = "", namespace
		}
		out.IDs = append(out.IDs, plan.TakenID{Namespace: namespace, Name: name})
	}
	return out
}

func numbered(prefix string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s-%d", prefix, i))
	}
	return out
}

// risksExample has risks of every severity, an accepted one, deletions that take much
// with them, managers whose fields are taken over, and every level of validation.
func risksExample() *plan.Plan {
	namespace := change(plan.Prune, "Namespace", "legacy")
	namespace.ID.Namespace, namespace.Reason = "", "no longer desired"
	claims := taken(plan.TakenInside, "PersistentVolumeClaim", "legacy/db-data", "legacy/db-wal")
	claims.Data = true
	volumes := taken(plan.TakenVolume, "PersistentVolume", "pvc-1", "pvc-2")
	volumes.Data = true
	others := taken(plan.TakenInside, "ConfigMap", "legacy/shared")
	others.Of = `application.shop["eu"]`
	namespace.Takes = []plan.Taken{taken(plan.TakenInside, "ConfigMap", numbered("legacy/settings", 12)...), others, claims, taken(plan.TakenInside, "Secret", numbered("legacy/login", 3)...), volumes}
	definition := change(plan.Prune, "CustomResourceDefinition.apiextensions.k8s.io", "widgets.example.com")
	definition.ID.Namespace = ""
	widgets := taken(plan.TakenInstance, "Widget.example.com", "shop/a", "shop/b")
	widgets.Of = "application.shop"
	definition.Takes = []plan.Taken{taken(plan.TakenInstance, "Widget.example.com", "web/c"), widgets}
	replaced := change(plan.Replace, "Job.batch", "migrate", changed("spec.template.spec.containers[name=migrate].image", "example.com/migrate:1", "example.com/migrate:2"))
	replaced.Reason = "spec.template cannot change on an existing object"
	replaced.Takes = []plan.Taken{taken(plan.TakenOwned, "Pod", "web/migrate-x")}
	adopted := change(plan.Adopt, "Service", "podinfo", changed("spec.type", "ClusterIP", "LoadBalancer"))
	adopted.Reason = "exists, and is not in the state"
	adopted.Moves = []plan.ManagerMove{
		{Manager: "helm", Operation: "Update", Fields: []string{"metadata.labels.chart", "metadata.labels.heritage", "spec.externalName", "spec.externalTrafficPolicy", "spec.healthCheckNodePort", "spec.loadBalancerClass"}},
		{Manager: "kubectl-client-side-apply", Operation: "Update"},
	}
	adopted.Validation = plan.ServerDryRun
	var created []plan.Change
	for _, v := range []plan.Validation{plan.NotValidated, plan.SchemaOnly, plan.SchemaAndRules} {
		c := change(plan.Create, "Widget.example.com", "widget-"+string(v))
		c.Predicted, c.Reason, c.Validation = true, "its kind is made by this plan", v
		created = append(created, c)
	}
	rollout := change(plan.Update, "Deployment.apps", "podinfo",
		changed("spec.template.spec.containers[name=app].image", "example.com/podinfo:6.7.1", "example.com/podinfo:latest"))
	a := web(append(created, adopted, rollout, replaced, namespace, definition)...)
	deployment := rollout.ID
	image := "spec.template.spec.containers[name=app].image"
	a.Risks = []plan.Risk{
		{Code: "data-loss", Severity: plan.High, Object: &namespace.ID, Detail: "2 volumes are deleted with their claims, for their reclaim policy is Delete.", Range: "web.gantry.hcl:3,1"},
		{Code: "pods-restart", Severity: plan.Medium, Object: &deployment, Paths: []string{image}, Detail: "All 3 pods restart, one at a time (RollingUpdate).\nThe PodDisruptionBudget web/podinfo allows none to be away.", Range: "web.gantry.hcl:3,1"},
		{Code: "image-not-pinned", Severity: plan.Low, Object: &deployment, Paths: []string{image}, Detail: "The image has no digest.", Accepted: "the registry is read-only", Range: "web.gantry.hcl:9,5"},
	}
	shop := web(change(plan.Update, "ConfigMap", "settings", changed("data.mode", "a", "b")))
	shop.Address = addr.Application("shop")
	shop.Risks = []plan.Risk{
		{Code: "source-not-pinned", Severity: plan.Low, Detail: "The branch main may be another commit tomorrow."},
	}
	mail := web(change(plan.Update, "ConfigMap", "settings", changed("data.mode", "c", "d")))
	mail.Address = addr.Application("mail")
	mail.Risks = shop.Risks
	p := base(mail, shop, a)
	p.ID, p.ExpiresAt = "44444444-4444-4444-8444-444444444444", noon.AddDate(0, 0, 1)
	p.Applications[0].DependsOn = []addr.Address{addr.Application("shop")}
	p.Applications[1].DependsOn = []addr.Address{a.Address}
	return p
}

// sameExample has a change that many applications have, one that some of them have too,
// and one of its own.
func sameExample() *plan.Plan {
	p := base()
	for i := range 12 {
		key := fmt.Sprintf("team-%02d", i)
		own := func(c plan.Change) plan.Change {
			c.ID.Namespace = key
			return c
		}
		a := web(
			own(change(plan.Update, "ConfigMap", key+"-settings", changed("data.host", key+".example.com", key+".example.org"), changed("data.level", "info", "debug"))),
			own(change(plan.Update, "Deployment.apps", key, changed("spec.replicas", int64(2), int64(3)))),
			own(change(plan.Unchanged, "Service", key)),
		)
		a.Address, a.Name, a.Namespace = addr.Application("team").Instance(key), key, key
		a.Sources = []source.Pin{overlay}
		was := overlay
		was.Resolved = "81d04c7e5a6b8f90123456789012345678901234"
		a.Prior = []source.Pin{was}
		if i == 7 {
			a.Changes[1].Fields[0].After = int64(9)
			a.Changes = append(a.Changes, own(change(plan.Prune, "Service", "old")))
		}
		p.Applications = append(p.Applications, a)
	}
	return p
}

// insideExample has changes within values: lists by their keys, documents within texts,
// and lines that are too long.
func insideExample() *plan.Plan {
	container := func(name, image string, rest ...any) map[string]any {
		out := map[string]any{"name": name, "image": image}
		for i := 0; i+1 < len(rest); i += 2 {
			out[rest[i].(string)] = rest[i+1]
		}
		return out
	}
	env := func(pairs ...string) []any {
		var out []any
		for i := 0; i+1 < len(pairs); i += 2 {
			out = append(out, map[string]any{"name": pairs[i], "value": pairs[i+1]})
		}
		return out
	}
	port := func(number int64, target any) map[string]any {
		return map[string]any{"port": number, "targetPort": target}
	}
	long := strings.Repeat("--flag=value ", 40)
	a := web(
		change(plan.Update, "Widget.example.com", "lists",
			changed("spec.containers",
				[]any{container("app", "example.com/app:1", "env", env("LEVEL", "info", "OLD", "1")), container("proxy", "example.com/proxy:1")},
				[]any{container("sidecar", "example.com/sidecar:1"), container("app", "example.com/app:2", "env", env("LEVEL", "debug", "NEW", "2")), container("proxy", "example.com/proxy:1")}),
			changed("spec.ports", []any{port(80, "http"), port(443, "https")}, []any{port(443, "https"), port(80, int64(8080))}),
			changed("spec.args", []any{"--a", "--b"}, []any{"--a", "--c"}),
			changed("spec.nested", map[string]any{"a.b": map[string]any{"c": "d"}}, map[string]any{"a.b": map[string]any{"c": "e"}, "f": []any{}}),
		),
		change(plan.Update, "ConfigMap", "documents",
			changed(`data["one-line.json"]`, `{"log":{"level":"info"},"features":["search"],"hosts":[{"name":"a","port":80}],"limit":9007199254740993}`,
				`{"log":{"level":"debug","format":"json"},"features":["search","export"],"hosts":[{"name":"a","port":81}],"limit":9007199254740992}`),
			changed(`data["reformatted.json"]`, `{"a":1,"b":2}`, "{\n  \"b\": 2,\n  \"a\": 1\n}\n"),
			changed(`data["reordered.yaml"]`, "a: 1\nb: 2\n", "b: 2\na: 1\n"),
			changed(`data["config.yaml"]`, "# comment\nlog:\n  level: info\n", "# comment\nlog:\n  level: debug\n"),
		),
		change(plan.Update, "ConfigMap", "long",
			changed("data.flags", long+"--level=info "+long, long+"--level=debug "+long),
			plan.FieldChange{Path: "data.blob", Kind: plan.Added, After: strings.Repeat("x", 5000)},
			plan.FieldChange{Path: "data.list", Kind: plan.Removed, Before: strings.Repeat("line\n", 100)},
		),
	)
	return base(a)
}

// actionExamples have one action each.
func actionExamples() map[plan.Action]*plan.Plan {
	field := changed("spec.replicas", int64(2), int64(3))
	with := func(action plan.Action, reason string, fields ...plan.FieldChange) *plan.Plan {
		c := change(action, "Deployment.apps", "podinfo", fields...)
		c.Reason, c.Validation = reason, plan.ServerDryRun
		return base(web(c))
	}
	create := with(plan.Create, "")
	create.Applications[0].Changes[0].Body = deployment()
	run := with(plan.Run, "")
	run.Applications[0].Changes[0].ID = id("Job.batch", "migrate")
	run.Applications[0].Changes[0].Phase, run.Applications[0].Changes[0].Hook = plan.PhasePreSync, &plan.Hook{}
	run.Applications[0].Changes[0].Body = object.Object{"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": "migrate"}, "spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"image": "example.com/migrate:1", "name": "migrate"}}}}}}
	adopt := with(plan.Adopt, "exists, and is not in the state", field)
	adopt.Applications[0].Changes[0].Moves = []plan.ManagerMove{{Manager: "kubectl-client-side-apply", Operation: "Update", Fields: []string{"metadata.labels.team"}}}
	prune := with(plan.Prune, "no longer desired")
	prune.Applications[0].Changes[0].Takes = []plan.Taken{taken(plan.TakenOwned, "Pod", numbered("web/podinfo", 3)...), taken(plan.TakenOwned, "ReplicaSet.apps", "web/podinfo-1")}
	blocked := with(plan.Blocked, "Server refuses the object: admission webhook \"policy.example.com\" denied the request: no requests of memory")
	blocked.Applications[0].Blocked = []plan.Problem{{Object: &blocked.Applications[0].Changes[0].ID, Summary: "Change is blocked"}}
	remember := with(plan.Remember, "it runs when the application leaves")
	remember.Applications[0].Changes[0].ID = id("Job.batch", "clean-up")
	remember.Applications[0].Changes[0].Phase, remember.Applications[0].Changes[0].Hook = plan.PhasePreDelete, &plan.Hook{}
	remember.Applications[0].Changes[0].Body = run.Applications[0].Changes[0].Body
	return map[plan.Action]*plan.Plan{
		plan.Remember: remember,
		plan.Create:   create, plan.Run: run, plan.Adopt: adopt, plan.Prune: prune, plan.Blocked: blocked,
		plan.Update:    with(plan.Update, "", field),
		plan.Replace:   with(plan.Replace, "spec.selector cannot change on an existing object", changed("spec.selector.matchLabels.app", "a", "b")),
		plan.Orphan:    with(plan.Orphan, "its annotations say that it is kept"),
		plan.Forget:    with(plan.Forget, "is already gone"),
		plan.Unchanged: with(plan.Unchanged, ""),
	}
}
