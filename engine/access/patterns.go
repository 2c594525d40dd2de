package access

import (
	"fmt"
	"strings"

	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/plan"
)

// held is a role that somebody has.
type held struct {
	name, by string
	grants   []grant
}

// grant is a rule with its patterns compiled.
type grant struct {
	deny      bool
	inherited string
	at        string
	project   *string // of a project's role
	actions   []actionPattern
	objects   []objectPattern
	broken    string // what of it cannot be read
}

// actionPattern is a pattern of actions. Of those on objects, "action/NAME" is of all
// kinds, "action/Kind/NAME" of a kind of any group, "action/group/Kind/NAME" of one.
type actionPattern struct {
	text  string
	whole glob.Glob
	short glob.Glob // of what follows the first parts of an action on objects; nil for none
	parts int       // how many of its last parts short is of
}

// objectPattern is a pattern of applications.
type objectPattern struct {
	project, application glob.Glob // project is nil in a project's role
	all                  bool
}

func hold(role *plan.Role, by string) held {
	out := held{name: Name(role), by: by}
	add := func(grants []plan.Grant, deny bool) {
		for i := range grants {
			out.grants = append(out.grants, compile(role, &grants[i], deny))
		}
	}
	add(role.Deny, true)
	add(role.Allow, false)
	return out
}

func compile(role *plan.Role, from *plan.Grant, deny bool) grant {
	out := grant{deny: deny, inherited: from.Inherited, at: from.Range}
	if role.Project != "" {
		out.project = &role.Project
	}
	note := func(text string, err error) {
		if out.broken == "" {
			out.broken = fmt.Sprintf("%q: %s", text, err)
		}
	}
	for _, text := range from.Actions {
		pattern, err := compileAction(text)
		if err != nil {
			note(text, err)
			continue
		}
		out.actions = append(out.actions, pattern)
	}
	for _, text := range from.Applications {
		pattern, err := compileObject(text, role.Project != "")
		if err != nil {
			note(text, err)
			continue
		}
		out.objects = append(out.objects, pattern)
	}
	return out
}

func compileAction(text string) (actionPattern, error) {
	whole, err := glob.Compile(text)
	if err != nil {
		return actionPattern{}, err
	}
	out := actionPattern{text: text, whole: whole}
	if rest, ok := strings.CutPrefix(text, objectAction); ok {
		if parts := strings.Count(rest, "/") + 1; parts < 3 {
			out.parts = parts
			out.short, err = glob.Compile(rest, '/')
		}
	}
	return out, err
}

func compileObject(text string, inProject bool) (objectPattern, error) {
	project, application := "", text
	if !inProject {
		var ok bool
		if project, application, ok = strings.Cut(text, "/"); !ok || strings.Contains(application, "/") {
			return objectPattern{}, fmt.Errorf("it is not of the form project/application")
		}
	}
	out := objectPattern{all: !inProject && everything(project) && everything(application)}
	var err error
	if out.application, err = glob.Compile(application); err != nil {
		return out, err
	}
	if !inProject {
		out.project, err = glob.Compile(project)
	}
	return out, err
}

// everything reports whether a pattern is one of every name, by its looks.
func everything(pattern string) bool { return pattern == "*" || pattern == "**" }

// does reports whether the rule is about an action; one that denies and cannot be read is
// about all.
func (g *grant) does(action string) bool {
	if g.broken != "" {
		return g.deny
	}
	for _, pattern := range g.actions {
		if pattern.match(action) {
			return true
		}
	}
	return false
}

// objectActions reports whether the rule may be about an action on objects, and whether it
// is about all of them.
func (g *grant) objectActions() (some, all bool) {
	if g.broken != "" {
		return g.deny, g.deny
	}
	for _, pattern := range g.actions {
		// No action on an object is called so but by what is about all.
		whole := pattern.whole.Match(objectAction + "\x00/\x00/\x00")
		some, all = some || whole || strings.HasPrefix(pattern.text, objectAction) || strings.HasPrefix(pattern.text, "*"), all || whole
	}
	return some, all
}

func (p *actionPattern) match(action string) bool {
	if p.whole.Match(action) {
		return true
	}
	rest, ok := strings.CutPrefix(action, objectAction)
	if p.short == nil || !ok {
		return false
	}
	parts := strings.Split(rest, "/")
	return len(parts) == 3 && p.short.Match(strings.Join(parts[len(parts)-p.parts:], "/"))
}

// about reports whether the rule is about an application.
func (g *grant) about(project, application string) bool {
	if g.project != nil && *g.project != project {
		return false
	}
	if g.broken != "" {
		return g.deny
	}
	for _, pattern := range g.objects {
		if (pattern.project == nil || pattern.project.Match(project)) && pattern.application.Match(application) {
			return true
		}
	}
	return false
}

// all reports whether the rule is about all applications there can be.
func (g *grant) all() bool {
	for _, pattern := range g.objects {
		if pattern.all {
			return g.broken == ""
		}
	}
	return false
}
