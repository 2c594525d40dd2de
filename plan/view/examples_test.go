package view_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/redact"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/source"
)

var (
	noon    = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	staging = plan.Cluster{Name: "staging", UID: "11111111-1111-4111-8111-111111111111", Server: "https://127.0.0.1:6443", Version: "v1.37.2"}
	prod    = plan.Cluster{Name: "production", UID: "22222222-2222-4222-8222-222222222222", Server: "https://127.0.0.1:6444", Version: "v1.37.2"}
	overlay = source.Pin{
		Location: source.Location{Type: source.Git, URL: "https://example.com/deploy.git", Revision: "main"},
		Resolved: "3f9c2ab81d04c7e5a6b8f9012345678901234567", Path: "overlays/production",
	}
)

func fingerprint(value string) string {
	f, err := seal.NewFingerprinter(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		panic(err)
	}
	return f.Of(value)
}

func base(applications ...plan.Application) *plan.Plan {
	return &plan.Plan{
		ToolVersion: "0.1.0", CreatedAt: noon, Lineage: "33333333-3333-4333-8333-333333333333", InputDigest: "sha256:abc",
		Clusters: []plan.Cluster{prod}, Applications: applications,
	}
}

func web(changes ...plan.Change) plan.Application {
	return plan.Application{
		Address: addr.Application("web").Instance("production"), Name: "web", Cluster: "production", Namespace: "web",
		Sources: []source.Pin{overlay}, Changes: changes, Digest: "sha256:def", Serial: 3,
	}
}

func id(kind, name string) object.ID {
	kind, group, _ := strings.Cut(kind, ".")
	return object.ID{Group: group, Kind: kind, Namespace: "web", Name: name}
}

func change(action plan.Action, kind, name string, fields ...plan.FieldChange) plan.Change {
	return plan.Change{ID: id(kind, name), Version: "v1", Action: action, Fields: fields}
}

func changed(path string, before, after any) plan.FieldChange {
	return plan.FieldChange{Path: path, Kind: plan.Changed, Before: before, After: after}
}

func deployment() object.Object {
	return object.Object{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{
			"name": "podinfo", "namespace": "web",
			"labels":      map[string]any{"app": "podinfo", "gantry.dev/application": "web", "applyset.kubernetes.io/part-of": "applyset-x-v1"},
			"annotations": map[string]any{"gantry.dev/tracking-id": "x"},
		},
		"spec": map[string]any{
			"replicas": int64(2),
			"selector": map[string]any{"matchLabels": map[string]any{"app": "podinfo"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"app": "podinfo"}},
				"spec": map[string]any{"containers": []any{map[string]any{
					"name": "app", "image": "example.com/podinfo:6.7.1", "command": []any{"./podinfo", "--port=9898"},
					"ports":     []any{map[string]any{"containerPort": int64(9898), "name": "http"}},
					"resources": map[string]any{"limits": map[string]any{"memory": "64Mi"}, "requests": map[string]any{}},
				}}},
			},
		},
	}
}

const configBefore = "# settings of the web\nlisten: 0.0.0.0:8080\nlog:\n  level: info\n  format: json\ncache:\n  size: 100\n  ttl: 5m\nfeatures:\n  - search\n  - export\nfooter: yes\n"

// examples are the plans that the goldens show.
func examples() map[string]*plan.Plan {
	return map[string]*plan.Plan{
		"create":    createExample(),
		"update":    updateExample(),
		"delete":    deleteExample(),
		"blocked":   blockedExample(),
		"nothing":   base(web(change(plan.Unchanged, "Service", "podinfo"), change(plan.Unchanged, "Deployment.apps", "podinfo"))),
		"empty":     {CreatedAt: noon},
		"failed":    {CreatedAt: noon, Problems: []plan.Problem{{Summary: "Cluster cannot be reached", Detail: "connection refused"}}},
		"destroy":   destroyExample(),
		"docs":      docsExample(),
		"hooks":     hooksExample(),
		"hostile":   hostileExample(),
		"inside":    insideExample(),
		"risks":     risksExample(),
		"rollout":   rolloutExample(),
		"same":      sameExample(),
		"unsettled": unsettledExample(),
		"held":      heldExample(),
		"windows":   windowsExample(),
		"projects":  projectExample(),
		"policies":  policiesExample(),
		"affected":  affectedExample(),
	}
}

func affectedExample() *plan.Plan {
	p := createExample()
	web, others := p.Applications[0].Address, []addr.Address{}
	for _, name := range []string{"cart", "search"} {
		others = append(others, addr.Address{Kind: "application", Name: name})
	}
	p.Affected = &plan.Affected{
		Ref: "main", Commit: "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d", Others: others,
		Touched: []plan.Touched{{Address: web, Kind: plan.TouchedFiles, Why: "apps/web/deployment.yaml"}},
	}
	return p
}

func createExample() *plan.Plan {
	namespace := change(plan.Create, "Namespace", "web")
	namespace.ID.Namespace = ""
	namespace.Body = object.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "web"}}
	workload := change(plan.Create, "Deployment.apps", "podinfo")
	workload.Body, workload.Predicted, workload.Reason = deployment(), true, "namespace web is made by this plan"
	secret := change(plan.Create, "Secret", "login")
	secret.Body = object.Object{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": map[string]any{"name": "login", "namespace": "web"},
		"data": map[string]any{"password": fingerprint("hunter2"), "tls.key": fingerprint("key")},
	}
	config := change(plan.Create, "ConfigMap", "settings")
	config.Body = object.Object{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "settings", "namespace": "web"},
		"data": map[string]any{"config.yaml": configBefore, "mode": "true", "motd": strings.Repeat("welcome ", 20)},
	}
	hook := change(plan.Run, "Job.batch", "migrate")
	hook.Phase, hook.Wave, hook.Predicted, hook.Hook = plan.PhasePreSync, -1, true, &plan.Hook{}
	hook.Body = object.Object{"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": "migrate"}, "spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"image": "example.com/migrate:1", "name": "migrate"}}}}}}
	a := web(namespace, hook, config, secret, workload)
	a.Serial = 0
	chart := plan.Application{
		Address: addr.Application("ingress"), Name: "ingress", Cluster: "staging", Namespace: "ingress",
		Sources: []source.Pin{
			{Location: source.Location{Type: source.Helm, URL: "https://user:hunter2@charts.example.com", Chart: "ingress", Revision: "4.x"}, Resolved: "4.12.1"},
			{Location: source.Location{Type: source.OCI, URL: "oci://registry.example.com/charts/extra"}, Resolved: "1.2.3", Digest: "sha256:" + strings.Repeat("ab", 32)},
			{Location: source.Location{Type: source.Directory, URL: "./manifests"}, Digest: "sha256:" + strings.Repeat("cd", 32)},
			{Location: source.Location{Type: source.Inline}},
		},
		Changes: []plan.Change{{ID: object.ID{Kind: "Service", Namespace: "ingress", Name: "controller"}, Version: "v1", Action: plan.Create, Body: object.Object{
			"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "controller", "namespace": "ingress"},
			"spec": map[string]any{"type": "LoadBalancer", "ports": []any{map[string]any{"name": "http", "port": int64(80)}, map[string]any{"port": int64(443)}}, "selector": map[string]any{}},
		}, Warnings: []string{"spec.loadBalancerIP is deprecated\nuse something else"}}},
	}
	p := base(chart, a)
	p.Clusters = []plan.Cluster{prod, staging}
	p.Remotes = []plan.Remote{{Name: "network", Pin: source.Pin{
		Location: source.Location{Type: source.Remote, URL: "../network/.gantry"}, Digest: "sha256:" + strings.Repeat("ef", 32),
	}}}
	p.Published = &published.Document{Outputs: []published.Output{
		{Name: "address", Value: json.RawMessage(`{"host":"web.example.com","ports":[80,443],"big":9007199254740993}`)},
		{Name: "certificate", Value: json.RawMessage(`"-----BEGIN-----\nabc\n-----END-----\n"`)},
		{Name: "password", Sensitive: true},
		{Name: "same", Value: json.RawMessage(`1`)},
		{Name: "token", Sensitive: true},
		{Name: "zone", Value: json.RawMessage(`"eu-2"`)},
	}}
	p.OutputsBefore = []published.Output{
		{Name: "gone", Value: json.RawMessage(`true`)},
		{Name: "same", Value: json.RawMessage(`1`)},
		{Name: "token", Sensitive: true},
		{Name: "zone", Value: json.RawMessage(`"eu-1"`)},
	}
	return p
}

func updateExample() *plan.Plan {
	configAfter := strings.NewReplacer("level: info", "level: debug", "  - export\n", "  - export\n  - import\n", "footer: yes\n", "footer: no").Replace(configBefore)
	drifted := changed("spec.replicas", int64(5), int64(2))
	drifted.Drift = &plan.Writer{Manager: "kubectl-edit", Operation: "Update", At: noon.Add(-3 * time.Minute)}
	removedByHand := plan.FieldChange{Path: "spec.paused", Kind: plan.Removed, Before: true, Drift: &plan.Writer{Manager: "unknown"}}
	defaulted := plan.FieldChange{Path: "spec.progressDeadlineSeconds", Kind: plan.Added, After: int64(600), Server: true}
	owned := func(kind plan.FieldKind, path string, value any) plan.FieldChange {
		return plan.FieldChange{Path: path, Kind: kind, Before: value, After: value, Owned: true}
	}
	secretField := changed("data.password", fingerprint("old"), fingerprint("new"))
	secretField.Sensitive = true
	engineStyle := plan.FieldChange{Path: `data["tls.key"]`, Kind: plan.Added, After: "(sensitive 0011aabbccdd)", Sensitive: true}
	takeOver := change(plan.Update, "HorizontalPodAutoscaler.autoscaling", "podinfo", changed("spec.maxReplicas", int64(4), int64(8)))
	takeOver.Conflicts = []plan.Conflict{{Path: "spec.maxReplicas", Writer: plan.Writer{Manager: "autotuner", Operation: "Apply", At: noon.Add(-26 * time.Hour)}, Before: int64(4), After: int64(8)}}
	takeOver.Warnings = []string{"autoscaling/v1 is deprecated"}
	adopted := change(plan.Adopt, "Service", "podinfo",
		changed("spec.type", "ClusterIP", "LoadBalancer"),
		owned(plan.Added, "spec.ports", []any{}), owned(plan.Added, "spec.selector.app", "podinfo"), owned(plan.Removed, "spec.clusterIP", "None"))
	adopted.Reason = "exists, and is not in the state"
	a := web(
		change(plan.Update, "ConfigMap", "settings",
			changed(`data["config.yaml"]`, configBefore, configAfter),
			changed("data.mode", "true", "fast"),
			plan.FieldChange{Path: "data.motd", Kind: plan.Added, After: "first line\nsecond line\n"},
			plan.FieldChange{Path: "data.old", Kind: plan.Removed, Before: ""},
			changed("data.space", "a", "a "),
		),
		change(plan.Update, "Secret", "login", secretField, engineStyle),
		adopted,
		change(plan.Update, "Deployment.apps", "podinfo", drifted, removedByHand, defaulted,
			changed("spec.template.spec.containers[name=app].image", "example.com/podinfo:6.7.1", "example.com/podinfo:6.8.0"),
			changed("spec.template.spec.containers[name=app].args", []any{"--log=info"}, []any{"--log=debug", "--very-long-argument-number-one=1", "--very-long-argument-number-two=2"}),
			changed("spec.template.metadata.annotations[\"example.com/note\"]", strings.Repeat("before ", 12), strings.Repeat("after ", 12)),
			plan.FieldChange{Path: "metadata.labels.team", Kind: plan.Added, After: "web", Drift: &plan.Writer{Manager: "kubectl-label", At: noon.Add(-90 * time.Second)}},
			plan.FieldChange{Path: "spec.template.spec.tolerations", Kind: plan.Added, After: []any{map[string]any{"key": "spot", "operator": "Exists"}}},
		),
		takeOver,
		change(plan.Unchanged, "ServiceAccount", "podinfo"),
	)
	a.Settings.Conflicts = "take_over"
	was := overlay
	was.Resolved = "81d04c7e5a6b8f90123456789012345678901234"
	a.Prior = []source.Pin{was}
	quiet := web(change(plan.Unchanged, "Service", "podinfo"))
	quiet.Address = addr.Application("quiet")
	p := base(quiet, a)
	p.Targets = []string{`application.web["production"]`}
	p.Generators = []plan.Generator{{
		Address: addr.Address{Kind: "generator", Type: "git", Name: "overlays"}, Keys: []string{"production"}, Removed: []string{"staging"},
		Reads: []source.Pin{{Location: overlay.Location, Resolved: overlay.Resolved}},
	}}
	return p
}

func deleteExample() *plan.Plan {
	replaced := change(plan.Replace, "Job.batch", "migrate", changed("spec.template.spec.containers[name=migrate].image", "example.com/migrate:1", "example.com/migrate:2"))
	replaced.Reason = "spec.template cannot change on an existing object"
	pruned := change(plan.Prune, "Service", "old")
	pruned.Reason = "no longer desired"
	kept := change(plan.Orphan, "PersistentVolumeClaim", "data")
	kept.Reason = "its annotations say that it is kept"
	gone := change(plan.Forget, "ConfigMap", "gone")
	gone.Reason = "is already gone"
	leaving := plan.Application{
		Address: addr.Application("legacy"), Cluster: "production", Namespace: "legacy", Leaves: true,
		Changes: []plan.Change{{ID: object.ID{Group: "apps", Kind: "Deployment", Namespace: "legacy", Name: "legacy-with-a-longer-name"}, Version: "v1", Action: plan.Prune, Reason: "its application leaves"}},
	}
	return base(leaving, web(replaced, change(plan.Update, "ConfigMap", "settings", changed("data.mode", "a", "b")), pruned, kept, gone))
}

func destroyExample() *plan.Plan {
	pruned := change(plan.Prune, "Service", "podinfo")
	pruned.Reason = "its application leaves"
	stays := change(plan.Orphan, "Namespace", "web") // is told with the rest, and nothing is told twice
	stays.ID.Namespace, stays.Reason = "", "sync.create_namespace made it: it stays, with what others have put into it"
	a := web(pruned, change(plan.Prune, "Deployment.apps", "podinfo"), stays)
	a.Leaves = true
	p := base(a)
	p.Destroy = true
	return p
}

func blockedExample() *plan.Plan {
	refused := change(plan.Blocked, "Deployment.apps", "podinfo")
	refused.Reason = "Server refuses the object: spec.replicas: Invalid value: -1: must be greater than or equal to 0\nspec.selector: Required value"
	conflicted := change(plan.Blocked, "Service", "podinfo")
	conflicted.Reason = "Fields are owned by others: spec.type"
	conflicted.Conflicts = []plan.Conflict{{Path: "spec.type", Writer: plan.Writer{Manager: "kubectl"}, Before: "NodePort", After: "ClusterIP"}}
	a := web(refused, conflicted, change(plan.Create, "ConfigMap", "settings"))
	refusedID := refused.ID
	a.Blocked = []plan.Problem{
		{Address: a.Address, Object: &refusedID, Summary: "Change is blocked", Detail: refused.Reason},
		{Address: a.Address, Summary: "Dependency cannot be applied", Detail: "It depends on application.database,\nwhich is blocked.", Range: "web.gantry.hcl:12,3"},
	}
	a.Warnings = []string{"a source's branch has been rewritten"}
	p := base(a)
	p.Offline = true
	p.Problems = []plan.Problem{
		{Address: addr.Application("shop"), Summary: "Source cannot be read", Detail: "https://example.com/shop.git: authentication required", Range: "shop.gantry.hcl:3,5"},
		{Summary: "Cluster cannot be reached", Detail: "connection refused"},
	}
	return p
}

// docsExample is the plan that docs/plans.md explains.
func docsExample() *plan.Plan {
	drifted := changed("spec.replicas", int64(5), int64(2))
	drifted.Drift = &plan.Writer{Manager: "kubectl-edit", Operation: "Update", At: noon.Add(-3 * time.Minute)}
	pruned := change(plan.Prune, "Service", "old")
	pruned.Reason = "no longer desired"
	a := web(
		change(plan.Update, "ConfigMap", "settings", changed("data.mode", "slow", "fast")),
		change(plan.Update, "Deployment.apps", "podinfo", drifted,
			changed("spec.template.spec.containers[name=app].image", "example.com/podinfo:6.7.1", "example.com/podinfo:6.8.0")),
		pruned,
	)
	for i := range 40 {
		a.Changes = append(a.Changes, change(plan.Unchanged, "ConfigMap", fmt.Sprintf("unchanged-%d", i)))
	}
	was := overlay
	was.Resolved = "81d04c7e5a6b8f90123456789012345678901234"
	a.Prior = []source.Pin{was}
	return base(a)
}

// hostileExample holds what a source or a cluster might send to fool a terminal
// or a comment, and a Secret that nobody redacted.
func hostileExample() *plan.Plan {
	leaked := change(plan.Create, "Secret", "leaked")
	leaked.Body = object.Object{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "leaked", "annotations": map[string]any{redact.LastApplied: `{"data":"TOPSECRET"}`}},
		"data": map[string]any{"a": "TOPSECRET"}, "stringData": map[string]any{"b": "TOPSECRET"},
	}
	field := changed("data.a", "TOPSECRET", "TOPSECRET2")
	list := plan.FieldChange{Path: "data", Kind: plan.Added, After: map[string]any{"a": "TOPSECRET"}}
	a := web(
		change(plan.Update, "ConfigMap", "esc\x1b[2Jape",
			changed("data.a\x1b]0;title\x07", "\x1b[31mred", "tab\there\rand return"),
			changed("data.b", "user\u202egnp.exe", "zero\u200bwidth"),
			changed("data.c", "line\n\x1b[1A\x1b[2Kspoofed\n", "line\nPlan: 0 to create.\n"),
			changed("data.d", "not \xff utf8\nx", "\xfe\n"),
			changed("data.e", "```\n</details>\n", "| `a` | <script>alert(1)</script>\n"),
		),
		leaked,
		change(plan.Update, "Secret", "leaked2", field, list),
	)
	a.Warnings = []string{"warning\x1b[0m"}
	a.Address = addr.Application("web").Instance("<b>`|`</b>\x1b[2J")
	p := base(a)
	p.Problems = []plan.Problem{{Summary: "**bold** [link](https://evil.example.com) \x1b[2J", Range: "a`b"}}
	return p
}

// large is a plan of many applications that all change.
func large(n int) *plan.Plan {
	p := base()
	for i := range n {
		a := web(change(plan.Update, "ConfigMap", "settings", changed("data.mode", int64(i), strings.Repeat("b", 100))))
		a.Address = addr.Application("web").Instance(fmt.Sprintf("%05d", i))
		p.Applications = append(p.Applications, a)
	}
	return p
}
