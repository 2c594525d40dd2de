package argocd

import (
	"encoding/csv"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

// rule is one line "p" of a policy, in Gantry's terms.
type rule struct {
	subject  string
	actions  []string
	objects  []string
	deny     bool
	line     int
	comments []string
}

// link is one line "g": the subject has what the role has.
type link struct {
	subject, role string
	line          int
	comments      []string
}

// policy is a policy while it is read.
type policy struct {
	*writer
	regex    bool
	everyone string // policy.default
	byGroups bool   // groups are looked at
	role     string // the only role that lines may be about, where they are those of a project's
	void     bool   // nothing is allowed: the policy has a line that is none
	rules    []rule
	links    []link
	rest     []string // comments below the last line
}

// access turns the RBAC ConfigMap into roles.
func (im *importer) access(o *object) {
	meta, _ := o.header()
	meta.Get("labels").Use()
	data := o.root.Get("data")
	p := &policy{writer: &writer{object: o}, byGroups: true}
	if mode := data.Get("policy.matchMode"); mode.Text() == "regex" {
		p.regex = true
		o.finding(Differs, mode, "Patterns are globs. The regular expressions are rewritten as such, and those that cannot be are reported. Argo CD looks for them anywhere in a name; here a right is for whole names, and a denial for all that contain it.")
	}
	for _, field := range data.Fields() {
		switch key := field.Key(); {
		case key == "policy.csv" || strings.HasPrefix(key, "policy.") && strings.HasSuffix(key, ".csv"):
			p.read(field)
		case key == "policy.default":
			p.defaultRole(field)
		case key == "scopes":
			p.scopes(field)
		}
	}
	p.write()
}

// scopes says which claims of a token are groups.
func (p *policy) scopes(n *manifest.Node) {
	text := n.Text()
	var claims []string
	for _, claim := range strings.FieldsFunc(strings.Trim(text, "[] "), func(r rune) bool { return r == ',' || r == ' ' }) {
		claims = append(claims, strings.Trim(claim, `'"`))
	}
	switch {
	case strings.TrimSpace(text) == "" || slices.Equal(claims, []string{"groups"}):
	case len(claims) == 0:
		p.byGroups = false
		p.finding(Differs, n, "No claim is taken for groups, so that all who are named are named as subjects.")
	default:
		p.finding(ToDo, n, "Argo CD takes the claims %s for groups. Say so with groups_claim of the issuer, in the identity block of gantry.", strings.Join(claims, ", "))
	}
	p.comment(n, n.Take())
}

// defaultRole is the role that policy.default gives to everybody.
func (p *policy) defaultRole(n *manifest.Node) {
	p.everyone = n.Text()
	p.comment(n, n.Take())
	if p.everyone != "" {
		p.finding(Differs, n, "Everybody has what %s has, as in Argo CD, and here also those for whom nobody vouches.", p.everyone)
	}
}

// read reads the lines of a policy. Comments above a line go with it.
func (p *policy) read(n *manifest.Node) {
	p.comment(n, n.Take())
	comments := p.rest
	p.rest = nil
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
		if p.im.ruled == nil {
			p.im.ruled = p.object
		}
		p.line(n, text, line, comments)
		comments = nil
	}
	p.rest = comments
}

// split reads the fields of a line, without the spaces around them. spaced is one of which some
// stand before a comma; ok is false where the line is no policy.
func split(text string) (fields []string, spaced, ok bool) {
	reader := csv.NewReader(strings.NewReader(text))
	reader.TrimLeadingSpace = true
	reader.LazyQuotes = true
	fields, err := reader.Read()
	for i := range fields {
		trimmed := strings.TrimSpace(fields[i])
		spaced = spaced || i > 0 && i < len(fields)-1 && trimmed != fields[i]
		fields[i] = trimmed
	}
	return fields, spaced, err == nil && (len(fields) == 6 && fields[0] == "p" || len(fields) == 3 && fields[0] == "g")
}

func (p *policy) line(n *manifest.Node, text string, line int, comments []string) {
	fields, spaced, ok := split(text)
	if !ok {
		p.rest = append(p.rest, comments...)
		what := ""
		if p.role != "" {
			what = " So no role of the project gives a right, neither there nor here, and what they deny is denied. Mend or remove the line to have the rights."
		}
		p.findingAt(LeftOut, line, n.Path(), "The line %q is no policy. Argo CD refuses all of a policy that has such a line.%s", text, what)
		return
	}
	if spaced {
		denies := fields[0] == "p" && fields[5] == "deny"
		level, what := LeftOut, "It is left out; remove the space to have it."
		if denies {
			level, what = Differs, "Here it denies."
		}
		p.findingAt(level, line, n.Path(), "There is a space before a comma in %q, which Argo CD takes for a part of the name, so that the line is for nobody. %s", text, what)
		if !denies {
			p.rest = append(p.rest, comments...)
			return
		}
	}
	if fields[0] == "g" {
		p.links = append(p.links, link{subject: fields[1], role: fields[2], line: line, comments: comments})
		return
	}
	if why := p.refused(fields[1:]); why != "" {
		level, denies := LeftOut, p.denies(fields[1], fields[5])
		if denies {
			level, why = Differs, why+". Here it denies"
		}
		p.findingAt(level, line, n.Path(), "Argo CD refuses a project whose role says %q: %s.", text, why)
		if !denies {
			p.rest = append(p.rest, comments...)
			return
		}
	}
	deny, ok := p.effect(n, fields[5], line)
	if !ok || p.void && !deny || !p.right(n, fields[1], fields[2], fields[3], fields[4], deny, line, comments) {
		p.rest = append(p.rest, comments...)
	}
}

// effect reads the last field of a line. What seems to deny does.
func (p *policy) effect(n *manifest.Node, text string, line int) (deny, ok bool) {
	switch {
	case text == "allow":
		return false, true
	case text == "deny":
		return true, true
	case strings.HasPrefix(strings.ToLower(text), "deny"):
		p.findingAt(Differs, line, n.Path(), "The effect %q is not \"deny\", so that Argo CD passes over the line, and denies nothing. Here it denies.", text)
		return true, true
	}
	p.findingAt(LeftOut, line, n.Path(), "The effect %q is neither \"allow\" nor \"deny\", so that Argo CD passes over the line.", text)
	return false, false
}

// right reads what a line allows or denies; it is false where that is nothing here.
func (p *policy) right(n *manifest.Node, subject, resource, action, object string, deny bool, line int, comments []string) bool {
	tell := func(level Level, format string, args ...any) { p.findingAt(level, line, n.Path(), format, args...) }
	if !p.aboutApplications(resource) {
		why := "There are rights on applications alone."
		switch resource {
		case "exec", "logs":
			why = "Logs are read, and commands run, with kubectl: who may is up to the cluster."
		case "clusters", "repositories", "projects", "applicationsets", "write-repositories", "certificates", "gpgkeys":
			why = "They are in files: who may change them is up to the repository that holds these."
		case "accounts":
			why = "There are no accounts of Gantry's own."
		}
		tell(LeftOut, "The right %q on %s of %s has no counterpart. %s", action, resource, subject, why)
		return false
	}
	actions, ok := p.glob(action, deny)
	if !ok {
		if !deny {
			tell(LeftOut, "The pattern %q of actions cannot be read as one. In Argo CD it matches nothing, or cannot be written as a glob.", action)
			return false
		}
		tell(Differs, "The pattern %q of actions cannot be read as one, so that all actions are denied; in Argo CD it may deny nothing.", action)
		actions = "*"
	}
	r := rule{subject: subject, actions: actionsOf(actions), deny: deny, line: line, comments: comments}
	if len(r.actions) == 0 {
		tell(LeftOut, "The action %q on applications of %s has no counterpart. Who may change what is in files is up to the repository that holds them.", action, subject)
		return false
	}
	pattern, ok := p.glob(object, deny)
	var namespaced bool
	if ok {
		r.objects, namespaced, ok = p.im.objectPatterns(pattern)
	}
	switch {
	case !ok && !deny:
		tell(LeftOut, "The pattern %q matches no application, which are project/name, or cannot be written as a glob.", object)
		return false
	case !ok:
		tell(Differs, "The pattern %q cannot be read as one, so that it denies for all applications; in Argo CD it may deny nothing.", object)
		r.objects = []string{"*/*"}
	case namespaced:
		tell(Differs, "Applications have no namespace of their own: %q is for those of the name in the project.", object)
	}
	if deny {
		tell(Differs, "A denial wins over every right, from wherever; in Argo CD a group's right holds although another group of the same person is denied it.")
	}
	p.rules = append(p.rules, r)
	return true
}

// grants writes rules as allow and deny blocks: what has the same objects, or the
// same actions, in one.
func grants(block *draft.Block, rules []rule) {
	var out []rule
	for _, r := range rules {
		i := slices.IndexFunc(out, func(g rule) bool { return g.deny == r.deny && slices.Equal(g.objects, r.objects) })
		if i < 0 {
			out = append(out, rule{deny: r.deny, objects: r.objects})
			i = len(out) - 1
		}
		out[i].actions = union(out[i].actions, r.actions)
		out[i].comments = append(out[i].comments, r.comments...)
	}
	var merged []rule
	for _, g := range out {
		i := slices.IndexFunc(merged, func(other rule) bool { return other.deny == g.deny && slices.Equal(other.actions, g.actions) })
		if i < 0 {
			merged = append(merged, g)
			continue
		}
		merged[i].objects = union(merged[i].objects, g.objects)
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

// union appends what is not there yet, to a copy.
func union(list, more []string) []string {
	out := slices.Clone(list)
	for _, text := range more {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// rank orders actions from seeing to changing.
func rank(action string) int {
	i := slices.Index([]string{"get", "plan", "apply", "rollback", "destroy", "override"}, action)
	if i < 0 {
		return 10
	}
	return i
}
