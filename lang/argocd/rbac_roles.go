package argocd

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
)

// Argo CD's roles that nobody has to declare.
const (
	adminRole    = "role:admin"
	readonlyRole = "role:readonly"
)

// role is what has rights, and who has it.
type role struct {
	name     string
	line     int
	rules    []rule
	comments []string
	members  []string
}

// write writes a role for every subject that has rights, with all who have it directly or
// through others.
func (p *policy) write() {
	var blocks []*draft.Block
	rest := p.rest
	for _, r := range p.roles() {
		if len(r.rules) == 0 {
			rest = append(rest, r.comments...)
			continue
		}
		block := &draft.Block{Type: "role", Labels: []string{p.im.label("role", strings.TrimPrefix(r.name, "role:"))}}
		block.Comment(r.comments...)
		if !p.setMembers(block, r) {
			p.findingAt(LeftOut, r.line, "", "Nobody has the role %s: no line \"g\" gives it to a group or a person, so that it is left out.", r.name)
			rest = append(rest, r.comments...)
			for _, one := range r.rules {
				rest = append(rest, one.comments...)
			}
			continue
		}
		grants(block, r.rules)
		blocks = append(blocks, block)
	}
	for _, block := range blocks {
		if p.main == nil {
			p.main = block
			block.Comments.Foot = append(block.Comments.Foot, rest...)
		}
		p.im.add(accessFile, block)
	}
	p.im.imported["Role"] += len(blocks)
	p.im.roles += len(blocks)
}

// roles gathers what has rights, in the order of the lines, those that are built in
// where somebody has them.
func (p *policy) roles() []*role {
	var order []*role
	find := func(name string, line int) *role {
		i := slices.IndexFunc(order, func(r *role) bool { return r.name == name })
		if i < 0 {
			order = append(order, &role{name: name, line: line})
			i = len(order) - 1
		}
		order[i].line = min(order[i].line, line)
		return order[i]
	}
	for _, builtIn := range []string{adminRole, readonlyRole} {
		action := map[string][]string{adminRole: {"*"}, readonlyRole: {"get", "plan"}}[builtIn]
		named := func(l link) bool { return l.role == builtIn }
		if i := slices.IndexFunc(p.links, named); i >= 0 || p.everyone == builtIn || slices.ContainsFunc(p.rules, func(r rule) bool { return r.subject == builtIn }) {
			line := 1 << 30
			if i >= 0 {
				line = p.links[i].line
			}
			r := find(builtIn, line)
			r.rules = append(r.rules, rule{actions: action, objects: []string{"*/*"}})
		}
	}
	for _, one := range p.rules {
		r := find(one.subject, one.line)
		r.rules = append(r.rules, one)
	}
	for _, l := range p.links {
		r := find(l.role, l.line)
		r.comments = append(r.comments, l.comments...)
	}
	for _, r := range order {
		r.members = p.membersOf(r.name)
	}
	slices.SortStableFunc(order, func(a, b *role) int { return a.line - b.line })
	return order
}

// membersOf returns who has a role, directly or through others, and the role's own name.
func (p *policy) membersOf(name string) []string {
	members := []string{name}
	for i := 0; i < len(members); i++ {
		for _, l := range p.links {
			if l.role == members[i] && !slices.Contains(members, l.subject) {
				members = append(members, l.subject)
			}
		}
	}
	return members
}

// setMembers says who has a role; it is false where nobody has.
func (p *policy) setMembers(block *draft.Block, r *role) bool {
	var groups, subjects []string
	for _, name := range r.members {
		linked := slices.ContainsFunc(p.links, func(l link) bool { return l.subject == name })
		switch {
		case strings.HasPrefix(name, "role:"): // a group of that name is a group
		case strings.HasPrefix(name, "proj:"):
			p.findingAt(LeftOut, r.line, "", "%s is the token of a project's role, and roles have no tokens. A CI system may have the role by its own identity.", name)
		case !linked: // Argo CD does not look for a group of the name, either
			subjects = append(subjects, name)
			p.findingAt(Differs, r.line, "", "%q gets rights without a role, which in Argo CD only a person of the name has, and no group. It is written as a subject; if it is a group, make it one.", name)
		case p.byGroups && isGroup(name):
			groups = append(groups, name)
		case p.byGroups:
			groups, subjects = append(groups, name), append(subjects, name)
			p.findingAt(Differs, r.line, "", "%q may be a group or a person in Argo CD. It is written as both; remove what it is not.", name)
		default:
			subjects = append(subjects, name)
		}
	}
	if p.everyone != "" && slices.Contains(r.members, p.everyone) {
		block.Set("default", draft.Raw("true"), draft.None())
	}
	if len(groups) > 0 {
		block.Set("groups", draft.Strings(groups...), draft.None())
	}
	if len(subjects) > 0 {
		block.Set("subjects", draft.Strings(subjects...), draft.None())
	}
	return !block.Empty()
}

// isGroup reports whether a name is that of a group by its looks: organization:team.
func isGroup(name string) bool {
	return strings.Count(name, ":") == 1 && !strings.HasPrefix(name, "system:")
}
