// Package access answers whether somebody may do something: it evaluates the roles of a
// plan, or of a configuration, over an identity, an action and an application.
//
// Where there is no role at all, everybody may do everything. As soon as there is one,
// nobody may do what no role allows them; and what one role of theirs denies, no other
// allows, wherever either is written. Who nobody vouches for has the default roles alone. A
// pattern that cannot be read allows nothing, and denies everything.
//
// It has no state, does no I/O and verifies no identity. The engine imports it for every
// apply, and commands for what they are asked to show or do.
package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// The actions that are asked about, as govern.Actions has them. Those on objects are made
// by ObjectAction.
const (
	Get      = "get"
	Plan     = "plan"
	Apply    = "apply"
	Approve  = "approve"
	Rollback = "rollback"
	Hold     = "hold"
	Destroy  = "destroy"
	Override = "override"
	State    = "state"
)

// objectAction begins the actions on objects.
const objectAction = "action/"

// ObjectAction returns the action of doing something to objects of a kind:
// "action/apps/Deployment/restart"; the group of core kinds is empty.
func ObjectAction(kind object.GroupKind, name string) string {
	return objectAction + kind.Group + "/" + kind.Kind + "/" + name
}

// IsAction reports whether there is an action of that name.
func IsAction(action string) bool {
	if rest, ok := strings.CutPrefix(action, objectAction); ok {
		parts := strings.Split(rest, "/")
		return len(parts) == 3 && parts[1] != "" && parts[2] != ""
	}
	return slices.Contains(govern.Actions(), action)
}

// Decision is an answer.
type Decision struct {
	Allowed bool `json:"allowed"`
	// Because is why, in a sentence without a full stop.
	Because string `json:"because"`
	// Role is the one that decides: "role.sre", `role "deployer" of project production`. It
	// is empty where none does, and so is Rule.
	Role string `json:"role,omitempty"`
	// Rule is the range of the allow or deny block that decides.
	Rule string `json:"rule,omitempty"`
}

// Check answers whether somebody may do something to an application: project is that of
// the application, empty where it is in none.
func Check(roles []plan.Role, who *plan.Identity, action, project, application string) Decision {
	return Of(roles, who).Check(action, project, application)
}

// CheckAll answers whether somebody may do something that is about all applications at
// once, such as replacing a state.
func CheckAll(roles []plan.Role, who *plan.Identity, action string) Decision {
	return Of(roles, who).CheckAll(action)
}

// Rights are what one identity may do. They are immutable, and safe for concurrent use.
type Rights struct {
	who  *plan.Identity
	any  bool // there is a role at all
	held []held
}

// Of returns the rights of an identity; nil is somebody unknown.
func Of(roles []plan.Role, who *plan.Identity) *Rights {
	r := &Rights{who: who, any: len(roles) > 0}
	for i := range roles {
		if by, ok := has(&roles[i], who); ok {
			r.held = append(r.held, hold(&roles[i], by))
		}
	}
	return r
}

// Open reports whether there is no role, so that everybody may do everything.
func (r *Rights) Open() bool { return !r.any }

// has reports whether an identity has a role, and by what.
func has(role *plan.Role, who *plan.Identity) (by string, ok bool) {
	if role.Default {
		return "everybody", true
	}
	if who == nil || !who.Verified || len(role.Issuers) > 0 && !slices.Contains(role.Issuers, who.Issuer) {
		return "", false
	}
	if who.Subject != "" && slices.Contains(role.Subjects, who.Subject) {
		return fmt.Sprintf("the subject %q", who.Subject), true
	}
	for _, group := range who.Groups {
		if group != "" && slices.Contains(role.Groups, group) {
			return fmt.Sprintf("the group %q", group), true
		}
	}
	return "", false
}

// Check answers whether they may do something to an application.
func (r *Rights) Check(action, project, application string) Decision {
	_, decision := r.Explain(action, project, application)
	return decision
}

// Explain answers the same, with every rule of theirs that is about it: those that deny
// come first, and the first decides.
func (r *Rights) Explain(action, project, application string) ([]Match, Decision) {
	return r.decide(action, Object(project, application), func(g *grant) bool { return g.about(project, application) })
}

// What ObjectActions tells.
const (
	AllActions  = "all"
	SomeActions = "some"
	NoActions   = "none"
)

// ObjectActions tells whether they may do every action on objects of an application, some,
// or none.
func (r *Rights) ObjectActions(project, application string) string {
	if r.Open() {
		return AllActions
	}
	var allowsAll, allowsSome, deniesSome bool
	for i := range r.held {
		for j := range r.held[i].grants {
			g := &r.held[i].grants[j]
			some, all := g.objectActions()
			switch {
			case !some || !g.about(project, application):
			case g.deny && all:
				return NoActions
			case g.deny:
				deniesSome = true
			default:
				allowsAll, allowsSome = allowsAll || all, true
			}
		}
	}
	switch {
	case allowsAll && !deniesSome:
		return AllActions
	case allowsSome:
		return SomeActions
	}
	return NoActions
}

// CheckAll answers whether they may do something to all applications at once: a rule that
// denies it for any denies it.
func (r *Rights) CheckAll(action string) Decision {
	_, decision := r.decide(action, "all applications", func(g *grant) bool { return g.deny || g.all() })
	return decision
}

// Object names an application as patterns of roles do: "project/application".
func Object(project, application string) string { return project + "/" + application }

// Match is a rule that is about what was asked.
type Match struct {
	Role      string `json:"role"`
	By        string `json:"by"` // why they have the role: `the group "sre"`
	Deny      bool   `json:"deny,omitempty"`
	Inherited string `json:"inherited,omitempty"`
	Rule      string `json:"rule,omitempty"`
	// Broken says that a pattern of the rule cannot be read, for which it denies.
	Broken string `json:"broken,omitempty"`
}

func (r *Rights) decide(action, what string, about func(*grant) bool) ([]Match, Decision) {
	if r.Open() {
		return nil, Decision{Allowed: true, Because: "there are no roles, so that everybody may do everything"}
	}
	if !IsAction(action) {
		return nil, Decision{Because: fmt.Sprintf("there is no action %q, so that no role allows it", action)}
	}
	var denies, allows []Match
	for i := range r.held {
		role := &r.held[i]
		for j := range role.grants {
			g := &role.grants[j]
			if !g.does(action) || !about(g) {
				continue
			}
			match := Match{Role: role.name, By: role.by, Deny: g.deny, Inherited: g.inherited, Rule: g.at, Broken: g.broken}
			if g.deny {
				denies = append(denies, match)
			} else {
				allows = append(allows, match)
			}
		}
	}
	all := append(denies, allows...)
	if len(all) == 0 {
		return nil, Decision{Because: r.nothing(action, what)}
	}
	first := &all[0]
	because := fmt.Sprintf("%s allows %s to %s", first.Role, first.By, asked(action, what))
	switch {
	case first.Role == unknownRoles:
		because = fmt.Sprintf("the configuration has errors, so that it is not known which roles there are, and nobody may %s; \"gantry validate\" shows the errors", asked(action, what))
	case first.Broken != "":
		because = fmt.Sprintf("%s has a rule that cannot be read, which denies everything: %s", first.Role, first.Broken)
	case first.Deny:
		because = fmt.Sprintf("%s denies %s to %s", first.Role, first.By, asked(action, what))
	}
	return all, Decision{Allowed: !first.Deny, Because: because, Role: first.Role, Rule: first.Rule}
}

// nothing says that no role allows something.
func (r *Rights) nothing(action, what string) string {
	names := r.Roles()
	if len(names) == 0 && r.who != nil && r.who.Verified {
		return fmt.Sprintf("%s has no role, so that nothing allows them to %s", r.who, asked(action, what))
	}
	text := fmt.Sprintf("nothing allows %s to %s", r.who, asked(action, what))
	switch len(names) {
	case 0:
	case 1:
		text += ": " + names[0] + " does not"
	default:
		text += ": " + schema.List(names, "and") + " do not"
	}
	if r.who != nil && !r.who.Verified && r.who.Unverified != "" {
		text += " (" + r.who.Unverified + ")"
	}
	return text
}

// Roles returns the names of the roles that they have.
func (r *Rights) Roles() []string {
	var names []string
	for i := range r.held {
		names = append(names, r.held[i].name)
	}
	return names
}

// asked puts an action into words.
func asked(action, what string) string {
	switch action {
	case Override:
		return "override what keeps " + what + " from being applied"
	case State:
		return "change the state of " + what
	case Get:
		return "see " + what
	case Rollback:
		return "roll back " + what
	}
	if rest, ok := strings.CutPrefix(action, objectAction); ok {
		parts := strings.SplitN(rest, "/", 3)
		kind := strings.TrimPrefix(strings.TrimPrefix(parts[0], "*")+"/"+parts[1], "/")
		if kind == "*" {
			kind = "all"
		}
		return fmt.Sprintf("use the action %q on %s objects of %s", parts[2], kind, what)
	}
	return action + " " + what
}

// unknownRoles names those that there may be where the configuration has errors.
const unknownRoles = "unknown roles (the configuration has errors)"

// Name names a role for people: as it is referred to, or with its project.
func Name(role *plan.Role) string {
	if role.Name == "" {
		return unknownRoles
	}
	if role.Project == "" {
		return "role." + role.Name
	}
	return fmt.Sprintf("role %q of project %s", role.Name, role.Project)
}
