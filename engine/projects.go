package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
)

// rules are those of a project, compiled once; nil for none.
func (e *Engine) rules(project *lang.Project) *guard.Rules {
	if project == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if have, ok := e.projects[project]; ok {
		return have
	}
	data := guard.Of(project)
	compiled := guard.Compile(&data)
	e.projects[project] = compiled
	return compiled
}

// project returns the project of the configuration that an application is in, or was when
// it was last applied; nil for none.
func (p *planning) project(d *draft) *lang.Project {
	if d.app != nil {
		return d.app.Project
	}
	if d.record == nil || d.record.Project == "" {
		return nil
	}
	return projectNamed(p.config, d.record.Project)
}

func projectNamed(config *lang.Config, name string) *lang.Project {
	for _, project := range config.Projects {
		if project.Name == name {
			return project
		}
	}
	return nil
}

// guardApplication asks the project about an application's sources and destination, and
// compiles what else of its block can be wrong.
func (p *planning) guardApplication(d *draft) {
	rules := p.engine.rules(d.app.Project)
	for i := range d.app.Sources {
		spec := &d.app.Sources[i].Spec
		for _, problem := range rules.Path(spec.Location, whole(spec)) {
			d.refuse(d.sourceRange(i), problem)
		}
	}
	for _, problem := range rules.Destination(d.session.name, d.session.server(), d.app.Destination.Namespace) {
		d.refuse(d.app.Destination.Range, problem)
	}
	d.compileIgnored()
}

// whole is the path that a source is rendered from: all of it where it names none. A
// source that only others refer to has none: what they read of it is asked about.
func whole(spec *source.Spec) string {
	if spec.Ref != "" && spec.Path == "" && spec.Chart == "" {
		return ""
	}
	return cmp.Or(spec.Path, ".")
}

// refuse records that a rule does not allow something that was written elsewhere.
func (d *draft) refuse(subject hcl.Range, problem plan.Problem) {
	d.fail(subject, problem.Summary, problem.Detail)
	f := &d.failures[len(d.failures)-1].problem
	f.Object, f.Rule = problem.Object, problem.Rule
}

// refused records what a rule does not allow that an error tells of, and reports whether
// there is such.
func (d *draft) refused(subject hcl.Range, err error) bool {
	var refused *guard.Refused
	if !errors.As(err, &refused) {
		return false
	}
	d.refuse(subject, refused.Problem)
	return true
}

// blockFrozen blocks what would change of the projects of which nothing may be applied.
func (p *planning) blockFrozen() {
	for _, d := range p.drafts {
		if d.failed() {
			continue
		}
		app := d.application()
		if !app.HasChanges() {
			continue
		}
		for _, problem := range p.engine.rules(p.project(d)).Frozen() {
			problem.Address, problem.Range = d.address, rangeText(d.appRange())
			d.blocked = append(d.blocked, problem)
		}
	}
}

// server is where the cluster is reached, as its block says or else as it was found.
func (s *session) server() string { return cmp.Or(s.connection.Server, s.info.Server) }

// permitted asks the project whether the application may have the object.
func (e *Engine) permitted(d *draft, want *desired) bool {
	problems := e.rules(d.app.Project).Object(want.object.ID(), want.resource.Namespaced, d.session.name, d.session.server())
	for _, problem := range problems {
		problem.Detail = fmt.Sprintf("%s (from %s)", problem.Detail, want.origin)
		d.refuse(d.sourceRange(want.source), problem)
	}
	return len(problems) == 0
}

// projects puts the rules of the projects into a plan that its applications are in. An
// application whose project is no longer in the configuration is in none, unless it leaves.
func (p *planning) projects(out *plan.Plan) {
	seen := map[string]bool{}
	for i := range out.Applications {
		app := &out.Applications[i]
		project := projectNamed(p.config, app.Project)
		switch {
		case app.Project == "" || seen[app.Project]:
		case project != nil:
			seen[app.Project] = true
			out.Projects = append(out.Projects, guard.Of(project))
		case !app.Leaves:
			app.Project = ""
		}
	}
	slices.SortFunc(out.Projects, func(a, b plan.Project) int { return cmp.Compare(a.Name, b.Name) })
}
