package engine_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// rollback makes the plan that takes application.web back. Its sources are not there: the
// repository is gone.
func (s *stage) rollback(t *testing.T, to int64) (*plan.Plan, hcl.Diagnostics) {
	t.Helper()
	e := s.Engine()
	config, diags := s.Config(t, e)
	enginetest.Check(t, diags)
	for _, app := range config.Applications {
		app.Sources = nil
	}
	return e.Rollback(t.Context(), config, addr.Application("web"), to)
}

// mustRollback takes application.web back.
func (s *stage) mustRollback(t *testing.T, to int64) *plan.Plan {
	t.Helper()
	p, diags := s.rollback(t, to)
	enginetest.Check(t, diags)
	_, diags = s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	return p
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func (s *stage) hold(t *testing.T) *state.Hold {
	t.Helper()
	hold, err := s.Records.Hold(t.Context(), addr.Application("web"))
	if err != nil {
		t.Fatal(err)
	}
	return hold
}

// packs lists the packs of application.web.
func (s *stage) packs(t *testing.T) []string {
	t.Helper()
	keys, err := s.Records.Store().List(t.Context(), "revisions")
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestRollbackToEachRevision: each of the last ten revisions can be gone back to, with what
// it had and what it had not, Secrets too.
func TestRollbackToEachRevision(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	const last = 11
	documents := func(i int) []string {
		out := []string{configMap("settings", fmt.Sprintf("a=%d", i)), configMap("steady", "a=1"), secretWith(fmt.Sprintf("password-%d", i))}
		if i%2 == 0 {
			out = append(out, configMap("even", "a=1"))
		}
		return out
	}
	for i := 1; i <= last; i++ {
		s.application(t, "web", createNamespace, documents(i)...)
		s.MustApply(t, engine.PlanOptions{})
	}
	if _, diags := s.rollback(t, 1); !wantDiag(diags, "Cannot be rolled back", "no revision 1", "There are 2; 3; 4") {
		t.Errorf("a revision that is no longer kept: %v", diags)
	}
	if n := len(s.packs(t)); n != 11 { // the eleventh has what never changed
		t.Errorf("%d packs: %q", n, s.packs(t))
	}
	// The history moves on with each rollback: each is the tenth before the newest.
	for i := 2; i <= last; i++ {
		p := s.mustRollback(t, int64(i))
		if p.Applications[0].Rollback == nil || p.Applications[0].Rollback.To != int64(i) {
			t.Fatalf("%+v", p.Applications[0].Rollback)
		}
		s.wantData(t, "settings", "a", fmt.Sprint(i))
		if have := valueAt(s.live(t, secrets, "login"), "data", "password"); have != base64Of(fmt.Sprintf("password-%d", i)) {
			t.Errorf("revision %d: the password is %v", i, have)
		}
		if there := s.isThere(t, configMaps, "even"); there != (i%2 == 0) {
			t.Errorf("revision %d: even is there: %v", i, there)
		}
		if hold := s.hold(t); hold == nil || !strings.Contains(hold.Reason, fmt.Sprintf("to %d", i)) {
			t.Errorf("revision %d: hold %v", i, hold)
		}
	}
	if n := len(s.record(t).History); n != 10 {
		t.Errorf("%d entries", n)
	}
}

func wantDiag(diags hcl.Diagnostics, parts ...string) bool {
	return slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(d.Summary+": "+d.Detail, part) })
	})
}

func (s *stage) isThere(t *testing.T, resource providers.Resource, name string) bool {
	t.Helper()
	_, err := s.cluster.Get(t.Context(), resource, s.namespace, name)
	if err != nil && !errors.Is(err, providers.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// TestRollbackSticks: what was rolled back stays, whatever is planned and whatever drifts,
// until its sources say something else; hooks run as in any sync.
func TestRollbackSticks(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hook := hookJob("migrate", "PreSync", "", "")
	s.application(t, "web", selfHealing, configMap("settings", "a=good"), hook)
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", selfHealing, configMap("settings", "a=bad"), hook)
	s.MustApply(t, engine.PlanOptions{})
	p := s.mustRollback(t, 0)
	if have := done(p); !slices.Equal(have, []string{"run migrate", "update settings"}) {
		t.Errorf("a rollback does %q", have)
	}
	s.wantData(t, "settings", "a", "good")
	if e := s.newest(t); e.Rollback == nil || e.Rollback.From != 2 || e.Rollback.To != 1 || e.Revision == "" {
		t.Errorf("newest entry %+v", e)
	}

	held := s.MustPlan(t, engine.PlanOptions{})
	if app := held.Applications[0]; app.Held == nil || app.Held.Reason != "rolled back from revision 2 to 1" || app.Held.By != "test" || !app.HasChanges() {
		t.Fatalf("held: %v", app.Held)
	}
	if _, diags := s.Apply(t.Context(), t, held); !wantDiag(diags, "Application left out", "rolled back from revision 2 to 1") {
		t.Errorf("apply: %v", diags)
	}
	s.wantData(t, "settings", "a", "good")

	// Drift is corrected to what was rolled back to.
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"a": "drift"})
	s.mustHeal(t)
	s.wantData(t, "settings", "a", "good")

	// An edit elsewhere does not lift the hold, and one of the sources does.
	s.Write(t, map[string]string{"other.gantry.hcl": "locals {\n  x = 1\n}\n"})
	if app := s.MustPlan(t, engine.PlanOptions{}).Applications[0]; app.Held == nil {
		t.Error("an edit of something else has lifted the hold")
	}
	s.application(t, "web", selfHealing, configMap("settings", "a=better"), hook)
	moved := s.MustPlan(t, engine.PlanOptions{})
	if app := moved.Applications[0]; app.Held != nil || app.Lifts == nil || !slices.ContainsFunc(app.Warnings, func(w string) bool { return strings.Contains(w, "is no longer") }) {
		t.Fatalf("held %v, lifts %v, warnings %q", app.Held, app.Lifts, app.Warnings)
	}
	_, diags := s.Apply(t.Context(), t, moved)
	enginetest.Check(t, diags)
	s.wantData(t, "settings", "a", "better")
	if hold := s.hold(t); hold != nil {
		t.Errorf("still held: %v", hold)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestRollbackIsReleased: someone who knows better lifts the hold.
func TestRollbackIsReleased(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	for _, value := range []string{"a=1", "a=2"} {
		s.application(t, "web", createNamespace, configMap("settings", value))
		s.MustApply(t, engine.PlanOptions{})
	}
	s.mustRollback(t, 0)
	s.mustRollback(t, 2) // and forth
	s.wantData(t, "settings", "a", "2")
	s.mustRollback(t, 1)
	if _, err := s.Records.DeleteHold(t.Context(), addr.Application("web"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	s.MustApply(t, engine.PlanOptions{})
	s.wantData(t, "settings", "a", "2")
}

// TestRollbackOfAFailure: what did not succeed is rolled back to what did, and a
// rollback that is cut off holds, and is finished by the next.
func TestRollbackOfAFailure(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	all := func(value string) []string {
		var out []string
		for i := range 10 {
			out = append(out, configMap(fmt.Sprintf("c%d", i), "a="+value))
		}
		return out
	}
	s.application(t, "web", createNamespace, all("good")...)
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, all("bad")...)
	p := s.MustPlan(t, engine.PlanOptions{})
	s.failsAt("c7")
	if _, diags := s.Apply(t.Context(), t, p); !wantDiag(diags, "Apply failed", "c7") {
		t.Fatalf("the apply did not fail: %v", diags)
	}
	s.tap(taps{})
	back, diags := s.rollback(t, 0)
	enginetest.Check(t, diags)
	if r := back.Applications[0].Rollback; r.From != 2 || r.To != 1 {
		t.Errorf("from %d to %d", r.From, r.To)
	}
	s.failsAt("c3", "c4")
	if _, diags := s.Apply(t.Context(), t, back); !wantDiag(diags, "Apply failed") {
		t.Fatalf("the rollback did not fail: %v", diags)
	}
	s.tap(taps{})
	if hold := s.hold(t); hold == nil || !hold.Rollback {
		t.Errorf("a rollback that was cut off does not hold: %v", hold)
	}
	if app := s.planned(t); app.Held == nil {
		t.Error("after a rollback that was cut off, the bad revision would be applied again")
	}
	s.mustRollback(t, 0)
	for i := range 10 {
		s.wantData(t, fmt.Sprintf("c%d", i), "a", "good")
	}
}

// planned is application.web in a plan whose errors do not matter.
func (s *stage) planned(t *testing.T) *plan.Application {
	t.Helper()
	p, diags := s.Plan(t, engine.PlanOptions{})
	if p == nil || len(p.Applications) != 1 {
		t.Fatalf("%v", diags)
	}
	return &p.Applications[0]
}

// TestLostRevision: a pack that is damaged costs what needs it, and is told; drift is
// corrected as far as it is known, and the next apply goes on.
func TestLostRevision(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	for _, value := range []string{"a=1", "a=2", "a=3"} {
		s.application(t, "web", selfHealing, configMap("settings", value))
		s.MustApply(t, engine.PlanOptions{})
	}
	store, key := s.Records.Store(), s.record(t).History[1].Revision
	text, version, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if _, err := store.Put(t.Context(), key, text, version); err != nil {
		t.Fatal(err)
	}
	if _, diags := s.rollback(t, 2); !wantDiag(diags, "Cannot be rolled back", "revision 2 cannot be read", "does not match its checksum") {
		t.Errorf("%v", diags)
	}
	s.mustRollback(t, 1)
	s.wantData(t, "settings", "a", "1")
	expectNothing(t, s.heal(t).Plan)
}

// TestRollbackAfterAMove: the history goes along, Secrets too.
func TestRollbackAfterAMove(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	for _, password := range []string{"first-password", "second-password"} {
		s.application(t, "old", createNamespace, secretWith(password), configMap("settings", "a=1"))
		s.MustApply(t, engine.PlanOptions{})
	}
	s.Write(t, map[string]string{"old.gantry.hcl": "moved {\n  from = application.old\n  to = application.web\n}\n"})
	s.application(t, "web", createNamespace, secretWith("third-password"), configMap("settings", "a=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.mustRollback(t, 1)
	if have := valueAt(s.live(t, secrets, "login"), "data", "password"); have != base64Of("first-password") {
		t.Errorf("the password is %v", have)
	}
}

// TestRevisionsGo: what is kept of an application goes with it.
func TestRevisionsGo(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "a=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.MustApply(t, engine.PlanOptions{Destroy: true})
	if packs := s.packs(t); len(packs) != 0 {
		t.Errorf("left: %q", packs)
	}
}

func TestNothingToRollBackTo(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "a=1"))
	if _, diags := s.rollback(t, 0); !wantDiag(diags, "Unknown target") {
		t.Errorf("never applied: %v", diags)
	}
	s.MustApply(t, engine.PlanOptions{})
	if _, diags := s.rollback(t, 0); !wantDiag(diags, "Cannot be rolled back", "no revision before") {
		t.Errorf("applied once: %v", diags)
	}
	if _, diags := s.rollback(t, 7); !wantDiag(diags, "Cannot be rolled back", "no revision 7", "There are 1.") {
		t.Errorf("one that there is not: %v", diags)
	}
}
