package lang

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

func clustersGenerator() *eval.Kind {
	k := generatorType("clusters",
		"Gives the clusters of the configuration, all of them or those with certain labels. The key is the cluster's name; an item has `name`, `server`, `labels`, `annotations` and `cluster`, the cluster itself.",
		`generator "clusters" "production" {
  selector {
    match_labels = { environment = "production" }
  }
}`,
		nil,
		[]schema.Nested{{Block: selectorBlock(), Max: 1}},
		generateClusters)
	k.Implicit = []string{"cluster"}
	return k
}

func selectorBlock() *schema.Block {
	return &schema.Block{
		Type: "selector",
		Doc:  "What labels must be like, as in Kubernetes: all that is said must hold.",
		Arguments: []schema.Argument{
			{Name: "match_labels", Type: schema.StringMap, Doc: "Labels with their values."},
		},
		Blocks: []schema.Nested{{Block: &schema.Block{
			Type: "match_expressions",
			Doc:  "A condition on one label.",
			Arguments: []schema.Argument{
				{Name: "key", Type: schema.String, Required: true, Doc: "The label."},
				{Name: "operator", Type: schema.String, Required: true, OneOf: []string{"In", "NotIn", "Exists", "DoesNotExist"}, Doc: "What is asked of it. `NotIn` holds for what does not have the label, too."},
				{Name: "values", Type: schema.Strings, Doc: "The values for `In` and `NotIn`."},
			},
		}}},
	}
}

func generateClusters(e *eval.Evaluation, in *eval.Instance) ([]item, bool) {
	selects, ok := decodeSelector(in)
	all, told := in.All("cluster")
	if !told || !ok {
		return nil, false
	}
	var items []item
	for name, v := range all.AsValueMap() {
		ref, isBlock := value.ReferenceOf(v)
		if !isBlock {
			continue
		}
		cluster := ref.Target.(*Cluster)
		if !selects(cluster.Labels) {
			continue
		}
		attributes := map[string]cty.Value{"cluster": v}
		for _, attribute := range []string{"name", "server", "labels", "annotations"} {
			attributes[attribute] = v.GetAttr(attribute)
		}
		items = append(items, item{key: name, value: cty.ObjectVal(attributes), origin: ref.Address.String()})
	}
	sortItems(items)
	return items, true
}

// decodeSelector returns what a selector block asks of labels. It is false where
// that cannot be told.
func decodeSelector(in *eval.Instance) (func(map[string]string) bool, bool) {
	selector := in.Values.One("selector")
	if selector == nil {
		return func(map[string]string) bool { return true }, true
	}
	want := selector.StringMap("match_labels")
	expressions := selector.Blocks("match_expressions")
	for _, expression := range expressions {
		operator := expression.String("operator")
		takesValues := operator == "In" || operator == "NotIn"
		if takesValues && !expression.Has("values") {
			in.Errorf(expression.Range, "Missing required argument", "The operator %s needs the argument \"values\".", operator)
		} else if operator != "" && !takesValues && expression.Has("values") {
			in.ErrorAt(expression, "values", "Conflicting arguments", "The operator %s takes no values.", operator)
		}
	}
	matches := func(labels map[string]string) bool {
		for key, v := range want {
			if have, ok := labels[key]; !ok || have != v {
				return false
			}
		}
		for _, expression := range expressions {
			if !matchExpression(expression, labels) {
				return false
			}
		}
		return true
	}
	return matches, selector.Known()
}

func matchExpression(expression *schema.Values, labels map[string]string) bool {
	have, ok := labels[expression.String("key")]
	switch expression.String("operator") {
	case "In":
		return ok && slices.Contains(expression.Strings("values"), have)
	case "NotIn":
		return !ok || !slices.Contains(expression.Strings("values"), have)
	case "Exists":
		return ok
	default: // DoesNotExist
		return !ok
	}
}
