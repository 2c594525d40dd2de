package lang

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

func decisionGenerator() *eval.Kind {
	k := generatorType("cluster_decision_resource",
		"Gives the clusters that a resource in a cluster decided for, such as a PlacementDecision of Open Cluster Management. An item is as that of a generator \"clusters\", with `decision`, the element of the resource's status. A decision for a cluster that the configuration does not have is passed over, with a warning.",
		`generator "cluster_decision_resource" "placed" {
  cluster     = cluster.hub
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"
  namespace   = "gantry"

  selector {
    match_labels = { "cluster.open-cluster-management.io/placement" = "web" }
  }
}`,
		[]schema.Argument{
			{Name: "cluster", Type: schema.Reference("cluster"), Required: true, Doc: "The cluster that the resource is in."},
			{Name: "api_version", Type: schema.String, Required: true, Doc: "The resource's API version, such as `\"cluster.open-cluster-management.io/v1beta1\"`."},
			{Name: "kind", Type: schema.String, Required: true, Doc: "The resource's kind, such as `\"PlacementDecision\"`."},
			{Name: "namespace", Type: schema.String, Default: "all", Doc: "The resource's namespace."},
			{Name: "name", Type: schema.String, Doc: "The resource's name; or choose several with a `selector`."},
			{Name: "status_list", Type: schema.String, Default: `"decisions"`, Doc: "The list in the resource's status that holds the decisions."},
			{Name: "match_key", Type: schema.String, Default: `"clusterName"`, Doc: "What in a decision names the cluster."},
		},
		[]schema.Nested{{Block: selectorBlock(), Max: 1}},
		generateDecisions)
	k.Implicit = []string{"cluster"}
	return k
}

func generateDecisions(e *eval.Evaluation, in *eval.Instance) (generated, bool) {
	v := in.Values
	selector := decodeSelector(in)
	named, selected := v.Has("name"), v.One("selector") != nil
	switch {
	case named == selected:
		in.Errorf(v.Range, "Missing required argument", "The generator needs the argument \"name\", or a selector block, and not both: which resources decide.")
	case v.IsKnown("name") && v.String("name") == "":
		in.ErrorAt(v, "name", "Unsuitable value", "The argument \"name\" is empty.")
	}
	ref, hasCluster := v.Reference("cluster")
	clusters, told := clusterItems(in)
	if in.Failed || !hasCluster || !told || !v.Known() {
		return generated{}, false
	}
	cluster := ref.Target.(*Cluster)
	if cluster.Withheld {
		in.ErrorAt(v, "cluster", withheldSummary, "%s", cluster.withheldDetail())
		return generated{}, false
	}
	if e.Offline() {
		in.Deferred = true
		return generated{}, false
	}
	query := eval.ResourceQuery{
		Cluster: cluster.Name, Connection: cluster.Connection, Credentials: cluster.Credentials,
		APIVersion: v.String("api_version"), Kind: v.String("kind"), Namespace: v.String("namespace"), Name: v.String("name"),
		LabelSelector: selector.String(),
	}
	decisions, ok := readDecisions(e, in, query)
	if !ok {
		return generated{}, false
	}
	made := generated{items: decidedItems(in, clusters, decisions)}
	pin := source.Pin{
		Location: source.Location{Type: source.Resource, URL: resourceURL(query), Revision: query.LabelSelector},
		Digest:   generate.Digest(decidedFields(decisions)),
	}
	e.Pin(pin)
	made.reads = []source.Pin{pin}
	return made, true
}

// readDecisions reads the resources and what they decided.
func readDecisions(e *eval.Evaluation, in *eval.Instance, query eval.ResourceQuery) ([]generate.Decision, bool) {
	resources, err := e.ReadResources(query)
	if err != nil {
		in.ErrorAt(in.Values, "cluster", "Cannot read cluster", "What the generator gives cannot be told: %s.", err)
		return nil, false
	}
	if len(resources) == 0 {
		in.Errorf(in.Values.Range, "No such resource", "In cluster %q no %s has the labels that the selector asks for, so that nothing decides. Where that is meant, remove the generator.", query.Cluster, query.Kind)
		return nil, false
	}
	list, matchKey := "decisions", "clusterName"
	if in.Values.Has("status_list") {
		list = in.Values.String("status_list")
	}
	if in.Values.Has("match_key") {
		matchKey = in.Values.String("match_key")
	}
	var decisions []generate.Decision
	for _, resource := range resources {
		more, err := generate.Decisions(resource, list, matchKey)
		if err != nil {
			in.Errorf(in.Values.Range, "Invalid decision", "%s %s.", resourceName(resource), err)
			return nil, false
		}
		decisions = append(decisions, more...)
	}
	return decisions, true
}

// decidedItems returns the items of the clusters decided for, with a warning for those
// that there are not.
func decidedItems(in *eval.Instance, clusters []generate.Item, decisions []generate.Decision) []generate.Item {
	byName := make(map[string]generate.Item, len(clusters))
	for _, item := range clusters {
		byName[item.Key] = item
	}
	var items []generate.Item
	for _, decision := range decisions {
		item, ok := byName[decision.Cluster]
		if !ok {
			in.Report(&hcl.Diagnostic{
				Severity: hcl.DiagWarning,
				Summary:  "Decision for an unknown cluster",
				Detail:   fmt.Sprintf("%s decided for the cluster %q, which no block declares; it is passed over.", decision.Origin, decision.Cluster),
				Subject:  in.Values.Range.Ptr(),
			})
			continue
		}
		attributes := item.Value.AsValueMap()
		attributes["decision"] = decision.Value
		items = append(items, generate.Item{Key: item.Key, Value: cty.ObjectVal(attributes), Origin: "a decision of " + decision.Origin})
	}
	return items
}

// decidedFields are the decisions as items, for their digest.
func decidedFields(decisions []generate.Decision) []generate.Item {
	items := make([]generate.Item, len(decisions))
	for i, decision := range decisions {
		items[i] = generate.Item{Key: decision.Cluster, Value: decision.Value}
	}
	return items
}

func resourceName(o object.Object) string { return o.ID().String() }

// resourceURL names what a query reads, for pins.
func resourceURL(q eval.ResourceQuery) string {
	text := q.Cluster + "/" + q.APIVersion + "/" + q.Kind
	for _, part := range []string{q.Namespace, q.Name} {
		if part != "" {
			text += "/" + part
		}
	}
	return text
}
