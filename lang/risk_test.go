package lang_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gantrycd/gantry/lang"
)

// TestAcceptedRisks: what profiles accept comes first, and is not an application's own.
func TestAcceptedRisks(t *testing.T) {
	config, diags := evaluate(t, map[string]string{"main.gantry.hcl": `
cluster "prod" { context = "prod" }
profile "shared" {
  accept_risk "source-unpinned" { reason = "it follows main" }
}
application "web" {
  profiles = [profile.shared]
  source { path = "web" }
  destination { cluster = cluster.prod }
  accept_risk "pods-restart" {
    reason    = " they drain "
    kind      = "*Set"
    namespace = "web"
    name      = "db-*"
  }
  dynamic "accept_risk" {
    for_each = ["downtime"]
    labels   = [accept_risk.value]
    content { reason = "at night" }
  }
}`}, lang.VarArgs{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	want := []lang.AcceptedRisk{
		{Code: "source-unpinned", Reason: "it follows main"},
		{Code: "pods-restart", Reason: "they drain", Kind: "*Set", Namespace: "web", Name: "db-*", Own: true},
		{Code: "downtime", Reason: "at night", Own: true},
	}
	if diff := cmp.Diff(want, config.Applications[0].AcceptedRisks, cmpopts.IgnoreFields(lang.AcceptedRisk{}, "Range")); diff != "" {
		t.Error(diff)
	}
}
