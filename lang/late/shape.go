package late

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Attribute is one attribute of a name that late expressions have, for the
// reference.
type Attribute struct {
	Path string // below the name: "cluster.labels"
	Type cty.Type
	Doc  string
}

// App returns the attributes of app: in every scope that has it, and in triggers
// alone.
func App() (everywhere, inTriggers []Attribute) { return declaredShape(), liveShape() }

// Change returns the attributes of change.
func Change() []Attribute { return changeShape() }

// declaredShape is what the configuration says of an application.
func declaredShape() []Attribute {
	return []Attribute{
		{"address", cty.String, "Its address: `application.payments[\"eu\"]`."},
		{"name", cty.String, "Its name."},
		{"namespace", cty.String, "The namespace of its destination."},
		{"project", cty.String, "The name of its project; null where it has none."},
		{"labels", cty.Map(cty.String), "Its labels. One that is not there is null."},
		{"info", cty.Map(cty.String), "What else people should know."},
		{"cluster.name", cty.String, "The name of its cluster."},
		{"cluster.server", cty.String, "The cluster's URL; null where it is reached otherwise."},
		{"cluster.labels", cty.Map(cty.String), "The cluster's labels. One that is not there is null."},
		{"cluster.annotations", cty.Map(cty.String), "The cluster's annotations. One that is not there is null."},
	}
}

// liveShape is how an application is, and what is being done to it.
func liveShape() []Attribute {
	return []Attribute{
		{"sync.status", cty.String, "`synced`, `out_of_sync` or `unknown`."},
		{"sync.revision", cty.String, "What the revision of its first source came to: a commit, a version, a digest."},
		{"sync.revisions", cty.List(cty.String), "The same of all its sources."},
		{"health.status", cty.String, "`healthy`, `progressing`, `suspended`, `degraded`, `missing` or `unknown`."},
		{"health.message", cty.String, "Why."},
		{"operation.phase", cty.String, "Of the last sync: `running`, `succeeded`, `failed` (objects were refused or did not become healthy) or `error` (it could not be carried out)."},
		{"operation.message", cty.String, "What came of it."},
		{"operation.automated", cty.Bool, "Whether nobody started it."},
		{"operation.by", cty.String, "Who started it."},
		{"operation.started_at", cty.String, "When it began, as RFC 3339 has it."},
		{"operation.finished_at", cty.String, "When it ended; null while it runs."},
		{"leaving", cty.Bool, "Whether it is being destroyed."},
		{"plan.digest", cty.String, "The change digest of what the sync does."},
		{"plan.changes", cty.Number, "How many objects it changes."},
		{"plan.deletions", cty.Number, "How many of them it deletes."},
	}
}

// changeShape is what a plan does to an object.
func changeShape() []Attribute {
	return []Attribute{
		{"action", cty.String, "What is done: one of the policy's `actions`."},
		{"reason", cty.String, "Why, in words; empty where there is no more to say."},
		{"before", cty.DynamicPseudoType, "The object as it is in the cluster; null where it is not there."},
		{"paths", cty.List(cty.String), "The paths of the fields that change: `spec.replicas`."},
	}
}

// typeOf makes an object type of attributes.
func typeOf(attributes []Attribute) cty.Type {
	plain, nested := map[string]cty.Type{}, map[string][]Attribute{}
	for _, attribute := range attributes {
		if first, rest, ok := strings.Cut(attribute.Path, "."); ok {
			nested[first] = append(nested[first], Attribute{Path: rest, Type: attribute.Type})
			continue
		}
		plain[attribute.Path] = attribute.Type
	}
	for name, inner := range nested {
		plain[name] = typeOf(inner)
	}
	return cty.Object(plain)
}
