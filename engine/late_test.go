package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// What appears below a definition or a namespace after planning must not go with it:
// neither what is there when the apply begins, nor what comes while it runs.

// late applies a plan, and has something appear before the apply, or with its first
// write: the application is left out, or its apply fails.
func (s *stage) late(t *testing.T, when string, appear func()) {
	t.Helper()
	s.application(t, "web", createNamespace, configMap("a", "a=b"), configMap("b", "a=b"))
	p := s.MustPlan(t, engine.PlanOptions{})
	want := "Application left out"
	if when == "during" {
		want = "Apply failed"
		s.tap(taps{apply: func(_ context.Context, r providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
			if r.Object.Name() == "b" {
				appear()
			}
			return on()
		}})
	} else {
		appear()
	}
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, want, "foreign", "not in the plan")
}

func TestLateResourcesKeepTheirDefinition(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "during"} {
		t.Run(when, func(t *testing.T) {
			s := newStage(t)
			w := newWidgets(t, s)
			s.application(t, "web", createNamespace, configMap("a", "a=b"), w.definition(v1, "a"))
			s.MustApply(t, engine.PlanOptions{})
			var before object.Object
			s.late(t, when, func() { before = w.foreign(t, "foreign") })
			s.wantKept(t, w.resource("v1"), before)
		})
	}
}

func TestLateObjectsKeepTheirNamespace(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "during"} {
		t.Run(when, func(t *testing.T) {
			s := newStage(t)
			held := s.namespace + "-h"
			s.removeAfter(t, namespaceResource, held)
			s.application(t, "web", createNamespace, configMap("a", "a=b"), namespaceManifest(held))
			s.MustApply(t, engine.PlanOptions{})
			o := s.configMap("foreign", map[string]any{"a": "b"})
			if err := o.Set(held, "metadata", "namespace"); err != nil {
				t.Fatal(err)
			}
			s.late(t, when, func() { s.edit(t, configMaps, o, "someone") })
			kept, err := s.cluster.Get(t.Context(), configMaps, held, "foreign")
			if err != nil || kept.Metadata()["deletionTimestamp"] != nil {
				t.Errorf("it is %v, error %v", kept, err)
			}
		})
	}
}

// TestDependentsOfAFailureAreLeftOut: what follows an application that failed is
// left out with the reason, has no record, and is planned again as if nothing was.
func TestDependentsOfAFailureAreLeftOut(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	for name, template := range map[string]string{
		"in a ConfigMap":           "kind: ConfigMap\nmetadata:\n  name: web\ndata:\n  m: \"it is {{ .Values.message }}\"\n",
		"in a ConfigMap, base64":   "kind: ConfigMap\nmetadata:\n  name: web\ndata:\n  m: \"it is {{ .Values.message | b64enc }}\"\n",
		"in a label of a Secret":   "kind: Secret\nmetadata:\n  name: web\n  labels:\n    m: {{ .Values.message }}\nstringData:\n  m: {{ .Values.message }}\n",
		"in the name of a Service": "kind: Service\nmetadata:\n  name: {{ .Values.message }}\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := enginetest.New(t, chart("apiVersion: v1\n"+template))
			p, diags := b.Plan(t, engine.PlanOptions{Offline: true})
			wantError(t, diags, "Sensitive value outside a Secret", "template.yaml")
			refuseText(t, value, diags.Error())
			if len(p.Applications) != 0 {
				t.Error("it is planned all the same")
			}
		})
	}
	t.Run("in the data of a Secret", func(t *testing.T) {
		b := enginetest.New(t, chart("apiVersion: v1\nkind: Secret\nmetadata:\n  name: web\nstringData:\n  m: {{ .Values.message }}\n"))
		if p, diags := b.Plan(t, engine.PlanOptions{Offline: true}); diags.HasErrors() || len(p.Applications) != 1 {
			t.Errorf("it is refused: %v", diags)
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
