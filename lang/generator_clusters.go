package lang

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

func clustersGenerator() *eval.Kind {
	k := generatorType("clusters",
		"Gives the clusters of the configuration, all of them or those with certain names or labels. The key is the cluster's name; an item has `name`, `server`, `labels`, `annotations` and `cluster`, the cluster itself.",
		`generator "clusters" "production" {
  selector {
    match_labels = { environment = "production" }
  }
}`,
		[]schema.Argument{
			{Name: "names", Type: schema.ReferencesOrGlobs("cluster"), Default: "all", Doc: "Clusters, or patterns of their names: `*` stands for any text, `{a,b}` for either, and what begins with `!` is left out."},
		},
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
				{Name: "operator", Type: schema.String, Required: true, OneOf: generate.Operators(), Doc: "What is asked of it. `NotIn` holds for what does not have the label, too."},
				{Name: "values", Type: schema.Strings, Doc: "The values for `In` and `NotIn`."},
			},
		}}},
	}
}

func generateClusters(_ *eval.Evaluation, in *eval.Instance) (generated, bool) {
	selector := decodeSelector(in)
	items, told := clusterItems(in)
	if !told || !in.Values.Known() {
		return generated{}, false
	}
	names, err := clusterNames(in, items)
	if err != nil {
		in.ErrorAt(in.Values, "names", "Invalid pattern", "The pattern %s.", err)
		return generated{}, false
	}
	var made generated
	if in.Values.Has("names") && len(in.Values.Strings("names")) == 0 {
		return made, true // an empty list is no cluster, and not all
	}
	for _, item := range items {
		ref, _ := value.ReferenceOf(item.Value.GetAttr("cluster"))
		if names.Match(item.Key) && selector.Matches(ref.Target.(*Cluster).Labels) {
			made.items = append(made.items, item)
		}
	}
	return made, true
}

// clusterItems returns an item for every cluster. It is false where one of them
// cannot be told.
func clusterItems(in *eval.Instance) ([]generate.Item, bool) {
	all, told := in.All("cluster")
	if !told {
		return nil, false
	}
	var items []generate.Item
	clusters := all.AsValueMap()
	for _, name := range schema.SortedKeys(clusters) {
		v := clusters[name]
		ref, isBlock := value.ReferenceOf(v)
		if !isBlock {
			continue
		}
		attributes := map[string]cty.Value{"cluster": v}
		for _, attribute := range []string{"name", "server", "labels", "annotations"} {
			attributes[attribute] = v.GetAttr(attribute)
		}
		items = append(items, generate.Item{Key: name, Value: cty.ObjectVal(attributes), Origin: ref.Address.String()})
	}
	return items, true
}

// clusterNames reads the argument names. A name that no cluster has is an error.
func clusterNames(in *eval.Instance, items []generate.Item) (*generate.Names, error) {
	names, err := generate.ParseNames(in.Values.Strings("names"))
	if err != nil {
		return nil, err
	}
	have := generate.Keys(items)
	for _, missing := range names.Missing(have) {
		hint := ""
		if near := schema.Suggest(missing, have); near != "" {
			hint = fmt.Sprintf(" Did you mean %q?", near)
		}
		in.ErrorAt(in.Values, "names", "Unknown cluster", "No cluster is called %q in this configuration.%s", missing, hint)
	}
	return names, nil
}

// decodeSelector reads the selector block.
func decodeSelector(in *eval.Instance) generate.Selector {
	block := in.Values.One("selector")
	if block == nil {
		return generate.Selector{}
	}
	selector := generate.Selector{MatchLabels: block.StringMap("match_labels")}
	for _, written := range block.Blocks("match_expressions") {
		expression := generate.Expression{
			Key: written.String("key"), Operator: generate.Operator(written.String("operator")), Values: written.Strings("values"),
		}
		switch takes := expression.Operator.TakesValues(); {
		case takes && !written.Has("values"):
			in.Errorf(written.Range, "Missing required argument", "The operator %s needs the argument \"values\".", expression.Operator)
		case !takes && expression.Operator != "" && written.Has("values"):
			in.ErrorAt(written, "values", "Conflicting arguments", "The operator %s takes no values.", expression.Operator)
		}
		selector.Expressions = append(selector.Expressions, expression)
	}
	return selector
}
