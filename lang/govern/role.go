package govern

import (
	"strings"
	"unicode"

	"github.com/gobwas/glob"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// Role is what its members may do: in all applications, or in those of a project.
type Role struct {
	Address     addr.Address // of the block; of the project, where it is one's
	Name        string
	Description string
	Default     bool // everybody has it, also for whom nobody vouches
	// Groups and Subjects are who has it; Issuers who must vouch for them, empty for whoever
	// is trusted.
	Groups   []string
	Subjects []string
	Issuers  []string
	// AnyIssuer says that nothing is said of issuers.
	AnyIssuer bool
	Inherits  []*Role // what they allow and deny, this one does too
	Allow     []Grant
	Deny      []Grant // wins over every Allow, of any role
	Range     hcl.Range
}

// Grant is actions on applications.
type Grant struct {
	Actions []string // of Actions, or "action/NAME"; globs
	// Applications are globs of "project/application", in a project's role of the names
	// of its applications.
	Applications []string
	Range        hcl.Range
}

// Actions returns what roles give or deny the right to. Besides, every action on an
// object has a right of its own: action/restart, action/scale and so on.
func Actions() []string {
	return []string{"get", "plan", "apply", "approve", "rollback", "hold", "destroy", "override", "state"}
}

// objectAction begins the rights to actions on objects.
const objectAction = "action/"

func roleKind() *eval.Kind {
	b := roleBlock("What groups of people may do, in all applications. As soon as there is a role, here or in a project, nobody may do what no role gives them; what one role denies, no other gives. Elsewhere it is `role.NAME`, with the attribute `name`.",
		"Patterns of `project/application`: `payments/*`, `*/staging-*`; `/*` are those in no project.")
	b.Example = `role "sre" {
  groups = ["example:sre"]

  allow {
    actions      = ["get", "plan", "apply", "rollback", "hold", "action/*"]
    applications = ["*/*"]
  }
  deny {
    actions      = ["destroy"]
    applications = ["production/*"]
  }
}`
	b.Arguments = append([]schema.Argument{eval.ForEachArgument(), eval.DependsOnArgument()}, b.Arguments...)
	b.Arguments = append(b.Arguments, schema.Argument{
		Name: "inherits", Type: schema.References(roleRoot), Doc: "Roles whose members' rights those of this role have, too, and what is denied them.",
	})
	return &eval.Kind{Block: b, Root: roleRoot, RootOnly: true, Guards: true, Decode: func(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
		role := decodeRole(in, in.Values, false)
		role.Address, role.Name = in.Address, in.Name()
		return eval.Decoded{
			Value: value.Block(value.Reference{Address: in.Address, Target: role}, map[string]cty.Value{"name": cty.StringVal(role.Name)}),
			Made:  role,
		}
	}}
}

// roleRoot is the first word of references to roles.
const roleRoot = "role"

// roleBlock declares a role, at the top level or in a project.
func roleBlock(doc, applications string) *schema.Block {
	grant := func(blockType, doc string) schema.Nested {
		return schema.Nested{Block: &schema.Block{
			Type: blockType,
			Doc:  doc,
			Arguments: []schema.Argument{
				{Name: "actions", Type: schema.Strings, Required: true, Doc: "What: `" + strings.Join(Actions(), "`, `") + "`, or patterns of these. An action on objects is `action/NAME`, of a kind `action/Kind/NAME` or `action/group/Kind/NAME`; `action/*` are all."},
				{Name: "applications", Type: schema.Strings, Required: true, Doc: applications},
			},
		}}
	}
	return &schema.Block{
		Type:   "role",
		Labels: []string{"name"},
		Doc:    doc,
		Arguments: []schema.Argument{
			{Name: "description", Type: schema.String, Doc: "What the role is for."},
			{Name: "default", Type: schema.Bool, Default: "false", Doc: "Whether everybody has the role, also those for whom nobody vouches."},
			{Name: "groups", Type: schema.Strings, Doc: "The groups whose members have the role, as their identity provider calls them, letter by letter. A group is never a role, whatever it is called."},
			{Name: "subjects", Type: schema.Strings, Doc: "Single people or machines who have the role, by what is unique of them: the subject of their token, as `gantry whoami` shows it."},
			{Name: "issuers", Type: schema.Strings, Default: "the one that is trusted", Doc: "Who must vouch for those who have the role, as `gantry whoami` shows it: the address of an OpenID Connect issuer, say; `ssh` are the keys of the configuration. Where the configuration trusts more than one issuer or cluster, it must be said."},
		},
		Blocks: []schema.Nested{
			grant("allow", "What they may do."),
			grant("deny", "What they may not do, whatever allows it."),
		},
	}
}

func decodeRole(in *eval.Instance, v *schema.Values, inProject bool) *Role {
	role := &Role{
		Description: v.String("description"), Default: v.Bool("default", false), Range: v.Range,
		Groups: v.Strings("groups"), Subjects: v.Strings("subjects"), Issuers: v.Strings("issuers"), AnyIssuer: !v.Has("issuers"),
	}
	checkMembers(in, v, role, inProject)
	if !inProject {
		for _, ref := range v.References("inherits") {
			role.Inherits = append(role.Inherits, ref.Target.(*Role))
		}
	}
	grants := func(blockType string) (out []Grant) {
		for _, b := range v.Blocks(blockType) {
			out = append(out, decodeGrant(in, b, inProject))
		}
		return out
	}
	role.Allow, role.Deny = grants("allow"), grants("deny")
	if len(role.Allow)+len(role.Deny) == 0 && (inProject || !v.Has("inherits")) {
		in.Errorf(v.Range, "Missing block", "The role says nothing. Add an allow block with what its groups may do.")
	}
	return role
}

// HasMembers reports whether anybody may have the role, beside by inheriting from it.
func (r *Role) HasMembers() bool { return r.Default || len(r.Groups)+len(r.Subjects) > 0 }

// NoMembers is what is wrong with a role that nobody has.
const NoMembers = "Nobody has the role. Name its members with \"groups\" or \"subjects\", or give it to everybody with default = true."

// checkMembers checks who has the role. That somebody has is checked here for those of
// projects alone: others may be there for other roles to inherit.
func checkMembers(in *eval.Instance, v *schema.Values, role *Role, inProject bool) {
	said := v.Has("groups") || v.Has("subjects") || v.Has("default") && !v.IsKnown("default")
	for _, name := range []string{"groups", "subjects", "issuers"} {
		checkNotEmpty(in, v, name, "Nobody would have the role.")
		for _, text := range v.Strings(name) {
			switch trimmed := strings.TrimSpace(text); {
			case trimmed == "":
				in.ErrorAt(v, name, "Unsuitable value", "One of the %s has no name.", name)
			case trimmed != text || strings.ContainsFunc(text, unicode.IsControl):
				in.ErrorAt(v, name, "Unsuitable value", "%q has a space around it, or a line break or another control character. Names are compared letter by letter, so that it would be nobody's.", text)
			}
		}
	}
	switch {
	case role.Default && v.Has("issuers"):
		in.ErrorAt(v, "issuers", "Conflicting arguments", "Everybody has a role with default = true, whoever vouches for them. Leave \"issuers\" away.")
	case inProject && !said && !role.Default:
		in.Errorf(v.Range, "Missing required argument", NoMembers)
	}
}

func decodeGrant(in *eval.Instance, v *schema.Values, inProject bool) Grant {
	grant := Grant{Actions: v.Strings("actions"), Applications: v.Strings("applications"), Range: v.Range}
	for _, name := range []string{"actions", "applications"} {
		CheckPatterns(in, v, name, false)
		checkNotEmpty(in, v, name, "For all write [\"*\"], and for all applications of all projects [\"*/*\"].")
	}
	for _, action := range grant.Actions {
		if problem := CheckAction(action); problem != "" {
			in.ErrorAt(v, "actions", "Unknown action", "%s", problem)
		}
	}
	for _, pattern := range grant.Applications {
		slashes := strings.Count(pattern, "/")
		switch {
		case inProject && slashes > 0:
			in.ErrorAt(v, "applications", "Invalid pattern", "%q has a \"/\", but in a project's role the patterns are of the names of its own applications: write %q.", pattern, pattern[strings.LastIndex(pattern, "/")+1:])
		case !inProject && slashes != 1:
			in.ErrorAt(v, "applications", "Invalid pattern", "%q must be of the form project/application. For all applications of all projects write \"*/*\".", pattern)
		}
	}
	return grant
}

// others are words that other tools have for actions, with what they are here.
var others = map[string]string{"sync": "apply", "deploy": "apply", "delete": "destroy", "remove": "destroy", "read": "get", "view": "get", "list": "get", "diff": "plan", "undo": "rollback", "unlock": "state", "release": "hold"}

// CheckAction says in sentences what is wrong with an action of a role, which may be a
// pattern, or "".
func CheckAction(pattern string) string {
	compiled, err := glob.Compile(pattern)
	if err != nil || pattern == "" || strings.HasPrefix(pattern, "!") {
		return "" // told already
	}
	if name, ok := strings.CutPrefix(pattern, objectAction); ok && name != "" {
		return ""
	}
	for _, action := range Actions() {
		if compiled.Match(action) {
			return ""
		}
	}
	suggestion := others[strings.ToLower(pattern)]
	if suggestion == "" {
		suggestion = schema.Suggest(pattern, Actions())
	}
	if suggestion != "" {
		return "There is no action " + quote(pattern) + ". Did you mean " + quote(suggestion) + "?"
	}
	return "There is no action " + quote(pattern) + "; the actions are " + schema.List(Actions(), "and") + ". What is done to an object is action/NAME, such as action/restart."
}

func quote(text string) string { return "\"" + text + "\"" }
