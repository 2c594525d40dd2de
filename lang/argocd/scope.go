package argocd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/template"
)

// itemScope knows the items of a generator: what Argo CD calls their parameters,
// and where they are in HCL.
type itemScope struct {
	root     string // "each.value"
	fast     bool   // {{name}}, not Go templates
	clusters bool   // items have a cluster of their own
	shapes   []shape
}

// shape is what the items of one generator have.
type shape interface {
	// field finds a parameter. It is nil where there is none.
	field(s *itemScope, path []string) (template.Text, error)
}

// below is the scope with another root.
func (s *itemScope) below(root string) *itemScope {
	copied := *s
	copied.root = root
	return &copied
}

// Field finds a parameter of a Go template.
func (s *itemScope) Field(path []string) (template.Text, error) {
	if len(path) == 0 {
		return nil, errors.New("all parameters at once have no counterpart")
	}
	for _, shape := range s.shapes {
		text, err := shape.field(s, path)
		if text != nil || err != nil {
			return text, err
		}
	}
	return nil, fmt.Errorf("the generator's items have no %s", strings.Join(path, "."))
}

// Flat finds a parameter of {{name}}. Labels have dots in their names.
func (s *itemScope) Flat(name string) (template.Text, error) {
	for _, prefix := range []string{"metadata.labels.", "metadata.annotations.", "values."} {
		if key, ok := strings.CutPrefix(name, prefix); ok && key != "" {
			return s.Field(append(strings.Split(strings.TrimSuffix(prefix, "."), "."), key))
		}
	}
	path, err := template.SplitFlat(name)
	if err != nil {
		return nil, err
	}
	return s.Field(path)
}

// at is a field of the items.
func (s *itemScope) at(path ...string) template.Text {
	return template.Expression(template.Path(s.root, path...))
}

// valuesShape are the values that a generator adds itself.
type valuesShape map[string]template.Text

func (v valuesShape) field(_ *itemScope, path []string) (template.Text, error) {
	if path[0] != "values" || len(v) == 0 {
		return nil, nil
	}
	if len(path) == 2 {
		if text, ok := v[path[1]]; ok {
			if text == nil {
				return template.Text{{Literal: ""}}, nil
			}
			return text, nil
		}
		return nil, fmt.Errorf("the generator's values have no %s", path[1])
	}
	return nil, errors.New("only single values can be used")
}

// clusterShape are clusters.
type clusterShape struct{ decision bool }

func (c clusterShape) field(s *itemScope, path []string) (template.Text, error) {
	switch {
	case len(path) == 1 && (path[0] == "name" || path[0] == "server"):
		return s.at(path[0]), nil
	case len(path) == 1 && path[0] == "nameNormalized":
		return template.Expression("dns_label(" + template.Path(s.root, "name") + ")"), nil
	case len(path) == 1 && path[0] == "project":
		return nil, errors.New("clusters belong to no project")
	case path[0] == "metadata" && len(path) > 1 && (path[1] == "labels" || path[1] == "annotations"):
		return s.at(path[1:]...), nil
	case c.decision && path[0] != "path" && path[0] != "values":
		return s.at(append([]string{"decision"}, path...)...), nil
	}
	return nil, nil
}

// pathShape are directories, or with content files.
type pathShape struct {
	prefix string // pathParamPrefix
	files  bool
}

func (p pathShape) field(s *itemScope, path []string) (template.Text, error) {
	root, rest := []string{}, path
	if p.prefix != "" {
		if path[0] != p.prefix {
			return p.content(s, path), nil
		}
		root, rest = []string{p.prefix}, path[1:]
	}
	if len(rest) == 0 || rest[0] != "path" {
		return p.content(s, path), nil
	}
	rest = rest[1:]
	name := ""
	if len(rest) > 0 {
		name = rest[0]
	}
	below := func(names ...string) template.Text {
		return s.at(append(append(slices.Clone(root), "path"), names...)...)
	}
	switch {
	case name == "" && s.fast:
		return below("path"), nil
	case name == "":
		return below(), nil
	case strings.Trim(name, "0123456789") == "":
		return below(append([]string{"segments"}, rest...)...), nil
	case name == "basenameNormalized" || name == "filenameNormalized":
		return template.Expression("dns_label(" + below(strings.TrimSuffix(name, "Normalized")).Expr() + ")"), nil
	case name == "path" || name == "basename" || name == "segments" || name == "filename" && p.files:
		return below(rest...), nil
	}
	return nil, fmt.Errorf("a path has no %s", name)
}

// content is what the files hold, which only they know.
func (p pathShape) content(s *itemScope, path []string) template.Text {
	if !p.files || path[0] == "values" {
		return nil
	}
	return s.at(path...)
}

// listShape are elements that are written down.
type listShape struct {
	fields   map[string]bool
	clusters map[string]bool // fields that are clusters, where Argo CD has servers
}

func (l listShape) field(s *itemScope, path []string) (template.Text, error) {
	if !l.fields[path[0]] {
		return nil, nil
	}
	if l.clusters[path[0]] && len(path) == 1 {
		return s.at(path[0], "server"), nil
	}
	return s.at(path...), nil
}

// openShape are items whose fields nobody knows here.
type openShape struct {
	input map[string]template.Text // generator.input.parameters of plugins
}

func (o openShape) field(s *itemScope, path []string) (template.Text, error) {
	if len(path) == 4 && path[0] == "generator" && path[1] == "input" && path[2] == "parameters" {
		if text, ok := o.input[path[3]]; ok {
			return text, nil
		}
		return nil, fmt.Errorf("the plugin's input has no %s", path[3])
	}
	if path[0] == "values" {
		return nil, nil
	}
	return s.at(path...), nil
}
