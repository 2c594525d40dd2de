package view_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view"
)

// TestALongEntryHidesNoOther: what a deletion or a risk lists is shortened before another
// one is left out.
func TestALongEntryHidesNoOther(t *testing.T) {
	const claims, others = 1500, 40
	namespace := change(plan.Prune, "Namespace", "data")
	namespace.Takes = []plan.Taken{taken(plan.TakenInside, "PersistentVolumeClaim", numbered("a-rather-long-name-of-a-claim-", claims)...)}
	namespace.Takes[0].Data = true
	a := web(namespace)
	for i := range others {
		a.Changes = append(a.Changes, change(plan.Prune, "Service", fmt.Sprintf("old-%02d", i)))
		of := a.Changes[i+1].ID
		a.Risks = append(a.Risks, plan.Risk{Code: "gone", Severity: plan.Medium, Object: &of, Detail: fmt.Sprintf("Service %d goes.", i)})
	}
	for i := range 2000 {
		of := object.ID{Kind: "Service", Namespace: "web", Name: fmt.Sprintf("spread-%04d", i)}
		a.Risks = append(a.Risks, plan.Risk{Code: "spread", Severity: plan.High, Object: &of, Detail: "It is everywhere."})
	}
	p := base(a)
	p.Problems = []plan.Problem{{Summary: "Source cannot be read", Range: "web.gantry.hcl:3,5"}}
	count := func(t *testing.T, text, noun string) int {
		t.Helper()
		more := regexp.MustCompile(`(?m)(\d+) (more|not named here)$`).FindAllStringSubmatch(text, -1)
		shown := strings.Count(text, noun)
		for _, match := range more {
			n, err := strconv.Atoi(match[1])
			if err != nil {
				t.Fatal(err)
			}
			shown += n
		}
		return shown
	}
	for _, budget := range []int{9000, 20_000, view.CommentLimit, 1 << 30} {
		text := markdown(t, p, budget)
		if len(text) > budget {
			t.Errorf("%d bytes, the budget is %d", len(text), budget)
		}
		top, _, _ := strings.Cut(text, "\n<details>")
		for _, want := range []string{"- prune `Namespace", "loses the data of PersistentVolumeClaim", "It is everywhere.", "Source cannot be read"} {
			if !strings.Contains(top, want) {
				t.Errorf("at %d bytes there is no %q", budget, want)
			}
		}
		for i := range others {
			for _, want := range []string{fmt.Sprintf("- prune `Service web/old-%02d`", i), fmt.Sprintf("Service %d goes.", i)} {
				if !strings.Contains(top, want) {
					t.Errorf("at %d bytes there is no %q", budget, want)
				}
			}
		}
		// What is not named is counted.
		deletions, risks, _ := strings.Cut(top, "**Risks:**")
		if got := count(t, deletions, "a-rather-long-name"); got != claims {
			t.Errorf("at %d bytes %d claims are named or counted, want %d", budget, got, claims)
		}
		if got := count(t, risks, "`Service web/spread-"); got != 2000 {
			t.Errorf("at %d bytes %d places are named or counted, want 2000", budget, got)
		}
		if budget == view.CommentLimit && len(text) < budget*9/10 {
			t.Errorf("%d bytes of %d are used", len(text), budget)
		}
	}
}

// TestALongRiskIsCut: the detail of one does not hide what the others are.
func TestALongRiskIsCut(t *testing.T) {
	a := web(change(plan.Update, "ConfigMap", "settings", changed("data.mode", "a", "b")))
	a.Risks = []plan.Risk{{Code: "long", Severity: plan.High, Detail: strings.Repeat("word ", 30_000)}, {Code: "short", Severity: plan.Low, Detail: "Short."}}
	text := markdown(t, base(a), view.CommentLimit)
	if len(text) > view.CommentLimit || !strings.Contains(text, "word word") || !strings.Contains(text, "Short.") || !strings.Contains(text, "word …\n") {
		t.Errorf("%d bytes: %.3000s", len(text), text)
	}
	if whole := markdown(t, base(a), 0); strings.Count(whole, "word") != 30_000 {
		t.Error("it is cut where there is room")
	}
}
