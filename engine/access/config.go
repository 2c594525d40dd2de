package access

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
)

// Roles returns the roles of a configuration as data: those of all applications first,
// then those of projects, each by address. Where it is not known what roles there are, one
// is among them that denies everybody everything.
func Roles(config *lang.Config) []plan.Role {
	var out []plan.Role
	if config.RolesUnknown {
		out = append(out, plan.Role{Default: true, Deny: []plan.Grant{{Actions: []string{"*"}, Applications: []string{"*/*"}}}})
	}
	for _, role := range config.Roles {
		out = append(out, asData(role, strings.TrimPrefix(role.Address.String(), "role."), ""))
	}
	for _, project := range config.Projects {
		for _, role := range project.Rules.Roles {
			out = append(out, asData(role, role.Name, project.Name))
		}
	}
	return out
}

func asData(role *govern.Role, name, project string) plan.Role {
	out := plan.Role{
		Name: name, Project: project, Default: role.Default, Groups: role.Groups, Subjects: role.Subjects, Issuers: role.Issuers,
		Range: rangeText(role.Range),
	}
	seen := map[*govern.Role]bool{}
	var add func(from *govern.Role)
	add = func(from *govern.Role) {
		if seen[from] {
			return
		}
		seen[from] = true
		inherited := ""
		if from != role {
			inherited = from.Address.String()
		}
		out.Allow = append(out.Allow, grants(from.Allow, inherited)...)
		out.Deny = append(out.Deny, grants(from.Deny, inherited)...)
		for _, next := range from.Inherits {
			add(next)
		}
	}
	add(role)
	return out
}

func grants(from []govern.Grant, inherited string) []plan.Grant {
	var out []plan.Grant
	for _, g := range from {
		out = append(out, plan.Grant{Actions: g.Actions, Applications: g.Applications, Inherited: inherited, Range: rangeText(g.Range)})
	}
	return out
}

// rangeText renders a range as "file:line,column", empty for none.
func rangeText(r hcl.Range) string {
	if r.Filename == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}
