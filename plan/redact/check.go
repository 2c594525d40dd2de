package redact

import (
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
)

// Hide is for whoever shows or writes a Secret that should be redacted already,
// and must not rely on it: it returns the object with each value that is no
// fingerprint replaced by object.Redacted, and whether there was any. Objects of
// other kinds are returned as they are, but for the paths.
func Hide(o object.Object, paths ...Path) (object.Object, bool) {
	out, found := o, false
	for _, rule := range rules(o.GVK(), paths) {
		if hidden, ok := rule.replace(map[string]any(out), rule.steps, hideShown); ok {
			out, found = hidden.(map[string]any), true
		}
	}
	return out, found
}

// HideField is Hide for a change of a field of an object of some kind. What is
// marked as sensitive is hidden in objects of every kind.
func HideField(gvk object.GVK, field plan.FieldChange, paths ...Path) (plan.FieldChange, bool) {
	found := false
	hide := func(value *any, steps []step, rule rule) {
		if hidden, ok := rule.replace(*value, steps, hideShown); ok {
			*value, found = hidden, true
		}
	}
	at, err := ParsePath(field.Path)
	for _, rule := range rules(gvk, paths) {
		below, ok := relate(rule.steps, at.steps)
		if err != nil {
			below, ok = nil, true // no telling where it is
		}
		if ok {
			hide(&field.Before, below, rule)
			hide(&field.After, below, rule)
		}
	}
	if field.Sensitive {
		for _, value := range []*any{&field.Before, &field.After} {
			if !allTokens(*value) {
				*value, found = object.Redacted, true
			}
		}
	}
	return field, found
}

func hideShown(value any, _ rule) (any, bool) {
	if isToken(value) {
		return value, false
	}
	return object.Redacted, true
}

// allTokens is isToken, also of a map whose values are such.
func allTokens(value any) bool {
	m, ok := value.(map[string]any)
	if !ok {
		return isToken(value)
	}
	for _, item := range m {
		if !isToken(item) {
			return false
		}
	}
	return true
}

// isToken reports whether a value is nothing, a fingerprint, or says that it is
// sensitive and no more.
func isToken(value any) bool {
	if value == nil {
		return true
	}
	text, ok := value.(string)
	return ok && (seal.IsFingerprint(text) || strings.HasPrefix(text, strings.TrimSuffix(object.Redacted, ")")) && strings.HasSuffix(text, ")"))
}
