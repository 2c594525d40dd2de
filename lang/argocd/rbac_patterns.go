package argocd

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/gobwas/glob"
)

// actions are what Argo CD's rights on applications are in Gantry, in this order: to see
// them is to see what would change, and to sync is to apply.
var actions = []struct {
	name string
	ours []string
}{
	{"get", []string{"get", "plan"}},
	{"sync", []string{"apply"}},
	{"rollback", []string{"rollback"}},
	{"delete", []string{"destroy"}},
	{"override", []string{"override"}},
}

const objectAction = "action/"

// matches reports whether a glob matches; one that cannot be read matches nothing.
func matches(pattern, text string) bool {
	compiled, err := glob.Compile(pattern)
	return err == nil && compiled.Match(text)
}

// aboutApplications reports whether a pattern of resources is about applications.
func (p *policy) aboutApplications(resource string) bool {
	if p.regex {
		found, err := regexp.MatchString(resource, "applications")
		return err == nil && found
	}
	return matches(resource, "applications")
}

// glob returns the pattern of an action or an object as a glob that can be read. Of a
// regular expression that denies it is one of all that contains what it matches.
func (p *policy) glob(pattern string, deny bool) (string, bool) {
	if p.regex {
		var ok bool
		if pattern, ok = globOf(pattern, deny); !ok {
			return "", false
		}
	}
	_, err := glob.Compile(pattern)
	return pattern, err == nil && pattern != ""
}

// actionsOf returns the counterparts of the actions that a pattern matches. Of actions on
// objects it is a pattern of the same form: action/group/Kind/name.
func actionsOf(pattern string) []string {
	if strings.Trim(pattern, "*") == "" {
		return []string{"*"}
	}
	if strings.HasPrefix(pattern, objectAction) {
		if pattern == objectAction {
			return nil
		}
		return []string{pattern}
	}
	var out []string
	for _, action := range actions {
		if matches(pattern, action.name) {
			out = append(out, action.ours...)
		}
	}
	switch {
	case strings.HasPrefix(pattern, "*"):
		// * may be "action/" and what follows.
		if strings.Contains(pattern, "/") || matches(pattern, objectAction+"apps/Deployment/restart") {
			out = append(out, objectAction+pattern)
		}
	case matches(pattern, objectAction+"\x00/\x00/\x00"):
		out = append(out, objectAction+"*")
	}
	return out
}

// objectPatterns writes a pattern of applications as patterns of project/application:
// projects are called as their blocks are. It is false where it is about none, and tells
// whether a namespace of the Application is lost.
func (im *importer) objectPatterns(object string) (patterns []string, namespaced, ok bool) {
	if strings.Trim(object, "*") == "" {
		return []string{"*/*"}, false, true
	}
	for _, one := range alternatives(object) {
		parts := strings.Split(one, "/")
		switch len(parts) {
		case 1: // a star of it is the slash, too
			for i, r := range one {
				if r == '*' {
					patterns = union(patterns, []string{im.projectPattern(one[:i+1]) + "/" + one[i:]})
				}
			}
		case 2:
			patterns = union(patterns, []string{im.projectPattern(parts[0]) + "/" + parts[1]})
		case 3: // without the namespace of the Application
			namespaced = namespaced || parts[1] != "*"
			patterns = union(patterns, []string{im.projectPattern(parts[0]) + "/" + parts[2]})
		}
	}
	for _, pattern := range patterns {
		project, application, _ := strings.Cut(pattern, "/")
		for _, part := range []string{project, application} {
			if _, err := glob.Compile(part); err != nil {
				return nil, namespaced, false
			}
		}
	}
	return patterns, namespaced, len(patterns) > 0
}

// alternatives writes {a/b,c/d} as patterns of their own, where there is a slash in it.
func alternatives(pattern string) []string {
	open, end := strings.Index(pattern, "{"), strings.Index(pattern, "}")
	if open < 0 || end < open || !strings.Contains(pattern[open:end], "/") {
		return []string{pattern}
	}
	var out []string
	for _, one := range strings.Split(pattern[open+1:end], ",") {
		out = append(out, alternatives(pattern[:open]+one+pattern[end+1:])...)
	}
	return out
}

// projectPattern writes a pattern of projects with the names of their blocks.
func (im *importer) projectPattern(pattern string) string {
	if label, known := im.projects[pattern]; known {
		return label
	}
	if im.exact.projects {
		return pattern
	}
	var b strings.Builder
	class := false
	for _, r := range pattern {
		class = r == '[' || class && r != ']'
		if r == '-' && !class {
			r = '_'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// globOf writes a regular expression as a glob that matches whole names: of one that
// denies, all that contain what it matches. It is false where no glob says the same.
func globOf(expression string, deny bool) (string, bool) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return "", false
	}
	parsed = parsed.Simplify()
	parts := []*syntax.Regexp{parsed}
	if parsed.Op == syntax.OpConcat {
		parts = parsed.Sub
	}
	begins := len(parts) > 0 && parts[0].Op == syntax.OpBeginText
	ends := len(parts) > 0 && parts[len(parts)-1].Op == syntax.OpEndText
	if begins {
		parts = parts[1:]
	}
	if ends && len(parts) > 0 {
		parts = parts[:len(parts)-1]
	}
	var b strings.Builder
	for _, part := range parts {
		text, ok := globPart(part)
		if !ok {
			return "", false
		}
		b.WriteString(text)
	}
	text := b.String()
	if deny && !begins && !strings.HasPrefix(text, "*") {
		text = "*" + text
	}
	if deny && !ends && !strings.HasSuffix(text, "*") {
		text += "*"
	}
	return text, true
}

func globPart(r *syntax.Regexp) (string, bool) {
	if r.Flags&syntax.FoldCase != 0 {
		return "", false
	}
	switch r.Op {
	case syntax.OpLiteral:
		return glob.QuoteMeta(string(r.Rune)), true
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "?", true
	case syntax.OpStar, syntax.OpPlus:
		if of := r.Sub[0].Op; of != syntax.OpAnyChar && of != syntax.OpAnyCharNotNL {
			return "", false
		}
		if r.Op == syntax.OpPlus {
			return "?*", true
		}
		return "*", true
	case syntax.OpCapture:
		return globPart(r.Sub[0])
	case syntax.OpConcat, syntax.OpAlternate:
		var all []string
		for _, sub := range r.Sub {
			text, ok := globPart(sub)
			if !ok || text == "" {
				return "", false
			}
			all = append(all, text)
		}
		if r.Op == syntax.OpConcat {
			return strings.Join(all, ""), true
		}
		return "{" + strings.Join(all, ",") + "}", true
	case syntax.OpCharClass:
		return globClass(r.Rune)
	default:
		return "", false
	}
}

// mostInClass is how many characters of a class are written one by one.
const mostInClass = 64

// globClass writes a class of characters, given as pairs of first and last.
func globClass(ranges []rune) (string, bool) {
	var all []rune
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if all = append(all, r); len(all) > mostInClass {
				return "", false
			}
		}
	}
	if len(all) == 0 || slices.ContainsFunc(all, func(r rune) bool { return strings.ContainsRune(`]-!\`, r) }) {
		return "", false
	}
	return "[" + string(all) + "]", true
}
