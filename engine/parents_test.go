package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
	statememory "github.com/gantrycd/gantry/state/memory"
)

// withParents is a bench with a cluster in memory, whose applications have parents.
func withParents(t *testing.T) (*enginetest.Bench, *memory.Cluster) {
	t.Helper()
	b := enginetest.New(t, map[string]string{"cluster.gantry.hcl": "cluster \"main\" {\n  server = \"https://main.example.com\"\n}\n"})
	cluster := memory.New(memory.Options{Name: "main", Resource: func(gvk object.GVK) providers.Resource {
		resource := engine.GuessResource(gvk)
		resource.Verbs = []string{"create", "delete", "get", "list", "patch", "watch"}
		return resource
	}})
	b.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
	b.Adapt = func(options *engine.Options) { options.Parents = true }
	return b, cluster
}

// parentsIn returns the parents on a cluster as "namespace address serial".
func parentsIn(t *testing.T, cluster providers.Cluster) string {
	t.Helper()
	resource, err := cluster.Resource(t.Context(), track.ParentGVK)
	if err != nil {
		t.Fatal(err)
	}
	all, err := cluster.List(t.Context(), resource, "", providers.ListOptions{LabelSelector: track.LabelLineage})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range all {
		parent, ok := track.ReadParent(o)
		if !ok {
			t.Errorf("not a parent: %v", o)
		}
		out = append(out, fmt.Sprintf("%s %s %d", parent.Namespace, parent.Address, parent.Serial))
	}
	return strings.Join(out, ", ")
}

func wantParents(t *testing.T, cluster providers.Cluster, want string) {
	t.Helper()
	if got := parentsIn(t, cluster); got != want {
		t.Errorf("parents are %q, want %q", got, want)
	}
}

// backup copies what a state has of applications, and restore puts it in place of what is
// there.
func backup(t *testing.T, records *state.Records) map[string][]byte {
	t.Helper()
	keys, err := records.Store().List(t.Context(), "applications")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, key := range keys {
		if out[key], _, err = records.Store().Get(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func restore(t *testing.T, records *state.Records, from map[string][]byte) {
	t.Helper()
	for key := range backup(t, records) {
		_, version, err := records.Store().Get(t.Context(), key)
		if err == nil {
			err = records.Store().Delete(t.Context(), key, version)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for key, value := range from {
		if _, err := records.Store().Put(t.Context(), key, value, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// A parent is written when its application is applied, renamed with it, and goes last.
func TestParents(t *testing.T) {
	t.Parallel()
	b, cluster := withParents(t)
	webs(t, b, "", "web")
	b.MustApply(t, engine.PlanOptions{})
	record, _, err := b.Records.Get(t.Context(), addr.Application("web"))
	if err != nil || record.Parent == nil || record.Parent.Namespace != "web" {
		t.Fatalf("%+v, %v", record, err)
	}
	wantParents(t, cluster, fmt.Sprintf("web application.web %d", record.Serial))
	if p := b.MustPlan(t, engine.PlanOptions{}); p.HasChanges() {
		t.Errorf("the parent is a change: %+v", p.Applications[0].Changes)
	}
	webs(t, b, "moved {\n  from = application.web\n  to = application.shop\n}\n", "shop")
	b.MustApply(t, engine.PlanOptions{})
	if record, _, err = b.Records.Get(t.Context(), addr.Application("shop")); err != nil || record == nil {
		t.Fatal(err)
	}
	wantParents(t, cluster, fmt.Sprintf("web application.shop %d", record.Serial))
	b.MustApply(t, engine.PlanOptions{Destroy: true})
	wantParents(t, cluster, "")
}

// A state that is older than what a cluster knows is refused: by plan, by apply of a plan
// that was made before, and until someone says that it is meant.
func TestOlderState(t *testing.T) {
	t.Parallel()
	b, cluster := withParents(t)
	webs(t, b, "", "web")
	b.MustApply(t, engine.PlanOptions{})
	old := backup(t, b.Records)
	edit(t, b, `kind = "ConfigMap"`, `kind = "ConfigMap", data = { a = "b" }`)
	saved := b.MustPlan(t, engine.PlanOptions{})
	b.MustApply(t, engine.PlanOptions{})
	before := parentsIn(t, cluster)
	for name, state := range map[string]map[string][]byte{"an older one": old, "none": {}} {
		t.Run(name, func(t *testing.T) {
			restore(t, b.Records, state)
			p, diags := b.Plan(t, engine.PlanOptions{})
			if !diags.HasErrors() || diags[0].Summary != "State is older than the cluster" || !strings.Contains(diags[0].Detail, "gantry state accept 'application.web'") {
				t.Fatalf("planned: %v", diags)
			}
			if p.HasChanges() {
				t.Errorf("%+v", p.Applications)
			}
			// The ledger knows that the plan was applied; here it does not.
			again := *saved
			again.ID = "another"
			result, diags := b.Apply(t.Context(), t, &again)
			if !diags.HasErrors() || result.Applications[0].Outcome != engine.OutcomeSkipped || !strings.Contains(result.Applications[0].Message, "older copy of the state") {
				t.Errorf("applied: %+v, %v", result, diags)
			}
			wantParents(t, cluster, before)
			serial, err := b.Engine().Accept(t.Context(), evaluated(t, b), b.Records, addr.Application("web"))
			if err != nil || serial < 3 {
				t.Fatalf("accepted %d: %v", serial, err)
			}
			b.MustApply(t, engine.PlanOptions{})
			if p := b.MustPlan(t, engine.PlanOptions{}); p.HasChanges() {
				t.Errorf("%+v", p.Applications)
			}
			before = parentsIn(t, cluster)
		})
	}
}

// edit changes the first occurrence of a text in the applications' file.
func edit(t *testing.T, b *enginetest.Bench, old, now string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.Dir, "web.gantry.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	b.Write(t, map[string]string{"web.gantry.hcl": strings.Replace(string(text), old, now, 1)})
}

// connecting gives a cluster to whoever connects.
type connecting struct{ providers.Cluster }

func (c connecting) Connect(string, target.Connection, target.Credentials) (providers.Cluster, error) {
	return c.Cluster, nil
}

// evaluated is the configuration of a bench.
func evaluated(t *testing.T, b *enginetest.Bench) *lang.Config {
	t.Helper()
	config, diags := b.Config(t, b.Engine())
	enginetest.Check(t, diags)
	return config
}

// restricted is a cluster on which ConfigMaps that are parents may not be written.
type restricted struct{ providers.Cluster }

func (r restricted) Apply(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	if _, parent := track.ReadParent(request.Object); parent {
		return providers.ApplyResult{}, fmt.Errorf("configmaps is forbidden: %w", providers.ErrForbidden)
	}
	return r.Cluster.Apply(ctx, request)
}

// Where parents may not be written, that is a warning, once.
func TestParentsNotAllowed(t *testing.T) {
	t.Parallel()
	b, cluster := withParents(t)
	b.Wrap = func(providers.Clusters) providers.Clusters { return connecting{restricted{cluster}} }
	webs(t, b, "", "web", "shop")
	edit(t, b, `name = "web" } }`, `name = "shop" } }`)
	result, diags := b.Apply(t.Context(), t, b.MustPlan(t, engine.PlanOptions{}))
	if diags.HasErrors() || len(diags) != 1 || diags[0].Summary != "Recovery is incomplete" || !strings.Contains(diags[0].Detail, "2 of them") {
		t.Errorf("%+v, %v", result, diags)
	}
}

// A state that is lost is rebuilt from the cluster, and a plan finds nothing to do then.
func TestRebuild(t *testing.T) {
	t.Parallel()
	b, _ := withParents(t)
	webs(t, b, "", "web lifecycle {\n    prevent_destroy = true\n  }")
	b.MustApply(t, engine.PlanOptions{})
	was, _, err := b.Records.Get(t.Context(), addr.Application("web"))
	if err != nil {
		t.Fatal(err)
	}
	// Lost: a new state has begun in its place, with a lineage of its own.
	if b.Records, err = state.Open(t.Context(), statememory.New()); err != nil {
		t.Fatal(err)
	}
	config := evaluated(t, b)
	found, diags := b.Engine().Rebuild(t.Context(), config, engine.RebuildOptions{})
	enginetest.Check(t, diags)
	if len(found.Applications) != 1 || found.Lineage != was.Lineage || !found.Applications[0].Write || found.Applications[0].Was != "absent" || found.Applications[0].Objects != 1 {
		t.Fatalf("%+v", found)
	}
	if err := b.Records.Inherit(t.Context(), found.Lineage); err != nil {
		t.Fatal(err)
	}
	if err := found.Write(t.Context(), b.Records); err != nil {
		t.Fatal(err)
	}
	now, _, err := b.Records.Get(t.Context(), addr.Application("web"))
	if err != nil {
		t.Fatal(err)
	}
	if now.Serial <= was.Serial || now.Namespace != "web" || now.Cluster.UID != was.Cluster.UID || !now.Settings.PreventDestroy ||
		len(now.Objects) != 1 || now.Objects[0].UID != was.Objects[0].UID || string(now.Objects[0].Fields) != string(was.Objects[0].Fields) {
		t.Errorf("rebuilt\n%+v\nfrom\n%+v", now, was)
	}
	if p := b.MustPlan(t, engine.PlanOptions{}); p.HasChanges() {
		t.Errorf("planned %+v", p.Applications[0].Changes)
	}
	if err := b.Records.Inherit(t.Context(), "0198c0de-0000-7000-8000-000000000001"); !errors.Is(err, state.ErrInUse) {
		t.Errorf("a lineage that is in use is given up: %v", err)
	}
	again, diags := b.Engine().Rebuild(t.Context(), config, engine.RebuildOptions{})
	enginetest.Check(t, diags)
	if again.Writes() {
		t.Errorf("again: %+v", again)
	}
}

// What a record has is never less after it was rebuilt, unless that is asked for; what is
// broken is made anew.
func TestRebuildOfWhatIsThere(t *testing.T) {
	t.Parallel()
	b, cluster := withParents(t)
	webs(t, b, "", "web")
	b.MustApply(t, engine.PlanOptions{})
	address := addr.Application("web")
	record, version, err := b.Records.Get(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	gone := object.ID{Kind: "ConfigMap", Namespace: "web", Name: "gone"}
	record.Own(state.Owned{ID: gone, Version: "v1", UID: "1", Plural: "configmaps", Namespaced: true})
	if _, err = b.Records.Put(t.Context(), record, version); err != nil {
		t.Fatal(err)
	}
	rebuild := func(options engine.RebuildOptions) engine.Rebuilt {
		t.Helper()
		found, diags := b.Engine().Rebuild(t.Context(), evaluated(t, b), options)
		enginetest.Check(t, diags)
		if err := found.Write(t.Context(), b.Records); err != nil {
			t.Fatal(err)
		}
		return found.Applications[0]
	}
	if made := rebuild(engine.RebuildOptions{}); made.Write || made.Lost != 1 || made.Was != "complete" {
		t.Errorf("%+v", made)
	}
	inspection, diags := b.Engine().Inspect(t.Context(), evaluated(t, b))
	enginetest.Check(t, diags)
	if !inspection.Differs() || inspection.Applications[0].Findings[0].What != engine.DiffMissing || inspection.Applications[0].Findings[0].Object != gone {
		t.Errorf("%+v", inspection)
	}
	if made := rebuild(engine.RebuildOptions{Replace: true}); !made.Write || made.Lost != 1 {
		t.Errorf("%+v", made)
	}
	if inspection, _ = b.Engine().Inspect(t.Context(), evaluated(t, b)); inspection.Differs() {
		t.Errorf("%+v", inspection)
	}
	_, version, _ = b.Records.Store().Get(t.Context(), state.RecordKey(address))
	if _, err := b.Records.Store().Put(t.Context(), state.RecordKey(address), []byte("{"), version); err != nil {
		t.Fatal(err)
	}
	if made := rebuild(engine.RebuildOptions{}); !made.Write || made.Was != "broken" || made.Objects != 1 {
		t.Errorf("%+v", made)
	}
	// What somebody took the marks off, and what is marked and in no record.
	live := liveWeb(t, cluster)
	other := live.DeepCopy()
	_ = other.Set("other", "metadata", "name")
	delete(other.Metadata(), "managedFields")
	plain := track.Stamp(track.Unmarked(other), b.Records.Lineage(), address)
	if err := cluster.Put(t.Context(), plain, "someone"); err != nil {
		t.Fatal(err)
	}
	if inspection, _ = b.Engine().Inspect(t.Context(), evaluated(t, b)); len(inspection.Extra) != 1 || inspection.Extra[0].Object.Name != "other" {
		t.Errorf("%+v", inspection)
	}
	if made := rebuild(engine.RebuildOptions{}); made.Was != "behind" || made.Added != 1 {
		t.Errorf("%+v", made)
	}
}
