package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/alarm"
)

// mostViolating is how many changes that violate one policy are shown, unless all is.
const mostViolating = 10

// policies tells which policies are violated, by what, and where they are written.
func (t *text) policies() {
	list := alarm.Violations(t.p)
	if len(list) == 0 {
		return
	}
	t.line(0, span{loud, "Policies:"})
	for _, v := range list {
		mark, look := "  ! ", loud
		switch v.Level() {
		case string(plan.PolicyWarn):
			look = yellow
		case "exempt":
			mark, look = "    ", faint
		}
		t.line(0, span{look, mark + pad(v.Level(), 7) + "  "}, span{bold, v.Name}, span{faint, at(v.Range)})
		if v.Level() == string(plan.PolicyApprove) {
			t.paragraph(detail+7, span{loud, "needs "}, v.Approvals.String())
		}
		if v.Exempt != "" {
			t.paragraph(detail+7, span{faint, "exempt: "}, v.Excuse())
		}
		shown := v.Of
		if !t.options.Full && !t.options.Verbose && len(shown) > mostViolating {
			shown = shown[:mostViolating]
		}
		for _, one := range shown {
			t.line(detail+7, span{normal, "· " + one.Object.String()}, span{faint, "  " + one.Application.String()})
			t.paragraph(detail+9, span{}, one.Why())
		}
		if more := len(v.Of) - len(shown); more > 0 {
			t.line(detail+7, span{faint, fmt.Sprintf("· and %d more; --verbose shows them", more)})
		}
	}
	t.blank()
}

// at is where something is written, to stand behind its name.
func at(where string) string {
	if where == "" {
		return ""
	}
	return "  " + where
}

// policies are the policies that are violated, for a comment.
func (m *markdown) policies() entries {
	out := entries{heading: "**Policies:**", noun: "policy"}
	for _, v := range alarm.Violations(m.p) {
		made := entry{head: fmt.Sprintf("**%s** %s", escaped(v.Level()), code(v.Name))}
		if v.Range != "" {
			made.head += " (" + code(v.Range) + ")"
		}
		if v.Level() == string(plan.PolicyApprove) {
			made.head += ": needs " + escaped(v.Approvals.String())
		}
		if v.Exempt != "" {
			made.head += ": " + escaped(v.Excuse())
		}
		var items []string
		for _, one := range v.Of {
			items = append(items, fmt.Sprintf("%s in %s: %s", code(one.Object.String()), code(one.Application.String()), escaped(strings.Join(strings.Fields(one.Why()), " "))))
		}
		made.lists = []sublist{{"\n  - ", "\n  - ", items}}
		out.list = append(out.list, made)
	}
	return out
}

// policyTitle counts violations for a title; empty where there are none.
func policyTitle(p *plan.Plan) string {
	if text := alarm.PolicyWords(p); text != "" {
		return " · **" + escaped(text) + "**"
	}
	return ""
}

// policySummary is the line of the summary that counts violations.
func (t *text) policySummary() {
	if text := alarm.PolicyWords(t.p); text != "" {
		t.line(0, span{yellow, text + "."})
	}
}

// jsonNeed is an approval that a policy wants. Count is 0 where the protection says how many
// and whose.
type jsonNeed struct {
	Policy    string   `json:"policy"`
	Count     int      `json:"count"`
	Groups    []string `json:"groups"`
	NotAuthor bool     `json:"notAuthor"`
}

func jsonNeeds(a *plan.Application) []jsonNeed {
	var out []jsonNeed
	for _, need := range a.NeedsApproval() {
		made := jsonNeed{Policy: need.Policy, Groups: []string{}}
		if asked := need.Approvals; asked != nil {
			made.Count, made.Groups, made.NotAuthor = asked.Count, notNil(asked.Groups), asked.NotAuthor
		}
		out = append(out, made)
	}
	return out
}

type jsonPolicyResult struct {
	Policy      string                 `json:"policy"`
	Rule        string                 `json:"rule"`    // the admission policy; empty for an expression
	Binding     string                 `json:"binding"` // of the admission policy
	Enforcement plan.PolicyEnforcement `json:"enforcement"`
	Blocks      bool                   `json:"blocks"`
	Object      jsonObject             `json:"object"`
	Action      plan.Action            `json:"action"`
	Message     string                 `json:"message"`
	Failed      bool                   `json:"failed"`
	Exempt      string                 `json:"exempt"`
	Until       *time.Time             `json:"until"`
	Range       string                 `json:"range"`
	Source      string                 `json:"source"`
}

func jsonPolicies(a *plan.Application) []jsonPolicyResult {
	var out []jsonPolicyResult
	for i := range a.Policies {
		r := &a.Policies[i]
		made := jsonPolicyResult{
			Policy: r.Policy, Rule: r.Rule, Binding: r.Binding, Enforcement: r.Enforcement, Blocks: r.Blocks(), Object: jsonObjectOf(r.Object, ""), Action: r.Action,
			Message: r.Message, Failed: r.Failed, Exempt: r.Exempt, Range: r.Range, Source: r.Source,
		}
		if !r.Until.IsZero() {
			made.Until = &r.Until
		}
		out = append(out, made)
	}
	return out
}
