package argocd

import (
	"encoding/csv"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

// rule is one line of a policy.
type rule struct {
	subject, resource, action, object string
	deny                              bool
	line                              int
	comments                          []string
}

// role is what a subject may do.
type role struct {
	name     string
	groups   []draft.Item
	rules    []rule
	comments []string
	line     int
}

// actions are what Argo CD's rights on applications are in Gantry: to see them is
// to see what would change, and to sync is to apply.
var actions = map[string][]string{
	"get": {"get", "plan"}, "sync": {"apply"}, "rollback": {"rollback"}, "delete": {"destroy"}, "override": {"override"}, "*": {"*"},
}

// access turns the RBAC ConfigMap into roles.
func (im *importer) access(o *object) {
	meta, _ := o.header()
	w := &writer{object: o}
	meta.Get("labels").Use()
	data := o.root.Get("data")
	p := &policy{writer: w, roles: map[string]*role{}}
	for _, field := range data.Fields() {
		switch key := field.Key(); {
		case key == "policy.csv" || strings.HasPrefix(key, "policy.") && strings.HasSuffix(key, ".csv"):
			p.read(field)
		case key == "policy.default":
			p.everyone(field)
		case key == "scopes":
			if text := strings.Trim(field.Text(), "[]' \""); text != "groups" {
				o.finding(Differs, field, "Groups are those of the claim groups. What is in %q is not looked at.", text)
			}
		case key == "policy.matchMode":
			if field.Text() != "glob" {
				o.finding(Differs, field, "Patterns are globs. Those of this policy are regular expressions, and must be rewritten.")
			}
		}
	}
	p.write()
	im.imported["Role"] += len(p.order)
}

// policy is a policy while it is read.
type policy struct {
	*writer
	roles map[string]*role
	order []*role
	links []link
}

// link says that a subject has a role.
type link struct {
	subject, role string
	line          int
	path          string
	comments      []string
}

func (p *policy) role(name string, line int) *role {
	r := p.roles[name]
	if r == nil {
		r = &role{name: name, line: line}
		p.roles[name] = r
		p.order = append(p.order, r)
	}
	return r
}

// read reads the lines of a policy. Comments above a line go with it.
func (p *policy) read(n *manifest.Node) {
	p.comment(n, n.Take())
	var comments []string
	for i, text := range strings.Split(n.Text(), "\n") {
		line := n.TextLine(i)
		text = strings.TrimSpace(text)
		if comment, ok := strings.CutPrefix(text, "#"); ok {
			comments = append(comments, strings.TrimSpace(comment))
			continue
		}
		if text == "" {
			continue
		}
		reader := csv.NewReader(strings.NewReader(text))
		reader.TrimLeadingSpace = true
		reader.LazyQuotes = true
		fields, err := reader.Read()
		for j := range fields {
			fields[j] = strings.TrimSpace(fields[j])
		}
		switch {
		case err == nil && len(fields) == 6 && fields[0] == "p" && (fields[5] == "allow" || fields[5] == "deny"):
			p.rule(n, rule{subject: fields[1], resource: fields[2], action: fields[3], object: fields[4], deny: fields[5] == "deny", line: line, comments: comments})
		case err == nil && len(fields) == 3 && fields[0] == "g":
			p.links = append(p.links, link{subject: fields[1], role: fields[2], line: line, path: n.Path(), comments: comments})
		default:
			p.findingAt(LeftOut, line, n.Path(), "The line %q is no policy. Argo CD refuses all of a policy that has such a line.", text)
		}
		comments = nil
	}
	if len(comments) > 0 {
		p.links = append(p.links, link{comments: comments})
	}
}

func (p *policy) rule(n *manifest.Node, r rule) {
	if r.resource != "applications" && r.resource != "*" {
		why := "There are rights on applications alone."
		switch r.resource {
		case "exec", "logs":
			why = "Logs are read, and commands run, with kubectl: who may is up to the cluster."
		case "clusters", "repositories", "projects", "applicationsets", "write-repositories", "certificates", "gpgkeys":
			why = "They are in files: who may change them is up to the repository that holds these."
		case "accounts":
			why = "There are no accounts of Gantry's own."
		}
		if !r.deny || r.resource != "*" {
			p.findingAt(LeftOut, r.line, n.Path(), "The right %q on %s of %s has no counterpart. %s", r.action, r.resource, r.subject, why)
			p.role(r.subject, r.line).comments = append(p.role(r.subject, r.line).comments, r.comments...)
			return
		}
	}
	if actionsOf(r.action) == nil {
		why := "Who may change what is in files is up to the repository that holds them."
		p.findingAt(LeftOut, r.line, n.Path(), "The action %q on applications of %s has no counterpart. %s", r.action, r.subject, why)
		return
	}
	if name, _ := strings.CutPrefix(r.action, "action/"); strings.Contains(name, "/") {
		p.findingAt(Differs, r.line, n.Path(), "Actions on objects are of all kinds that have them: the right is %s.", actionsOf(r.action)[0])
	}
	if r.object != "*" && !strings.Contains(r.object, "/") {
		p.findingAt(LeftOut, r.line, n.Path(), "The pattern %q matches no application, which are project/name.", r.object)
		return
	}
	if r.deny {
		p.findingAt(Differs, r.line, n.Path(), "A denial wins over every right, from wherever; in Argo CD a group's right holds although another group of the same person is denied it.")
	}
	target := p.role(r.subject, r.line)
	target.rules = append(target.rules, r)
}

// actionsOf returns an action's counterparts, nil where there is none.
func actionsOf(action string) []string {
	if found := actions[action]; found != nil {
		return found
	}
	if name, ok := strings.CutPrefix(action, "action/"); ok { // of a group and kind
		return []string{"action/" + name[strings.LastIndex(name, "/")+1:]}
	}
	return nil
}

// everyone is the role that policy.default gives to who has none.
func (p *policy) everyone(n *manifest.Node) {
	name := n.Text()
	if name == "" {
		return
	}
	p.finding(Differs, n, "Whoever has no role has none: the groups that should have the rights of %s must be named.", name)
	p.comment(n, n.Take())
}

// write writes a role for every subject that has rights.
func (p *policy) write() {
	p.assign()
	slices.SortStableFunc(p.order, func(a, b *role) int { return a.line - b.line })
	for _, r := range p.order {
		if len(r.rules) == 0 {
			if len(r.groups) > 0 {
				p.findingAt(LeftOut, r.line, "", "%s has no right that has a counterpart.", r.name)
			}
			continue
		}
		if len(r.groups) == 0 {
			p.findingAt(LeftOut, r.line, "", "Nobody has the role %s: no line \"g\" gives it to a group, so that it is left out.", r.name)
			continue
		}
		block := &draft.Block{Type: "role", Labels: []string{p.im.label("role", strings.TrimPrefix(r.name, "role:"))}}
		block.Comment(r.comments...)
		block.Set("groups", draft.List(r.groups...), draft.None())
		grants(block, r.rules, p.im.objectPattern)
		if p.main == nil {
			p.main = block
		}
		p.im.add(accessFile, block)
	}
	if p.main != nil {
		for _, l := range p.links {
			if l.role == "" {
				p.main.Comments.Foot = append(p.main.Comments.Foot, l.comments...)
			}
		}
	}
}

// assign gives roles to those who have them. A role that has another has its
// rights; whom rights are given directly is a role by itself.
func (p *policy) assign() {
	for _, name := range []string{"role:admin", "role:readonly"} { // built in
		if slices.ContainsFunc(p.links, func(l link) bool { return l.role == name }) && p.roles[name] == nil {
			r := p.role(name, p.links[slices.IndexFunc(p.links, func(l link) bool { return l.role == name })].line)
			action := map[string]string{"role:admin": "*", "role:readonly": "get"}[name]
			r.rules = []rule{{resource: "applications", action: action, object: "*/*"}}
		}
	}
	for _, l := range p.links {
		if l.role == "" {
			continue
		}
		if strings.HasPrefix(l.subject, "role:") {
			from, to := p.role(l.role, l.line), p.role(l.subject, l.line)
			to.rules = append(to.rules, from.rules...)
			to.comments = append(to.comments, l.comments...)
			continue
		}
		r := p.role(l.role, l.line)
		r.groups = append(r.groups, draft.Item{Value: draft.String(l.subject)})
		r.comments = append(r.comments, l.comments...)
	}
	for _, r := range p.order {
		if !strings.HasPrefix(r.name, "role:") && len(r.groups) == 0 {
			r.groups = append(r.groups, draft.Item{Value: draft.String(r.name)})
			p.findingAt(Differs, r.line, "", "%q gets rights without a role. It is written as a group; if it is one person's name, make it a group.", r.name)
		}
	}
}

// objectPattern writes a pattern of applications, project/application: projects are
// called as their blocks are.
func (im *importer) objectPattern(object string) string {
	project, rest, ok := strings.Cut(object, "/")
	if object == "*" {
		return "*/*"
	}
	if !ok {
		return object
	}
	if _, name, ok := strings.Cut(rest, "/"); ok {
		rest = name // without the namespace of the Application
	}
	if label, known := im.projects[project]; known {
		project = label
	} else if !im.exact.projects {
		project = strings.ReplaceAll(project, "-", "_")
	}
	return project + "/" + rest
}

// grants writes rules as allow and deny blocks: what has the same object, or the
// same actions, in one.
func grants(block *draft.Block, rules []rule, pattern func(string) string) {
	type grant struct {
		deny     bool
		objects  []string
		actions  []string
		comments []string
	}
	var out []*grant
	for _, r := range rules {
		object := pattern(r.object)
		i := slices.IndexFunc(out, func(g *grant) bool { return g.deny == r.deny && slices.Equal(g.objects, []string{object}) })
		if i < 0 {
			out = append(out, &grant{deny: r.deny, objects: []string{object}})
			i = len(out) - 1
		}
		for _, action := range actionsOf(r.action) {
			if !slices.Contains(out[i].actions, action) {
				out[i].actions = append(out[i].actions, action)
			}
		}
		out[i].comments = append(out[i].comments, r.comments...)
	}
	var merged []*grant
	for _, g := range out {
		i := slices.IndexFunc(merged, func(other *grant) bool { return other.deny == g.deny && slices.Equal(other.actions, g.actions) })
		if i < 0 {
			merged = append(merged, g)
			continue
		}
		merged[i].objects = append(merged[i].objects, g.objects...)
		merged[i].comments = append(merged[i].comments, g.comments...)
	}
	for _, g := range merged {
		inner := &draft.Block{Type: "allow"}
		if g.deny {
			inner.Type = "deny"
		}
		slices.SortStableFunc(g.actions, func(a, b string) int { return rank(a) - rank(b) })
		inner.Comment(g.comments...)
		inner.Set("actions", draft.Strings(g.actions...), draft.None())
		inner.Set("applications", draft.Strings(g.objects...), draft.None())
		block.Add(inner)
	}
}

// rank orders actions from seeing to changing.
func rank(action string) int {
	i := slices.Index([]string{"get", "plan", "apply", "rollback", "destroy", "override"}, action)
	if i < 0 {
		return 10
	}
	return i
}

// projectRole turns a project's role, whose policies name the project again.
func (w *writer) projectRole(b *draft.Block, n *manifest.Node) {
	name := n.Get("name").Text()
	block := &draft.Block{Type: "role", Labels: []string{identifier("role", name)}}
	w.at(n, block)
	w.set(block, "description", w.unless(n.Get("description"), ""))
	w.setStrings(block, "groups", n.Get("groups"))
	w.leave(n.Get("jwtTokens"), "Roles have no tokens. Whoever is in a group, also a CI system by its OIDC token, has its roles.")
	p := &policy{writer: w, roles: map[string]*role{}}
	for _, line := range n.Get("policies").Items() {
		comments := w.comments(line)
		before := len(p.order)
		p.read(line)
		if r := p.roles["proj:"+w.name+":"+name]; r != nil && len(r.rules) > 0 {
			last := &r.rules[len(r.rules)-1]
			last.comments = append(append(last.comments, comments.Lead...), nonEmpty(comments.Trail)...)
		} else {
			block.Comment(append(comments.Lead, nonEmpty(comments.Trail)...)...)
		}
		if len(p.order) > before && p.order[before].name != "proj:"+w.name+":"+name {
			w.finding(LeftOut, line, "A policy of a project's role must be about that role: proj:%s:%s. Argo CD refuses it.", w.name, name)
		}
	}
	if r := p.roles["proj:"+w.name+":"+name]; r != nil {
		grants(block, r.rules, func(object string) string { return object[strings.LastIndex(object, "/")+1:] })
	}
	switch {
	case !block.Has("groups"):
		w.finding(LeftOut, n, "The role has no groups, so that nobody would have it. Tokens are no longer needed: put a CI system into a group by its OIDC token.")
		b.Comment(block.Comments.Lead...)
		return
	case !block.Has("allow") && !block.Has("deny"):
		w.finding(LeftOut, n, "The role has no right that has a counterpart.")
		return
	}
	b.Add(block)
}
