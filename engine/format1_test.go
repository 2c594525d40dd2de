package engine_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
)

// asFormat1 makes what a store holds be as a gantry of the first format wrote it: with what
// that format had, and no more.
func asFormat1(t *testing.T, store state.Store) {
	t.Helper()
	keys, err := store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		value, version, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		known := false
		for _, kind := range []string{"installation", "plans", "published", "generators/", "rollouts/", "applications/"} {
			known = known || strings.HasPrefix(key, kind)
		}
		if !known {
			if err := store.Delete(t.Context(), key, version); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var document map[string]any
		if err := json.Unmarshal(value, &document); err != nil {
			t.Fatal(err)
		}
		document["formatVersion"] = 1
		for _, newer := range []string{"claim", "parent", "acted"} {
			delete(document, newer)
		}
		entries, _ := document["history"].([]any)
		for _, entry := range entries {
			for _, newer := range []string{"id", "revision", "rendered", "rollback"} {
				delete(entry.(map[string]any), newer)
			}
		}
		if value, err = json.Marshal(document); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(t.Context(), key, value, version); err != nil {
			t.Fatal(err)
		}
	}
}

// A state of the first format is planned and applied from as it is, and is one of the
// present format then.
func TestStateOfTheFirstFormat(t *testing.T) {
	t.Parallel()
	b, cluster := withParents(t)
	webs(t, b, "", "web")
	b.MustApply(t, engine.PlanOptions{})
	asFormat1(t, b.Records.Store())
	var err error
	if b.Records, err = state.Open(t.Context(), b.Records.Store(), state.Existing()); err != nil {
		t.Fatal(err)
	}
	before, _, err := b.Records.Get(t.Context(), addr.Application("web"))
	if err != nil || before.FormatVersion != 1 || before.Parent != nil || len(before.History) != 1 {
		t.Fatalf("%+v, %v", before, err)
	}
	if p := b.MustPlan(t, engine.PlanOptions{}); p.HasChanges() {
		t.Errorf("planned %+v", p.Applications[0].Changes)
	}
	edit(t, b, `kind = "ConfigMap"`, `kind = "ConfigMap", data = { a = "b" }`)
	b.MustApply(t, engine.PlanOptions{})
	after, _, err := b.Records.Get(t.Context(), addr.Application("web"))
	if err != nil || after.FormatVersion != state.FormatVersion || after.Parent == nil || len(after.History) != 2 {
		t.Errorf("%+v, %v", after, err)
	}
	if live := liveWeb(t, cluster); live == nil || live["data"] == nil {
		t.Errorf("%v", live)
	}
	if p := b.MustPlan(t, engine.PlanOptions{}); p.HasChanges() {
		t.Errorf("planned again: %+v", p.Applications[0].Changes)
	}
}

// TestFilesOfTheFirstFormat works on with what a gantry of the first format wrote, byte by
// byte: its history is shown and opened, what is there is planned from, the next apply
// writes revisions of today, and what the first gantry applied can be gone back to.
func TestFilesOfTheFirstFormat(t *testing.T) {
	t.Parallel()
	b, cluster := firstFormat(t)
	web := addr.Application("web")
	past, err := engine.ReadHistory(t.Context(), b.Records, web)
	if err != nil || len(past) != 2 || past[0].Outcome != "succeeded" || past[0].Counts[plan.Update] != 1 {
		t.Fatalf("the history is %+v, %v", past, err)
	}
	p := b.MustPlan(t, engine.PlanOptions{})
	if change := enginetest.Change(p, web, "ConfigMap format1/web"); change == nil || change.Action != plan.Update || !slices.Equal(pathsOf(change), []string{"data.colour"}) {
		t.Fatalf("planned %+v", change)
	}
	if change := enginetest.Change(p, web, "Namespace format1"); change == nil || change.Action != plan.Unchanged {
		t.Errorf("planned %+v", change)
	}
	_, diags := b.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	if colour := valueAt(colourOf(t, cluster), "data", "colour"); colour != "red" {
		t.Errorf("the colour is %v", colour)
	}
	record, _, err := b.Records.Get(t.Context(), web)
	if err != nil || record.FormatVersion != state.FormatVersion || len(record.History) != 3 || record.History[1].Plan != nil || record.History[1].Revision == "" {
		t.Fatalf("the record is %+v, %v", record, err)
	}

	// What the first gantry applied was opened from its entry, and is a revision like others.
	e := b.Engine()
	config, diags := b.Config(t, e)
	enginetest.Check(t, diags)
	back, diags := e.Rollback(t.Context(), config, web, record.History[1].ID)
	enginetest.Check(t, diags)
	_, diags = b.Apply(t.Context(), t, back)
	enginetest.Check(t, diags)
	if colour := valueAt(colourOf(t, cluster), "data", "colour"); colour != "green" {
		t.Errorf("rolled back, the colour is %v", colour)
	}
}

// firstFormat is a state that a gantry of the first format wrote, with its configuration and
// a cluster in memory that has what that gantry applied. The files are as they were but for
// the identities of the cluster and its objects, and for the Secret, which is sealed to the
// bench's identity, since the one of then was thrown away.
func firstFormat(t *testing.T) (*enginetest.Bench, *memory.Cluster) {
	t.Helper()
	b := enginetest.New(t, map[string]string{"main.gantry.hcl": `
		cluster "main" {
		  server = "https://main.example.com"
		}
		application "web" {
		  source {
		    objects = [
		      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "web" }, data = { colour = "red" } },
		      { apiVersion = "v1", kind = "Secret", metadata = { name = "web" }, stringData = { password = "hunter2" } },
		    ]
		  }
		  sync {
		    create_namespace = true
		  }
		  destination {
		    cluster   = cluster.main
		    namespace = "format1"
		  }
		}`})
	cluster := memory.New(memory.Options{Name: "main", Resource: engine.GuessResource})
	b.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "state", "testdata", "format1"))); err != nil {
		t.Fatal(err)
	}
	replace := func(name string, pairs ...string) {
		t.Helper()
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var record struct {
		Cluster struct{ UID string }
		History []struct{ Plan plan.Application }
	}
	const file = "applications/application.web.json"
	decode := func() *plan.Application {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil {
			err = json.Unmarshal(text, &record)
		}
		if err != nil {
			t.Fatal(err)
		}
		return &record.History[1].Plan
	}
	app := decode()
	info, err := cluster.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	identities := []string{record.Cluster.UID, info.UID}
	for _, change := range app.Changes {
		o := change.Body.DeepCopy()
		if o.Kind() == "Secret" {
			o["data"] = map[string]any{"password": base64Of("hunter2")}
		}
		if err := cluster.Put(t.Context(), o, "gantry"); err != nil {
			t.Fatal(err)
		}
		have, err := cluster.Get(t.Context(), engine.GuessResource(o.GVK()), o.Namespace(), o.Name())
		if err != nil {
			t.Fatal(err)
		}
		identities = append(identities, change.UID, have.UID())
	}
	replace(file, identities...)

	app = decode()
	i := slices.IndexFunc(app.Changes, func(c plan.Change) bool { return c.Sealed != nil })
	then := base64.StdEncoding.EncodeToString(app.Changes[i].Sealed)
	app.Changes[i].Secret = app.Changes[i].Body.DeepCopy()
	app.Changes[i].Secret["data"] = map[string]any{"password": base64Of("hunter2")}
	sealed, err := planfile.SealApplication(app, b.Identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	replace(file, then, base64.StdEncoding.EncodeToString(sealed.Changes[i].Sealed))
	if b.Records, err = state.Open(t.Context(), local.New(dir), state.Existing()); err != nil {
		t.Fatal(err)
	}
	return b, cluster
}

func pathsOf(c *plan.Change) []string {
	var out []string
	for _, field := range c.Fields {
		out = append(out, field.Path)
	}
	return out
}

func colourOf(t *testing.T, cluster *memory.Cluster) object.Object {
	t.Helper()
	have, err := cluster.Get(t.Context(), engine.GuessResource(object.GVK{Version: "v1", Kind: "ConfigMap"}), "format1", "web")
	if err != nil {
		t.Fatal(err)
	}
	return have
}
