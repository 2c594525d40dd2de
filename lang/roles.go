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

// rolesUnknown reports whether there may be roles that the Config does not have: something
// of it could not be told, and its files speak of roles.
func (f *finisher) rolesUnknown(files map[string]*hcl.File) bool {
	if !f.config.Unguarded && !f.config.Incomplete {
		return false
	}
	for _, file := range files {
		if file != nil && roleWord.Match(file.Bytes) {
			return true
		}
	}
	return false
}

// roleWord is what every file with a role has in it: role "x" {, role x {, dynamic "role" {
// or, in JSON, "role": {.
var roleWord = regexp.MustCompile(`(?:^|[^"\w.-])role\s*["{/]|\brole\s+\w+\s*\{|"role"\s*(:\s*[\[{]|\{)`)
