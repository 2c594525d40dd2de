package late

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/plan/object"
)

// PolicyApp is an application as the expressions of policies see it. Texts that are empty, and
// maps that are nil, are null.
type PolicyApp struct {
	Address, Name, Namespace, Project string
	Labels, Info                      map[string]string
	ClusterName, ClusterServer        string
	ClusterLabels, ClusterAnnotations map[string]string
}

// Value returns the application as a value: made once, it serves all its changes.
func (a PolicyApp) Value() cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"address": cty.StringVal(a.Address), "name": cty.StringVal(a.Name), "namespace": textOrNull(a.Namespace), "project": textOrNull(a.Project),
		"labels": textMap(a.Labels), "info": textMap(a.Info),
		"cluster": cty.ObjectVal(map[string]cty.Value{
			"name": textOrNull(a.ClusterName), "server": textOrNull(a.ClusterServer),
			"labels": textMap(a.ClusterLabels), "annotations": textMap(a.ClusterAnnotations),
		}),
	})
}

func textOrNull(text string) cty.Value {
	if text == "" {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(text)
}

func textMap(texts map[string]string) cty.Value {
	if texts == nil {
		return cty.NullVal(cty.Map(cty.String))
	}
	if len(texts) == 0 {
		return cty.MapValEmpty(cty.String)
	}
	out := make(map[string]cty.Value, len(texts))
	for key, text := range texts {
		out[key] = cty.StringVal(text)
	}
	return cty.MapVal(out)
}

// PolicyCase is one change that policies are asked about. Its objects must not be changed
// while its values are used, and hold nothing that must not be seen.
type PolicyCase struct {
	App            cty.Value // of PolicyApp.Value
	Action, Reason string
	Before         object.Object // nil: it is not there
	Object         object.Object
	Paths          []string
	// Parts are what the expressions look at that these values are for. Where one of them
	// cannot be evaluated it is evaluated again over everything, so that what it says of an
	// object does not depend on them.
	Parts *Parts
	// Stopped says whether evaluations are to end; nil never. Loops ask it before each step,
	// and what was stopped cannot be evaluated. It must be quick.
	Stopped func() bool
}

// PolicyValues are the values of a policy in one case, for one goroutine. However many
// policies are asked, each object becomes a value once, and only where one of them looks at
// it.
func PolicyValues(c PolicyCase) Values {
	out := policyValues(c)
	if c.Parts != nil {
		c.Parts = nil
		out.whole = func() Values { return policyValues(c) }
	}
	return out
}

func policyValues(c PolicyCase) Values {
	parts := c.Parts
	if parts == nil {
		parts = &Parts{}
	}
	change := func() cty.Value {
		paths := cty.ListValEmpty(cty.String)
		if len(c.Paths) > 0 {
			list := make([]cty.Value, len(c.Paths))
			for i, path := range c.Paths {
				list[i] = cty.StringVal(path)
			}
			paths = cty.ListVal(list)
		}
		return cty.ObjectVal(map[string]cty.Value{
			"action": cty.StringVal(c.Action), "reason": cty.StringVal(c.Reason), "before": objectValue(parts.before, c.Before), "paths": paths,
		})
	}
	variables := map[string]cty.Value{}
	if c.Stopped != nil {
		variables[stopName] = cty.CapsuleVal(stopType, &stopper{c.Stopped})
	}
	return Values{scope: Policy, variables: variables, stopped: c.Stopped, made: map[string]func() cty.Value{
		"app": func() cty.Value { return c.App }, "object": func() cty.Value { return objectValue(parts.object, c.Object) }, "change": change,
	}}
}
