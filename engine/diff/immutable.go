package diff

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/providers"
)

// ForcesReplace reports whether a server refused a change only because fields
// of the existing object cannot change, so that deleting and creating it would
// do, and which fields the server named, sorted and without duplicates. Where the
// server complains of anything else too, replacing would not help: false.
func ForcesReplace(refusal *providers.InvalidError) (fields []string, ok bool) {
	if refusal == nil {
		return nil, false
	}
	for _, cause := range refusal.Causes {
		if !immutable(cause.Message) {
			return nil, false
		}
		if cause.Field != "" {
			fields = append(fields, cause.Field)
		}
	}
	if len(refusal.Causes) == 0 && !immutable(refusal.Message) {
		return nil, false
	}
	slices.Sort(fields)
	return slices.Compact(fields), true
}

// immutable recognises the words that Kubernetes has for a field that cannot
// change: most kinds, and the rules of most CRDs, say that something "is
// immutable"; the others speak for themselves.
func immutable(message string) bool {
	text := strings.ToLower(message)
	switch {
	case strings.Contains(text, "immutable"): // selectors, Job templates, claims, Secret types, CRD rules
	case strings.Contains(text, "updates to ") && strings.Contains(text, "forbidden"): // StatefulSet, StorageClass
	case strings.Contains(text, "may not change once set"): // Service clusterIP
	case strings.Contains(text, "may not be changed in an update"): // PriorityClass
	case strings.Contains(text, "cannot change roleref"): // RoleBinding, ClusterRoleBinding
	case strings.Contains(text, "pod updates may not change fields"): // Pod
	default:
		return false
	}
	return true
}
