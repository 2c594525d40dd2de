package guard

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/lang"
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
type patterns []pattern

type pattern struct {
	text   string
	glob   glob.Glob
	deny   bool
	server bool // it is about a cluster's server, not its name
}

// compile compiles a list of globs, in which * stops at the separators.
func compile(list []string, separators ...rune) (patterns, error) {
	out := make(patterns, len(list))
	for i, text := range list {
		body, deny := strings.CutPrefix(text, "!")
		stops := separators
		if !deny && body == "*" {
			stops = nil // a lone * is everything
		}
		compiled, err := glob.Compile(body, stops...)
		if err != nil {
			return nil, fmt.Errorf("%q is not a valid pattern: %w", text, err)
		}
		out[i] = pattern{text: text, glob: compiled, deny: deny}
	}
	return out, nil
}

// compileClusters compiles patterns of clusters: of names, or with "://" of servers.
func compileClusters(list []string) (patterns, error) {
	out, err := compile(list)
	for i := range out {
		out[i].server = strings.Contains(out[i].text, "://")
	}
	return out, err
}

// ask asks about a value, and the server that goes with it where there is one.
// What is denied stays so; a list without a pattern that allows, allows the rest. An
// unknown server ("") matches what is allowed and nothing that is denied.
func (p patterns) ask(value string, server ...string) (answer, string) {
	out, allows := unmentioned, false
	for _, pattern := range p {
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

// matchKind matches "Kind", "group/Kind" and "group/Kind:name". Without a slash
// the kind may be of any group; "/Kind" is the core group's.
func matchKind(text string, id object.ID) (bool, error) {
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
	for _, part := range []struct{ glob, value string }{{group, id.Group}, {kind, id.Kind}, {name, id.Name}} {
		compiled, err := glob.Compile(part.glob)
		if err != nil {
			return false, fmt.Errorf("%q is not a valid pattern: %w", text, err)
		}
		if !compiled.Match(part.value) {
			return false, nil
		}
	}
	return true, nil
}

// kindPattern is the pattern that allows an object's kind.
func kindPattern(id object.ID) string {
	if id.Group == "" {
		return id.Kind
	}
	return id.Group + "/" + id.Kind
}

// scp is a repository in scp's form: user@host:path.
var scp = regexp.MustCompile(`^[^/:@]+@[^/:]+:`)

// normalize makes the ways to write one repository's URL the same: lower-case,
// without .git, git@host:path for ssh://git@host/path.
func normalize(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	if rest, ok := strings.CutPrefix(text, "ssh://"); ok {
		text = rest
	} else if scp.MatchString(text) {
		text = strings.Replace(text, ":", "/", 1)
	}
	return strings.TrimSuffix(text, ".git")
}

func normalizeAll(list []string) []string {
	out := make([]string, len(list))
	for i, text := range list {
		body, deny := strings.CutPrefix(text, "!")
		if out[i] = normalize(body); deny {
			out[i] = "!" + out[i]
		}
	}
	return out
}

// shown is a URL for people: without credentials.
func shown(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil || u.Scheme == "" {
		return strconv.Quote(text)
	}
	if _, secret := u.User.Password(); secret || u.Scheme != "ssh" {
		u.User = nil
	}
	return strconv.Quote(u.String())
}

// quoted lists patterns for people.
func quoted(list []string) string {
	if len(list) == 0 {
		return "empty"
	}
	parts := make([]string, len(list))
	for i, text := range list {
		parts[i] = shown(text)
	}
	return strings.Join(parts, ", ")
}

// destinations lists destinations for people.
func destinations(list []lang.ProjectDestination) string {
	parts := make([]string, len(list))
	for i, d := range list {
		parts[i] = fmt.Sprintf("clusters [%s] with namespaces [%s]", anyOf(d.Clusters), anyOf(d.Namespaces))
	}
	return strings.Join(parts, "; ")
}

func anyOf(list []string) string {
	if len(list) == 0 {
		return "any"
	}
	return quoted(list)
}
