package kubernetes_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

func TestLiveApply(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	r := l.configMap("settings", map[string]any{"a": "1"})

	r.DryRun = true
	planned := l.apply(r)
	if value, _ := planned.Get("data", "a"); value != "1" || planned.UID() == "" {
		t.Errorf("the dry run answered with %v", planned)
	}
	if _, err := l.get(configMapKind, "settings"); !errors.Is(err, providers.ErrNotFound) {
		t.Fatalf("after a dry run: error %v, want an ErrNotFound", err)
	}

	r.DryRun = false
	created := l.apply(r)
	got, err := l.get(configMapKind, "settings")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, got); diff != "" {
		t.Errorf("what apply answered is not what is there: %s", diff)
	}
	if again := l.apply(r); again.ResourceVersion() != created.ResourceVersion() {
		t.Error("applying the same again made a new version")
	}
	r.Object = r.Object.DeepCopy()
	r.Object["data"] = map[string]any{"b": "2"}
	if changed := l.apply(r); !cmp.Equal(changed["data"], any(map[string]any{"b": "2"})) {
		t.Errorf("data is %v: a field that is no longer applied is to go", changed["data"])
	}
	counts := l.Requests()
	if counts["APPLY"] != 4 || counts["DRYRUN"] != 1 { // the namespace too
		t.Errorf("requests %v", counts)
	}
}

func TestLiveConflict(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	other := l.configMap("settings", map[string]any{"a": "theirs", "b": "theirs"})
	other.Manager = "someone"
	l.apply(other)

	ours := l.configMap("settings", map[string]any{"a": "ours"})
	_, err := l.Apply(t.Context(), ours)
	var conflict *providers.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("error %v, want a *ConflictError", err)
	}
	want := []providers.FieldConflict{{Manager: `"someone"`, Path: ".data.a"}}
	if diff := cmp.Diff(want, conflict.Fields); diff != "" {
		t.Error(diff)
	}
	ours.Force = true
	if forced := l.apply(ours); !cmp.Equal(forced["data"], any(map[string]any{"a": "ours", "b": "theirs"})) {
		t.Errorf("data is %v", forced["data"])
	}
}

func TestLivePreconditions(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	first := l.apply(l.configMap("settings", map[string]any{"a": "1"}))
	second := l.apply(l.configMap("settings", map[string]any{"a": "2"}))
	other := "00000000-0000-0000-0000-000000000000"

	tests := map[string]struct {
		name, uid, version string
		ok                 bool
	}{
		"uid and version":          {name: "settings", uid: first.UID(), version: second.ResourceVersion(), ok: true},
		"uid":                      {name: "settings", uid: first.UID(), ok: true},
		"another uid":              {name: "settings", uid: other},
		"an earlier version":       {name: "settings", uid: first.UID(), version: first.ResourceVersion()},
		"a uid of what is gone":    {name: "gone", uid: other},
		"both of what is not here": {name: "gone", uid: other, version: first.ResourceVersion()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := l.configMap(test.name, map[string]any{"a": "2", "new": name})
			r.UID, r.ResourceVersion, r.DryRun = test.uid, test.version, true
			_, err := l.Apply(t.Context(), r)
			var conflict *providers.ConflictError
			switch {
			case test.ok && err != nil:
				t.Error(err)
			case !test.ok && (!errors.As(err, &conflict) || len(conflict.Fields) != 0 || conflict.Message == ""):
				t.Errorf("error %v, want a *ConflictError without fields", err)
			}
		})
	}
}

// TestLiveNew makes what is not there, and changes nothing of what is.
func TestLiveNew(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	r := l.configMap("settings", map[string]any{"a": "1"})
	r.New, r.DryRun = true, true
	l.apply(r)
	r.DryRun = false
	made := l.apply(r)
	if made.UID() == "" {
		t.Fatal("it is not made")
	}
	for _, dryRun := range []bool{true, false} {
		again := l.configMap("settings", map[string]any{"a": "2"})
		again.New, again.Force, again.DryRun = true, true, dryRun
		_, err := l.Apply(t.Context(), again)
		var conflict *providers.ConflictError
		if !errors.As(err, &conflict) || len(conflict.Fields) != 0 {
			t.Errorf("dry run %v: error %v, want a *ConflictError without fields", dryRun, err)
		}
	}
	if have, err := l.get(configMapKind, "settings"); err != nil || have.ResourceVersion() != made.ResourceVersion() {
		t.Errorf("it has changed: %v, %v", have, err)
	}
	r.UID = made.UID()
	if _, err := l.Apply(t.Context(), r); err == nil || !strings.Contains(err.Error(), "a bug in gantry") {
		t.Errorf("with a uid: error %v", err)
	}
}

func TestLiveVersionWithoutUID(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	r := l.configMap("gone", nil)
	r.ResourceVersion = "1"
	if _, err := l.Apply(t.Context(), r); err == nil || !strings.Contains(err.Error(), "needs its uid") {
		t.Errorf("error %v", err)
	}
	if _, err := l.get(configMapKind, "gone"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("the server was asked: %v", err)
	}
}

func TestLiveInvalid(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	selector := map[string]any{"matchLabels": map[string]any{"app": "web"}}
	template := map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"app": "web"}},
		"spec":     map[string]any{"containers": []any{map[string]any{"name": "web", "image": "registry.example.com/web:1"}}},
	}
	deployment := func(change func(spec map[string]any)) providers.ApplyRequest {
		spec := object.DeepCopyValue(map[string]any{"replicas": int64(0), "selector": selector, "template": template}).(map[string]any)
		change(spec)
		return l.request(deploymentKind, "web", object.Object{"spec": spec})
	}
	l.apply(deployment(func(map[string]any) {}))

	tests := map[string]struct {
		request providers.ApplyRequest
		cause   providers.Cause // its message is only looked for
	}{
		"a port": {
			request: l.request(serviceKind, "web", object.Object{"spec": map[string]any{"ports": []any{map[string]any{"port": int64(0)}}}}),
			cause:   providers.Cause{Field: "spec.ports[0].port", Reason: "FieldValueInvalid", Message: "must be between 1 and 65535"},
		},
		"a field that does not exist": {
			request: deployment(func(spec map[string]any) { spec["replica"] = int64(1) }),
			cause:   providers.Cause{Message: "replica"},
		},
		"a field of a wrong type": {
			request: deployment(func(spec map[string]any) { spec["replicas"] = "many" }),
			cause:   providers.Cause{Message: "replicas"},
		},
		"a field that never changes": {
			request: deployment(func(spec map[string]any) {
				spec["selector"] = map[string]any{"matchLabels": map[string]any{"app": "other"}}
			}),
			cause: providers.Cause{Field: "spec.selector", Reason: "FieldValueInvalid", Message: "field is immutable"},
		},
		"a name": {
			request: l.request(configMapKind, "Upper_Case", nil),
			cause:   providers.Cause{Field: "metadata.name", Reason: "FieldValueInvalid", Message: "RFC 1123"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, dryRun := range []bool{true, false} {
				test.request.DryRun = dryRun
				_, err := l.Apply(t.Context(), test.request)
				var invalid *providers.InvalidError
				if !errors.As(err, &invalid) {
					t.Fatalf("error %v, want an *InvalidError", err)
				}
				if !strings.Contains(invalid.Message, test.cause.Message) {
					t.Errorf("the message %q does not say %q", invalid.Message, test.cause.Message)
				}
				if test.cause.Field == "" {
					continue
				}
				found := false
				for _, cause := range invalid.Causes {
					found = found || cause.Field == test.cause.Field && cause.Reason == test.cause.Reason && strings.Contains(cause.Message, test.cause.Message)
				}
				if !found {
					t.Errorf("causes %v, want %v among them", invalid.Causes, test.cause)
				}
			}
		})
	}

	missing := l.configMap("settings", nil)
	missing.Object.Metadata()["namespace"] = "no-such-namespace"
	if _, err := l.Apply(t.Context(), missing); !errors.Is(err, providers.ErrNotFound) || !strings.Contains(err.Error(), `namespaces "no-such-namespace" not found`) {
		t.Errorf("error %v, want an ErrNotFound in the server's words", err)
	}
}

func TestLiveWarnings(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	endpoints := object.GVK{Version: "v1", Kind: "Endpoints"}
	result, err := l.Apply(t.Context(), l.request(endpoints, "old", nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "deprecated") {
		t.Errorf("warnings %q, want one of a deprecated kind", result.Warnings)
	}
}

func TestLiveAdmission(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	quota := object.GVK{Version: "v1", Kind: "ResourceQuota"}
	l.apply(l.request(quota, "none", object.Object{"spec": map[string]any{"hard": map[string]any{"services": "0"}}}))
	service := l.request(serviceKind, "web", object.Object{"spec": map[string]any{"ports": []any{map[string]any{"port": int64(80)}}}})
	service.DryRun = true
	eventually(t, func() error {
		_, err := l.Apply(t.Context(), service)
		if !errors.Is(err, providers.ErrInvalid) || errors.Is(err, providers.ErrForbidden) || !strings.Contains(err.Error(), "exceeded quota: none") {
			return fmt.Errorf("error %w, want an ErrInvalid of the quota", err)
		}
		return nil
	})

	// A namespace that is kept from ending by a finalizer takes nothing new.
	held := l.configMap("held", nil)
	held.Object.Metadata()["finalizers"] = []any{"example.com/hold"}
	l.apply(held)
	if err := l.Delete(t.Context(), providers.DeleteRequest{Resource: l.resource(namespaceKind), Name: l.namespace}); err != nil {
		t.Fatal(err)
	}
	_, err := l.Apply(t.Context(), l.configMap("late", nil))
	if !errors.Is(err, providers.ErrInvalid) || !strings.Contains(err.Error(), "is being terminated") {
		t.Errorf("error %v, want an ErrInvalid of the namespace", err)
	}
	if _, err := l.Patch(t.Context(), l.resource(configMapKind), l.namespace, "held", []byte(`[{"op":"remove","path":"/metadata/finalizers"}]`), false); err != nil {
		t.Error(err)
	}
}

func TestLiveForbiddenToWrite(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	nobody, err := kubernetes.New(kubernetes.Options{}).Connect("test",
		target.Connection{Kubeconfig: clustertest.Shared(t).Kubeconfig, Impersonate: "nobody"}, target.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	r := l.configMap("settings", nil)
	if _, err := nobody.Apply(t.Context(), r); !errors.Is(err, providers.ErrForbidden) || errors.Is(err, providers.ErrInvalid) {
		t.Errorf("apply: error %v, want an ErrForbidden", err)
	}
	if _, err := nobody.Create(t.Context(), r); !errors.Is(err, providers.ErrForbidden) {
		t.Errorf("create: error %v, want an ErrForbidden", err)
	}
	err = nobody.Delete(t.Context(), providers.DeleteRequest{Resource: r.Resource, Namespace: l.namespace, Name: "settings"})
	if !errors.Is(err, providers.ErrForbidden) {
		t.Errorf("delete: error %v, want an ErrForbidden", err)
	}
}

func TestLiveSecretsStayOutOfErrors(t *testing.T) {
	const canary = "c4nary-Value!"
	l := connect(t, kubernetes.Options{})
	tests := map[string]object.Object{
		"no base64":         {"data": map[string]any{"password": canary}},
		"a number":          {"stringData": map[string]any{"password": int64(9876543210)}},
		"a map":             {"stringData": map[string]any{"password": map[string]any{"nested": canary}}},
		"a list of values":  {"stringData": []any{canary}},
		"a registry config": {"type": "kubernetes.io/dockerconfigjson", "stringData": map[string]any{".dockerconfigjson": canary}},
		"basic auth":        {"type": "kubernetes.io/ssh-auth", "stringData": map[string]any{"password": canary}},
		"data as a string":  {"data": canary},
		"a field at a time": {"password": canary},
		"a wrong type":      {"type": map[string]any{"x": canary}, "stringData": map[string]any{"password": canary}},
	}
	for name, fields := range tests {
		t.Run(name, func(t *testing.T) {
			r := l.request(secretKind, "db", fields)
			_, applied := l.Apply(t.Context(), r)
			_, created := l.Create(t.Context(), r)
			for verb, err := range map[string]error{"apply": applied, "create": created} {
				if !errors.Is(err, providers.ErrInvalid) {
					t.Errorf("%s: error %v, want an ErrInvalid", verb, err)
					continue
				}
				t.Log(verb, err)
				for _, secret := range []string{canary, "c4nary", "9876543210"} {
					if text := fmt.Sprintf("%v %#v", err, err); strings.Contains(text, secret) {
						t.Errorf("%s: the error holds the value: %s", verb, text)
					}
				}
			}
		})
	}
}

func TestLiveCreate(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	r := l.configMap("", map[string]any{"a": "1"})
	delete(r.Object.Metadata(), "name")
	r.Object.Metadata()["generateName"] = "job-"
	names := map[string]bool{}
	for range 2 {
		result, err := l.Create(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(result.Object.Name(), "job-") {
			t.Errorf("created %v", result.Object)
		}
		names[result.Object.Name()] = true
	}
	if len(names) != 2 {
		t.Errorf("names %v", names)
	}
	named := l.configMap("settings", nil)
	if _, err := l.Create(t.Context(), named); err != nil {
		t.Fatal(err)
	}
	_, err := l.Create(t.Context(), named)
	var conflict *providers.ConflictError
	if !errors.As(err, &conflict) || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("error %v, want a *ConflictError", err)
	}
}

func TestLivePatch(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	l.apply(l.configMap("settings", map[string]any{"a": "1"}))
	patch := []byte(`[{"op":"test","path":"/data/a","value":"1"},{"op":"add","path":"/data/b","value":"2"}]`)
	resource := l.resource(configMapKind)
	for _, dryRun := range []bool{true, false} {
		patched, err := l.Patch(t.Context(), resource, l.namespace, "settings", patch, dryRun)
		if err != nil {
			t.Fatal(err)
		}
		if value, _ := patched.Get("data", "b"); value != "2" {
			t.Errorf("patched %v", patched)
		}
		live, err := l.get(configMapKind, "settings")
		if err != nil {
			t.Fatal(err)
		}
		if _, there := live.Get("data", "b"); there == dryRun {
			t.Errorf("dry run %v, and the field is there: %v", dryRun, there)
		}
	}
	_, err := l.Patch(t.Context(), resource, l.namespace, "settings", []byte(`[{"op":"test","path":"/data/a","value":"other"}]`), false)
	if !errors.Is(err, providers.ErrInvalid) {
		t.Errorf("a test that fails: error %v, want an ErrInvalid", err)
	}
	if _, err := l.Patch(t.Context(), resource, l.namespace, "none", patch, false); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("error %v, want an ErrNotFound", err)
	}
}

func TestLiveDelete(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	created := l.apply(l.configMap("settings", map[string]any{"a": "1"}))
	request := providers.DeleteRequest{Resource: l.resource(configMapKind), Namespace: l.namespace, Name: "settings"}
	var conflict *providers.ConflictError

	wrong := request
	wrong.UID = "00000000-0000-0000-0000-000000000000"
	if err := l.Delete(t.Context(), wrong); !errors.As(err, &conflict) {
		t.Errorf("another uid: error %v, want a *ConflictError", err)
	}
	changed := l.apply(l.configMap("settings", map[string]any{"a": "2"}))
	old := request
	old.ResourceVersion = created.ResourceVersion()
	if err := l.Delete(t.Context(), old); !errors.As(err, &conflict) {
		t.Errorf("an earlier version: error %v, want a *ConflictError", err)
	}
	dry := request
	dry.DryRun = true
	if err := l.Delete(t.Context(), dry); err != nil {
		t.Error(err)
	}
	if _, err := l.get(configMapKind, "settings"); err != nil {
		t.Errorf("after a dry run: %v", err)
	}
	request.UID, request.ResourceVersion, request.Propagation = changed.UID(), changed.ResourceVersion(), "Foreground"
	if err := l.Delete(t.Context(), request); err != nil {
		t.Error(err)
	}
	// In the foreground the garbage collector removes it, when it has looked for
	// dependents.
	eventually(t, func() error {
		err := l.Delete(t.Context(), providers.DeleteRequest{Resource: request.Resource, Namespace: l.namespace, Name: "settings"})
		if !errors.Is(err, providers.ErrNotFound) {
			return fmt.Errorf("error %w, want an ErrNotFound", err)
		}
		return nil
	})
}

// TestLiveUnvalidated pins what Validate=false comes to: the server passes over unknown
// fields of what replaces an object, and refuses them in an apply all the same, so that
// whoever applies leaves them out.
func TestLiveUnvalidated(t *testing.T) {
	l := connect(t, kubernetes.Options{})
	have := l.apply(l.configMap("settings", map[string]any{"a": "1"}))
	r := l.configMap("settings", map[string]any{"a": "2"})
	r.Object["dtaa"] = map[string]any{"a": "1"}
	r.Unvalidated = true
	if _, err := l.Apply(t.Context(), r); err == nil || !strings.Contains(err.Error(), ".dtaa: field not declared in schema") {
		t.Errorf("applied with an unknown field: %v", err)
	}
	r.Replace, r.UID, r.ResourceVersion = true, have.UID(), have.ResourceVersion()
	if replaced := l.apply(r); replaced["dtaa"] != nil || !cmp.Equal(replaced["data"], any(map[string]any{"a": "2"})) {
		t.Errorf("replaced: %v", replaced)
	}
	have = l.apply(l.configMap("settings", map[string]any{"a": "2"}))
	r.Unvalidated, r.UID, r.ResourceVersion = false, have.UID(), have.ResourceVersion()
	if _, err := l.Apply(t.Context(), r); err == nil || !strings.Contains(err.Error(), "dtaa") {
		t.Errorf("replaced with an unknown field, and validated: %v", err)
	}
}
