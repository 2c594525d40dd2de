package lang

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
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

// checkRoleProjects warns of rules about projects that there are not: one that denies would
// deny nothing.
func (f *finisher) checkRoleProjects() {
	if f.config.Unguarded || f.config.Incomplete {
		return
	}
	var projects []string
	for _, project := range f.config.Projects {
		projects = append(projects, project.Name)
	}
	for _, role := range f.config.Roles {
		for _, grant := range slices.Concat(role.Allow, role.Deny) {
			for _, pattern := range grant.Applications {
				project, _, _ := strings.Cut(pattern, "/")
				if project == "" || strings.ContainsAny(project, `*?[]{}\!`) || slices.Contains(projects, project) {
					continue
				}
				detail := fmt.Sprintf("There is no project %q, so that %q is about no application.", project, pattern)
				if near := schema.Suggest(project, projects); near != "" {
					detail += fmt.Sprintf(" Did you mean %q?", near)
				}
				f.diags = append(f.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Unknown project", Detail: detail, Subject: grant.Range.Ptr()})
			}
		}
	}
}

// checkIssuers reports roles of which it is not said who vouches for their members, where
// more than one could: what one calls a group, another may give to anybody. It is false
// where there are some.
func (f *finisher) checkIssuers() bool {
	trust := &f.config.Settings.Identity
	var issuers []string
	for i := range trust.Issuers {
		issuers = append(issuers, fmt.Sprintf("%q", trust.Issuers[i].URL))
	}
	for i := range trust.Clusters {
		issuers = append(issuers, fmt.Sprintf("%q", trust.Clusters[i].Name))
	}
	slices.Sort(issuers)
	if issuers = slices.Compact(issuers); len(issuers) < 2 {
		return true // one that is there for several audiences is one
	}
	roles := slices.Clone(f.config.Roles)
	for _, project := range f.config.Projects {
		roles = append(roles, project.Rules.Roles...)
	}
	said := true
	for _, role := range roles {
		if len(role.Groups)+len(role.Subjects) == 0 || !role.AnyIssuer {
			continue
		}
		said = false
		f.diags = append(f.diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Missing required argument", Subject: role.Range.Ptr(),
			Detail: fmt.Sprintf("There is more than one who vouches for people, and what one of them calls a group, or a subject, another may give to somebody else. Say with \"issuers\" who must vouch for those who have the role: of %s.", strings.Join(issuers, ", ")),
		})
	}
	return said
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
