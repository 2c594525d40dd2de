package filetree

import (
	"bytes"
	"fmt"

	"github.com/gobwas/glob"
)

// Filter chooses files by globs over their path, as Argo CD's include and
// exclude do: "*" and "**" match across slashes, "?" is one character, and
// {a,b} are alternatives. The zero value takes every file.
type Filter struct {
	include, exclude glob.Glob
}

// NewFilter compiles a Filter. An empty include is every file, an empty exclude
// none; what both match is excluded.
func NewFilter(include, exclude string) (Filter, error) {
	var f Filter
	var err error
	if f.include, err = compile("include", include); err != nil {
		return Filter{}, err
	}
	if f.exclude, err = compile("exclude", exclude); err != nil {
		return Filter{}, err
	}
	return f, nil
}

func compile(argument, pattern string) (glob.Glob, error) {
	if pattern == "" {
		return nil, nil
	}
	compiled, err := glob.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s %q is not a glob: %w", argument, pattern, err)
	}
	return compiled, nil
}

// Match reports whether a path is taken.
func (f Filter) Match(name string) bool {
	if f.exclude != nil && f.exclude.Match(name) {
		return false
	}
	return f.include == nil || f.include.Match(name)
}

// Skips reports whether a file asks not to be rendered, by a comment.
func Skips(data []byte) bool {
	return bytes.Contains(data, []byte("# +argocd:skip-file-rendering")) ||
		bytes.Contains(data, []byte("# +gantry:skip-file-rendering"))
}
