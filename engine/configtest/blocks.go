package configtest

import (
	"github.com/gantrycd/gantry/lang/schema"
)

// Blocks returns the declarations of all blocks of test files, in the order in
// which the reference has them; those of fixtures one for each type.
func Blocks() []*schema.Block {
	return append([]*schema.Block{runBlock(), variablesBlock()}, fixtureBlocks()...)
}

func variablesBlock() *schema.Block {
	return &schema.Block{
		Type: "variables",
		Doc:  "Values of the configuration's variables, for every run of the file. They win over `gantry.vars.hcl`, `*.auto.vars.hcl`, `--var-file` and `--var`; the environment is not read. Functions may be used, and no references.",
		Example: `variables {
  replicas = 3
  teams    = ["blue", "green"]
}`,
		Free: true,
	}
}

func runBlock() *schema.Block {
	return &schema.Block{
		Type:   "run",
		Labels: []string{"name"},
		Doc: "One plan, and what must hold for it. The runs of a file are carried out in their order. A run passes if the configuration is sound and everything asserted holds; or, with `expect_failures` or `expect_errors`, if it fails as expected and in no other way. " +
			"Every cluster is empty at first, but for what fixtures put there; what a run with `command = \"apply\"` applies is there for the runs after it.",
		Example: `run "every team has a namespace" {
  variables {
    teams = ["blue"]
  }

  assert {
    condition     = object(application.web["blue"], "Namespace", "team-blue") != null
    error_message = "The team has no namespace."
  }

  assert {
    condition     = plan.summary.create == 3
    error_message = "More, or less, is created than the team's three objects."
  }
}`,
		Arguments: []schema.Argument{
			{Name: "command", Type: schema.String, Default: `"plan"`, OneOf: []string{"plan", "apply"}, Doc: "What is done: `plan`, or `apply`, which applies the plan to clusters in memory, so that the runs after it plan against what it left."},
			{Name: "expect_failures", Type: schema.Addresses, Doc: "The blocks that must have errors, or that cannot be applied: `[var.replicas, application.web]`."},
			{Name: "expect_errors", Type: schema.Strings, Doc: "Parts of messages, each of which an error must have."},
		},
		Blocks: []schema.Nested{
			{Max: 1, Block: &schema.Block{
				Type: "variables", Free: true,
				Doc: "Values of variables for this run, over those of the file, to which they may refer as `var.NAME`.",
			}},
			{Block: &schema.Block{
				Type: "assert",
				Doc:  "What must hold.",
				Arguments: []schema.Argument{
					{Name: "condition", Type: schema.Expression, Required: true, Doc: "An expression that must be true. It may refer to everything that the configuration declares, to its outputs as `output.NAME`, to `plan`, and use the functions `object` and `objects`."},
					{Name: "error_message", Type: schema.Expression, Required: true, Doc: "A sentence for whoever broke it."},
				},
			}},
			{Block: &schema.Block{
				Type: "fixture", Labels: []string{"type", "name"},
				Doc: "A fixture for this run, in place of the file's of the same type and name. It has the arguments that it has at the top level.",
			}},
		},
	}
}

// The types of fixtures.
const (
	fixtureSource    = "source"
	fixtureGenerator = "generator"
	fixtureCluster   = "cluster"
)

func fixtureBlocks() []*schema.Block {
	return []*schema.Block{
		{
			Type: "fixture", Labels: []string{fixtureSource, "name"},
			Doc: "What a repository holds. The name is its URL. Tests read nothing over the network: a source that is not a directory beside the configuration needs a fixture.",
			Example: `fixture "source" "https://github.com/example/config" {
  files = {
    "apps/web/configmap.yaml" = <<-EOT
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: web
    EOT
  }
}`,
			Arguments: []schema.Argument{
				{Name: "files", Type: schema.StringMap, Doc: "Its files, by their paths."},
				{Name: "path", Type: schema.String, Doc: "A directory that holds its files, below the configuration's: `testdata/config`."},
				{Name: "revision", Type: schema.String, Default: "any", Doc: "The revision that has these files, as sources name it."},
				{Name: "chart", Type: schema.String, Default: "any", Doc: "The chart of a Helm repository whose files these are."},
			},
		},
		{
			Type: "fixture", Labels: []string{fixtureGenerator, "name"},
			Doc: "What a generator gives, in place of what it would read or compute. The name is its type and name: `git.overlays`.",
			Example: `fixture "generator" "git.overlays" {
  items = {
    "apps/web/overlays/staging" = { path = { basename = "staging" } }
  }
}`,
			Arguments: []schema.Argument{
				{Name: "items", Type: schema.Object, Required: true, Doc: "The items, by their keys."},
			},
		},
		{
			Type: "fixture", Labels: []string{fixtureCluster, "name"},
			Doc: "A cluster: its labels in place of those of its block, or what is in it, or a cluster that the configuration does not have. The name is the cluster's.",
			Example: `fixture "cluster" "production" {
  labels  = { environment = "production" }
  version = "v1.37.2"
  objects = [{
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "settings", namespace = "web" }
  }]
}`,
			Arguments: []schema.Argument{
				{Name: "added", Type: schema.Bool, Default: "false", Doc: "Whether it is a cluster that the configuration does not have, and that generators are to find as well."},
				{Name: "labels", Type: schema.StringMap, Default: "those of its block", Doc: "Its labels."},
				{Name: "annotations", Type: schema.StringMap, Default: "those of its block", Doc: "Its annotations."},
				{Name: "version", Type: schema.String, Default: "what charts are told offline", Doc: "The version of Kubernetes that charts are told."},
				{Name: "api_versions", Type: schema.Strings, Doc: "The versions and kinds that charts are told of, such as `monitoring.coreos.com/v1` and `monitoring.coreos.com/v1/ServiceMonitor`."},
				{Name: "objects", Type: schema.Objects, Sensitive: true, Doc: "Objects that are there before the first run, and belong to others."},
			},
		},
	}
}
