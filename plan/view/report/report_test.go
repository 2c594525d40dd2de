package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view/viewtest"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func example() *plan.Plan {
	claim := object.ID{Kind: "PersistentVolumeClaim", Namespace: "web", Name: "data"}
	deployment := object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "podinfo"}
	web := plan.Application{
		Address: addr.Application("web").Instance("eu"),
		Changes: []plan.Change{{ID: claim, Action: plan.Prune}, {ID: deployment, Action: plan.Replace}, {Action: plan.Create}, {Action: plan.Update}, {Action: plan.Adopt}, {Action: plan.Run}, {Action: plan.Orphan}, {Action: plan.Forget}, {Action: plan.Unchanged}, {Action: plan.Blocked}},
		Risks: []plan.Risk{
			{Code: "data-loss", Severity: plan.High, Object: &claim, Detail: "1 volume is deleted with its claim.", Range: "web.gantry.hcl:3,1"},
			{Code: "pods-restart", Severity: plan.Medium, Object: &deployment, Paths: []string{"spec.template"}, Detail: "All 3 pods restart.", Range: "modules/a b/web.gantry.hcl:3,1-8"},
			{Code: "source-not-pinned", Severity: plan.Low, Detail: "The branch main may be another commit tomorrow."},
			{Code: "image-not-pinned", Severity: plan.Low, Object: &deployment, Detail: "The image has no digest.", Accepted: "the registry is read-only", Range: "web.gantry.hcl:9,5"},
		},
	}
	shop := plan.Application{
		Address: addr.Application("shop"),
		Blocked: []plan.Problem{{Object: &deployment, Summary: "Change is blocked", Detail: "Server refuses the object.", Range: "shop.gantry.hcl:1,1"}},
	}
	quiet := plan.Application{Address: addr.Application("quiet")}
	return &plan.Plan{
		ToolVersion: "0.1.0", Applications: []plan.Application{quiet, shop, web},
		Problems: []plan.Problem{
			{Address: addr.Application("mail"), Summary: "Source cannot be read", Detail: "authentication required", Range: "/etc/mail.gantry.hcl:3,5"},
			{Summary: "Cluster cannot be reached"},
		},
	}
}

func formats() map[string]func(io.Writer, *plan.Plan) error {
	return map[string]func(io.Writer, *plan.Plan) error{"plan.junit.xml": JUnit, "plan.sarif": SARIF, "plan.gitlab.json": GitLab}
}

func TestGoldens(t *testing.T) {
	for name, write := range formats() {
		var got bytes.Buffer
		if err := write(&got, example()); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s differs; -update rewrites it (-want +got):\n%s", path, diff)
		}
	}
}

func TestGitLabCounts(t *testing.T) {
	for want, p := range map[string]*plan.Plan{
		`{"create":3,"update":3,"delete":2}`: example(),
		`{"create":0,"update":0,"delete":0}`: {},
	} {
		var got bytes.Buffer
		if err := GitLab(&got, p); err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(got.String()) != want {
			t.Errorf("got %s, want %s", got.String(), want)
		}
	}
}

// TestSARIFIsSound holds what the schema of SARIF 2.1.0 and the forges that read it
// ask for.
func TestSARIFIsSound(t *testing.T) {
	var out bytes.Buffer
	if err := SARIF(&out, example()); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID                   string
						ShortDescription     struct{ Text string }
						DefaultConfiguration struct{ Level string }
					}
				}
			}
			Invocations []struct{ ExecutionSuccessful *bool }
			Results     []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation *struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, StartColumn int }
					}
				}
				PartialFingerprints map[string]string
				Suppressions        []struct{ Kind string }
			}
		}
	}
	decoder := json.NewDecoder(&out)
	if err := decoder.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 {
		t.Fatalf("version %q, %d runs", log.Version, len(log.Runs))
	}
	run := log.Runs[0]
	levels := []string{"none", "note", "warning", "error"}
	seen := map[string]bool{}
	if len(run.Results) != 7 {
		t.Errorf("%d results, want 4 risks, 1 blocked, 2 not planned", len(run.Results))
	}
	uri := regexp.MustCompile(`^[A-Za-z0-9_.~!$&'()*+,;=:@/%-]+$`)
	for _, r := range run.Results {
		if r.RuleIndex >= len(run.Tool.Driver.Rules) || run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("%s: rule %d is another", r.RuleID, r.RuleIndex)
		}
		if !slices.Contains(levels, r.Level) || r.Message.Text == "" {
			t.Errorf("%s: level %q, text %q", r.RuleID, r.Level, r.Message.Text)
		}
		fingerprint := r.PartialFingerprints["gantry/v1"]
		if fingerprint == "" || seen[fingerprint] {
			t.Errorf("%s: fingerprint %q is empty or another's", r.RuleID, fingerprint)
		}
		seen[fingerprint] = true
		for _, l := range r.Locations {
			if p := l.PhysicalLocation; p != nil && (!uri.MatchString(p.ArtifactLocation.URI) || p.Region != nil && p.Region.StartLine < 1) {
				t.Errorf("%s: location %+v", r.RuleID, *p)
			}
		}
		if want := r.RuleID == "image-not-pinned"; (len(r.Suppressions) == 1) != want {
			t.Errorf("%s: %d suppressions", r.RuleID, len(r.Suppressions))
		}
	}
	if s := run.Invocations[0].ExecutionSuccessful; s == nil || *s {
		t.Error("it is not said that parts could not be planned")
	}
}

// TestJUnitCounts: what the suites say of their cases is so.
func TestJUnitCounts(t *testing.T) {
	var out bytes.Buffer
	if err := JUnit(&out, example()); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	type counts struct{ tests, failures, errors, skipped int }
	want := map[string]counts{
		"application.quiet": {1, 0, 0, 0}, "application.shop": {1, 0, 1, 0}, `application.web["eu"]`: {5, 2, 0, 1}, "plan": {2, 0, 2, 0},
	}
	for _, s := range got.Suites {
		if is := (counts{s.Tests, s.Failures, s.Errors, s.Skipped}); is != want[s.Name] || len(s.Cases) != s.Tests {
			t.Errorf("%s: %+v with %d cases, want %+v", s.Name, is, len(s.Cases), want[s.Name])
		}
	}
	if is := (counts{got.Tests, got.Failures, got.Errors, got.Skipped}); is != (counts{9, 2, 3, 1}) || len(got.Suites) != 4 {
		t.Errorf("in all %+v in %d suites", is, len(got.Suites))
	}
}

// TestHostileTexts: reports stay well-formed whatever stands in a plan.
func TestHostileTexts(t *testing.T) {
	evil := "\x00\x1b[2J]]></failure><script>\xff\u202e\ufffe\n"
	p := example()
	p.Applications[2].Risks[0].Code, p.Applications[2].Risks[0].Detail = evil, evil
	p.Applications[2].Risks[3].Accepted = evil
	p.Problems[0] = plan.Problem{Address: addr.Application("x").Instance(evil), Summary: evil, Detail: evil, Range: evil + ":x,y"}
	for name, write := range formats() {
		var got bytes.Buffer
		if err := write(&got, p); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(got.Bytes()) || bytes.ContainsAny(got.Bytes(), "\x00\x1b\u202e") {
			t.Errorf("%s: control characters are in it", name)
		}
		if strings.HasSuffix(name, ".xml") {
			if err := xml.Unmarshal(got.Bytes(), new(junitSuites)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if !json.Valid(got.Bytes()) {
			t.Errorf("%s is no JSON", name)
		}
	}
}

// TestHostileTextsInEveryString: the same of every text that a plan has.
func TestHostileTextsInEveryString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func() string { return viewtest.Text().Draw(t, "text") }
		p := viewtest.Everything(rapid.IntRange(0, 2).Draw(t, "applications"))
		viewtest.Infect(reflect.ValueOf(p).Elem(), text)
		for name, write := range formats() {
			var got bytes.Buffer
			if err := write(&got, p); err != nil {
				t.Fatal(err)
			}
			if at := strings.IndexFunc(got.String(), func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); at >= 0 {
				t.Fatalf("%s: %.40q", name, got.String()[at:])
			}
			if strings.HasSuffix(name, ".xml") {
				if err := xml.Unmarshal(got.Bytes(), new(junitSuites)); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			} else if !json.Valid(got.Bytes()) {
				t.Fatalf("%s is no JSON", name)
			}
		}
	})
}

func TestWriteErrorsAreReturned(t *testing.T) {
	for name, write := range formats() {
		if err := write(full{}, example()); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v, want the writer's error", name, err)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestPlaceOf(t *testing.T) {
	for text, want := range map[string]place{
		"a.hcl:3,5": {"a.hcl", 3, 5}, "a:b.hcl:3,5-7,2": {"a:b.hcl", 3, 5}, "a.hcl": {"a.hcl", 0, 0}, "a.hcl:x": {"a.hcl:x", 0, 0}, "a.hcl:3": {"a.hcl", 3, 0},
	} {
		if got := placeOf(text); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}

// A change that a policy wants approved is no error: it is told with whose approval it needs.
func TestPoliciesThatWantApproval(t *testing.T) {
	service := object.ID{Kind: "Service", Namespace: "web", Name: "podinfo"}
	p := &plan.Plan{ToolVersion: "0.1.0", Applications: []plan.Application{{
		Address: addr.Application("web"), Changes: []plan.Change{{ID: service, Action: plan.Create}},
		Policies: []plan.PolicyResult{{
			Policy: "policy.public", Enforcement: plan.PolicyApprove, Approvals: &plan.PolicyApprovals{Count: 2, Groups: []string{"security"}},
			Object: service, Action: plan.Create, Message: "podinfo is public", Range: "policies.gantry.hcl:3,1",
		}},
	}}}
	const says = "podinfo is public (needs 2 approvals by members of security)"
	for name, write := range map[string]func(io.Writer, *plan.Plan) error{"JUnit": JUnit, "SARIF": SARIF} {
		var out bytes.Buffer
		if err := write(&out, p); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); !strings.Contains(text, says) || strings.Contains(text, `"error"`) || strings.Contains(text, "<failure") || strings.Contains(text, "<error") {
			t.Errorf("%s: %s", name, text)
		}
	}
	found := Annotations(p)
	if len(found) != 1 || found[0].Level != "warning" || found[0].File != "policies.gantry.hcl" || found[0].Line != 3 || !strings.HasSuffix(found[0].Message, says) {
		t.Errorf("%+v", found)
	}
	for name, want := range map[string]string{"needs_approval": "true", "is_blocked": "false"} {
		if !slices.Contains(Outputs(p), Output{name, want}) {
			t.Errorf("%s is not %s", name, want)
		}
	}
}
