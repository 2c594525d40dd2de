package configtest

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	langfunction "github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// extra is what conditions may use beyond what can be referred to in the
// configuration: its outputs, the plan, and the functions object and objects.
func (r *running) extra() eval.Extra {
	return eval.Extra{
		Variables: map[string]cty.Value{"plan": r.planValue(), "output": r.outputs()},
		Functions: map[string]function.Function{"objects": r.objectsFunc(), "object": r.objectFunc()},
	}
}

// outputs are the root module's outputs; those with errors are unknown.
func (r *running) outputs() cty.Value {
	out := map[string]cty.Value{}
	for _, node := range r.graph {
		if node.Address.Kind == "output" && node.Address.Module == "" {
			out[node.Address.Name] = cty.DynamicVal
		}
	}
	for _, output := range r.config.Outputs {
		out[output.Name] = output.Value
	}
	return cty.ObjectVal(out)
}

// Functions describes the functions that conditions have beyond those of the
// language, for the reference.
func Functions() []langfunction.Description {
	r := &running{}
	return []langfunction.Description{
		langfunction.DescribeFunction("Tests", "object", r.objectFunc()),
		langfunction.DescribeFunction("Tests", "objects", r.objectsFunc()),
	}
}

// planValue is the plan as conditions see it.
func (r *running) planValue() cty.Value {
	p := r.out.Plan
	if p == nil {
		return cty.DynamicVal
	}
	applications := map[string]cty.Value{}
	changes, policies := []cty.Value{}, []cty.Value{}
	var warnings []string
	for i := range p.Applications {
		app := &p.Applications[i]
		address := app.Address.String()
		own := []cty.Value{}
		for j := range app.Changes {
			if c := &app.Changes[j]; c.Action != plan.Unchanged {
				own = append(own, changeValue(app, c))
			}
		}
		changes = append(changes, own...)
		violated := policyValues(app)
		policies = append(policies, violated...)
		var blocked, dependsOn []string
		for _, problem := range app.Blocked {
			blocked = append(blocked, problem.Summary+": "+problem.Detail)
		}
		for _, on := range app.DependsOn {
			dependsOn = append(dependsOn, on.String())
		}
		for _, warning := range app.Warnings {
			warnings = append(warnings, address+": "+warning)
		}
		applications[address] = cty.ObjectVal(map[string]cty.Value{
			"name": cty.StringVal(app.Name), "project": text(app.Project), "cluster": cty.StringVal(app.Cluster),
			"namespace": text(app.Namespace), "labels": labels(app.Labels), "sources": sourcesValue(app), "leaves": cty.BoolVal(app.Leaves),
			"depends_on": stringTuple(dependsOn), "blocked": stringTuple(blocked), "warnings": stringTuple(app.Warnings),
			"changes": cty.TupleVal(own), "policies": cty.TupleVal(violated), "summary": summary(app.Counts()),
		})
	}
	for _, warning := range r.warnings {
		warnings = append(warnings, warning.Summary+": "+warning.Detail)
	}
	var errors []string
	for _, diag := range r.errors {
		errors = append(errors, diag.Summary+": "+diag.Detail)
	}
	return cty.ObjectVal(map[string]cty.Value{
		"applications": cty.ObjectVal(applications), "changes": cty.TupleVal(changes), "policies": cty.TupleVal(policies), "summary": summary(p.Counts()),
		"warnings": stringTuple(warnings), "errors": stringTuple(errors),
	})
}

// changeValue is what happens to one object.
func changeValue(app *plan.Application, c *plan.Change) cty.Value {
	fields := []cty.Value{}
	for i := range c.Fields {
		f := &c.Fields[i]
		fields = append(fields, cty.ObjectVal(map[string]cty.Value{
			"path": cty.StringVal(f.Path), "kind": cty.StringVal(string(f.Kind)),
			"before": fromJSON(f.Before), "after": fromJSON(f.After),
			"drift": cty.BoolVal(f.Drift != nil),
		}))
	}
	return cty.ObjectVal(map[string]cty.Value{
		"application": cty.StringVal(app.Address.String()), "cluster": cty.StringVal(app.Cluster),
		"action": cty.StringVal(string(c.Action)), "reason": cty.StringVal(c.Reason),
		"group": cty.StringVal(c.ID.Group), "kind": cty.StringVal(c.ID.Kind),
		"namespace": text(c.ID.Namespace), "name": cty.StringVal(c.ID.Name),
		"phase": phase(c.Phase), "wave": cty.NumberIntVal(int64(c.Wave)), "hook": cty.BoolVal(c.Hook != nil),
		"fields": cty.TupleVal(fields),
	})
}

func phase(p plan.Phase) cty.Value {
	if p == "" {
		p = plan.PhaseSync
	}
	return cty.StringVal(string(p))
}

func sourcesValue(app *plan.Application) cty.Value {
	out := make([]cty.Value, 0, len(app.Sources))
	for _, pin := range app.Sources {
		out = append(out, cty.ObjectVal(map[string]cty.Value{
			"type": cty.StringVal(string(pin.Type)), "url": text(pin.URL), "revision": text(pin.Revision), "chart": text(pin.Chart), "path": text(pin.Path),
		}))
	}
	return cty.TupleVal(out)
}

// summary counts objects by action.
func summary(counts plan.Counts) cty.Value {
	out := map[string]cty.Value{"changes": cty.NumberIntVal(int64(counts.Changes()))}
	for _, action := range plan.Actions() {
		out[string(action)] = cty.NumberIntVal(int64(counts[action]))
	}
	return cty.ObjectVal(out)
}

// text is a string, null where there is none.
func text(s string) cty.Value {
	if s == "" {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(s)
}

func stringTuple(list []string) cty.Value {
	out := make([]cty.Value, 0, len(list))
	for _, s := range list {
		out = append(out, cty.StringVal(s))
	}
	return cty.TupleVal(out)
}

func labels(m map[string]string) cty.Value {
	out := make(map[string]cty.Value, len(m))
	for key, v := range m {
		out[key] = cty.StringVal(v)
	}
	return cty.ObjectVal(out)
}

// fromJSON makes a value of a JSON-shaped one.
func fromJSON(v any) cty.Value {
	switch v := v.(type) {
	case string:
		return cty.StringVal(v)
	case bool:
		return cty.BoolVal(v)
	case int64:
		return cty.NumberIntVal(v)
	case float64:
		return cty.NumberFloatVal(v)
	case map[string]any:
		out := make(map[string]cty.Value, len(v))
		for key, item := range v {
			out[key] = fromJSON(item)
		}
		return cty.ObjectVal(out)
	case []any:
		out := make([]cty.Value, 0, len(v))
		for _, item := range v {
			out = append(out, fromJSON(item))
		}
		return cty.TupleVal(out)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

// objectValue is an object as conditions see it: what a Secret holds is sensitive.
func objectValue(o object.Object) cty.Value {
	v := fromJSON(map[string]any(o))
	if o.Kind() != "Secret" || o.GVK().Group != "" {
		return v
	}
	attributes := v.AsValueMap()
	for _, name := range []string{"data", "stringData"} {
		if held, ok := attributes[name]; ok && held.Type().IsObjectType() {
			entries := held.AsValueMap()
			for key, entry := range entries {
				entries[key] = entry.Mark(value.Sensitive)
			}
			attributes[name] = cty.ObjectVal(entries)
		}
	}
	return cty.ObjectVal(attributes)
}

func applicationParameter() function.Parameter {
	return function.Parameter{
		Name: "application", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowMarked: true,
		Description: "An application, such as application.web or application.web[\"blue\"].",
	}
}

// objectsFunc returns the objects of an application.
func (r *running) objectsFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Returns the objects that an application, or all instances of one, is to have; with kinds, only those of these kinds.",
		Params:      []function.Parameter{applicationParameter()},
		VarParam:    &function.Parameter{Name: "kinds", Type: cty.String, Description: "Kinds: \"Deployment\", or \"apps/Deployment\"."},
		Type:        function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			found, err := r.objectsOf(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			out := []cty.Value{}
			for _, o := range found {
				wanted := len(args) == 1
				for _, kind := range args[1:] {
					wanted = wanted || isKind(o, kind.AsString())
				}
				if wanted {
					out = append(out, objectValue(o))
				}
			}
			return cty.TupleVal(out), nil
		},
	})
}

// objectFunc returns one object of an application.
func (r *running) objectFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Returns the object of a kind and name that an application is to have. It is an error if there is none; can(object(...)) tells whether there is.",
		Params: []function.Parameter{
			applicationParameter(),
			{Name: "kind", Type: cty.String, Description: "Its kind: \"Deployment\", or \"apps/Deployment\"."},
			{Name: "name", Type: cty.String, Description: "Its name."},
		},
		VarParam: &function.Parameter{Name: "namespace", Type: cty.String, Description: "Its namespace, where the application has objects of the name in several."},
		Type:     function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			all, err := r.objectsOf(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			kind, name := args[1].AsString(), args[2].AsString()
			if len(args) > 4 {
				return cty.NilVal, function.NewArgErrorf(4, "one namespace can be named")
			}
			var found []object.Object
			for _, o := range all {
				if isKind(o, kind) && o.Name() == name && (len(args) < 4 || o.Namespace() == args[3].AsString()) {
					found = append(found, o)
				}
			}
			switch len(found) {
			case 1:
				return objectValue(found[0]), nil
			case 0:
				return cty.NilVal, function.NewArgErrorf(2, "there is no %s %q%s", kind, name, nearObject(all, kind, name))
			}
			return cty.NilVal, function.NewArgErrorf(2, "there are %d objects of kind %s called %q: %s; name the namespace, or one instance of the application", len(found), kind, name, identities(found))
		},
	})
}

// isKind reports whether an object is of a kind, which may have its group in front.
func isKind(o object.Object, kind string) bool {
	group, name, grouped := strings.Cut(kind, "/")
	if !grouped {
		return o.Kind() == kind
	}
	return o.Kind() == name && o.GVK().Group == group
}

// nearObject says what there is in place of an object that there is not.
func nearObject(all []object.Object, kind, name string) string {
	var names, kinds []string
	for _, o := range all {
		kinds = append(kinds, o.Kind())
		if isKind(o, kind) {
			names = append(names, o.Name())
		}
	}
	if near := schema.Suggest(name, names); near != "" {
		return fmt.Sprintf("; %q may be meant", near)
	}
	if len(names) > 0 && len(names) <= maxValues {
		return "; there is " + schema.List(names, "and")
	}
	if near := schema.Suggest(kind, kinds); near != "" && len(names) == 0 {
		return fmt.Sprintf("; the kind %q may be meant", near)
	}
	if len(all) <= maxValues {
		return "; the application has " + identities(all)
	}
	return fmt.Sprintf("; the application has %d objects", len(all))
}

func identities(objects []object.Object) string {
	if len(objects) == 0 {
		return "no objects"
	}
	var out []string
	for _, o := range objects {
		out = append(out, o.ID().String())
	}
	return schema.List(out, "and")
}

// objectsOf returns the rendered objects of an application, or of all instances of
// a block.
func (r *running) objectsOf(v cty.Value) ([]object.Object, error) {
	v, _ = v.Unmark()
	if ref, ok := value.ReferenceOf(v); ok {
		return r.objectsAt(ref.Address)
	}
	if !v.IsKnown() || v.IsNull() || !v.Type().IsObjectType() {
		return nil, fmt.Errorf("an application is needed, such as application.web, but this is %s", value.Kind(v))
	}
	var out []object.Object
	for it := v.ElementIterator(); it.Next(); {
		_, instance := it.Element()
		ref, ok := value.ReferenceOf(instance)
		if !ok {
			return nil, fmt.Errorf("an application is needed, such as application.web, but this is %s", value.Kind(v))
		}
		objects, err := r.objectsAt(ref.Address)
		if err != nil {
			return nil, err
		}
		out = append(out, objects...)
	}
	return out, nil
}

func (r *running) objectsAt(address addr.Address) ([]object.Object, error) {
	if address.Kind != "application" {
		return nil, fmt.Errorf("an application is needed, such as application.web, but this is %s", address)
	}
	objects, ok := r.rendered[address]
	if !ok {
		return nil, fmt.Errorf("%s is not in the plan: it is switched off, or has errors", address)
	}
	return objects, nil
}
