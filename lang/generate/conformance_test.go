package generate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/plan/source"
)

// argoCase is a generator of an ApplicationSet, and what Argo CD makes of it.
type argoCase struct {
	ID         string           `json:"id"`
	GoTemplate bool             `json:"goTemplate"`
	Generator  map[string]any   `json:"generator"`
	Expected   []map[string]any `json:"expectedParams"`
	Error      string           `json:"error"`
	Template   any              `json:"template"`
}

// name tells apart the two ways in which Argo CD reads templates.
func (c argoCase) name() string {
	if c.GoTemplate {
		return c.ID + " (go)"
	}
	return c.ID
}

// argoFixtures are what the cases read.
type argoFixtures struct {
	Clusters []argoCluster `json:"clusters"`
	Names    []struct {
		In, Normalize, Slugify string
	} `json:"names"`
	RepositoryFiles map[string]string `json:"repositoryFiles"`
}

type argoCluster struct {
	Name, Server        string
	Labels, Annotations map[string]string
}

// The reasons why Gantry differs.
const (
	keepsTypes      = "values keep their types, where Argo CD's first templates take strings only"
	yamlIsNew       = "YAML is that of 1.2: a key n is the text n, and not false"
	starStops       = "* stops at a slash, as in directories and in every other tool; ** crosses it"
	impossible      = "a pattern that can never match is an error"
	bracesAre       = "braces are alternatives"
	otherValues     = "the same attribute twice with other values is an error"
	missingKey      = "an item without a key to merge by is an error, not one with the key null"
	missingIsError  = "an attribute that is not there is an error, not \"<no value>\""
	emptyIsNotNull  = "a list of no clusters is an empty list, not null"
	clusterTwice    = "an item of a cluster has the attribute cluster; a file's own one is renamed with a generator \"list\""
	oneGenerator    = "a block is one generator: two in one place cannot be written"
	selectorIsFor   = "a selector after a generator is the if of a for expression, with HCL's operators"
	templatesAreHCL = "templates are HCL's"
	blocksAreHCL    = "applications are blocks, not templates"
	cutAt           = "dns_label cuts at 63 characters with a hash, so that two long names stay two; slugify cuts at 50"
)

// different are the cases that Gantry answers otherwise, each with the reason.
var different = map[string]string{
	"list-04": keepsTypes, "list-06": keepsTypes, "matrix-00": keepsTypes, "merge-01": keepsTypes, "merge-09": keepsTypes,
	"list-07": yamlIsNew,
	"list-15": selectorIsFor, "list-15 (go)": selectorIsFor,
	"clusters-07 (go)": templatesAreHCL, "matrix-10": templatesAreHCL, "matrix-11 (go)": templatesAreHCL, "matrix-12": templatesAreHCL, "matrix-19": templatesAreHCL,
	"clusters-12": emptyIsNotNull, "clusters-12 (go)": emptyIsNotNull,
	"gitdir-09": impossible, "gitdir-09 (go)": impossible, "gitdir-10 (go)": impossible, "gitdir-14": impossible,
	"gitdir-12": bracesAre, "gitdir-12 (go)": bracesAre,
	"gitdir-values (go)": missingIsError,
	"gitfile-01":         starStops, "gitfile-08": starStops, "gitfile-08 (go)": starStops,
	"matrix-07 (go)": otherValues,
	"matrix-09":      clusterTwice, "matrix-10 (go)": clusterTwice,
	"matrix-21 (go)":  oneGenerator,
	"merge-06 (go)":   missingKey,
	"render-app (go)": blocksAreHCL, "render-app-own-finalizer (go)": blocksAreHCL,
}

// TestConformance compares generators with Argo CD's answers. A case becomes a
// configuration as its author would write it, and the items are brought to Argo CD's
// form.
func TestConformance(t *testing.T) {
	var fixtures argoFixtures
	if err := json.Unmarshal(conformance.Read(t, "generators/fixtures.json"), &fixtures); err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for name, content := range fixtures.RepositoryFiles {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	tally := conformance.Count(t, conformance.Generators)
	known := map[string]bool{}
	cases := conformance.Cases[argoCase](t, "generators/generator_cases.jsonl")
	for _, c := range cases {
		known[c.name()] = true
		problem := c.check(&fixtures, tree)
		reason, isDifferent := different[c.name()]
		switch {
		case isDifferent && problem == "":
			tally.Fail("%s is listed as different, and is the same", c.name())
		case isDifferent:
			tally.Differ(reason)
		case problem != "":
			tally.Fail("%s: %s", c.name(), problem)
		default:
			tally.Agree()
		}
	}
	for name := range different {
		if !known[name] {
			t.Errorf("%s is listed as different, and there is no such case", name)
		}
	}
}

// TestConformanceOfNames compares the two ways in which names are made of texts.
func TestConformanceOfNames(t *testing.T) {
	var fixtures argoFixtures
	if err := json.Unmarshal(conformance.Read(t, "generators/fixtures.json"), &fixtures); err != nil {
		t.Fatal(err)
	}
	tally := conformance.Count(t, conformance.Names)
	for _, name := range fixtures.Names {
		if got := generate.Normalize(name.In); got != name.Normalize {
			tally.Fail("Normalize(%q) is %q, and Argo CD's %q", name.In, got, name.Normalize)
		} else {
			tally.Agree()
		}
		switch got := function.DNSLabel(name.In); {
		case got == name.Slugify:
			tally.Agree()
		case len(name.In) > 50 && len(got) == 63:
			tally.Differ(cutAt)
		default:
			tally.Fail("dns_label(%q) is %q, and Argo CD's slugify gives %q", name.In, got, name.Slugify)
		}
	}
}

// check returns how the answer differs from Argo CD's; empty where it does not.
func (c argoCase) check(fixtures *argoFixtures, tree fs.FS) string {
	if c.Template != nil {
		return blocksAreHCL
	}
	w := &writer{goTemplate: c.GoTemplate}
	w.clusters(fixtures.Clusters)
	roots, err := w.write(c.Generator, "")
	if err != nil {
		return err.Error()
	}
	for i, root := range roots {
		fmt.Fprintf(&w.text, "generator \"list\" \"result_%d\" {\n  elements = { for k, v in %s : k => v }\n}\n", i, root)
	}
	files := fstest.MapFS{"main.gantry.hcl": &fstest.MapFile{Data: []byte(w.text.String())}}
	m, diags := lang.Load("", lang.LoadOptions{FS: files})
	config, more := m.Evaluate(context.Background(), lang.EvalOptions{Reader: treeReader{tree}})
	diags = append(diags, more...)
	switch {
	case c.Error != "" && diags.HasErrors():
		return ""
	case c.Error != "":
		return "Argo CD says: " + c.Error
	case diags.HasErrors():
		return diags.Error() + "\n" + w.text.String()
	}
	got := []string{}
	for _, generator := range config.Generators {
		if !strings.HasPrefix(generator.Address.Name, "result_") {
			continue
		}
		for _, item := range generator.Items {
			params, err := toArgo(item.Value, c.GoTemplate)
			if err != nil {
				return err.Error()
			}
			got = append(got, canonical(params))
		}
	}
	want := []string{}
	for _, params := range c.Expected {
		want = append(want, canonical(withoutProject(params)))
	}
	slices.Sort(got)
	slices.Sort(want)
	return cmp.Diff(want, got)
}

// treeReader reads one tree, whatever is asked for.
type treeReader struct{ tree fs.FS }

func (r treeReader) Read(_ context.Context, location source.Location) (fs.FS, source.Pin, error) {
	return r.tree, source.Pin{Location: location}, nil
}

// canonical renders parameters so that equal ones are the same text.
func canonical(params any) string {
	text, err := json.Marshal(params)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// withoutProject takes from parameters what Gantry's clusters do not have, and sorts
// lists of clusters, whose order is random.
func withoutProject(params map[string]any) map[string]any {
	delete(params, "project")
	if list, ok := params["clusters"].([]any); ok {
		for _, cluster := range list {
			withoutProject(cluster.(map[string]any))
		}
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(canonical(a), canonical(b)) })
	}
	return params
}
