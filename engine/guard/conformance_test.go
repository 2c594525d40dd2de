package guard_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/engine/internal/conformance"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

var differences = flag.Bool("differences", false, "print the cases that differ from Argo CD, for testdata/different.txt")

// different reads the cases in which we differ from Argo CD on purpose: the name
// of a file and the line of the case, and why.
func different(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open("testdata/different.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	out := map[string]string{}
	reason := ""
	for lines := bufio.NewScanner(file); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "# "):
			reason = line[2:]
		case line != "":
			for name := range strings.FieldsSeq(line) {
				out[name] = reason
			}
		}
	}
	return out
}

// judge compares answers with Argo CD's and with the list of differences.
func judge(t *testing.T, file string, total int, answer func(i int) (got, want bool)) {
	t.Helper()
	known := different(t)
	passed, deliberate := 0, 0
	for i := range total {
		name := fmt.Sprintf("%s:%d", file, i+1)
		got, want := answer(i)
		reason, listed := known[name]
		switch {
		case got == want && !listed:
			passed++
		case got == want:
			t.Errorf("%s is as Argo CD, and listed as different: %s", name, reason)
		case listed:
			deliberate++
		case *differences:
			fmt.Println(name, "want", want)
		default:
			t.Errorf("%s: permitted %v, want %v", name, got, want)
		}
	}
	t.Logf("%d of %d as Argo CD, %d deliberately different (testdata/different.txt)", passed, total, deliberate)
}

func TestConformanceSources(t *testing.T) {
	type testCase struct {
		SourceRepos []string
		RepoURL     string
		Expected    bool
	}
	cases := conformance.Cases[testCase](t, "projects/source_cases.jsonl")
	judge(t, "source", len(cases), func(i int) (bool, bool) {
		c := cases[i]
		p := &lang.Project{Address: address("p"), Repositories: c.SourceRepos}
		return len(guard.Source(p, source.Location{Type: source.Git, URL: c.RepoURL})) == 0, c.Expected
	})
}

func TestConformanceDestinations(t *testing.T) {
	type testCase struct {
		Destinations    []struct{ Server, Name, Namespace string }
		Cluster         struct{ Server, Name string }
		Namespace       string
		ProjectClusters any
		Expected        bool
	}
	cases := conformance.Cases[testCase](t, "projects/destination_cases.jsonl")
	judge(t, "destination", len(cases), func(i int) (bool, bool) {
		c := cases[i]
		p := &lang.Project{Address: address("p")}
		for _, d := range c.Destinations {
			out := lang.ProjectDestination{Namespaces: []string{d.Namespace}}
			for _, cluster := range []string{d.Server, d.Name} {
				if cluster != "" {
					out.Clusters = append(out.Clusters, cluster)
				}
			}
			p.Destinations = append(p.Destinations, out)
		}
		return len(guard.Destination(p, c.Cluster.Name, c.Cluster.Server, c.Namespace)) == 0, c.Expected
	})
}

func TestConformanceKinds(t *testing.T) {
	type rule struct{ Group, Kind, Name string }
	type testCase struct {
		ClusterResourceWhitelist, ClusterResourceBlacklist     []rule
		NamespaceResourceWhitelist, NamespaceResourceBlacklist []rule
		Group, Kind, Name                                      string
		Namespaced, Expected                                   bool
	}
	patterns := func(rules []rule) []string {
		if rules == nil {
			return nil
		}
		out := []string{}
		for _, r := range rules {
			text := r.Group + "/" + r.Kind
			if r.Name != "" {
				text += ":" + r.Name
			}
			out = append(out, text)
		}
		return out
	}
	cases := conformance.Cases[testCase](t, "projects/group_kind_cases.jsonl")
	judge(t, "kind", len(cases), func(i int) (bool, bool) {
		c := cases[i]
		p := &lang.Project{
			Address:            address("p"),
			ClusterResources:   lang.ResourceRules{Allow: patterns(c.ClusterResourceWhitelist), Deny: patterns(c.ClusterResourceBlacklist)},
			NamespaceResources: lang.ResourceRules{Allow: patterns(c.NamespaceResourceWhitelist), Deny: patterns(c.NamespaceResourceBlacklist)},
		}
		id := object.ID{Group: c.Group, Kind: c.Kind, Name: c.Name}
		return len(guard.Object(p, id, c.Namespaced, "c")) == 0, c.Expected
	})
}

func address(name string) addr.Address { return addr.Address{Kind: "project", Name: name} }
