package lang

import (
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

func projectKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "project",
			Labels: []string{"name"},
			Doc:    "Guard rails for the applications that belong to it: where they may come from, where they may go, and what they may hold. Elsewhere it is `project.NAME`, with the attributes `name` and `description`.",
			Example: `project "production" {
  description  = "Production workloads"
  repositories = ["https://github.com/example/*"]

  destination {
    clusters   = [cluster.production]
    namespaces = ["*"]
  }

  cluster_resources {
    allow = ["Namespace"]
  }
  namespace_resources {
    deny = ["ResourceQuota"]
  }

  role "deployer" {
    groups = ["example:sre"]

    allow {
      actions      = ["get", "plan", "apply"]
      applications = ["*"]
    }
  }

  sync_window {
    kind        = "allow"
    schedule    = "0 9 * * 1-5"
    duration    = "8h"
    time_zone   = "Europe/Berlin"
    manual_sync = true
  }

  notify {
    trigger    = trigger.on_sync_failed
    to         = notifier.slack.operations
    recipients = ["#alerts"]
  }
}`,
			Arguments: []schema.Argument{
				forEachArgument(),
				dependsOnArgument(),
				{Name: "description", Type: schema.String, Doc: "What the project is for."},
				{Name: "frozen", Type: schema.String, Default: "not frozen", Doc: "Why nothing of the project's applications may be applied, which is shown to who tries. They are planned, and blocked where something would change."},
				{Name: "repositories", Type: schema.Strings, Default: "all", Doc: "Patterns of the URLs that sources may have; one with `!` before it denies."},
			},
			Blocks: append([]schema.Nested{
				{Block: &schema.Block{
					Type: "destination",
					Doc:  "Where applications may go; there may be several. Without one, anywhere.",
					Arguments: []schema.Argument{
						{Name: "clusters", Type: schema.ReferencesOrGlobs("cluster"), Default: "all", Doc: "Clusters, or patterns of their names; one with `!` before it denies."},
						{Name: "namespaces", Type: schema.Strings, Default: "all", Doc: "Patterns of namespaces; one with `!` before it denies."},
						{Name: "deny", Type: schema.Bool, Default: "false", Doc: "Whether applications may not go there, whatever other blocks allow."},
					},
				}},
				{Max: 1, Block: resourceRulesBlock("cluster_resources", "Which objects without a namespace applications may hold.")},
				{Max: 1, Block: resourceRulesBlock("namespace_resources", "Which objects in namespaces applications may hold.")},
			}, govern.ProjectBlocks()...),
		},
		Root:     "project",
		Grouped:  true,
		RootOnly: true,
		Guards:   true,
		Decode:   decodeProject,
	}
}

func resourceRulesBlock(blockType, doc string) *schema.Block {
	return &schema.Block{
		Type: blockType,
		Doc:  doc,
		Arguments: []schema.Argument{
			{Name: "allow", Type: schema.Strings, Doc: "Patterns of what may be held: `Kind`, `group/Kind`, `group/Kind:name`."},
			{Name: "deny", Type: schema.Strings, Doc: "Patterns of what may not be held, even where it is allowed."},
		},
	}
}

func decodeProject(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
	v := in.Values
	project := &Project{
		Address: in.Address, Name: in.Name(), Description: v.String("description"),
		Repositories: v.Strings("repositories"), Range: v.Range,
		ClusterResources:   decodeResourceRules(v.One("cluster_resources")),
		NamespaceResources: decodeResourceRules(v.One("namespace_resources")),
	}
	project.Rules = govern.DecodeProject(in)
	if project.Frozen = v.String("frozen"); v.IsKnown("frozen") && strings.TrimSpace(project.Frozen) == "" {
		in.ErrorAt(v, "frozen", "Unsuitable value", "The argument \"frozen\" says why nothing may be applied, and is empty. Write the reason, or null where applications may be applied.")
	}
	govern.CheckPatterns(in, v, "repositories", true)
	for _, name := range []string{"cluster_resources", "namespace_resources"} {
		if rules := v.One(name); rules != nil {
			govern.CheckPatterns(in, rules, "allow", false)
			govern.CheckPatterns(in, rules, "deny", false)
		}
	}
	for _, destination := range v.Blocks("destination") {
		govern.CheckPatterns(in, destination, "clusters", true)
		govern.CheckPatterns(in, destination, "namespaces", true)
		if destination.Bool("deny", false) {
			project.Rules.DeniedDestinations = append(project.Rules.DeniedDestinations, govern.Place{
				Clusters: destination.Strings("clusters"), Namespaces: destination.Strings("namespaces"), Range: destination.Range,
			})
			continue
		}
		project.Destinations = append(project.Destinations, ProjectDestination{
			Clusters: destination.Strings("clusters"), Namespaces: destination.Strings("namespaces"), Range: destination.Range,
		})
	}
	attributes := map[string]cty.Value{
		"name":        cty.StringVal(project.Name),
		"description": attributeOf(v, "description", cty.String),
	}
	return eval.Decoded{
		Value: value.Block(value.Reference{Address: in.Address, Target: project}, attributes),
		Made:  project,
	}
}

func decodeResourceRules(v *schema.Values) ResourceRules {
	if v == nil {
		return ResourceRules{}
	}
	return ResourceRules{Allow: v.Strings("allow"), Deny: v.Strings("deny"), Range: v.Range}
}
