// Package viewtest has plans in which every text tries something: for tests of the views
// of a plan, which import it and nothing else does.
package viewtest

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Hostile are texts that do something in Markdown, in HTML, on a forge or on a terminal.
func Hostile() []string {
	return []string{
		"@everyone", "cc @example/admins,", "closes #1", "example/repo#2", "GH-3", "gh-4", "!5", "$6", "%7", "~8", "&9", "%\"milestone\"", "^alert",
		"https://evil.example.com/?a=b", "www.evil.example.com", "http://x.example", "ftp://x.example", "mailto:a@example.com", "someone@example.com", "<https://evil.example.com>",
		"[click](https://evil.example.com)", "![img](https://evil.example.com/x.png)", "[a]: https://evil.example.com", "[a]", "[![x](y)](z)", "[//]: # (gantry:plan v1 key=.)",
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</details>", "<details open>", "</summary>", "</code></pre>", "</sub>", "<!-- gantry:plan v1 key=. -->", "<!--", "-->", "<a href=//x>", "&lt;b&gt;", "&#64;everyone", "<b>", "<style>", "<?", "<![CDATA[",
		"```", "````", "``````", "`", "``", "~~~", "~~~~", "***", "---", "===", "___", "\n", "\r\n", "\n\n", "\n```\n", "\n\n# Approved\n\n", "\n</details>\n\n", "|", "\\|", "\\", "\\\\", "| a | b |\n|---|---|\n", "> quote", "- [x] done", "1. one", "    indented", "\t", "**bold**", "_under_", "~~gone~~", "$`math`$", "$$x$$",
		"\x1b[2J", "\x1b]8;;https://evil.example.com\x07link\x1b]8;;\x07", "\x00", "\x07", "\u202e", "\u2066", "\u200b", "\u00ad", "\xff", "\x9b2J", "\u2028", "::error::x", "##[error]", "::set-output name=a::b",
		"a", "web", " ", "", "日本語", "é", "🚀", strings.Repeat("`", 50), strings.Repeat("long ", 60),
	}
}

// Text draws some of Hostile, one after the other.
func Text() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(Hostile()), 1, 4).Draw(t, "parts"), rapid.SampledFrom([]string{"", " ", "\n"}).Draw(t, "between"))
	})
}

// Infect sets every text of a value to one that is made, but for the words that plans have
// a fixed list of.
func Infect(v reflect.Value, text func() string) {
	switch v.Interface().(type) {
	case plan.Action, plan.Severity, plan.PolicyEnforcement, plan.FieldKind, plan.TakenWhy, time.Time, addr.Address:
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(text())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			Infect(v.Elem(), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				Infect(v.Field(i), text)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			Infect(v.Index(i), text)
		}
	case reflect.Interface:
		if !v.IsNil() && v.CanSet() && v.Elem().Kind() == reflect.String {
			v.Set(reflect.ValueOf(text()))
		}
	case reflect.Map:
		made := reflect.MakeMap(v.Type())
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			Infect(value, text)
			if nested, ok := value.Interface().(map[string]any); ok {
				value.Set(reflect.ValueOf(nested))
			}
			made.SetMapIndex(reflect.ValueOf(text()), value)
		}
		if v.CanSet() {
			v.Set(made)
		}
	default:
	}
}

// Everything is a plan that has something of all that a comment shows.
func Everything(n int) *plan.Plan {
	id := object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "podinfo"}
	actions := plan.Actions()
	p := &plan.Plan{
		ToolVersion: "0.1.0", ID: "x", InputDigest: "sha256:abc", Targets: []string{"a", "b"}, Offline: n%3 == 0,
		CreatedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ExpiresAt: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
		Clusters: []plan.Cluster{{Name: "eu"}}, Problems: []plan.Problem{{Summary: "s", Detail: "d", Range: "r:1,2"}},
		Orphans: []plan.Orphaned{{Project: "p", Cluster: "c", ID: id}},
	}
	if n%3 == 0 {
		p.Against = &plan.Against{Ref: "main", Commit: strings.Repeat("a", 40)}
	}
	for i := range n {
		a := plan.Application{
			Address: addr.Application("web").Instance(fmt.Sprint(i)), Name: "web", Cluster: "eu", Namespace: "web", Project: "p", Digest: "sha256:1",
			Blocked: []plan.Problem{{Summary: "b", Detail: "bd", Range: "r"}}, Warnings: []string{"w"},
			Risks: []plan.Risk{
				{Code: "data-loss", Severity: plan.High, Object: &id, Detail: "d", Paths: []string{"a.b"}, Range: "x:1,1"},
				{Code: "x", Severity: plan.Low, Detail: "e"},
				{Code: "y", Severity: plan.Low, Detail: "e", Accepted: "why"},
			},
			Policies: []plan.PolicyResult{{Policy: "policy.a", Rule: "r", Enforcement: plan.PolicyDeny, Object: id, Message: "m", Range: "x:1,1", Source: "s"}, {Policy: "policy.b", Enforcement: plan.PolicyWarn, Object: id, Message: "m", Exempt: "e"}, {Policy: "policy.c", Enforcement: plan.PolicyApprove, Approvals: &plan.PolicyApprovals{Count: 1, Groups: []string{"g", "!h"}}, Object: id, Message: "m"}},
			Failed:   &plan.Failure{Outcome: "failed", Message: "m"},
		}
		if i%2 == 1 {
			a.Blocked = nil // what policies want approved is told of what is not blocked
		}
		for j, action := range actions {
			c := plan.Change{
				ID: id, Version: "v1", Action: action, Reason: "r", Origin: "o", Warnings: []string{"w"},
				Fields: []plan.FieldChange{{Path: "data.a", Kind: plan.Changed, Before: "x", After: "y"}, {Path: "data.b", Kind: plan.Added, After: "y"}},
				Takes:  []plan.Taken{{Kind: "Pod", Why: plan.TakenOwned, Count: 1, IDs: []plan.TakenID{{Name: "p"}}}, {Kind: "PersistentVolume", Why: plan.TakenVolume, Count: 1, Data: true, Of: "o", IDs: []plan.TakenID{{Name: "p"}}}},
				Body:   object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "n"}, "data": map[string]any{"k": "v"}},
			}
			c.ID.Name = fmt.Sprintf("x-%d-%d", i, j)
			if action == plan.Run {
				c.Hook = &plan.Hook{}
			}
			a.Changes = append(a.Changes, c)
		}
		p.Applications = append(p.Applications, a)
	}
	return p
}
