package govern

import (
	"strings"

	"github.com/gobwas/glob"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

// Role is what the members of groups may do: in all applications, or in those of a
// project.
type Role struct {
	Address     addr.Address // of the block; of the project, where it is one's
	Name        string
	Description string
	Groups      []string
	Allow       []Grant
	Deny        []Grant // wins over every Allow, of any role
	Range       hcl.Range
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
	b := roleBlock("What groups of people may do, in all applications. As soon as there is a role, here or in a project, nobody may do what no role gives them; what one role denies, no other gives.",
		"Patterns of `project/application`: `payments/*`, `*/staging-*`.")
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
	return &eval.Kind{Block: b, RootOnly: true, Decode: func(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
		role := decodeRole(in, in.Values, false)
		role.Address, role.Name = in.Address, in.Name()
		return eval.Decoded{Value: cty.EmptyObjectVal, Made: role}
	}}
}

// roleBlock declares a role, at the top level or in a project.
func roleBlock(doc, applications string) *schema.Block {
	grant := func(blockType, doc string) schema.Nested {
		return schema.Nested{Block: &schema.Block{
			Type: blockType,
			Doc:  doc,
			Arguments: []schema.Argument{
				{Name: "actions", Type: schema.Strings, Required: true, Doc: "What: `" + strings.Join(Actions(), "`, `") + "`, `action/NAME` for an action on objects, or patterns of these."},
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
			{Name: "groups", Type: schema.Strings, Required: true, Doc: "The groups whose members have the role, as their identity provider calls them."},
		},
		Blocks: []schema.Nested{
			grant("allow", "What they may do."),
			grant("deny", "What they may not do, whatever allows it."),
		},
	}
}

func decodeRole(in *eval.Instance, v *schema.Values, inProject bool) *Role {
	role := &Role{Description: v.String("description"), Groups: v.Strings("groups"), Range: v.Range}
	checkNotEmpty(in, v, "groups", "Nobody would have the role.")
	for _, group := range role.Groups {
		if strings.TrimSpace(group) == "" {
			in.ErrorAt(v, "groups", "Unsuitable value", "A group has no name.")
		}
	}
	grants := func(blockType string) (out []Grant) {
		for _, b := range v.Blocks(blockType) {
			out = append(out, decodeGrant(in, b, inProject))
		}
		return out
	}
	role.Allow, role.Deny = grants("allow"), grants("deny")
	if len(role.Allow)+len(role.Deny) == 0 {
		in.Errorf(v.Range, "Missing block", "The role says nothing. Add an allow block with what its groups may do.")
	}
	return role
}

func decodeGrant(in *eval.Instance, v *schema.Values, inProject bool) Grant {
	grant := Grant{Actions: v.Strings("actions"), Applications: v.Strings("applications"), Range: v.Range}
	for _, name := range []string{"actions", "applications"} {
		CheckPatterns(in, v, name, false)
		checkNotEmpty(in, v, name, "For all write [\"*\"], and for all applications of all projects [\"*/*\"].")
	}
	for _, action := range grant.Actions {
		if problem := checkAction(action); problem != "" {
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

// checkAction says what is wrong with an action of a role, or "".
func checkAction(pattern string) string {
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
	if pattern == "sync" {
		return "There is no action \"sync\": what syncs an application is \"apply\"."
	}
	problem := "There is no action " + quote(pattern) + "; the actions are " + schema.List(append(Actions(), "action/NAME"), "and") + "."
	if suggestion := schema.Suggest(pattern, Actions()); suggestion != "" {
		problem = "There is no action " + quote(pattern) + ". Did you mean " + quote(suggestion) + "?"
	}
	return problem
}

func quote(text string) string { return "\"" + text + "\"" }
