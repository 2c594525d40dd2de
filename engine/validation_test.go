package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
)

// strict is the definition of Widgets with what a server checks: types, ranges,
// defaults, and rules, to which more are added.
func (w widgets) strict(rules ...string) string {
	var more strings.Builder
	for _, rule := range append([]string{`{rule: "self.size >= self.minimum", message: "size is below minimum"}`}, rules...) {
		fmt.Fprintf(&more, "            - %s\n", rule)
	}
	return fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: %[1]s
spec:
  group: %[2]s
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, maximum: 100}
              minimum: {type: integer, default: 3}
              colour: {type: string, enum: [red, blue], default: red}
            x-kubernetes-validations:
%[3]s`, w.name(), w.group, more.String())
}

func (w widgets) sized(spec string) string {
	return fmt.Sprintf("apiVersion: %s/v1\nkind: Widget\nmetadata: {name: one}\nspec: %s\n", w.group, spec)
}

// TestResourcesOfADefinitionInThePlanAreChecked: what a server would refuse once it has
// the definition is refused when planning, and what it takes is applied.
func TestResourcesOfADefinitionInThePlanAreChecked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spec string
		want []string // of why it is blocked; none: it is applied
	}{
		"accepted":          {"{size: 5}", nil},
		"a field too many":  {"{size: 5, weight: 1}", []string{"weight"}},
		"another type":      {`{size: "5"}`, []string{"size"}},
		"nothing required":  {"{colour: red}", []string{"spec.size", "Required value"}},
		"out of range":      {"{size: 500}", []string{"spec.size", "less than or equal to 100"}},
		"not of the values": {"{size: 5, colour: green}", []string{"spec.colour", `"red", "blue"`}},
		"against a rule":    {"{size: 2}", []string{"size is below minimum"}}, // of which half is a default
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			w := newWidgets(t, s)
			s.application(t, "web", createNamespace, w.strict(), w.sized(test.spec), configMap("a", "a=b"))
			p, diags := s.Plan(t, engine.PlanOptions{})
			c := s.change(p, "web", w.kind(), "one")
			if test.want != nil {
				wantBlocked(t, c, append(test.want, "Object does not match its schema")...)
				if c.Validation != "" {
					t.Errorf("a blocked change says that it was checked: %q", c.Validation)
				}
				return
			}
			enginetest.Check(t, diags)
			wantAction(t, c, plan.Create)
			if !c.Predicted || c.Validation != plan.SchemaAndRules {
				t.Errorf("predicted %v, validation %q", c.Predicted, c.Validation)
			}
			if have := s.change(p, "web", "ConfigMap", "a").Validation; have != plan.SchemaOnly { // its namespace is not there yet
				t.Errorf("of a ConfigMap: %q", have)
			}
			wantAfter(t, p, c.ID.String(), w.definitionID())
			_, diags = s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}

// TestNewDefinitionsJudgeWhatIsThere: a definition that changes together with its
// resources is what they are held to, transition rules and defaults included.
func TestNewDefinitionsJudgeWhatIsThere(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (*stage, widgets) {
		t.Helper()
		s := newStage(t)
		w := newWidgets(t, s)
		s.application(t, "web", createNamespace, w.strict(), w.sized("{size: 5}"))
		s.MustApply(t, engine.PlanOptions{})
		return s, w
	}
	shrinkingForbidden := `{rule: "self.size >= oldSelf.size", message: "size may only grow"}`
	t.Run("a rule that only the new one has", func(t *testing.T) {
		s, w := setup(t)
		s.application(t, "web", createNamespace, w.strict(shrinkingForbidden), w.sized("{size: 4}"))
		p, diags := s.Plan(t, engine.PlanOptions{})
		wantError(t, diags, "size may only grow")
		wantBlocked(t, s.change(p, "web", w.kind(), "one"), "size may only grow")
	})
	t.Run("which it keeps", func(t *testing.T) {
		s, w := setup(t)
		s.application(t, "web", createNamespace, w.strict(shrinkingForbidden), w.sized("{size: 6}"))
		p := s.MustPlan(t, engine.PlanOptions{})
		c := s.change(p, "web", w.kind(), "one")
		if c.Action != plan.Update || c.Predicted || c.Validation != plan.ServerDryRun {
			t.Errorf("want an update that the server was asked about, have %+v", c)
		}
		_, diags := s.Apply(t.Context(), t, p)
		enginetest.Check(t, diags)
	})
	t.Run("a value and a default that only the new one has", func(t *testing.T) {
		s, w := setup(t)
		grown := strings.Replace(w.strict(), "enum: [red, blue]", "enum: [red, blue, green]", 1)
		grown = strings.Replace(grown, "              minimum:", "              depth: {type: integer, default: 7}\n              minimum:", 1)
		s.application(t, "web", createNamespace, grown, w.sized("{size: 5, colour: green}"))
		p := s.MustPlan(t, engine.PlanOptions{})
		c := s.change(p, "web", w.kind(), "one")
		wantAction(t, c, plan.Update)
		if !c.Predicted || c.Validation != plan.SchemaAndRules {
			t.Errorf("predicted %v, validation %q", c.Predicted, c.Validation)
		}
		have := map[string]string{}
		for _, f := range c.Fields {
			have[f.Path] = fmt.Sprintf("%v %v %v", f.Before, f.After, f.Server)
		}
		if have["spec.colour"] != "red green false" || have["spec.depth"] != "<nil> 7 true" || len(have) != 2 {
			t.Errorf("fields %v", have)
		}
		_, diags := s.Apply(t.Context(), t, p)
		enginetest.Check(t, diags)
		expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	})
	t.Run("a rule that cannot be evaluated here", func(t *testing.T) {
		s := newStage(t)
		w := newWidgets(t, s)
		s.application(t, "web", createNamespace, w.strict(`{rule: "self.nowhere()"}`), w.sized("{size: 5}"))
		p := s.MustPlan(t, engine.PlanOptions{Offline: true})
		if c := s.change(p, "web", w.kind(), "one"); c.Validation != plan.SchemaOnly {
			t.Errorf("validation %q", c.Validation)
		}
	})
}

// TestOfflinePlansSayHowMuchWasChecked: without a cluster, the definitions of the plan
// are all that is known.
func TestOfflinePlansSayHowMuchWasChecked(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	w := newWidgets(t, s)
	s.application(t, "web", "", w.strict(), w.sized("{size: 5}"), configMap("a", "a=b"))
	p := s.MustPlan(t, engine.PlanOptions{Offline: true})
	for kind, want := range map[string]plan.Validation{w.kind(): plan.SchemaAndRules, "ConfigMap": plan.NotValidated} {
		name := map[bool]string{true: "a", false: "one"}[kind == "ConfigMap"]
		if have := s.change(p, "web", kind, name).Validation; have != want {
			t.Errorf("%s: %q, want %q", kind, have, want)
		}
	}
	s.application(t, "web", "", w.strict(), w.sized("{size: 1}"))
	_, diags := s.Plan(t, engine.PlanOptions{Offline: true})
	wantError(t, diags, "size is below minimum")
}

// TestChangesSayThatTheServerWasAsked: what changes in a namespace that is there was
// sent to the server, and what does not change was not.
func TestChangesSayThatTheServerWasAsked(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("a", "a=b"), configMap("b", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("a", "a=c"), configMap("b", "a=b"), configMap("c", "a=b"))
	p := s.MustPlan(t, engine.PlanOptions{})
	for name, want := range map[string]plan.Validation{"a": plan.ServerDryRun, "b": "", "c": plan.ServerDryRun} {
		if have := s.change(p, "web", "ConfigMap", name).Validation; have != want {
			t.Errorf("%s: %q, want %q", name, have, want)
		}
	}
}
