package helm_test

import (
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/helm"
	"github.com/gantrycd/gantry/providers/rendertest"
)

// chartWith is a Chart.yaml with dependencies.
func chartWith(dependencies string) string {
	return "apiVersion: v2\nname: web\nversion: 1.2.3\ndependencies:\n" + dependencies
}

func cache(version string) map[string]string {
	return map[string]string{
		"Chart.yaml":         "apiVersion: v2\nname: cache\nversion: " + version + "\n",
		"values.yaml":        "size: 1\n",
		"templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Chart.Name }}}\nsize: {{ .Values.size }}\n",
		".helmignore":        "templates/\n", // of no effect on what was packaged
	}
}

func below(dir string, files map[string]string) map[string]string {
	moved := map[string]string{}
	for name, text := range files {
		moved[dir+"/"+name] = text
	}
	return moved
}

const cacheDependency = "- {name: cache, version: ^1.0.0, repository: 'https://charts.example.com'}\n"

var cacheLocation = source.Location{Type: source.Helm, URL: "https://charts.example.com", Chart: "cache", Revision: "^1.0.0"}

func TestNeeds(t *testing.T) {
	locked := cacheLocation
	locked.Revision = "1.4.2"
	tests := []struct {
		name  string
		files map[string]string
		want  []source.Location
	}{
		{"none", nil, nil},
		{"repository", map[string]string{"web/Chart.yaml": chartWith(cacheDependency)}, []source.Location{cacheLocation}},
		{
			"registry",
			map[string]string{"web/Chart.yaml": chartWith("- {name: cache, version: 1.0.0, repository: 'oci://registry.example.com/charts/'}\n")},
			[]source.Location{{Type: source.OCI, URL: "oci://registry.example.com/charts/cache", Revision: "1.0.0"}},
		},
		{
			"twice by alias",
			map[string]string{"web/Chart.yaml": chartWith(cacheDependency + "- {name: cache, version: ^1.0.0, alias: second, repository: 'https://charts.example.com'}\n")},
			[]source.Location{cacheLocation},
		},
		{"locked", map[string]string{
			"web/Chart.yaml": chartWith(cacheDependency),
			"web/Chart.lock": "dependencies:\n- {name: cache, version: 1.4.2, repository: 'https://charts.example.com'}\n",
		}, []source.Location{locked}},
		{"in charts", merge(map[string]string{"web/Chart.yaml": chartWith(cacheDependency)}, below("web/charts/cache", cache("1.1.0"))), nil},
		{"of a folder's chart", map[string]string{
			"web/Chart.yaml":    chartWith("- {name: middle, version: '*', repository: 'file://../middle'}\n"),
			"middle/Chart.yaml": "apiVersion: v2\nname: middle\nversion: 0.1.0\ndependencies:\n" + cacheDependency,
		}, []source.Location{cacheLocation}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := helm.New().Needs(input(nil, test.files))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func merge(maps ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, m := range maps {
		for name, text := range m {
			merged[name] = text
		}
	}
	return merged
}

func TestNeededIsRendered(t *testing.T) {
	second := "- {name: cache, version: ^1.0.0, alias: second, repository: 'https://charts.example.com'}\n"
	in := input(&source.HelmOptions{Values: map[string]any{"second": map[string]any{"size": 5}}},
		map[string]string{"web/Chart.yaml": chartWith(cacheDependency + second)})
	in.Needed = map[string]fs.FS{cacheLocation.Key(): rendertest.Files(cache("1.1.0"))}
	sizes := map[string]any{}
	for _, r := range render(t, in) {
		if r.Object.Kind() == "Pod" {
			sizes[r.Object.Name()] = r.Object["size"]
		}
	}
	if diff := cmp.Diff(map[string]any{"cache": int64(1), "second": int64(5)}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestConditionsAndTags(t *testing.T) {
	files := merge(
		map[string]string{"web/Chart.yaml": chartWith(
			"- {name: cache, version: ^1.0.0, condition: cache.enabled, tags: [backend], repository: 'file://../cache'}\n" +
				"- {name: cache, version: ^1.0.0, alias: second, tags: [backend], repository: 'file://../cache'}\n")},
		below("cache", map[string]string{
			"Chart.yaml": cache("1.0.0")["Chart.yaml"], "values.yaml": "size: 1\n", "templates/pod.yaml": cache("")["templates/pod.yaml"],
		}),
	)
	tests := []struct {
		name   string
		values map[string]any
		want   []string
	}{
		{"both", nil, []string{"ConfigMap out", "Pod cache", "Pod second"}},
		{"condition", map[string]any{"cache": map[string]any{"enabled": false}}, []string{"ConfigMap out", "Pod second"}},
		{"tag", map[string]any{"tags": map[string]any{"backend": false}}, []string{"ConfigMap out"}},
		{"condition beats tag", map[string]any{"tags": map[string]any{"backend": false}, "cache": map[string]any{"enabled": true}}, []string{"ConfigMap out", "Pod cache"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := rendertest.Names(render(t, input(&source.HelmOptions{Values: test.values}, files)))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLibraryChart(t *testing.T) {
	files := map[string]string{
		"web/Chart.yaml":                    chartWith("- {name: lib, version: '*', repository: ''}\n"),
		"web/charts/lib/Chart.yaml":         "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n",
		"web/charts/lib/templates/_lib.tpl": `{{ define "lib.name" }}from-lib{{ end }}`,
		"web/charts/lib/templates/x.yaml":   `{{ fail "a library renders nothing" }}`,
		"web/templates/out.yaml":            configMap(`{{ include "lib.name" . }}`),
	}
	if got := out(t, input(nil, files)); got != "from-lib" {
		t.Errorf("got %v", got)
	}
}

func TestBadDependencies(t *testing.T) {
	tests := []struct {
		name         string
		dependencies string
		files        map[string]string
		target       error
		words        []string
	}{
		{"no repository", "- {name: cache, version: 1.0.0}\n", nil, providers.ErrNotFound, []string{`dependency "cache"`, "names no repository"}},
		{"named repository", "- {name: cache, version: 1.0.0, repository: '@stable'}\n", nil, nil, []string{"names of repositories"}},
		{"unknown scheme", "- {name: cache, version: 1.0.0, repository: 's3://bucket'}\n", nil, nil, []string{"expected an https, http, oci or file URL"}},
		{"missing folder", "- {name: cache, version: 1.0.0, repository: 'file://../cahce'}\n", below("cache", cache("1.0.0")), providers.ErrNotFound, []string{"there is cache"}},
		{"folder outside", "- {name: cache, version: 1.0.0, repository: 'file://../../cache'}\n", nil, nil, []string{"leads out of the source"}},
		{"absolute folder", "- {name: cache, version: 1.0.0, repository: 'file:///etc'}\n", nil, nil, []string{"leads out of the source"}},
		{"other version", "- {name: cache, version: 2.0.0, repository: 'file://../cache'}\n", below("cache", cache("1.0.0")), nil, []string{"holds version 1.0.0", "2.0.0"}},
		{"other name", "- {name: cash, version: 1.0.0, repository: 'file://../cache'}\n", below("cache", cache("1.0.0")), nil, []string{`holds the chart "cache"`}},
		{"itself", "- {name: web, version: '*', repository: 'file://.'}\n", nil, nil, []string{"depend on each other more than 16 deep"}},
		{"stale lock", cacheDependency, map[string]string{"web/Chart.lock": "dependencies:\n- {name: cache, version: 0.9.0, repository: 'https://charts.example.com'}\n"}, nil, []string{"no version is pinned by Chart.lock", "helm dependency update"}},
		{"not opened", cacheDependency, nil, providers.ErrNotFound, []string{"was not opened"}},
		{"alias", "- {name: cache, version: 1.0.0, alias: ../x, repository: 'https://charts.example.com'}\n", nil, nil, []string{"disallowed characters"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := merge(map[string]string{"web/Chart.yaml": chartWith(test.dependencies)}, test.files)
			rendertest.Fails(t, helm.New(), input(nil, files), test.target, append(test.words, "web/Chart.yaml")...)
		})
	}
}
