package lang

import (
	"regexp"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/govern"
)

// checkRoles reports roles that nobody has, and from which none inherits that is known.
func (f *finisher) checkRoles() {
	if f.config.Unguarded {
		return
	}
	inherited := map[*govern.Role]bool{}
	for _, role := range f.config.Roles {
		for _, from := range role.Inherits {
			inherited[from] = true
		}
	}
	for _, role := range f.config.Roles {
		if !role.HasMembers() && !inherited[role] {
			f.diags = append(f.diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Missing required argument", Detail: govern.NoMembers, Subject: role.Range.Ptr(),
			})
		}
	}
}

// HasRoles reports whether the configuration has a role at all, or could have one: some of
// it could not be told, and its files speak of roles.
func (c *Config) HasRoles(files map[string]*hcl.File) (has, known bool) {
	has = len(c.Roles) > 0
	for _, project := range c.Projects {
		has = has || len(project.Rules.Roles) > 0
	}
	if !c.Unguarded && !c.Incomplete {
		return has, true
	}
	for _, file := range files {
		if file != nil && roleWord.Match(file.Bytes) {
			return true, false
		}
	}
	return has, !has
}

// roleWord is what every file with a role has in it, in whatever syntax.
var roleWord = regexp.MustCompile(`\brole\b`)
