package guard

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan"
)

// Application checks all that a plan says of an application, whoever made it: where it
// goes, what it was made from, as whom it speaks to the cluster, and every object that it
// writes. What it owns it may let go of: deletions are held to who owns an object, by
// apply.
func (r *Rules) Application(app *plan.Application, cluster *plan.Cluster) []plan.Problem {
	if r == nil {
		return nil
	}
	if r.broken != nil {
		return r.broken
	}
	server := at(cluster.Connection.Server, cluster.Server)
	as, problems := r.Identity(app.Cluster, cluster.Connection.Server, app.Namespace)
	if problems == nil && !as.Equal(app.Settings.As) {
		problems = append(problems, r.problem("Identity is not the project's", r.project.Range, fmt.Sprintf(
			"%s: requests are made as %q, and the plan makes them as %q.", r.project.Address, as, app.Settings.As)))
	}
	if app.HasChanges() {
		problems = append(problems, r.Frozen()...)
	}
	if app.Leaves {
		return problems
	}
	problems = append(problems, r.Destination(app.Cluster, server, app.Namespace)...)
	for _, pin := range app.Sources {
		problems = append(problems, r.Path(pin.Location, pin.Path)...)
		problems = append(problems, r.signed(pin)...)
	}
	for i := range app.Changes {
		c := &app.Changes[i]
		if c.Action.Changes() && !lets(c.Action) {
			problems = append(problems, r.change(c, app.Cluster, server)...)
		}
	}
	return problems
}

// Frozen says that nothing of the project may be applied.
func (r *Rules) Frozen() []plan.Problem {
	if r == nil || r.project.Frozen == "" {
		return nil
	}
	return r.problems("Project is frozen", r.project.Range, fmt.Sprintf(
		"Nothing of %s may be applied: %s.", r.project.Address, strings.TrimSuffix(r.project.Frozen, ".")))
}

// lets reports whether an action does nothing but let an object go.
func lets(action plan.Action) bool { return action == plan.Prune || action == plan.Orphan }

// change checks one object that is written: what is sent, not what it is called.
func (r *Rules) change(c *plan.Change, cluster, server string) []plan.Problem {
	if why := unlike(c); why != "" {
		return []plan.Problem{{
			Address: r.project.Address, Object: &c.ID, Summary: "Object is not what it is called",
			Detail: fmt.Sprintf("%s: %s. The plan is not one that gantry makes.", c.ID, why),
		}}
	}
	return r.Object(c.ID, c.Namespaced, cluster, server)
}

// unlike says how what is sent is another object than the one that the change names.
func unlike(c *plan.Change) string {
	switch {
	case c.Namespaced && c.ID.Namespace == "":
		return "it is said to be in a namespace, and names none"
	case !c.Namespaced && c.ID.Namespace != "":
		return "it is said to be in no namespace, and names one"
	}
	body := c.Target()
	if body == nil {
		return ""
	}
	partly := c.Method == plan.MethodPatch // has nothing but what changes
	for _, part := range []struct{ what, named, sent string }{
		{"API version", c.GVK().APIVersion(), body.GVK().APIVersion()},
		{"kind", c.ID.Kind, body.GVK().Kind},
		{"name", c.ID.Name, body.Name()},
		{"namespace", c.ID.Namespace, body.Namespace()},
	} {
		if part.named != part.sent && (!partly || part.sent != "") {
			return fmt.Sprintf("its %s is %q, and that of what is sent is %q", part.what, part.named, part.sent)
		}
	}
	return ""
}

// Served checks that an object's kind is served as the change says: by that path it is
// written.
func Served(c *plan.Change, plural string, namespaced bool) *plan.Problem {
	if (c.Plural == plural || plural == "") && c.Namespaced == namespaced { // clusters in memory have no paths
		return nil
	}
	id := c.ID
	return &plan.Problem{
		Object: &id, Summary: "Object is not what it is called",
		Detail: fmt.Sprintf("%s: the plan writes it to %q, namespaced %v, and the cluster serves its kind at %q, namespaced %v.", id, c.Plural, c.Namespaced, plural, namespaced),
	}
}
