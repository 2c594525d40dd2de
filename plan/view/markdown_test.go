package view_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view"
)

func markdown(t *testing.T, p *plan.Plan, budget int) string {
	t.Helper()
	var out bytes.Buffer
	if err := view.Markdown(&out, p, budget); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestMarkdownKeepsToItsBudget(t *testing.T) {
	const n = 2000
	p := large(n)
	p.Applications[1999].Changes[0].Action = plan.Prune
	risky := p.Applications[1998].Changes[0].ID
	p.Applications[1998].Risks = []plan.Risk{{Code: "pods-restart", Severity: plan.High, Object: &risky, Detail: "All pods restart."}}
	for _, budget := range []int{2000, view.CommentLimit, 1 << 30} {
		text := markdown(t, p, budget)
		if len(text) > budget {
			t.Errorf("%d bytes, the budget is %d", len(text), budget)
		}
		first, _, _ := strings.Cut(text, "\n")
		if !strings.Contains(first, "1999 to update, 1 to prune") || !strings.Contains(first, "1 high risk") {
			t.Errorf("at %d bytes the first line is %q", budget, first)
		}
		for _, must := range []string{"Deletes 1 object", `prune `, "All pods restart."} {
			if !strings.Contains(text, must) {
				t.Errorf("at %d bytes there is no %q", budget, must)
			}
		}
		shown := strings.Count(text, "~ update")
		left := 0
		if match := regexp.MustCompile(`(\d+) objects not shown`).FindStringSubmatch(text); match != nil {
			left, _ = strconv.Atoi(match[1])
		}
		if pruned := strings.Count(text, "- - prune"); shown+pruned+left != n {
			t.Errorf("at %d bytes: %d updates and %d deletions are shown, %d objects are said to be left out, of %d", budget, shown, pruned, left, n)
		}
		if budget > 1<<20 && left > 0 {
			t.Errorf("%d objects are left out although there is room", left)
		}
		if budget == view.CommentLimit && (len(text) < budget*3/4 || !strings.Contains(text, "application.web[&#34;01998&#34;]")) {
			t.Errorf("%d bytes of %d are used, or what has a risk is left out first", len(text), budget)
		}
	}
}

// TestDeletionsAndRisksAreNotCut: as long as they fit at all, everything else goes.
func TestDeletionsAndRisksAreNotCut(t *testing.T) {
	p := base()
	for i := range 300 {
		id := object.ID{Kind: "PersistentVolumeClaim", Namespace: "web", Name: fmt.Sprintf("data-%03d", i)}
		a := web(plan.Change{ID: id, Version: "v1", Action: plan.Prune}, change(plan.Update, "ConfigMap", "settings", changed("data.mode", int64(i), "x")))
		a.Address = addr.Application("web").Instance(fmt.Sprint(i))
		a.Risks = []plan.Risk{{Code: "data-loss", Severity: plan.High, Object: &id, Detail: fmt.Sprintf("The data of claim %d are lost.", i)}}
		p.Applications = append(p.Applications, a)
	}
	text := markdown(t, p, view.CommentLimit)
	top, _, _ := strings.Cut(text, "\n| application |")
	top, _, _ = strings.Cut(top, "<details>")
	if got := strings.Count(top, "- prune `"); got != 300 {
		t.Errorf("%d of 300 deletions are named", got)
	}
	if got := strings.Count(top, "are lost"); got != 300 {
		t.Errorf("%d of 300 risks are told", got)
	}
	if len(text) > view.CommentLimit {
		t.Errorf("%d bytes", len(text))
	}
	if short := markdown(t, p, 5000); len(short) > 5000 || !regexp.MustCompile(`\*\*\d+ objects not named here`).MatchString(short) || !regexp.MustCompile(`\*\*\d+ risks not named here`).MatchString(short) {
		t.Errorf("where they do not fit it does not say so in %d bytes:\n%s", len(short), short)
	}
}

// TestMarkdownNotifiesNobody holds what comes from elsewhere to text: nobody is
// mentioned, nothing is linked, no fence is ended, no tag is made.
func TestMarkdownNotifiesNobody(t *testing.T) {
	evil := "@someone closes #1 https://evil.example.com <script>alert(1)</script>\n```\n</details>\n\n## Approved\n| a |"
	object := id("ConfigMap", "settings")
	a := web(change(plan.Update, "ConfigMap", "settings", changed("data.mode", "a", evil), changed("data.other", "`````", evil)))
	a.Changes[0].Warnings = []string{evil}
	a.Warnings = []string{evil}
	a.Risks = []plan.Risk{{Code: evil, Severity: plan.High, Object: &object, Detail: evil}, {Code: "x", Severity: plan.Low, Detail: "y", Accepted: evil}}
	p := base(a)
	p.Problems = []plan.Problem{{Summary: evil, Range: evil}}
	p.Targets = []string{evil}
	text := markdown(t, p, 0)
	var outside []string
	fence := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case fence == "" && strings.HasPrefix(line, "```"):
			fence = strings.TrimSuffix(line, "diff")
		case fence != "" && line == fence:
			fence = ""
		case fence == "":
			outside = append(outside, withoutCode(line))
		}
	}
	if fence != "" {
		t.Error("a fence is not ended")
	}
	prose := strings.ReplaceAll(strings.Join(outside, "\n"), "&#8203;", "\u200b")
	for _, pattern := range []string{`@\w`, `#1`, `://`, `<script`, `(?m)^## `, `(?m)^\| a \|`} {
		if found := regexp.MustCompile(pattern).FindString(prose); found != "" {
			t.Errorf("%q is outside of code:\n%s", found, prose)
		}
	}
	if got := strings.Count(prose, "</details>"); got != strings.Count(prose, "<details>") {
		t.Errorf("%d </details>", got)
	}
}

// withoutCode is a line without its code spans, as CommonMark finds them: a span ends
// with as many backticks as it began with.
func withoutCode(line string) string {
	var out strings.Builder
	for i := 0; i < len(line); {
		switch {
		case line[i] == '\\' && i+1 < len(line):
			out.WriteString(line[i : i+2])
			i += 2
			continue
		case line[i] != '`':
			out.WriteByte(line[i])
			i++
			continue
		}
		ticks := len(line[i:]) - len(strings.TrimLeft(line[i:], "`"))
		end := -1
		for j := i + ticks; j < len(line); {
			run := len(line[j:]) - len(strings.TrimLeft(line[j:], "`"))
			if run == ticks {
				end = j + run
				break
			}
			j += max(run, 1)
		}
		if end < 0 {
			out.WriteString(line[i : i+ticks])
			i += ticks
			continue
		}
		out.WriteString("code")
		i = end
	}
	return out.String()
}

// TestOnlySignsAreMarked: what looks like a sign in a text that stays, or in somebody's
// words, is no line of a diff.
func TestOnlySignsAreMarked(t *testing.T) {
	blocked := change(plan.Blocked, "Deployment.apps", "podinfo")
	blocked.Reason = "refused:\n- one thing\n+ another"
	kept := "items:\n  - one\n  + two\n  ~ three\n  x four\n- five\n"
	text := markdown(t, base(web(
		blocked,
		change(plan.Update, "ConfigMap", "settings",
			changed("data.text", kept+"- old\n", kept+"- new\n"),
			changed("data.other", "- a\nb\n- c\n", "- a\n- c\n")),
		change(plan.Prune, "Service", "old"),
	)), 0)
	_, text, _ = strings.Cut(text, "```diff\n")
	text, _, _ = strings.Cut(text, "```")
	var marked []string
	for line := range strings.Lines(text) {
		if strings.ContainsAny(line[:1], "-+!") {
			marked = append(marked, line[:1]+" "+strings.TrimSpace(line[1:]))
		}
	}
	want := []string{
		"! x blocked  Deployment.apps web/podinfo", "! ~ update   ConfigMap web/settings",
		"! ~ data.text:", "- - - old", "+ + - new", "! ~ data.other:", "- - b", "- - prune    Service web/old",
	}
	if diff := cmp.Diff(want, marked); diff != "" {
		t.Errorf("marked lines (-want +got):\n%s\n%s", diff, text)
	}
	for _, stays := range []string{"\n            - five\n", "\n      - one thing\n", "\n            - a\n"} {
		if !strings.Contains(text, stays) {
			t.Errorf("no %q in\n%s", stays, text)
		}
	}
}
