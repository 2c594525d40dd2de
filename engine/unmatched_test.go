package engine

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

func TestUnmatchedImages(t *testing.T) {
	t.Parallel()
	pod := func(images ...string) providers.Rendered {
		var containers []any
		for _, image := range images {
			containers = append(containers, map[string]any{"name": "main", "image": image})
		}
		return providers.Rendered{Object: object.Object{"kind": "Pod", "spec": map[string]any{"containers": containers}}}
	}
	rendered := []providers.Rendered{pod("web:2", "registry.example.com:5000/api@sha256:12"), pod("registry.example.com/db:7")}
	for arg, want := range map[string]string{
		"web:2": "", "web:3": `"web"`, "webb:2": `"webb"`, "old=web:2": "", "old=web": "", "old=other:1": `"old"`,
		"api=registry.example.com:5000/api@sha256:12": "", "registry.example.com:5000/api@sha256:13": `"registry.example.com:5000/api"`,
		"db=registry.example.com/db": "", "db=*:8": "", "web=*": "",
	} {
		spec := &source.Spec{Kustomize: &source.Kustomize{Images: []string{arg}}}
		got := unmatchedImages(spec, rendered)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
			t.Errorf("%s: got %q, want %q named", arg, got, want)
		}
	}
	if got := unmatchedImages(&source.Spec{}, rendered); got != nil {
		t.Errorf("without images: %q", got)
	}
}
