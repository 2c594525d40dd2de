package guard

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
)

// pathRule is a compiled source block of a project.
type pathRule struct {
	plan.SourceRule
	repositories, paths patterns
}

// about reports whether the rule is about a repository.
func (p *pathRule) about(url string) bool {
	answer, _ := p.repositories.ask(url)
	return answer == permitted
}

// matches returns the pattern that names a path or a folder that it is in.
func (p *pathRule) matches(name string) (string, bool) {
	for _, pattern := range p.paths.list {
		if name == "." || name == "" {
			if strings.Trim(pattern.text, "*") == "" && len(pattern.text) >= 2 {
				return pattern.text, true
			}
			continue
		}
		for at := name; at != "."; at = path.Dir(at) {
			if pattern.glob.Match(at) || pattern.glob.Match(at+"/") {
				return pattern.text, true
			}
		}
	}
	return "", false
}

// restrictsSources reports whether not every repository and path may be read.
func (r *Rules) restrictsSources() bool {
	return r.project.Repositories != nil || r.project.Sources != nil
}

// Path checks what of a location an application reads: a path of a repository, or with an
// empty one whether anything of it may be read. What rendering then reads of it is held to
// the same rules by Within.
func (r *Rules) Path(location source.Location, name string) []plan.Problem {
	if problems := r.Repository(location); r == nil || len(problems) > 0 || len(r.paths) == 0 ||
		location.Type == source.Inline || location.Type == source.Directory {
		return problems
	}
	url, err := canonical(location.URL)
	if err != nil {
		return nil // Repository has said so
	}
	if name != "" {
		if strings.HasPrefix(name, "/") || name != path.Clean(name) && name != "./"+path.Clean(name) && name != path.Clean(name)+"/" ||
			strings.HasPrefix(path.Clean(name), "..") {
			return r.problems("Path not allowed", r.project.Range, fmt.Sprintf("%s restricts paths, and %q is none of a repository.", r.project.Address, name))
		}
		name = path.Clean(name)
	}
	restricts := false
	var last string
	for _, rule := range r.paths {
		if !rule.about(url) {
			restricts = restricts || !rule.Deny
			continue
		}
		if rule.Deny {
			if pattern, ok := rule.matches(name); ok {
				return r.problems("Path not allowed", rule.Range, fmt.Sprintf(
					"%s denies the path %q of %s: source.paths has %q.", r.project.Address, name, shown(location.URL), pattern))
			}
			continue
		}
		restricts, last = true, rule.Range
		if _, ok := rule.matches(name); ok || name == "" {
			return r.deniedPath(location, url, name)
		}
	}
	if !restricts {
		return nil
	}
	return r.problems("Path not allowed", at(last, r.project.Range), fmt.Sprintf(
		"%s does not allow the path %q of %s; it allows %s. Add a source block to it to allow it.",
		r.project.Address, name, shown(location.URL), r.allowedPaths()))
}

// deniedPath asks every rule that denies, wherever it stands.
func (r *Rules) deniedPath(location source.Location, url, name string) []plan.Problem {
	for _, rule := range r.paths {
		if !rule.Deny || !rule.about(url) {
			continue
		}
		if pattern, ok := rule.matches(name); ok {
			return r.problems("Path not allowed", rule.Range, fmt.Sprintf(
				"%s denies the path %q of %s: source.paths has %q.", r.project.Address, name, shown(location.URL), pattern))
		}
	}
	return nil
}

func (r *Rules) allowedPaths() string {
	var parts []string
	for _, rule := range r.paths {
		if !rule.Deny {
			parts = append(parts, fmt.Sprintf("the paths [%s] of [%s]", quoted(rule.Paths), anyOf(rule.Repositories)))
		}
	}
	return strings.Join(parts, "; ")
}

// Within is a location's tree, of which no file can be read that the project does not
// allow: not by another path, nor through a symbolic link. It is the tree itself where the
// project restricts no paths.
func (r *Rules) Within(location source.Location, tree fs.FS) fs.FS {
	if r == nil || len(r.paths) == 0 || tree == nil || location.Type == source.Inline || location.Type == source.Directory {
		return tree
	}
	return &within{rules: r, location: location, tree: tree}
}

// within is a tree of which files may be read that rules allow. Folders may be listed:
// names give nothing away that a renderer puts into objects.
type within struct {
	rules    *Rules
	location source.Location
	tree     fs.FS
}

var (
	_ fs.ReadFileFS = (*within)(nil)
	_ fs.ReadDirFS  = (*within)(nil)
	_ fs.StatFS     = (*within)(nil)
)

// Refused is the error of a file that a project does not allow to be read.
type Refused struct{ Problem plan.Problem }

// Error implements error.
func (r *Refused) Error() string { return r.Problem.Detail }

// resolving is a tree that tells where a path leads, through symbolic links.
type resolving interface {
	Resolve(name string) (string, error)
}

// check says whether a file may be read, under its own name and under that which a link
// leads to.
func (w *within) check(op, name string) error {
	names := []string{name}
	if tree, ok := w.tree.(resolving); ok {
		target, err := tree.Resolve(name)
		if err != nil {
			return err
		}
		names = append(names, target)
	}
	for _, name := range names {
		if problems := w.rules.Path(w.location, name); len(problems) > 0 {
			return &fs.PathError{Op: op, Path: name, Err: &Refused{problems[0]}}
		}
	}
	return nil
}

// Open implements fs.FS.
func (w *within) Open(name string) (fs.File, error) {
	file, err := w.tree.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.IsDir() {
		err = w.check("open", name)
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, err
	}
	return file, nil
}

// ReadFile implements fs.ReadFileFS.
func (w *within) ReadFile(name string) ([]byte, error) {
	if err := w.check("read", name); err != nil {
		return nil, err
	}
	return fs.ReadFile(w.tree, name)
}

// ContentID returns the identity of a file's content, where the tree knows it.
func (w *within) ContentID(name string) (string, error) {
	known, ok := w.tree.(interface{ ContentID(string) (string, error) })
	if !ok {
		return "", nil
	}
	id, err := known.ContentID(name)
	if err != nil || id == "" {
		return "", err
	}
	return id, w.check("read", name)
}

// ReadDir implements fs.ReadDirFS.
func (w *within) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(w.tree, name) }

// Stat implements fs.StatFS.
func (w *within) Stat(name string) (fs.FileInfo, error) { return fs.Stat(w.tree, name) }
