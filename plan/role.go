package plan

// Role is what its members may do, as data: it is asked when the plan is made and again
// before it is applied. It is no part of any change digest.
//
// An identity has the role where one of Groups, or of Subjects, is its own and somebody
// vouches for it; everybody has a Default role. A role without Project is about all
// applications; one of a project about that project's alone.
type Role struct {
	Name    string `json:"name"`
	Project string `json:"project,omitempty"` // as Application.Project has it
	Default bool   `json:"default,omitempty"` // everybody has it, also for whom nobody vouches
	// Groups and Subjects are compared with those of an identity as they are, letter by letter.
	Groups   []string `json:"groups,omitempty"`
	Subjects []string `json:"subjects,omitempty"`
	// Issuers are who must vouch for a member; empty is whoever is trusted.
	Issuers []string `json:"issuers,omitempty"`
	Allow   []Grant  `json:"allow,omitempty"`
	Deny    []Grant  `json:"deny,omitempty"`  // wins over every Allow, of any role
	Range   string   `json:"range,omitempty"` // "roles.gantry.hcl:12,1"
}

// Grant is actions on applications. Both are globs: of actions ("get", "action/restart"),
// and of "project/application", or in a project's role of the names of its applications.
type Grant struct {
	Actions      []string `json:"actions"`
	Applications []string `json:"applications"`
	// Inherited is the name of the role that it was inherited from; empty where it is the
	// role's own.
	Inherited string `json:"inherited,omitempty"`
	Range     string `json:"range,omitempty"`
}
