package crdschema

import (
	"context"
	"errors"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/common"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Default returns an object with the defaults of its version's schema, as the server
// will have it. The object is not changed; it comes back as it is where its version
// cannot be checked.
func (d *Definition) Default(o object.Object) object.Object {
	v, err := d.ready(o.GVK().Version)
	if err != nil {
		return o
	}
	out := o.DeepCopy()
	defaulting.Default(map[string]any(out), v.schema)
	return out
}

// Check checks an object as the server will when it is written: o is the whole object
// as it will be, old is the one that it replaces, nil for one that is created. The
// error says everything that the server will refuse it for, and may quote values of
// the object.
//
// The level tells how thoroughly it was checked: SchemaAndRules; SchemaOnly where a
// rule cannot be compiled here, or what old is in the version of o cannot be told;
// NotValidated where there is nothing to check it against.
func (d *Definition) Check(ctx context.Context, o, old object.Object) (plan.Validation, error) {
	v, err := d.ready(o.GVK().Version)
	if err != nil {
		return plan.NotValidated, nil // the server says what is wrong with the definition
	}
	if old != nil && old.GVK() != o.GVK() {
		if d.converts {
			return plan.SchemaOnly, nil
		}
		old = old.DeepCopy()
		old["apiVersion"] = o["apiVersion"] // all that the conversion "None" changes
	}
	o = v.written(o, old)
	defaulting.Default(map[string]any(o), v.schema)
	var was map[string]any
	if old != nil {
		was = map[string]any(old.DeepCopy())
		defaulting.Default(was, v.schema) // as the server does when it reads it
	}
	return v.check(ctx, map[string]any(o), was)
}

// written is the object as a write leaves it: with a status subresource, the status
// is what it was.
func (v *version) written(o, old object.Object) object.Object {
	o = o.DeepCopy()
	if !v.status {
		return o
	}
	delete(o, "status")
	if status, ok := old["status"]; ok {
		o["status"] = object.DeepCopyValue(status)
	}
	return o
}

// check is the order of the server's own strategy for custom resources.
func (v *version) check(ctx context.Context, o, old map[string]any) (plan.Validation, error) {
	var errs field.ErrorList
	var ratcheting []cel.Option
	var before any // an untyped nil, where there is none
	if old == nil {
		errs = append(errs, validation.ValidateCustomResource(nil, o, v.values)...)
	} else {
		before = old
		correlated := common.NewCorrelatedObject(o, old, &model.Structural{Structural: v.schema})
		ratcheting = append(ratcheting, cel.WithRatcheting(correlated))
		errs = append(errs, validation.ValidateCustomResourceUpdate(nil, o, old, v.values, validation.WithRatcheting(correlated))...)
	}
	errs = append(errs, objectmeta.Validate(ctx, nil, o, v.schema, false)...)
	if old == nil || len(listtype.ValidateListSetsAndMaps(nil, v.schema, old)) == 0 {
		errs = append(errs, listtype.ValidateListSetsAndMaps(nil, v.schema, o)...)
	}
	if len(errs) > 0 {
		return plan.SchemaOnly, refusal(errs) // rules are for what has the right shape
	}
	if v.rules == nil {
		return plan.SchemaAndRules, nil
	}
	broken, _ := v.rules.Validate(ctx, nil, v.schema, o, before, celconfig.RuntimeCELCostBudget, ratcheting...)
	level := plan.SchemaAndRules
	broken = slices.DeleteFunc(broken, func(e *field.Error) bool {
		if !notEvaluated(e) {
			return false
		}
		level = plan.SchemaOnly
		return true
	})
	return level, refusal(broken)
}

// notEvaluated tells that an error is of the rule, not of the object: the rule is
// wrong, so that the server refuses the definition, or newer than the library.
func notEvaluated(e *field.Error) bool {
	return strings.HasPrefix(e.Detail, "rule compile error:") || strings.HasPrefix(e.Detail, "rule compiler initialization error:")
}

// refusal is all errors as one, sorted; nil for none.
func refusal(errs field.ErrorList) error {
	if len(errs) == 0 {
		return nil
	}
	messages := make([]string, len(errs))
	for i, e := range errs {
		messages[i] = strings.TrimPrefix(e.Error(), "<nil>: ")
	}
	slices.Sort(messages)
	return errors.New(strings.Join(slices.Compact(messages), "; "))
}
