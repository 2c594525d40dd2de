package lang_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/gantrycd/gantry/lang"
)

// TestRolesUnknown holds that no error makes a role vanish unnoticed.
func TestRolesUnknown(t *testing.T) {
	const role = `
role "sre" {
  groups = ["sre"]
  allow {
    actions      = ["get"]
    applications = ["*/*"]
  }
}
`
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"sound", role, false},
		{"no roles", `cluster "a" { context = "a" }`, false},
		{"another block is broken", role + `cluster "a" { context = nowhere }`, false},
		{"a role is broken", role + "role \"deny\" {\n groups = [nowhere]\n}", true},
		{"a role twice", role + role, true},
		{"no label", "role {\n}", true},
		{"what a role is for each of cannot be told", "role \"x\" {\n for_each = generator.list.none\n groups = [each.key]\n}", true},
		{"issuers that cannot be told", "role \"x\" {\n groups = [\"sre\"]\n issuers = [nowhere]\n allow {\n actions = [\"get\"]\n applications = [\"*/*\"]\n }\n}", true},
		{"no issuers", "role \"x\" {\n groups = [\"sre\"]\n issuers = []\n allow {\n actions = [\"get\"]\n applications = [\"*/*\"]\n }\n}", true},
		{"a group with a space", "role \"x\" {\n groups = [\"sre \"]\n allow {\n actions = [\"get\"]\n applications = [\"*/*\"]\n }\n}", true},
		{"one of several", "role \"x\" {\n for_each = toset([\"a\", \"\"])\n groups = [each.key]\n allow {\n actions = [\"get\"]\n applications = [\"*/*\"]\n }\n}", true},
		{"a project's role", "project \"web\" {\n role \"x\" {\n groups = [nowhere]\n }\n}", true},
		{"a project without roles", "project \"web\" {\n repositories = nowhere\n}\ncluster \"a\" {\n context = \"role\"\n}", false},
		{"syntax", role + "role \"deny\" {", true},
		{"syntax elsewhere", "cluster \"a\" {\n labels = { role = \"web\" }", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			module, _ := lang.Load("", lang.LoadOptions{FS: fstest.MapFS{"main.gantry.hcl": {Data: []byte(c.text)}}})
			config, diags := module.Evaluate(context.Background(), lang.EvalOptions{})
			if config.RolesUnknown != c.want {
				t.Errorf("unknown: %v, want %v: %v", config.RolesUnknown, c.want, diags)
			}
		})
	}
}
