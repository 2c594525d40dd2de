package sourcelock_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan/source"
)

func TestCarried(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("ab", 32)
	chart := func(revision string) source.Location {
		return source.Location{Type: source.Helm, URL: "https://charts.example.com", Chart: "web", Revision: revision}
	}
	registry := func(revision string) source.Location {
		return source.Location{Type: source.OCI, URL: "oci://registry.example.com/web", Revision: revision}
	}
	file := &lockfile.File{}
	for _, entry := range []lockfile.Entry{
		{Key: lockfile.Key{Kind: lockfile.Chart, URL: "https://charts.example.com", Chart: "web", Requested: "^1.0"}, Version: "1.3.2", Digest: digest},
		{Key: lockfile.Key{Kind: lockfile.Repository, URL: "oci://registry.example.com/web", Requested: "^1.0"}, Version: "1.3.2", Digest: digest},
		{Key: lockfile.Key{Kind: lockfile.Repository, URL: "oci://registry.example.com/web", Requested: "^2.0"}, Version: "2.0.0", Digest: digest},
		{Key: lockfile.Key{Kind: lockfile.Repository, URL: "oci://registry.example.com/web", Requested: "2.0.0"}, Version: "2.0.0", Digest: digest},
	} {
		file.Set(entry)
	}
	for name, c := range map[string]struct {
		from, to source.Location
		want     string // the header of its block; "" where there is none
	}{
		"a chart's range":               {chart("^1.0"), chart("1.3.2"), `chart "https://charts.example.com" "web" "1.3.2"`},
		"a registry's range":            {registry("^1.0"), registry("1.3.2"), `repository "oci://registry.example.com/web" "1.3.2"`},
		"another version than is there": {chart("^1.0"), chart("1.3.1"), ""},
		"what is not locked":            {chart("^2.0"), chart("2.0.0"), ""},
		"what is locked already":        {registry("^2.0"), registry("2.0.0"), ""},
		"a digest needs none":           {registry("^1.0"), registry(digest), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := sourcelock.Carried(file, c.from, c.to)
			if ok != (c.want != "") || ok && (got.Key.String() != c.want || got.Digest != digest || got.Version != c.to.Revision) {
				t.Errorf("%v %s %+v", ok, got.Key, got)
			}
		})
	}
}
