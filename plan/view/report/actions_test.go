package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// TestAnnotations: errors first, and what is accepted is none.
func TestAnnotations(t *testing.T) {
	var got []string
	for _, a := range Annotations(example()) {
		got = append(got, fmt.Sprintf("%s %s:%d %s", a.Level, a.File, a.Line, a.Title))
	}
	want := []string{
		"error /etc/mail.gantry.hcl:3 Source cannot be read", "error :0 Cluster cannot be reached", "error shop.gantry.hcl:1 Change is blocked",
		"warning web.gantry.hcl:3 high risk: data-loss", "warning modules/a b/web.gantry.hcl:3 medium risk: pods-restart", "notice :0 low risk: source-not-pinned",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWorkflowCommandsAreOne: whatever stands in a plan, a finding is one command on one
// line, and no more are written than are shown.
func TestWorkflowCommandsAreOne(t *testing.T) {
	evil := "a\n::set-output name=x::y\r\n##[error]%0A,line=3::,title=:b"
	p := &plan.Plan{}
	for range 30 {
		p.Problems = append(p.Problems, plan.Problem{Address: addr.Application("x").Instance(evil), Summary: evil, Detail: evil, Range: evil + ":7,1"})
	}
	var out bytes.Buffer
	if err := WorkflowCommands(&out, Annotations(p)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 10 || !strings.Contains(lines[9], "And 21 more") {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	for _, line := range lines[:9] {
		if !regexp.MustCompile(`^::error file=[^:,\n\r]*,line=7,title=[^:,\n\r]*::[^\n\r]*$`).MatchString(line) {
			t.Errorf("not one command: %q", line)
		}
	}
}

// TestOutputsHandOnWhatIsThere and nothing that a value makes up.
func TestOutputsHandOnWhatIsThere(t *testing.T) {
	p := example()
	p.InputDigest = "x\nEOF\nhas_changes=false"
	var out bytes.Buffer
	if err := WriteOutputs(&out, Outputs(p), "secret-delimiter"); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for rest := out.String(); rest != ""; {
		name, after, ok := strings.Cut(rest, "<<secret-delimiter\n")
		value, after, ended := strings.Cut(after, "\nsecret-delimiter\n")
		if !ok || !ended {
			t.Fatalf("%q", rest)
		}
		got[name], rest = value, after
	}
	for name, want := range map[string]string{"has_changes": "true", "has_destroy": "true", "is_blocked": "true", "errors": "2", "risk": "high", "create": "1", "prune": "1", "input_digest": p.InputDigest} {
		if got[name] != want {
			t.Errorf("%s is %q, not %q", name, got[name], want)
		}
	}
	if !strings.HasPrefix(got["plan_digest"], "sha256:") {
		t.Errorf("plan_digest is %q", got["plan_digest"])
	}
	if err := WriteOutputs(&out, []Output{{"x", "a secret-delimiter b"}}, "secret-delimiter"); err == nil {
		t.Error("a value with the delimiter in it was written")
	}
}
