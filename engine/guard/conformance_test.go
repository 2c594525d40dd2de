package guard_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

// rule is a deliberate difference: told by what a case is given, and by how the answer
// then differs.
type rule[C any] struct {
	reason string
	got    bool // what we answer, where Argo CD answers the opposite
	about  func(C) bool
}

// judge compares answers with Argo CD's. A difference that no rule is about is a failure.
func judge[C any](t *testing.T, set conformance.ID, cases []C, rules []rule[C], answer func(C) (got, want bool)) {
	t.Helper()
	tally := conformance.Count(t, set)
	for i, c := range cases {
		got, want := answer(c)
		if got == want {
			tally.Agree()
			continue
		}
		at := slices.IndexFunc(rules, func(r rule[C]) bool { return r.got == got && r.about(c) })
		if at < 0 {
			tally.Fail("line %d: permitted %v, want %v: %+v", i+1, got, want, c)
			continue
		}
		tally.Differ(rules[at].reason)
	}
}

// denies reports whether a pattern says what is not allowed.
func denies(pattern string) bool { return strings.HasPrefix(pattern, "!") }

func TestConformanceSources(t *testing.T) {
	type testCase struct {
		SourceRepos []string
		RepoURL     string
		Expected    bool
	}
	cases := conformance.Cases[testCase](t, "projects/source_cases.jsonl")
	judge(t, conformance.Sources, cases, []rule[testCase]{
		{"a project that lists no repositories restricts none; in Argo CD it allows none", true, func(c testCase) bool { return len(c.SourceRepos) == 0 }},
		{"a repository is the same with a user in its URL or a slash behind it; in Argo CD it is another one, for which no denial holds", true, func(c testCase) bool {
			return strings.Contains(c.RepoURL, "@") || strings.HasSuffix(c.RepoURL, "/")
		}},
		{"alternatives {a,b} work; Argo CD escapes the braces in its URLs, and they match nothing", true, func(c testCase) bool {
			return slices.ContainsFunc(c.SourceRepos, func(pattern string) bool { return strings.Contains(pattern, "{") })
		}},
		{"a denial that does not match allows nothing, where something else is allowed by name; in Argo CD it allows the rest", false, func(c testCase) bool { return slices.ContainsFunc(c.SourceRepos, denies) }},
	}, func(c testCase) (bool, bool) {
		p := &plan.Project{Address: address("p"), Repositories: c.SourceRepos}
		return len(guard.Compile(p).Repository(source.Location{Type: source.Git, URL: c.RepoURL})) == 0, c.Expected
	})
}

func TestConformanceDestinations(t *testing.T) {
	type destination struct{ Server, Name, Namespace string }
	type testCase struct {
		Destinations    []destination
		Cluster         struct{ Server, Name string }
		Namespace       string
		ProjectClusters any

		PermitOnlyProjectScopedClusters, Expected bool
	}
	some := func(is func(destination) bool) func(testCase) bool {
		return func(c testCase) bool { return slices.ContainsFunc(c.Destinations, is) }
	}
	cases := conformance.Cases[testCase](t, "projects/destination_cases.jsonl")
	judge(t, conformance.Destinations, cases, []rule[testCase]{
		{"the language has no clusters that belong to a project", true, func(c testCase) bool { return c.PermitOnlyProjectScopedClusters }},
		{"a project without destinations restricts none; in Argo CD it allows none", true, func(c testCase) bool { return len(c.Destinations) == 0 }},
		{"an application without a namespace may go to a cluster that is allowed: its objects are asked about one by one", true, func(c testCase) bool { return c.Namespace == "" }},
		{"a cluster always has a name and a server here; Argo CD refuses a pattern about the one that it was not given", true, func(c testCase) bool { return c.Cluster.Name == "" || c.Cluster.Server == "" }},
		{"a destination that lists no clusters is any cluster; in Argo CD it is none", true, some(func(d destination) bool { return d.Server == "" && d.Name == "" })},
		{"a denied cluster is denied in all its namespaces, whatever else is allowed; Argo CD denies a server only in the namespaces of the same entry, and a denial that does not match allows", false, some(func(d destination) bool { return denies(d.Server) || denies(d.Name) })},
		{"a denied namespace is denied in the clusters of its entry by name, too; Argo CD looks at servers only", false, some(func(d destination) bool { return denies(d.Namespace) && d.Server == "" })},
	}, func(c testCase) (bool, bool) {
		p := &plan.Project{Address: address("p")}
		for _, d := range c.Destinations {
			out := plan.Destination{Namespaces: []string{d.Namespace}}
			for _, cluster := range []string{d.Server, d.Name} {
				if cluster != "" {
					out.Clusters = append(out.Clusters, cluster)
				}
			}
			p.Destinations = append(p.Destinations, out)
		}
		return len(guard.Compile(p).Destination(c.Cluster.Name, c.Cluster.Server, c.Namespace)) == 0, c.Expected
	})
}

func TestConformanceKinds(t *testing.T) {
	type pattern struct{ Group, Kind, Name string }
	type testCase struct {
		ClusterResourceWhitelist, ClusterResourceBlacklist     []pattern
		NamespaceResourceWhitelist, NamespaceResourceBlacklist []pattern
		Group, Kind, Name                                      string
		Namespaced, Expected                                   bool
	}
	patterns := func(rules []pattern) []string {
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
	judge(t, conformance.Kinds, cases, []rule[testCase]{
		{"a pattern that is not valid refuses everything and says so; in Argo CD it matches nothing, so that what it should deny is allowed", false, func(c testCase) bool {
			all := slices.Concat(c.ClusterResourceWhitelist, c.ClusterResourceBlacklist, c.NamespaceResourceWhitelist, c.NamespaceResourceBlacklist)
			return slices.ContainsFunc(all, func(p pattern) bool {
				_, err := filepath.Match(p.Name+p.Kind+p.Group, "")
				return err != nil
			})
		}},
	}, func(c testCase) (bool, bool) {
		p := &plan.Project{
			Address:            address("p"),
			ClusterResources:   plan.ResourceRules{Allow: patterns(c.ClusterResourceWhitelist), Deny: patterns(c.ClusterResourceBlacklist)},
			NamespaceResources: plan.ResourceRules{Allow: patterns(c.NamespaceResourceWhitelist), Deny: patterns(c.NamespaceResourceBlacklist)},
		}
		id := object.ID{Group: c.Group, Kind: c.Kind, Name: c.Name}
		return len(guard.Compile(p).Object(id, c.Namespaced, "c", "")) == 0, c.Expected
	})
}

func address(name string) addr.Address { return addr.Address{Kind: "project", Name: name} }
