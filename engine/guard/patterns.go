package guard

import (
	"fmt"
	"strings"

	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// answer is what a list of patterns says about a value.
type answer int

const (
	unmentioned answer = iota
	permitted
	denied
)

// patterns is a compiled list of globs; "!" denies.
type patterns struct {
	list []pattern
	none bool // the list is there, and empty
}

type pattern struct {
	text   string
	glob   glob.Glob
	deny   bool
	server bool // it is about a cluster's server, not its name
}

// compile compiles a list of globs, in which * stops at the separators.
func compile(list []string, separators ...rune) (patterns, error) {
	out := patterns{list: make([]pattern, len(list)), none: list != nil && len(list) == 0}
	for i, text := range list {
		body, deny := strings.CutPrefix(text, "!")
		stops := separators
		if !deny && body == "*" {
			stops = nil // a lone * is everything
		}
		compiled, err := glob.Compile(body, stops...)
		if err != nil {
			return patterns{none: true}, fmt.Errorf("%q is not a valid pattern: %w", text, err)
		}
		out.list[i] = pattern{text: text, glob: compiled, deny: deny}
	}
	return out, nil
}

func compileNames(list []string) (patterns, error) { return compile(list) }

// compilePaths compiles patterns of paths, all of which name what they mean.
func compilePaths(list []string) (patterns, error) {
	out := patterns{list: make([]pattern, len(list)), none: list != nil && len(list) == 0}
	for i, text := range list {
		compiled, err := glob.Compile(text, '/')
		if err != nil {
			return patterns{none: true}, fmt.Errorf("%q is not a valid pattern: %w", text, err)
		}
		out.list[i] = pattern{text: text, glob: compiled}
	}
	return out, nil
}

// compileClusters compiles patterns of clusters: of names, or with "://" of servers.
func compileClusters(list []string) (patterns, error) {
	out, err := compile(list)
	for i := range out.list {
		out.list[i].server = strings.Contains(out.list[i].text, "://")
	}
	return out, err
}

// ask asks about a value, and the server that goes with it where there is one.
// What is denied stays so; a list without a pattern that allows, allows the rest, but one
// that is empty allows nothing. An unknown server ("") matches what is allowed and nothing
// that is denied.
func (p patterns) ask(value string, server ...string) (answer, string) {
	out, allows := unmentioned, p.none
	for _, pattern := range p.list {
		match := false
		if pattern.server {
			known := len(server) > 0 && server[0] != ""
			match = known && pattern.glob.Match(server[0]) || !known && !pattern.deny
		} else {
			match = pattern.glob.Match(value)
		}
		switch {
		case pattern.deny && match:
			return denied, pattern.text
		case !pattern.deny:
			allows = true
			if match {
				out = permitted
			}
		}
	}
	if !allows {
		return permitted, ""
	}
	return out, ""
}

// place is clusters and namespaces.
type place struct {
	plan.Destination
	clusters, namespaces patterns
}

// covers reports whether a namespace of a cluster is there. An empty namespace is, where
// all namespaces are.
func (p *place) covers(cluster, server, namespace string) bool {
	if in, _ := p.clusters.ask(cluster, server); in != permitted {
		return false
	}
	if namespace == "" && p.Namespaces != nil {
		for _, pattern := range p.Namespaces {
			if strings.Trim(pattern, "*") == "" && pattern != "" {
				return true
			}
		}
		return false
	}
	in, _ := p.namespaces.ask(namespace)
	return in == permitted
}

// kinds are the compiled patterns of kinds.
type kinds struct{ allow, deny kindPatterns }

type kindPatterns []oneKind

type oneKind struct {
	text              string
	group, kind, name glob.Glob
}

// compileKinds compiles the patterns of kinds, or says in which argument one is wrong.
func compileKinds(rules plan.ResourceRules) (out kinds, argument string, err error) {
	if out.deny, err = compileKindList(rules.Deny); err != nil {
		return kinds{}, "deny", err
	}
	if out.allow, err = compileKindList(rules.Allow); err != nil {
		return kinds{}, "allow", err
	}
	return out, "", nil
}

// compileKindList compiles "Kind", "group/Kind" and "group/Kind:name". Without a slash the
// kind may be of any group; "/Kind" is the core group's.
func compileKindList(list []string) (kindPatterns, error) {
	out := make(kindPatterns, len(list))
	for i, text := range list {
		kind, name, named := strings.Cut(text, ":")
		group, rest, grouped := strings.Cut(kind, "/")
		if grouped {
			kind = rest
		} else {
			group = "*"
		}
		if !named {
			name = "*"
		}
		out[i].text = text
		for _, part := range []struct {
			glob string
			into *glob.Glob
		}{{group, &out[i].group}, {kind, &out[i].kind}, {name, &out[i].name}} {
			compiled, err := glob.Compile(part.glob)
			if err != nil {
				return nil, fmt.Errorf("%q is not a valid pattern: %w", text, err)
			}
			*part.into = compiled
		}
	}
	return out, nil
}

// match returns the first pattern that an object matches.
func (k kindPatterns) match(id object.ID) (string, bool) {
	for i := range k {
		if k[i].kind.Match(id.Kind) && k[i].group.Match(id.Group) && k[i].name.Match(id.Name) {
			return k[i].text, true
		}
	}
	return "", false
}

// kindPattern is the pattern that allows an object's kind.
func kindPattern(id object.ID) string {
	if id.Group == "" {
		return id.Kind
	}
	return id.Group + "/" + id.Kind
}
