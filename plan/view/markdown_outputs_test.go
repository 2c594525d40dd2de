package view_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/view"
)

// TestMarkdownShowsOutputs: in front of what is to unfold, and within the budget.
func TestMarkdownShowsOutputs(t *testing.T) {
	p := large(50)
	p.Published = &published.Document{Outputs: []published.Output{
		{Name: "huge", Value: json.RawMessage(`"` + strings.Repeat("x`` ", 50_000) + `"`)},
		{Name: "token", Sensitive: true, Value: json.RawMessage(`"TOPSECRET"`)},
		{Name: "zone", Value: json.RawMessage(`"eu-2"`)},
	}}
	var lines []string
	for i := range 60 {
		lines = append(lines, fmt.Sprintf("%d%s", i, strings.Repeat("`", 900)))
	}
	long, err := json.Marshal(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	p.Published.Outputs = append(p.Published.Outputs, published.Output{Name: "long", Value: long})
	text := markdown(t, p, view.CommentLimit)
	top, _, _ := strings.Cut(text, "<details>")
	for _, want := range []string{"**Outputs:**", "+ zone: eu-2", "+ token: (sensitive)", "+ huge: ", "+ long: (its value is too long for this comment)"} {
		if !strings.Contains(top, want) {
			t.Errorf("no %q before what is folded", want)
		}
	}
	if len(text) > view.CommentLimit || strings.Contains(text, "TOPSECRET") {
		t.Errorf("%d bytes, or a secret", len(text))
	}
	p.Published.Outputs = nil
	for i := range 3000 {
		p.Published.Outputs = append(p.Published.Outputs, published.Output{Name: fmt.Sprintf("output-%04d", i), Value: json.RawMessage(`1`)})
	}
	for _, budget := range []int{2000, view.CommentLimit, 1 << 30} {
		text := markdown(t, p, budget)
		left := 0
		if match := regexp.MustCompile(`(\d+) outputs not named here`).FindStringSubmatch(text); match != nil {
			left, err = strconv.Atoi(match[1])
			if err != nil {
				t.Fatal(err)
			}
		}
		if shown := strings.Count(text, "+ output-"); len(text) > budget || shown+left != 3000 || budget == 1<<30 && left > 0 {
			t.Errorf("%d bytes of %d, %d outputs are shown and %d said to be left out", len(text), budget, shown, left)
		}
	}
}

// TestMarkdownTellsOfApplicationsWhoseChangesAreFolded: what is said of them stays.
func TestMarkdownTellsOfApplicationsWhoseChangesAreFolded(t *testing.T) {
	p := sameExample()
	p.Applications[2].Risks = []plan.Risk{{Code: "pods-restart", Severity: plan.Low, Detail: "All restart.", Accepted: "they may restart at night"}}
	p.Applications[4].MovedFrom = addr.Application("old")
	text := markdown(t, p, 0)
	for _, want := range []string{
		"accepted: pods-restart: they may restart at night\n\n  2 changes as above, with other applications\n  1 object unchanged\n",
		`application.team["team-04"]  on production, namespace team-04  moved from application.old`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, `<code>application.team[&#34;team-03&#34;]</code>`) {
		t.Error("an application of which nothing is to be told has a section")
	}
}
