package lang_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang"
)

// What messages call a thing by may be sensitive itself.
func TestMessagesGiveNothingAway(t *testing.T) {
	const head = `
variable "pw" {
  default   = "hunter2"
  sensitive = true
}
variable "map" {
  default   = { hunter2key = 1 }
  sensitive = true
}
cluster "eu" {
  server = "https://eu.example.com"
}
`
	for name, text := range map[string]string{
		"name of an object": `application "a" {
  source {
    objects = [{ apiVersion = "v1", kind = "Secret", metadata = { name = "c-${var.pw}" } }]
  }
  destination {
    cluster = cluster.eu
  }
}`,
		"kind of an object": `application "a" {
  source {
    objects = [{ apiVersion = "v1", kind = var.pw, metadata = { name = "s" } }]
  }
  destination {
    cluster = cluster.eu
  }
}`,
		"keys by index":     "locals {\n  x = var.map[\"nope\"]\n}",
		"keys by attribute": "locals {\n  x = var.map.nope\n}",
	} {
		t.Run(name, func(t *testing.T) {
			_, diags := evaluateTree(t, map[string]string{"main.gantry.hcl": head + text}, lang.LoadOptions{})
			if !diags.HasErrors() || strings.Contains(diags.Error(), "hunter2") {
				t.Errorf("got %v", diags)
			}
			for _, diag := range diags {
				if strings.Contains(diag.Summary+diag.Detail, "hunter2") {
					t.Errorf("it is given away: %s", diag.Detail)
				}
			}
		})
	}
}
