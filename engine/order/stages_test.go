package order_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

func id(text string) object.ID {
	id, err := object.ParseID(text)
	if err != nil {
		panic(err)
	}
	return id
}

func crd(name, group, kind string) order.Item {
	return order.Item{
		ID:     id("CustomResourceDefinition.apiextensions.k8s.io " + name),
		Object: object.Object{"spec": map[string]any{"group": group, "names": map[string]any{"kind": kind}}},
	}
}

// show renders stages one a line: what is done, then after "|" what is waited for.
func show(items []order.Item) string {
	var b strings.Builder
	for _, s := range order.Stages(items) {
		verb := string(s.Phase)
		if s.Delete {
			verb = "delete"
		}
		fmt.Fprintf(&b, "%s %d:%s", verb, s.Wave, names(items, s.Items))
		if s.Wait {
			fmt.Fprintf(&b, " |%s", names(items, s.Await))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func names(items []order.Item, list []int) string {
	var b strings.Builder
	for _, i := range list {
		b.WriteString(" " + items[i].ID.Kind + "/" + items[i].ID.Name)
	}
	return b.String()
}

func TestStages(t *testing.T) {
	for name, c := range map[string]struct {
		items []order.Item
		want  string
	}{
		"nothing": {},
		"kinds without waiting": {
			items: []order.Item{
				{ID: id("Deployment.apps web/b")},
				{ID: id("Deployment.apps web/a")},
				{ID: id("Service web/a")},
				{ID: id("Namespace web")},
				{ID: id("ConfigMap web/c")},
			},
			want: `
Sync 0: Namespace/web
Sync 0: ConfigMap/c
Sync 0: Service/a
Sync 0: Deployment/a Deployment/b
`,
		},
		"a wave waits for the whole one before": {
			items: []order.Item{
				{ID: id("Service web/db"), Wave: -1},
				{ID: id("StatefulSet.apps web/db"), Wave: -1},
				{ID: id("Deployment.apps web/app")},
			},
			want: `
Sync -1: Service/db
Sync -1: StatefulSet/db | Service/db StatefulSet/db
Sync 0: Deployment/app
`,
		},
		"hooks around a sync": {
			items: []order.Item{
				{ID: id("Job.batch web/after"), Phase: plan.PhasePostSync, Hook: true},
				{ID: id("Job.batch web/before"), Phase: plan.PhasePreSync, Hook: true},
				{ID: id("Job.batch web/sorry"), Phase: plan.PhaseSyncFail, Hook: true},
				{ID: id("Namespace web")},
				{ID: id("Deployment.apps web/app")},
			},
			want: `
PreSync 0: Namespace/web
PreSync 0: Job/before | Job/before Namespace/web
Sync 0: Deployment/app | Deployment/app
PostSync 0: Job/after
SyncFail 0: Job/sorry
`,
		},
		"custom resources wait for their CRD only": {
			items: []order.Item{
				crd("widgets.example.com", "example.com", "Widget"), crd("others.example.org", "example.org", "Other"),
				{ID: id("PersistentVolumeClaim web/data")},
				{ID: id("Deployment.apps web/app")},
				{ID: id("Widget.example.com web/w")},
			},
			want: `
Sync 0: PersistentVolumeClaim/data
Sync 0: CustomResourceDefinition/others.example.org CustomResourceDefinition/widgets.example.com
Sync 0: Deployment/app | CustomResourceDefinition/widgets.example.com
Sync 0: Widget/w
`,
		},
		"a custom kind that is called like another": {
			items: []order.Item{
				{ID: id("NetworkPolicy.crd.example.com web/deny")},
				{ID: id("NetworkPolicy.networking.k8s.io web/deny")},
				crd("networkpolicies.crd.example.com", "crd.example.com", "NetworkPolicy"),
			},
			want: `
Sync 0: NetworkPolicy/deny
Sync 0: CustomResourceDefinition/networkpolicies.crd.example.com | CustomResourceDefinition/networkpolicies.crd.example.com
Sync 0: NetworkPolicy/deny
`,
		},
		"what a later hook needs is deleted after it, and what asks to be last": {
			items: []order.Item{
				{ID: id("Namespace web"), Delete: true},
				{ID: id("ConfigMap web/c"), Delete: true},
				{ID: id("ConfigMap other/last"), Delete: true, Last: true},
				{ID: id("Namespace other"), Delete: true},
				{ID: id("Namespace third"), Delete: true},
				{ID: id("Job.batch web/first"), Phase: plan.PhasePreDelete, Hook: true},
				{ID: id("Job.batch web/bye"), Phase: plan.PhasePostDelete, Hook: true},
			},
			want: `
PreDelete 0: Job/first | Job/first
delete 0: ConfigMap/c | ConfigMap/c
delete 0: Namespace/third | Namespace/third
delete 0: ConfigMap/last | ConfigMap/last
delete 0: Namespace/other | Namespace/other
PostDelete 0: Job/bye | Job/bye
delete 0: Namespace/web
`,
		},
		"what is pruned goes before PostSync, and at the end what is pruned last": {
			items: []order.Item{
				{ID: id("Deployment.apps web/app")},
				{ID: id("ConfigMap web/old"), Delete: true},
				{ID: id("ConfigMap web/last"), Delete: true, Last: true},
				{ID: id("Job.batch web/test"), Phase: plan.PhasePostSync, Hook: true},
			},
			want: `
delete 0: ConfigMap/old | ConfigMap/old
Sync 0: Deployment/app | Deployment/app
delete 0: ConfigMap/last | ConfigMap/last
PostSync 0: Job/test
`,
		},
		"deletions are in waves of their own, mirrored, before what is written in them": {
			items: []order.Item{
				{ID: id("ConfigMap web/a")},
				{ID: id("Deployment.apps web/b"), Wave: 1},
				{ID: id("ConfigMap web/old-a"), Delete: true},
				{ID: id("Secret web/old-a"), Delete: true},
				{ID: id("Deployment.apps web/old-b"), Delete: true, Wave: 1},
				{ID: id("Deployment.apps web/last"), Delete: true, Wave: 1, Last: true},
			},
			want: `
delete 0: Deployment/old-b | Deployment/old-b
Sync 0: ConfigMap/a | ConfigMap/a
delete 1: ConfigMap/old-a | ConfigMap/old-a
delete 1: Secret/old-a | Secret/old-a
Sync 1: Deployment/b | Deployment/b
delete 1: Deployment/last
`,
		},
		"a namespace and a definition go after what is still written to them": {
			items: []order.Item{
				{ID: id("ConfigMap old/c"), Wave: 3},
				{ID: id("Namespace old"), Delete: true},
				{ID: id("Namespace other"), Delete: true},
				{ID: id("Widget.example.com web/w"), Phase: plan.PhasePostSync, Hook: true},
				{ID: id("CustomResourceDefinition.apiextensions.k8s.io widgets.example.com"), Delete: true},
			},
			want: `
delete 0: Namespace/other | Namespace/other
Sync 3: ConfigMap/c | ConfigMap/c
delete 3: Namespace/old | Namespace/old
PostSync 0: Widget/w | Widget/w
delete 0: CustomResourceDefinition/widgets.example.com
`,
		},
		"deletions run backwards, in their waves": {
			items: []order.Item{
				{ID: id("Namespace old"), Delete: true, Wave: 5},
				{ID: id("ConfigMap old/c"), Delete: true, Wave: 1},
				{ID: id("Deployment.apps old/app"), Delete: true, Wave: 2},
				{ID: id("Widget.example.com old/w"), Delete: true, Wave: -3},
				{ID: id("CustomResourceDefinition.apiextensions.k8s.io widgets.example.com"), Delete: true, Wave: 9},
				{ID: id("Deployment.apps web/app")},
				{ID: id("Job.batch web/bye"), Phase: plan.PhasePostDelete, Hook: true},
			},
			want: `
delete -3: Deployment/app | Deployment/app
Sync 0: Deployment/app | Deployment/app
delete 1: ConfigMap/c | ConfigMap/c
delete 2: Widget/w | Widget/w
delete 2: CustomResourceDefinition/widgets.example.com | CustomResourceDefinition/widgets.example.com
delete 2: Namespace/old | Namespace/old
PostDelete 0: Job/bye
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(strings.TrimPrefix(c.want, "\n"), show(c.items)); d != "" {
				t.Errorf("stages (-want +got):\n%s", d)
			}
		})
	}
}

func TestStagesProperties(t *testing.T) {
	kinds := []string{"Namespace", "ConfigMap", "Deployment.apps", "Widget.example.com", "Other.example.org", "CustomResourceDefinition.apiextensions.k8s.io"}
	draw := rapid.Custom(func(t *rapid.T) order.Item {
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		item := order.Item{
			Wave: rapid.IntRange(-2, 2).Draw(t, "wave"), Delete: rapid.Bool().Draw(t, "delete"), Last: rapid.Bool().Draw(t, "last"),
			Phase: rapid.SampledFrom([]plan.Phase{"", plan.PhasePreSync, plan.PhaseSync, plan.PhasePostSync, plan.PhaseSyncFail}).Draw(t, "phase"),
		}
		namespace := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "namespace")
		switch kind {
		case "Namespace":
			item.ID = id("Namespace " + namespace)
		case "CustomResourceDefinition.apiextensions.k8s.io":
			c := crd("widgets.example.com", "example.com", "Widget")
			item.ID, item.Object = c.ID, c.Object
		default:
			item.ID = id(kind + " " + namespace + "/x" + rapid.StringN(1, 3, 3).Draw(t, "name"))
		}
		return item
	})
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfNDistinct(draw, 0, 30, func(i order.Item) object.ID { return i.ID }).Draw(t, "items")
		stages := order.Stages(items)
		at, awaited := map[int]int{}, map[int]int{}
		for s, stage := range stages {
			for _, i := range stage.Items {
				if _, twice := at[i]; twice {
					t.Fatalf("item %d is in two stages", i)
				}
				at[i] = s
			}
			for _, i := range stage.Await {
				if place, ok := at[i]; !ok || place > s {
					t.Fatalf("stage %d awaits item %d, which was not started", s, i)
				}
				if _, twice := awaited[i]; twice {
					t.Fatalf("item %d is awaited twice", i)
				}
				awaited[i] = s
			}
			if stage.Wait != (len(stage.Await) > 0) {
				t.Fatalf("stage %d: Wait %v with %d to await", s, stage.Wait, len(stage.Await))
			}
		}
		if len(at) != len(items) {
			t.Fatalf("%d of %d items are in a stage", len(at), len(items))
		}
		for i, a := range items {
			for j, b := range items {
				checkPair(t, items, at, awaited, i, j, a, b)
			}
		}
	})
}

// holds reports whether others need an item, and move it.
func holds(item order.Item) bool {
	return item.ID.Kind == "Namespace" || item.ID.Kind == "CustomResourceDefinition"
}

// checkPair holds what Stages promises of any two items.
func checkPair(t *rapid.T, items []order.Item, at, awaited map[int]int, i, j int, a, b order.Item) {
	sync := func(item order.Item) bool { return item.Phase != plan.PhaseSyncFail || item.Delete }
	before := func(i, j int, waits bool) {
		done, ok := awaited[i]
		if at[i] >= at[j] || waits && (!ok || done >= at[j]) {
			t.Fatalf("%v must be done before %v:\n%s", items[i].ID, items[j].ID, show(items))
		}
	}
	needs := a.ID.Kind == "Namespace" && b.ID.Namespace == a.ID.Name
	defines := a.ID.Kind == "CustomResourceDefinition" && b.ID.Kind == "Widget"
	switch {
	case !sync(a) || !sync(b):
	case !a.Delete && b.Delete:
		inside := b.ID.Kind == "Namespace" && a.ID.Namespace == b.ID.Name || b.ID.Kind == "CustomResourceDefinition" && a.ID.Kind == "Widget"
		if inside || a.Phase == plan.PhasePreSync || b.Last && a.Phase != plan.PhasePostSync {
			before(i, j, true)
		}
	case a.Delete && !b.Delete && b.Phase == plan.PhasePostSync && !holds(a) && !holds(b):
		before(i, j, true)
	case a.Delete && b.Delete:
		if needs || defines {
			before(j, i, true)
		}
	case !a.Delete && !b.Delete:
		if needs || defines {
			before(i, j, defines)
		}
	}
}

func TestAnnotations(t *testing.T) {
	p := order.Annotations(annotated(map[string]string{
		"argocd.argoproj.io/sync-wave": "1", "gantry.dev/sync-wave": "2",
		"argocd.argoproj.io/hook": "PreSync", "gantry.dev/hook": "PostSync,Wrong",
		"argocd.argoproj.io/sync-options": "Prune=false, Replace=true", "gantry.dev/sync-options": "Prune=true",
		"helm.sh/hook": "pre-delete",
	}))
	want := order.Placement{
		Phases: []plan.Phase{plan.PhasePostSync}, Wave: 2, Hook: true, DeletePolicies: []string{order.BeforeHookCreation},
		Options:  map[string]string{"Prune": "true", "Replace": "true"},
		Warnings: []string{`annotation gantry.dev/hook has "Wrong"; expected PreSync, Sync, PostSync, SyncFail, PreDelete, PostDelete or Skip`},
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Errorf("placement (-want +got):\n%s", d)
	}
	kept := order.Annotations(annotated(map[string]string{"helm.sh/resource-policy": "keep"}))
	if !kept.NoPrune || !kept.NoDelete || kept.Phase() != plan.PhaseSync || kept.Hook {
		t.Errorf("helm.sh/resource-policy: keep: %+v", kept)
	}
}
