package plan

import (
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
)

// Project is the rules of a project, as data: they are judged when the plan is made and
// again before it is applied. Lists of patterns are nil where nothing was written; an
// empty list that is not nil allows nothing. It is no part of any change digest.
type Project struct {
	Address addr.Address `json:"address"`
	Name    string       `json:"name"`             // as Application.Project has it
	Range   string       `json:"range,omitempty"`  // "project.gantry.hcl:12,1"
	Frozen  string       `json:"frozen,omitempty"` // why nothing of it may be applied; empty where it may
	// Repositories are globs of URLs; one with "!" denies, and nil allows all.
	Repositories []string     `json:"repositories,omitzero"`
	Sources      []SourceRule `json:"sources,omitzero"` // nil: every path of the repositories
	// Destinations are where applications may go; nil is anywhere. DeniedDestinations are
	// where they may not, whatever else is allowed.
	Destinations       []Destination  `json:"destinations,omitzero"`
	DeniedDestinations []Destination  `json:"deniedDestinations,omitempty"`
	ClusterResources   ResourceRules  `json:"clusterResources,omitzero"`
	NamespaceResources ResourceRules  `json:"namespaceResources,omitzero"`
	Signatures         []SignedBy     `json:"signatures,omitempty"`
	Identities         []ActsAs       `json:"identities,omitempty"`
	Orphaned           *OrphanedRules `json:"orphaned,omitempty"` // nil: not looked for
}

// Destination is clusters and namespaces, as globs; nil is all, and one with "!" denies.
type Destination struct {
	Clusters   []string `json:"clusters,omitzero"`
	Namespaces []string `json:"namespaces,omitzero"`
	Range      string   `json:"range,omitempty"`
}

// SourceRule allows or denies paths of repositories; what is denied stays so.
type SourceRule struct {
	Repositories []string `json:"repositories,omitzero"` // globs of URLs; nil is all
	Paths        []string `json:"paths"`                 // globs, in which ** crosses "/"
	Deny         bool     `json:"deny,omitempty"`
	Range        string   `json:"range,omitempty"`
}

// ResourceRules allow and deny kinds: "Kind", "group/Kind", "group/Kind:name", globs.
// What is denied stays so. A nil Allow allows every kind in namespaces, and none that is
// not.
type ResourceRules struct {
	Allow []string `json:"allow,omitzero"`
	Deny  []string `json:"deny,omitempty"`
	Range string   `json:"range,omitempty"`
}

// SignedBy says whose signatures commits of repositories must have. The keys are public.
type SignedBy struct {
	Repositories []string `json:"repositories,omitzero"` // globs of URLs; nil is all
	Strict       bool     `json:"strict,omitempty"`      // every commit since the last that was verified
	Since        []string `json:"since,omitempty"`       // commits whose history is taken as it is
	SSHKeys      []string `json:"sshKeys,omitempty"`
	GPGKeys      []string `json:"gpgKeys,omitempty"`
	Range        string   `json:"range,omitempty"`
}

// ActsAs is as whom requests are made at a destination. The first that fits counts; where
// there are some and none fits, no request is made.
type ActsAs struct {
	Destination
	ServiceAccount string   `json:"serviceAccount,omitempty"` // "namespace:name", or a name in the destination's namespace
	User           string   `json:"user,omitempty"`
	Groups         []string `json:"groups,omitempty"`
}

// OrphanedRules say which objects are not reported that belong to no application.
type OrphanedRules struct {
	Ignore []OrphanedIgnore `json:"ignore,omitempty"`
	Range  string           `json:"range,omitempty"`
}

// OrphanedIgnore are objects that are not reported, as globs; an empty Group is the core
// group.
type OrphanedIgnore struct {
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
}

// Project returns the rules of the project of a name; nil where the plan has none.
func (p *Plan) Project(name string) *Project {
	for i := range p.Projects {
		if p.Projects[i].Name == name {
			return &p.Projects[i]
		}
	}
	return nil
}

// Orphaned is an object in a namespace of a project's applications that belongs to no
// application. It is left as it is.
type Orphaned struct {
	Project string    `json:"project"`
	Cluster string    `json:"cluster"`
	ID      object.ID `json:"id"`
}
