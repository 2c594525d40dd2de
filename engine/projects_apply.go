package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// judge holds a plan to the rules of projects, its own and those of the guards, before
// anything is sent. One that breaks them was not made by gantry from a configuration that
// has them, and none of it is carried out.
func judge(p *plan.Plan, guards *Guards) hcl.Diagnostics {
	var diags hcl.Diagnostics
	own, theirs := compiled(p.Projects), map[string]*guard.Rules{}
	if guards != nil {
		theirs = compiled(guards.Projects)
	}
	for i := range p.Applications {
		app := &p.Applications[i]
		if app.IsBlocked() {
			continue // nothing of it is sent
		}
		cluster := clusterOf(p, app.Cluster)
		var problems []plan.Problem
		if rules, ok := own[app.Project]; ok {
			problems = rules.Application(app, cluster)
		} else if app.Project != "" && !app.Leaves {
			problems = []plan.Problem{{Summary: "Rules of project are missing", Detail: fmt.Sprintf(
				"It is in the project %q, and the plan does not have that project's rules. Plan again.", app.Project)}}
		}
		if guards != nil {
			name, problem := guards.projectOf(app)
			if problem != nil {
				problems = append(problems, *problem)
			}
			problems = append(problems, theirs[name].Application(app, cluster)...)
			problems = append(problems, guards.cluster(p, app)...)
			problems = append(problems, guards.signed(app)...)
		}
		diags = append(diags, refusals(app.Address, problems)...)
	}
	return diags
}

// compiled are rules by the names of their projects.
func compiled(projects []plan.Project) map[string]*guard.Rules {
	out := map[string]*guard.Rules{}
	for i := range projects {
		out[projects[i].Name] = guard.Compile(&projects[i])
	}
	return out
}

// verifyKinds leaves out applications of which an object would be written by another path
// than that of its kind: what was judged would not be what is written.
func (a *applying) verifyKinds(ctx context.Context, session *session, apps []*progress) {
	for _, p := range apps {
		for i := range p.app.Changes {
			c := &p.app.Changes[i]
			if !c.Action.Changes() || c.Plural == "" {
				continue
			}
			served, err := session.cluster.Resource(ctx, c.GVK())
			if err != nil {
				continue // it is told where the object is read, or written
			}
			if problem := guard.Served(c, served.Plural, served.Namespaced); problem != nil {
				p.skip(problem.Detail)
				break
			}
		}
	}
}

// signed checks that what the plan was made of was signed, as its repositories demand.
func (g *Guards) signed(app *plan.Application) []plan.Problem {
	var problems []plan.Problem
	for i := range g.Verified {
		for _, pin := range app.Sources {
			if !app.Leaves && g.Verified[i].About(pin.Location) {
				problems = append(problems, g.Verified[i].Pinned(pin)...)
			}
		}
	}
	return problems
}

// clusterOf is the cluster that an application of a plan is in; an empty one where the
// plan does not say.
func clusterOf(p *plan.Plan, name string) *plan.Cluster {
	for i := range p.Clusters {
		if p.Clusters[i].Name == name {
			return &p.Clusters[i]
		}
	}
	return &plan.Cluster{}
}

// refusals are problems as diagnostics, each once.
func refusals(address addr.Address, problems []plan.Problem) hcl.Diagnostics {
	var diags hcl.Diagnostics
	told := map[string]bool{}
	for _, problem := range problems {
		detail := fmt.Sprintf("%s: %s Nothing of the plan was applied.", address, problem.Detail)
		if !told[detail] {
			told[detail] = true
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: problem.Summary, Detail: detail})
		}
	}
	return diags
}

// projectOf is the project that an application of a plan is in by the configuration, or
// why that cannot be told. Where the configuration does not know the application, it is the
// project that the plan names; it must be one of the configuration's, if that has any.
func (g *Guards) projectOf(app *plan.Application) (string, *plan.Problem) {
	if name, known := g.Applications[app.Address]; known {
		if name == app.Project || app.Leaves {
			return name, nil
		}
		return name, &plan.Problem{Summary: "Application is in another project", Detail: fmt.Sprintf(
			"The configuration has it in %s, and the plan in %s. Plan again.", projectWord(name), projectWord(app.Project))}
	}
	has := slices.ContainsFunc(g.Projects, func(p plan.Project) bool { return p.Name == app.Project })
	if has || app.Leaves || len(g.Projects) == 0 && app.Project == "" {
		return app.Project, nil
	}
	return "", &plan.Problem{Summary: "Application is in no known project", Detail: fmt.Sprintf(
		"The plan has it in %s. The configuration has projects, and cannot tell the one of this application, for it does not declare it, or by a generator that is not read here: it must be one of them. Plan again from this configuration, or name a project in the application.", projectWord(app.Project))}
}

func projectWord(project string) string {
	if project == "" {
		return "no project"
	}
	return fmt.Sprintf("the project %q", project)
}

// cluster refuses a cluster that the plan reaches in another way than the configuration:
// what a project allows of clusters, it allows by their names. It is asked only where there
// are projects.
func (g *Guards) cluster(p *plan.Plan, app *plan.Application) []plan.Problem {
	if len(g.Projects) == 0 {
		return nil
	}
	connection, known := g.Connections[app.Cluster]
	for i := range p.Clusters {
		c := &p.Clusters[i]
		switch {
		case c.Name != app.Cluster:
		case known && digestOf(c.Connection) != digestOf(connection):
			return []plan.Problem{{Summary: "Cluster is another", Detail: fmt.Sprintf(
				"The plan reaches the cluster %q in another way than the configuration does. Plan again.", c.Name)}}
		case !known && !app.Leaves:
			return []plan.Problem{{Summary: "Cluster is another", Detail: fmt.Sprintf(
				"The plan is for a cluster %q, which the configuration does not have. Plan again.", c.Name)}}
		}
	}
	return nil
}
