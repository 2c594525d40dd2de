package guard

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
)

// Of returns the rules of a project as data.
func Of(p *lang.Project) plan.Project {
	out := plan.Project{
		Address: p.Address, Name: p.Name, Range: rangeText(p.Range), Frozen: p.Frozen, Repositories: p.Repositories,
		ClusterResources: resources(p.ClusterResources), NamespaceResources: resources(p.NamespaceResources),
	}
	for _, d := range p.Destinations {
		out.Destinations = append(out.Destinations, plan.Destination{Clusters: d.Clusters, Namespaces: d.Namespaces, Range: rangeText(d.Range)})
	}
	for _, d := range p.Rules.DeniedDestinations {
		out.DeniedDestinations = append(out.DeniedDestinations, destination(d))
	}
	for _, s := range p.Rules.Sources {
		out.Sources = append(out.Sources, plan.SourceRule{Repositories: s.Repositories, Paths: s.Paths, Deny: s.Deny, Range: rangeText(s.Range)})
	}
	for _, s := range p.Rules.Signatures {
		out.Signatures = append(out.Signatures, plan.SignedBy{
			Repositories: s.Repositories, Strict: s.Strict, Since: s.Since, SSHKeys: s.SSHKeys, GPGKeys: s.GPGKeys, Range: rangeText(s.Range),
		})
	}
	for _, i := range p.Rules.Identities {
		out.Identities = append(out.Identities, plan.ActsAs{
			Destination: destination(i.Place), ServiceAccount: i.ServiceAccount, User: i.User, Groups: i.Groups,
		})
	}
	if orphaned := p.Rules.Orphaned; orphaned != nil {
		out.Orphaned = &plan.OrphanedRules{Range: rangeText(orphaned.Range)}
		for _, i := range orphaned.Ignore {
			out.Orphaned.Ignore = append(out.Orphaned.Ignore, plan.OrphanedIgnore{Group: i.Group, Kind: i.Kind, Name: i.Name})
		}
	}
	return out
}

func destination(p govern.Place) plan.Destination {
	return plan.Destination{Clusters: p.Clusters, Namespaces: p.Namespaces, Range: rangeText(p.Range)}
}

func resources(r lang.ResourceRules) plan.ResourceRules {
	return plan.ResourceRules{Allow: r.Allow, Deny: r.Deny, Range: rangeText(r.Range)}
}

// rangeText is a range as "file:line,column", empty for none.
func rangeText(r hcl.Range) string {
	if r.Filename == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}
