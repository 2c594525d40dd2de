package generate

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/zclconf/go-cty/cty"
)

// Patterns choose files or directories of a tree.
type Patterns struct {
	Include []string
	Exclude []string // whatever the order, what these match is not chosen
}

// CheckPattern says what is wrong with a pattern of paths, in words that follow its
// text; it is empty where nothing is.
func CheckPattern(pattern string) string {
	switch {
	case pattern == "":
		return "is empty"
	case strings.HasPrefix(pattern, "/"):
		return "must not begin with \"/\": paths are relative to the repository's root"
	case strings.HasSuffix(pattern, "/"):
		return "must not end with \"/\""
	case path.Clean(pattern) != pattern || strings.HasPrefix(pattern, ".."):
		return "must not have \"..\", \".\" or empty parts"
	case !doublestar.ValidatePattern(pattern):
		return "is not valid: a bracket or brace is not closed"
	}
	return ""
}

// Match returns the paths that the patterns choose, sorted: of files, or of
// directories. The root and what is hidden (a name in the path begins with a dot)
// are never chosen, as in Argo CD.
func (p Patterns) Match(tree fs.FS, files bool) ([]string, error) {
	found := map[string]bool{}
	for _, pattern := range p.Include {
		matches, err := doublestar.Glob(tree, pattern, doublestar.WithFailOnIOErrors())
		if err != nil {
			return nil, fmt.Errorf("the pattern %q cannot be looked up: %w", pattern, err)
		}
		for _, name := range matches {
			if found[name] || name == "." || hidden(name) || p.excludes(name) {
				continue
			}
			info, err := fs.Stat(tree, name)
			if err != nil {
				return nil, err
			}
			if files && info.Mode().IsRegular() || !files && info.IsDir() {
				found[name] = true
			}
		}
	}
	return sortedKeys(found), nil
}

func (p Patterns) excludes(name string) bool {
	return slices.ContainsFunc(p.Exclude, func(pattern string) bool {
		matched, err := doublestar.Match(pattern, name)
		return err == nil && matched
	})
}

func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// Directories returns the items of directories: their paths.
func Directories(paths []string) []Item {
	items := make([]Item, len(paths))
	for i, name := range paths {
		items[i] = Item{Key: name, Value: cty.ObjectVal(map[string]cty.Value{"path": pathValue(name, "")}), Origin: name}
	}
	return items
}

// pathValue describes a directory, and a file in it where there is one, in the parts
// that Argo CD gives.
func pathValue(directory, filename string) cty.Value {
	var segments []cty.Value
	for segment := range strings.SplitSeq(directory, "/") {
		segments = append(segments, cty.StringVal(segment))
	}
	base := path.Base(directory)
	attributes := map[string]cty.Value{
		"path":                cty.StringVal(directory),
		"basename":            cty.StringVal(base),
		"basename_normalized": cty.StringVal(Normalize(base)),
		"segments":            cty.ListVal(segments),
	}
	if filename != "" {
		attributes["filename"] = cty.StringVal(filename)
		attributes["filename_normalized"] = cty.StringVal(Normalize(filename))
	}
	return cty.ObjectVal(attributes)
}

// maxName is how long a DNS subdomain may be.
const maxName = 253

var notName = regexp.MustCompile(`[^-a-z0-9.]`)

// Normalize makes a DNS subdomain of a text as Argo CD does for basenameNormalized:
// in lower case, with "-" for what may not be in one. What has no letter and no digit
// becomes empty.
func Normalize(text string) string {
	name := notName.ReplaceAllString(strings.ToLower(text), "-")
	if len(name) > maxName {
		name = name[:maxName]
	}
	return strings.Trim(name, "-.")
}
