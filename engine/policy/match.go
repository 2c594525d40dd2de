package policy

import (
	"fmt"
	"strings"
	"sync"

	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// patterns are globs of which one must match; none match everything.
type patterns []glob.Glob

func compilePatterns(list []string) (patterns, error) {
	out := make(patterns, len(list))
	for i, text := range list {
		var err error
		if out[i], err = glob.Compile(text); err != nil {
			return nil, fmt.Errorf("%q is no pattern: %w", text, err)
		}
	}
	return out, nil
}

// match reports whether one of several values matches.
func (p patterns) match(values ...string) bool {
	for _, pattern := range p {
		for _, value := range values {
			if pattern.Match(value) {
				return true
			}
		}
	}
	return len(p) == 0
}

// scope is a compiled plan.PolicyScope.
type scope struct{ projects, applications, clusters, namespaces patterns }

func compileScope(s plan.PolicyScope) (scope, error) {
	var out scope
	for _, one := range []struct {
		texts []string
		into  *patterns
	}{{s.Projects, &out.projects}, {s.Applications, &out.applications}, {s.Clusters, &out.clusters}, {s.Namespaces, &out.namespaces}} {
		var err error
		if *one.into, err = compilePatterns(one.texts); err != nil {
			return scope{}, err
		}
	}
	return out, nil
}

func (s *scope) match(c *Case) bool {
	a := c.Application
	return s.projects.match(a.Project) && (len(s.applications) == 0 || s.applications.match(a.Name, a.Address.String())) &&
		(s.clusters.match(a.Cluster.Name) || a.Cluster.Server != "" && s.clusters.match(a.Cluster.Server)) &&
		s.namespaces.match(c.Change.ID.Namespace)
}

// kinds are patterns of kinds. What they say of a kind is found once.
type kinds struct {
	list  []kindPattern
	known *sync.Map // object.GroupKind to bool
}

type kindPattern struct{ group, kind glob.Glob }

func compileKinds(list []string) (kinds, error) {
	out := kinds{known: &sync.Map{}}
	for _, text := range list {
		group, kind, grouped := strings.Cut(text, "/")
		if !grouped {
			group, kind = "*", text
		}
		g, err := glob.Compile(group)
		if err != nil {
			return kinds{}, fmt.Errorf("%q is no pattern: %w", text, err)
		}
		k, err := glob.Compile(kind)
		if err != nil {
			return kinds{}, fmt.Errorf("%q is no pattern: %w", text, err)
		}
		out.list = append(out.list, kindPattern{g, k})
	}
	return out, nil
}

func (k *kinds) match(id object.ID) bool {
	if len(k.list) == 0 {
		return true
	}
	if known, ok := k.known.Load(id.GroupKind()); ok {
		return known.(bool)
	}
	found := false
	for _, pattern := range k.list {
		found = found || pattern.group.Match(id.Group) && pattern.kind.Match(id.Kind)
	}
	k.known.Store(id.GroupKind(), found)
	return found
}

// exemption is a compiled plan.PolicyExemption.
type exemption struct {
	*plan.PolicyExemption
	scope           scope
	kinds           kinds
	names, policies patterns
}

func compileExemptions(list []plan.PolicyExemption) ([]exemption, error) {
	out := make([]exemption, len(list))
	for i := range list {
		e := &list[i]
		made := exemption{PolicyExemption: e}
		var err error
		if made.scope, err = compileScope(e.PolicyScope); err != nil {
			return nil, err
		}
		if made.kinds, err = compileKinds(e.Kinds); err != nil {
			return nil, err
		}
		if made.names, err = compilePatterns(e.Names); err != nil {
			return nil, err
		}
		if made.policies, err = compilePatterns(e.Policies); err != nil {
			return nil, err
		}
		if e.Reason == "" {
			return nil, fmt.Errorf("an exemption gives no reason")
		}
		out[i] = made
	}
	return out, nil
}

// match reports whether what a policy says of a case is exempt; rule is the name of an
// admission policy, empty for an expression.
func (e *exemption) match(c *Case, rule string) bool {
	return e.scope.match(c) && e.kinds.match(c.Change.ID) && e.names.match(c.Change.ID.Name) && e.policies.match(rule)
}
