package generate

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// Decision is one cluster that a resource decided for.
type Decision struct {
	Cluster string    // what the match key says
	Value   cty.Value // the element of the list
	Origin  string    // whose decision it is: kind, namespace and name
}

// Decisions reads the decisions of a resource: the objects of a list in its status,
// each of which names a cluster by matchKey. An empty list decides for none; one that
// is not there is an error, since the decision may still be pending. Errors are words
// that follow the resource's name.
func Decisions(resource object.Object, list, matchKey string) ([]Decision, error) {
	found, ok := resource.Get("status", list)
	if !ok || found == nil {
		return nil, fmt.Errorf("has no status.%s: what decides has not done so yet, or the list is called otherwise; say so with the argument status_list", list)
	}
	elements, ok := found.([]any)
	if !ok {
		return nil, fmt.Errorf("must have a list in status.%s, but that is none", list)
	}
	decisions := make([]Decision, 0, len(elements))
	for i, element := range elements {
		fields, ok := element.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("has in status.%s an element %d that is no object", list, i)
		}
		cluster, _ := fields[matchKey].(string)
		if cluster == "" {
			return nil, fmt.Errorf("has in status.%s an element %d without a text %q; say with the argument match_key what names the cluster", list, i, matchKey)
		}
		text, err := json.Marshal(fields)
		if err != nil {
			return nil, fmt.Errorf("has in status.%s an element %d that is no JSON: %w", list, i, err)
		}
		v, err := value.FromJSON(text)
		if err != nil {
			return nil, fmt.Errorf("has in status.%s an element %d that cannot be used: %w", list, i, err)
		}
		decisions = append(decisions, Decision{Cluster: cluster, Value: v, Origin: resource.ID().String()})
	}
	return decisions, nil
}
