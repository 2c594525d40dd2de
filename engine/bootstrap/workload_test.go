package bootstrap_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/bootstrap"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

func workload() (bootstrap.Options, bootstrap.Workload) {
	options := bootstrap.Options{
		Name: "gantry", Planner: bootstrap.Identity{ServiceAccount: "gantry/planner"}, Applier: bootstrap.Identity{ServiceAccount: "gantry/applier"},
		StateNamespace: "state", RequestsNamespace: "requests",
		Kinds: []providers.Resource{{GVK: object.GVK{Version: "v1", Kind: "ConfigMap"}, Plural: "configmaps", Namespaced: true}},
	}
	return options, bootstrap.Workload{
		Image: "registry.example.com/gantry:1.0", Audience: "gantry", Arguments: []string{"--repository=x", "--", "--affected"},
		Requester: bootstrap.Identity{ServiceAccount: "requests/ci"}, Environment: "gantry-planner",
	}
}

// TestWorkloadIsHeld: what runs the planner is restricted, and who asks has Secrets of one
// namespace and nothing else.
func TestWorkloadIsHeld(t *testing.T) {
	for _, every := range []int{0, 5} {
		o, w := workload()
		w.Every = every
		objects, err := bootstrap.PlannerObjects(o, w)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(objects)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			`"runAsNonRoot":true`, `"readOnlyRootFilesystem":true`, `"allowPrivilegeEscalation":false`, `"drop":["ALL"]`, `"type":"RuntimeDefault"`,
			`"limits":{"ephemeral-storage":"10Gi","memory":"1Gi"}`, `"audience":"gantry"`, `"policyTypes":["Ingress"]`,
		} {
			if !strings.Contains(string(text), want) {
				t.Errorf("no %s in %s", want, text)
			}
		}
		if once := `"--repository=x","--once","--every=5m","--","--affected"`; strings.Contains(string(text), once) != (every == 5) {
			t.Errorf("arguments: %s", text)
		}
		for _, object := range objects {
			if object.Kind() != "RoleBinding" && object.Kind() != "ClusterRoleBinding" {
				continue
			}
			subjects, err := json.Marshal(object["subjects"])
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(subjects), `"ci"`) && (object.Kind() != "RoleBinding" || object.Namespace() != "requests") {
				t.Errorf("who asks has %s", object.ID())
			}
		}
	}
}

func TestWorkloadRefuses(t *testing.T) {
	for want, change := range map[string]func(*bootstrap.Options, *bootstrap.Workload){
		"must be a service account":  func(o *bootstrap.Options, _ *bootstrap.Workload) { o.Planner = bootstrap.Identity{User: "alice"} },
		"is no image":                func(_ *bootstrap.Options, w *bootstrap.Workload) { w.Image = "a b" },
		"no audience":                func(_ *bootstrap.Options, w *bootstrap.Workload) { w.Audience = "" },
		"from 1 to 59":               func(_ *bootstrap.Options, w *bootstrap.Workload) { w.Every = 60 },
		"or neither":                 func(_ *bootstrap.Options, w *bootstrap.Workload) { w.Requester = bootstrap.Identity{} },
		"the planner or the applier": func(o *bootstrap.Options, w *bootstrap.Workload) { w.Requester = o.Planner },
		"a namespace of their own":   func(o *bootstrap.Options, _ *bootstrap.Workload) { o.RequestsNamespace = "state" },
		"is not of one identity": func(_ *bootstrap.Options, w *bootstrap.Workload) {
			w.Requester = bootstrap.Identity{Group: "system:authenticated"}
		},
	} {
		o, w := workload()
		change(&o, &w)
		if _, err := bootstrap.PlannerObjects(o, w); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestPolicyLetsThePlannerAnswer: beside what it records, and nothing of an application.
func TestPolicyLetsThePlannerAnswer(t *testing.T) {
	o, _ := workload()
	objects, err := bootstrap.Objects(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if object.Kind() != "ValidatingAdmissionPolicy" {
			continue
		}
		text, err := json.Marshal(object["spec"].(map[string]any)["validations"])
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"remote/", "audit/", `request.namespace == \"state\"`, `request.namespace == \"requests\"`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("no %s in %s", want, text)
			}
		}
	}
}
