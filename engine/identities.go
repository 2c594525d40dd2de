package engine

import (
	"errors"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/target"
)

// errNoIdentity is that a cluster is not spoken to, for it is not known as whom.
var errNoIdentity = errors.New("its project names nobody to make requests as")

// enter gives a draft the session in which it speaks to its cluster: as whom its project
// says, or for an application whose project is gone, as whom it was last applied. Where the
// project names nobody for the destination the draft fails, and has a session in which
// nothing is sent.
func (p *planning) enter(d *draft) {
	as, problems := p.actsAs(d)
	if len(problems) > 0 {
		name := ""
		if d.app != nil {
			name = d.app.Destination.Cluster.Name
		} else {
			name = d.record.Cluster.Name
		}
		d.session = &session{name: name, err: errNoIdentity}
		for _, problem := range problems {
			d.refuse(d.appDestination(), problem)
		}
		return
	}
	if d.app != nil {
		d.session = p.sessions.add(d.app.Destination.Cluster, as)
		return
	}
	d.session = p.sessions.recordedAs(d.record, as)
}

// actsAs is as whom an application's requests are made, nil for who reaches the cluster, or
// why it is nobody.
func (p *planning) actsAs(d *draft) (*target.Impersonation, []plan.Problem) {
	if d.app != nil {
		return identityOf(p.engine.rules(d.app.Project), d.app.Destination.Cluster, d.app.Destination.Namespace)
	}
	project := p.project(d)
	if project == nil {
		return d.record.Settings.As, nil
	}
	cluster := &lang.Cluster{Name: d.record.Cluster.Name, Connection: d.record.Cluster.Connection}
	for _, c := range p.config.Clusters {
		if c.Name == cluster.Name {
			cluster = c
		}
	}
	return identityOf(p.engine.rules(project), cluster, d.record.Namespace)
}

// declaredAs is as whom an application of the configuration speaks to its cluster; nil where
// that is nobody.
func declaredAs(app *lang.Application) *target.Impersonation {
	if app.Project == nil {
		return nil
	}
	rules := guard.Of(app.Project)
	as, _ := identityOf(guard.Compile(&rules), app.Destination.Cluster, app.Destination.Namespace)
	return as
}

func identityOf(rules *guard.Rules, cluster *lang.Cluster, namespace string) (*target.Impersonation, []plan.Problem) {
	return rules.Identity(cluster.Name, cluster.Connection.Server, namespace)
}
