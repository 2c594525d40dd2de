package engine_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
)

// What appears below a definition or a namespace after planning must not go with it.

func TestLateResourcesKeepTheirDefinition(t *testing.T) {
	s := newStage(t)
	w := newWidgets(t, s)
	s.application(t, "web", createNamespace, configMap("a", "a=b"), w.definition(v1, "a"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("a", "a=b"))
	p := s.MustPlan(t, engine.PlanOptions{})
	before := w.foreign(t, "foreign")
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "foreign", "not in the plan")
	s.wantKept(t, w.resource("v1"), before)
}

func TestLateObjectsKeepTheirNamespace(t *testing.T) {
	s := newStage(t)
	held := s.namespace + "-h"
	s.removeAfter(t, namespaceResource, held)
	s.application(t, "web", createNamespace, configMap("a", "a=b"), namespaceManifest(held))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("a", "a=b"))
	p := s.MustPlan(t, engine.PlanOptions{})
	o := s.configMap("foreign", map[string]any{"a": "b"})
	if err := o.Set(held, "metadata", "namespace"); err != nil {
		t.Fatal(err)
	}
	s.edit(t, configMaps, o, "someone")
	before, err := s.cluster.Get(t.Context(), configMaps, held, "foreign")
	if err != nil {
		t.Fatal(err)
	}
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "foreign", "not in the plan")
	s.wantKept(t, configMaps, before)
}

// TestDependentsOfAFailureAreLeftOut: what follows an application that failed is
// left out with the reason, has no record, and is planned again as if nothing was.
func TestDependentsOfAFailureAreLeftOut(t *testing.T) {
	s := newStage(t)
	service := func(address string) string {
		return "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  clusterIP: " + address + "\n  ports:\n  - port: 80\n"
	}
	s.application(t, "base", createNamespace, service("1.2.3.5")) // predicted, and refused by the server
	s.application(t, "web", "depends_on = [application.base]", configMap("web", "a=b"))
	p := s.MustPlan(t, engine.PlanOptions{})
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "application.base", "clusterIP")
	wantError(t, diags, "Application left out", "application.web", "application.base")
	if record, _, err := s.Records.Get(t.Context(), addr.Application("web")); err != nil || record != nil {
		t.Errorf("what was never begun has a record: %+v (%v)", record, err)
	}
	s.application(t, "base", createNamespace, service("None"))
	s.MustApply(t, engine.PlanOptions{})
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

func TestSensitiveValuesStayInSecrets(t *testing.T) {
	const value = "s3nsitive-value"
	chart := func(template string) map[string]string {
		return map[string]string{
			"chart/Chart.yaml":              "apiVersion: v2\nname: web\nversion: 1.0.0\n",
			"chart/values.yaml":             "message: none\n",
			"chart/templates/template.yaml": template,
			"main.gantry.hcl": `
				variable "password" {
				  type      = string
				  sensitive = true
				  default   = "` + value + `"
				}
				cluster "nowhere" {
				  server = "https://127.0.0.1:1"
				}
				application "web" {
				  source {
				    path = "./chart"
				    helm {
				      values = { message = var.password }
				    }
				  }
				  destination {
				    cluster   = cluster.nowhere
				    namespace = "web"
				  }
				}`,
		}
	}
	t.Run("in a ConfigMap", func(t *testing.T) {
		b := enginetest.New(t, chart("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  m: \"it is {{ .Values.message }}\"\n"))
		p, diags := b.Plan(t, engine.PlanOptions{Offline: true})
		wantError(t, diags, "Sensitive value outside a Secret", "ConfigMap", "template.yaml")
		refuseText(t, value, diags.Error())
		if len(p.Applications) != 0 {
			t.Error("it is planned all the same")
		}
	})
	t.Run("in an error", func(t *testing.T) {
		b := enginetest.New(t, chart("{{ fail (printf \"no %s\" .Values.message) }}"))
		_, diags := b.Plan(t, engine.PlanOptions{Offline: true})
		wantError(t, diags, "Source cannot be rendered", "no (sensitive)")
		refuseText(t, value, diags.Error())
	})
	t.Run("in a Secret", func(t *testing.T) {
		b := enginetest.New(t, chart("apiVersion: v1\nkind: Secret\nmetadata:\n  name: web\nstringData:\n  m: \"it is {{ .Values.message }}\"\n"))
		if p := b.MustPlan(t, engine.PlanOptions{Offline: true}); len(p.Applications) != 1 {
			t.Error("it is not planned")
		}
	})
}

func refuseText(t *testing.T, value, text string) {
	t.Helper()
	if strings.Contains(text, value) {
		t.Errorf("%q is shown", value)
	}
}
