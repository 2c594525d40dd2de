package policy

import (
	"context"

	"github.com/zclconf/go-cty/cty"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gantrycd/gantry/engine/policy/admission"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// late returns the application as expressions see it. It is made once.
func (a *Application) late() cty.Value {
	a.once.Do(func() {
		a.value = late.PolicyApp{
			Address: a.Address.String(), Name: a.Name, Namespace: a.Namespace, Project: a.Project, Labels: a.Labels, Info: a.Info,
			ClusterName: a.Cluster.Name, ClusterServer: a.Cluster.Server, ClusterLabels: a.Cluster.Labels, ClusterAnnotations: a.Cluster.Annotations,
		}.Value()
	})
	return a.value
}

// object is the object as it will be, or as it is, where it goes.
func (c *Case) object() object.Object {
	if c.After == nil {
		return c.Before
	}
	return c.After
}

// values are those of the expressions of policies, which look at parts of the objects. They
// can be evaluated until the context ends.
func (c *Case) values(ctx context.Context, parts *late.Parts) late.Values {
	paths := make([]string, len(c.Change.Fields))
	for i := range c.Change.Fields {
		paths[i] = c.Change.Fields[i].Path
	}
	return late.PolicyValues(late.PolicyCase{
		App: c.Application.late(), Action: string(c.Change.Action), Reason: c.Change.Reason, Before: c.Before, Object: c.object(), Paths: paths, Parts: parts,
		Stopped: func() bool { return ctx.Err() != nil },
	})
}

// requests are what an API server is asked where a change is carried out.
func (c *Case) requests() []admission.Request {
	change := c.Change
	request := func(op admission.Operation, o, old object.Object) admission.Request {
		return admission.Request{
			Kind: change.GVK(), Resource: c.resource(), Subresource: change.Subresource, Namespace: change.ID.Namespace, Name: change.ID.Name,
			Operation: op, Object: o, Old: old,
		}
	}
	switch change.Action {
	case plan.Create, plan.Run:
		return []admission.Request{request(admission.Create, c.After, nil)}
	case plan.Update, plan.Adopt, plan.Orphan:
		return []admission.Request{request(admission.Update, c.After, c.Before)}
	case plan.Replace:
		return []admission.Request{request(admission.Delete, nil, c.Before), request(admission.Create, c.After, nil)}
	case plan.Prune:
		return []admission.Request{request(admission.Delete, nil, c.Before)}
	case plan.Unchanged, plan.Forget, plan.Remember, plan.Blocked:
	}
	return nil
}

// resource is the plural that requests name the object's kind by. That of a kind which no
// server knows yet is guessed, as Kubernetes does.
func (c *Case) resource() string {
	if c.Change.Plural != "" {
		return c.Change.Plural
	}
	gvk := c.Change.GVK()
	plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind})
	return plural.Resource
}
