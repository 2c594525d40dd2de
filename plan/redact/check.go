package redact

import (
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
)

// IsRedacted reports whether every value of a Secret that Object replaces stands
// as a fingerprint: a check, before something is written, that nobody forgot to.
// It is true for objects of other kinds.
func IsRedacted(o object.Object) bool {
	shown := false
	for _, r := range rules(o.GVK(), nil) {
		r.replace(map[string]any(o), r.steps, func(value any, _ rule) (any, bool) {
			shown = shown || !isToken(value)
			return nil, false
		})
	}
	return !shown
}

// IsRedactedField is IsRedacted for a change of a field of a Secret, of which
// IsSensitive is true.
func IsRedactedField(field plan.FieldChange) bool {
	return allTokens(field.Before) && allTokens(field.After)
}

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
