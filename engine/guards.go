package engine

import (
	"cmp"
	"slices"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/engine/policy"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/state"
)

// Guards are the rules of the configuration that stands where a plan is applied: the
// protected branch, say. Apply refuses what they do not allow, whatever rules the plan
// itself has. They are evaluated without reading a source.
type Guards struct {
	// Projects are the rules of projects, sorted by name.
	Projects []plan.Project
	// Applications are the names of the projects of the applications that the configuration
	// has, by address; "" for one in none. Those that generators make of what they read are
	// not among them.
	Applications map[addr.Address]string
	// Names are what these applications are called, by address.
	Names map[addr.Address]string
	// Roles are who may do what.
	Roles []plan.Role
	// Verified are the repositories of which everything must be signed.
	Verified []guard.Verified
	// Connections are how the configuration's clusters are reached, by name.
	Connections map[string]target.Connection
	// Windows are the sync windows.
	Windows WindowGuards
	// Policies are what the changes must pass, sorted by address.
	Policies []plan.Policy
	// Clusters are what policies may ask of the configuration's clusters, by name.
	Clusters map[string]policy.Cluster
	// Protection is what must be so before a change is applied; nil asks for nothing.
	Protection *state.Protection
}

// GuardsOf are the rules of a configuration, which need not have been evaluated with a
// Reader.
func GuardsOf(config *lang.Config) *Guards {
	out := &Guards{Verified: verifiedOf(config), Applications: map[addr.Address]string{}, Names: map[addr.Address]string{}, Roles: access.Roles(config), Connections: map[string]target.Connection{}, Windows: WindowGuardsOf(config), Clusters: map[string]policy.Cluster{}, Protection: approval.Of(config.Settings.Protection)}
	for _, project := range config.Projects {
		out.Projects = append(out.Projects, guard.Of(project))
	}
	slices.SortFunc(out.Projects, func(a, b plan.Project) int { return cmp.Compare(a.Name, b.Name) })
	for _, app := range config.Applications {
		out.Applications[app.Address], out.Names[app.Address] = "", app.Name
		if app.Project != nil {
			out.Applications[app.Address] = app.Project.Name
		}
	}
	for _, c := range config.Clusters {
		out.Connections[c.Name] = c.Connection
		out.Clusters[c.Name] = policy.Cluster{Name: c.Name, Labels: c.Labels, Annotations: c.Annotations}
	}
	var err error
	if out.Policies, err = policy.Rules(config.Policies); err != nil {
		// One that asks nothing cannot be used, so that nothing is applied.
		out.Policies = []plan.Policy{{Address: config.Policies[0].Address, Enforcement: plan.PolicyDeny}}
	}
	return out
}
