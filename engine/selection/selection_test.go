package selection_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/selection"
	"github.com/gantrycd/gantry/plan/object"
)

func TestHas(t *testing.T) {
	web := object.ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	settings := object.ID{Kind: "ConfigMap", Namespace: "shop", Name: "settings"}
	role := object.ID{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "web"}
	labels := map[string]string{"tier": "front", "app": "web"}
	for _, test := range []struct {
		resources            string // separated by blanks
		labels               string
		web, settings, roles bool
	}{
		{"Deployment", "", true, false, false},
		{"apps/Deployment", "", true, false, false},
		{"batch/Deployment", "", false, false, false},
		{"/ConfigMap", "", false, true, false},
		{"/Deployment", "", false, false, false},
		{"*:web", "", true, false, true},
		{"*:shop/*", "", true, true, false},
		{"*:other/*", "", false, false, false},
		{"*/*:shop/web", "", true, false, false},
		{"*.k8s.io/*", "", false, false, true},
		{"{Deployment,ConfigMap}:s*", "", false, true, false},
		{"Deployment ConfigMap", "", true, true, false},
		{"!Deployment", "", false, true, true},
		{"*:shop/* !*:shop/web", "", false, true, false},
		{"!*:settings Deployment", "", true, false, false},
		{"", "tier=front", true, true, true},
		{"", "tier in (back)", false, false, false},
		{"", "!tier", false, false, false},
		{"Deployment", "tier=back", false, false, false},
		{"Deployment", "tier=front,app!=x", true, false, false},
	} {
		s, err := selection.Parse(strings.Fields(test.resources), test.labels)
		if err != nil {
			t.Fatal(err)
		}
		if a, b, c := s.Has(web, labels), s.Has(settings, labels), s.Has(role, labels); a != test.web || b != test.settings || c != test.roles {
			t.Errorf("%q, labels %q: %v %v %v, want %v %v %v", test.resources, test.labels, a, b, c, test.web, test.settings, test.roles)
		}
	}
	none, err := selection.Parse(nil, "")
	if err != nil || none != nil || !none.Has(web, nil) || none.Given() != nil {
		t.Errorf("nothing given is %v (%v)", none, err)
	}
}

func TestGiven(t *testing.T) {
	s, err := selection.Parse([]string{"Pod:web", "!*:x"}, "a=b")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.String(); got != "Pod:web, !*:x, labels a=b" {
		t.Error(got)
	}
	given := s.Given()
	again, err := selection.Parse(given.Resources, given.Labels)
	if err != nil || again.String() != s.String() {
		t.Errorf("read again it is %s (%v)", again, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "!", "apps/", "a/b/c", "Pod:", "Pod:/web", "Pod:shop/", "Pod:a/b/c", "Pod:a:b", "Pod:[", "[:web"} {
		if _, err := selection.Parse([]string{text}, ""); err == nil || !strings.Contains(err.Error(), "names no resource") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := selection.Parse(nil, "a in b"); err == nil || !strings.Contains(err.Error(), "label selector") {
		t.Errorf("a wrong selector: %v", err)
	}
}
