package track_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
)

const lineage = "0198c0de-0000-7000-8000-000000000001"

func role(name string) object.Object {
	return object.Object{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
		"metadata": map[string]any{"name": name, "namespace": "web", "labels": map[string]any{"app": "web"}},
	}
}

var labelValue = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)

func TestStampAndOwner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := addr.Application("a" + rapid.StringMatching(`[a-z_]{0,80}`).Draw(t, "name"))
		if rapid.Bool().Draw(t, "keyed") {
			address = address.Instance(rapid.String().Draw(t, "key"))
		}
		if rapid.Bool().Draw(t, "module") {
			address.Module = `module.platform["a:b"]`
		}
		if parsed, err := addr.Parse(address.String()); err != nil || parsed != address {
			t.Skip("not an address that can be written")
		}
		o := role(rapid.StringMatching(`[a-z:.]{1,30}`).Draw(t, "object"))
		before := o.DeepCopy()
		stamped := track.Stamp(o, lineage, address)
		if d := cmp.Diff(before, o); d != "" {
			t.Fatalf("the argument was changed:\n%s", d)
		}
		for key, value := range stamped.Labels() {
			if !labelValue.MatchString(value) {
				t.Fatalf("label %s is not valid: %q", key, value)
			}
		}
		gotLineage, got, ok := track.Owner(stamped)
		if !ok || gotLineage != lineage || got != address {
			t.Fatalf("Owner = %q %v %v, want %v", gotLineage, got, ok, address)
		}
	})
}

func TestOwnerOfCopies(t *testing.T) {
	stamped := track.Stamp(role("web"), lineage, addr.Application("web"))
	for name, change := range map[string]func(object.Object){
		"another name":      func(o object.Object) { o.Metadata()["name"] = "web-1" },
		"a longer name":     func(o object.Object) { o.Metadata()["name"] = "x/web" },
		"another namespace": func(o object.Object) { o.Metadata()["namespace"] = "other" },
		"another kind":      func(o object.Object) { o["kind"] = "ClusterRole" },
		"another group":     func(o object.Object) { o["apiVersion"] = "v1" },
		"no annotation":     func(o object.Object) { delete(o.Metadata(), "annotations") },
		"a broken address": func(o object.Object) {
			a := o.Metadata()["annotations"].(map[string]any)
			a[track.AnnotationID] = strings.Replace(a[track.AnnotationID].(string), "application.web", "application", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := stamped.DeepCopy()
			change(o)
			if lineage, address, ok := track.Owner(o); ok {
				t.Errorf("Owner = %q %v, want nobody", lineage, address)
			}
		})
	}
	served := stamped.DeepCopy()
	served["apiVersion"] = "rbac.authorization.k8s.io/v1beta1"
	if _, _, ok := track.Owner(served); !ok {
		t.Error("served in another version it is still ours")
	}
}

func TestOwnerOfGeneratedName(t *testing.T) {
	job := object.Object{"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"generateName": "migrate-", "namespace": "web"}}
	live := track.Stamp(job, lineage, addr.Application("web"))
	live.Metadata()["name"] = "migrate-x7k2p"
	if _, address, ok := track.Owner(live); !ok || address != addr.Application("web") {
		t.Errorf("Owner = %v %v", address, ok)
	}
}

func TestApplicationLabel(t *testing.T) {
	for _, c := range []struct {
		address addr.Address
		want    string
	}{
		{addr.Application("web"), "web"},
		{addr.Application("web").Instance("prod-eu/eu-1"), "web-prod-eu-eu-1-b33ba009"},
		{addr.Address{Module: "module.a", Kind: "application", Name: "web"}, "module.a.application.web"},
	} {
		if got := track.ApplicationLabel(c.address); got != c.want {
			t.Errorf("%s: got %q, want %q", c.address, got, c.want)
		}
	}
	long := addr.Application(strings.Repeat("a", 80))
	other := addr.Application(strings.Repeat("a", 81))
	if track.ApplicationLabel(long) == track.ApplicationLabel(other) {
		t.Error("two applications have one label")
	}
	if track.SetID(lineage, long) == track.SetID(lineage, other) || len(track.SetID(lineage, long)) != 55 {
		t.Errorf("SetID = %q", track.SetID(lineage, long))
	}
}

func TestUnstamp(t *testing.T) {
	o := role("web")
	live := track.Stamp(o, lineage, addr.Application("web"))
	patch, err := track.Unstamp(live)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(live)
	if err != nil {
		t.Fatal(err)
	}
	after, err := decoded.Apply(text)
	if err != nil {
		t.Fatal(err)
	}
	var got object.Object
	if err := json.Unmarshal(after, &got); err != nil {
		t.Fatal(err)
	}
	o.Metadata()["annotations"] = map[string]any{}
	if d := cmp.Diff(o, got); d != "" {
		t.Errorf("marks remain (-want +got):\n%s", d)
	}
	if patch, err := track.Unstamp(role("web")); patch != nil || err != nil {
		t.Errorf("an object without marks: %s, %v", patch, err)
	}
}

// What is stamped and unmarked is as it was.
func TestUnmarked(t *testing.T) {
	plain := object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "web", "namespace": "team"}}
	labelled := plain.DeepCopy()
	if err := labelled.Set("web", "metadata", "labels", "app"); err != nil {
		t.Fatal(err)
	}
	for _, o := range []object.Object{plain, labelled, {"kind": "ConfigMap"}} {
		stamped := track.Stamp(o, "lineage", addr.Application("web"))
		before := stamped.DeepCopy()
		if diff := cmp.Diff(o.Metadata(), track.Unmarked(stamped).Metadata(), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(before, stamped); diff != "" {
			t.Errorf("Unmarked changes its argument: %s", diff)
		}
	}
}
