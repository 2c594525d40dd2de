package lang_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
)

// TestUnsuitableInputs: of an instance of a module that gets what its variables refuse
// no application is planned, whether it uses that or not, and none is taken for gone;
// other instances are planned.
func TestUnsuitableInputs(t *testing.T) {
	tree := files(map[string]string{
		"main.gantry.hcl": `
cluster "eu" { context = "eu" }
module "service" {
  source   = "./service"
  for_each = { good = 1, bad = -1 }
  cluster  = cluster.eu
  replicas = each.value
}
module "mistyped" {
  source   = "./service"
  cluster  = cluster.eu
  replicas = ["many"]
}`,
		"service/main.gantry.hcl": `
variable "cluster" { type = cluster }
variable "replicas" {
  type = number
  validation {
    condition     = var.replicas > 0
    error_message = "There must be at least one."
  }
}
application "scaled" {
  name = "scaled-${var.replicas}"
  source { path = "x" }
  destination { cluster = var.cluster }
}
module "inner" {
  source  = "../inner"
  cluster = var.cluster
}
application "fixed" {
  source { path = "x" }
  destination { cluster = var.cluster }
}`,
		"inner/main.gantry.hcl": `
variable "cluster" { type = cluster }
application "inner" {
  source { path = "x" }
  destination { cluster = var.cluster }
}`,
	})
	m, diags := lang.Load("", lang.LoadOptions{FS: tree})
	config, more := m.Evaluate(context.Background(), lang.EvalOptions{})
	if diags = append(diags, more...); len(diags) != 2 {
		t.Errorf("want two errors, have %v", diags)
	}
	var planned, broken []string
	for _, application := range config.Applications {
		planned = append(planned, application.Address.String())
	}
	for _, b := range config.Broken {
		broken = append(broken, b.Address.String())
	}
	slices.Sort(broken)
	var want [2][]string
	for i, modules := range [][]string{{`module.service["good"]`}, {`module.mistyped`, `module.service["bad"]`}} {
		for _, module := range modules {
			for _, name := range []string{".application.fixed", ".application.scaled", ".module.inner.application.inner"} {
				want[i] = append(want[i], module+name)
			}
		}
		slices.Sort(want[i])
	}
	slices.Sort(planned)
	if diff := cmp.Diff(want, [2][]string{planned, broken}); diff != "" {
		t.Errorf("planned, and left as they are (-want +got):\n%s", diff)
	}
}
