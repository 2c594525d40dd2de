package view_test

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/comment"
	"github.com/gantrycd/gantry/plan/view/html"
	"github.com/gantrycd/gantry/plan/view/report"
)

// TestPoliciesAreInEveryView: whatever a plan is shown as, what policies say of it is there:
// what is denied, warned of and wants an approval, each with its policy; and what is exempt,
// where a view does not tell of what is wrong alone.
func TestPoliciesAreInEveryView(t *testing.T) {
	t.Parallel()
	views := map[string]func(io.Writer, *plan.Plan) error{
		"text":     func(w io.Writer, p *plan.Plan) error { return view.Text(w, p, view.Options{}) },
		"verbose":  func(w io.Writer, p *plan.Plan) error { return view.Text(w, p, view.Options{Verbose: true}) },
		"Markdown": func(w io.Writer, p *plan.Plan) error { return view.Markdown(w, p, 0) },
		"JSON":     view.JSON,
		"HTML":     func(w io.Writer, p *plan.Plan) error { return html.Write(w, p, html.Options{}) },
		"SARIF":    report.SARIF,
		"JUnit":    report.JUnit,
		"the comment": func(w io.Writer, p *plan.Plan) error {
			text, err := comment.Body(p, nil, comment.Options{})
			_, _ = io.WriteString(w, text)
			return err
		},
		"annotations": func(w io.Writer, p *plan.Plan) error {
			for _, a := range report.Annotations(p) {
				_, _ = io.WriteString(w, a.Level+" "+a.Title+": "+a.Message+"\n")
			}
			return nil
		},
	}
	for name, write := range views {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out, policiesExample()); err != nil {
				t.Fatal(err)
			}
			text := plain(out.String())
			for _, result := range [][]string{
				{"policy.no_latest_tag", "podinfo runs a :latest image"},
				{"policy.admission", "replicas", "object.spec.replicas must be no greater than 5"},
				{"policy.public_services", "podinfo is reached from everywhere"},
				{"policy.probes", "podinfo has no readiness probe", "it is replaced in March"},
			} {
				for _, want := range result {
					has, should := strings.Contains(text, plain(want)), result[0] != "policy.probes" || name != "annotations"
					if has != should {
						t.Errorf("%q of %s is there: %v, want %v, in\n%.2000s", want, result[0], has, should, out.String())
					}
				}
			}
		})
	}
}

// plain is a text without what the views escape, each in its own way.
func plain(text string) string {
	return regexp.MustCompile(`[^a-zA-Z0-9]+`).ReplaceAllString(text, " ")
}
