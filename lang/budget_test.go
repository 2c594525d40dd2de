package lang_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang"
)

// TestBudgets has budgets for what is destroyed, of the plan, of an application, and of
// a module above one: the least counts.
func TestBudgets(t *testing.T) {
	files := func(application, module, protection string) map[string]string {
		return map[string]string{
			"main.gantry.hcl": `
gantry {
  ` + protection + `
}
cluster "c" {
  kubeconfig = "k"
}
module "m" {
  source = "./m"
  cluster = cluster.c
  lifecycle {
    ` + module + `
  }
}
`,
			"m/main.gantry.hcl": `
variable "cluster" {
  type = cluster
}
application "web" {
  destination {
    cluster = var.cluster
  }
  source {
    objects = []
  }
  lifecycle {
    ` + application + `
  }
}
`,
		}
	}
	for name, c := range map[string]struct {
		application, module string
		want                int // -1: none
	}{
		"none":                  {"", "", -1},
		"of the application":    {"max_destroyed = 5", "", 5},
		"nothing at all":        {"max_destroyed = 0", "", 0},
		"of the module":         {"", "max_destroyed = 3", 3},
		"the module has less":   {"max_destroyed = 5", "max_destroyed = 3", 3},
		"the module has more":   {"max_destroyed = 2", "max_destroyed = 3", 2},
		"null is as if not set": {"max_destroyed = null", "", -1},
	} {
		t.Run(name, func(t *testing.T) {
			config, diags := evaluateTree(t, files(c.application, c.module, ""), lang.LoadOptions{})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			have := -1
			if most := config.Applications[0].Lifecycle.MaxDestroyed; most != nil {
				have = *most
			}
			if have != c.want {
				t.Errorf("have %d, want %d", have, c.want)
			}
		})
	}
	t.Run("of the plan", func(t *testing.T) {
		config, diags := evaluateTree(t, files("", "", "protection {\n max_destroyed = 7\n}"), lang.LoadOptions{})
		if diags.HasErrors() || config.Settings.Protection == nil || *config.Settings.Protection.MaxDestroyed != 7 {
			t.Fatalf("have %+v, %v", config.Settings.Protection, diags)
		}
		for _, diag := range diags {
			if strings.Contains(diag.Detail, "protection") {
				t.Errorf("it is in effect, and the warning is: %s", diag.Detail)
			}
		}
	})
}
