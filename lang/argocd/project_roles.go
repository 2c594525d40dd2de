package argocd

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

// roleName is what Argo CD calls roles of projects.
var roleName = regexp.MustCompile(`^[a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?$`)

// projectRoles turns the roles of a project, each with a label of its own.
func (w *writer) projectRoles(b *draft.Block, roles *manifest.Node) {
	names, labels, void := map[string]bool{}, map[string]bool{}, isVoid(roles)
	for _, n := range roles.Items() {
		name := n.Get("name").Text()
		switch {
		case names[name]:
			w.finding(Differs, n, "Argo CD refuses a project that has two roles called %q.", name)
		case !roleName.MatchString(name):
			w.finding(Differs, n, "Argo CD refuses a role that is called %q: names are of letters, digits, \"-\" and \"_\".", name)
		}
		names[name] = true
		label := identifier("role", name)
		for i := 2; labels[label]; i++ {
			label = fmt.Sprintf("%s_%d", identifier("role", name), i)
		}
		labels[label] = true
		w.projectRole(b, n, label, void)
	}
}

// isVoid reports whether a line of any role of a project is no policy. Argo CD reads the lines
// of all its roles as one policy, and then has none of them.
func isVoid(roles *manifest.Node) bool {
	for _, role := range roles.Items() {
		for _, policy := range role.Get("policies").Items() {
			for _, text := range strings.Split(policy.Text(), "\n") {
				text = strings.TrimSpace(text)
				if _, _, ok := split(text); text != "" && !strings.HasPrefix(text, "#") && !ok {
					return true
				}
			}
		}
	}
	return false
}

// projectRole turns a project's role, whose policies name the project again. Where they are
// void, it keeps what they deny.
func (w *writer) projectRole(b *draft.Block, n *manifest.Node, label string, void bool) {
	block := &draft.Block{Type: "role", Labels: []string{label}}
	w.at(n, block)
	w.set(block, "description", w.unless(n.Get("description"), ""))
	w.groups(block, n.Get("groups"))
	w.leave(n.Get("jwtTokens"), "Roles have no tokens. Whoever is in a group, also a CI system by its OIDC token, has its roles.")
	p := &policy{writer: w, role: n.Get("name").Text(), void: void}
	var mine []rule
	for _, line := range n.Get("policies").Items() {
		comments := w.comments(line)
		all := append(comments.Lead, nonEmpty(comments.Trail)...)
		before := len(p.rules)
		p.read(line)
		all = append(all, p.rest...)
		p.rest = nil
		for i := range p.rules[before:] {
			r := &p.rules[before+i]
			if r.objects = w.ofProject(r.objects); len(r.objects) == 0 {
				continue // told already: Argo CD refuses it
			}
			r.comments, all = append(r.comments, all...), nil
			mine = append(mine, *r)
		}
		block.Comment(all...)
	}
	grants(block, mine)
	switch {
	case !block.Has("groups"):
		w.finding(LeftOut, n, "The role has no groups, so that nobody would have it. Tokens are no longer needed: put a CI system into a group by its OIDC token.")
		b.Comment(block.Comments.Lead...)
		return
	case !block.Has("allow") && !block.Has("deny"):
		why := "The role has no right that has a counterpart."
		if void {
			why = "The role gives no right: a line of the project's roles is no policy."
		}
		w.finding(LeftOut, n, "%s", why)
		b.Comment(block.Comments.Lead...)
		return
	}
	b.Add(block)
	w.im.roles++
}

// groups writes the groups whose members have a role.
func (w *writer) groups(block *draft.Block, n *manifest.Node) {
	var groups []draft.Item
	for _, group := range n.Items() {
		name := group.Text()
		if name == "" || strings.TrimSpace(name) != name || strings.ContainsAny(name, "\n\r") {
			w.finding(LeftOut, group, "Argo CD refuses a group that is called %q: it is empty, or has a space around it, or a line break. Nobody is in it.", name)
			continue
		}
		groups = append(groups, draft.Item{Value: draft.String(name), Comments: w.comments(group)})
	}
	if len(groups) > 0 {
		block.Set("groups", draft.List(groups...), w.comments(n))
	}
}

// ofProject returns the patterns of names of applications, of those patterns that are
// about the project.
func (w *writer) ofProject(objects []string) []string {
	label := w.im.projectPattern(w.name)
	var out []string
	for _, object := range objects {
		project, application, _ := strings.Cut(object, "/")
		if matches(project, label) {
			out = append(out, application)
		}
	}
	return out
}

// projectResources are what lines of projects' roles may be about.
var projectResources = [...]string{"applications", "applicationsets", "clusters", "exec", "logs", "repositories"}

// projectActions are what they may say is done.
var projectActions = regexp.MustCompile(`^(get|create|update|delete|sync|override|rollback|invoke|\*|(action|update|delete)/.*)$`)

// refused says why Argo CD refuses a line of a project's role, given its fields after "p";
// "" where it does not, and for other policies, of which it checks less.
func (p *policy) refused(fields []string) string {
	if p.role == "" {
		return ""
	}
	subject, resource, action, object, effect := fields[0], fields[1], fields[2], fields[3], fields[4]
	of := regexp.MustCompile(`^` + regexp.QuoteMeta(p.name) + `(/[-*\w.]+)?/[-*\w.]+$`)
	switch {
	case subject != p.subject():
		return fmt.Sprintf("it must be about that role, %s", p.subject())
	case !slices.Contains(projectResources[:], resource):
		return fmt.Sprintf("there are rights on %s, and none on %q", strings.Join(projectResources[:], ", "), resource)
	case !projectActions.MatchString(action):
		return fmt.Sprintf("there is no action %q", action)
	case !of.MatchString(object):
		return fmt.Sprintf("it must speak of applications of the project, %s/NAME", p.name)
	case effect != "allow" && effect != "deny":
		return fmt.Sprintf("the effect %q is neither \"allow\" nor \"deny\"", effect)
	}
	return ""
}

// subject is how lines call the project's role that they are of.
func (p *policy) subject() string { return "proj:" + p.name + ":" + p.role }

// denies reports whether a line that Argo CD refuses means to deny something to the role:
// then it does.
func (p *policy) denies(subject, effect string) bool {
	return subject == p.subject() && strings.HasPrefix(strings.ToLower(effect), "deny")
}
