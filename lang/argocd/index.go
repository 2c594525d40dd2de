package argocd

import (
	"path"
	"regexp"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// index looks over all objects before the first is turned: what has a name of its
// own, what several share, and what makes others.
func (im *importer) index() {
	im.countDirectories()
	for _, o := range im.objects {
		if o.kind == "ApplicationSet" {
			im.lookAtNames(o)
		}
	}
	for _, o := range im.objects {
		switch o.kind {
		case "AppProject":
			if im.exact.projects {
				im.projects[o.name] = im.exactLabel("project", o.name)
			} else {
				im.projects[o.name] = im.label("project", o.name)
			}
		case "Application":
			im.countSources(o.root.Find("spec"))
			im.findChildren(o)
		case "ApplicationSet":
			im.countSources(o.root.Find("spec", "template", "spec"))
			im.countGenerators(o.root.Find("spec", "generators"))
		case repositorySecret:
			im.repos.need(secretText(o.root, "url"))
		}
	}
	im.repos.settle()
}

// usesName tells that a template refers to a cluster's name.
var usesName = regexp.MustCompile(`\{\{[^}]*(?:^|[\s.({])(?:name|nameNormalized)\b`)

// lookAtNames finds out whether names must be kept to the letter, as they are a
// part of something else: of a path, a value, or of what a template looks up.
func (im *importer) lookAtNames(o *object) {
	spec := o.root.Find("spec")
	im.exact.projects = im.exact.projects || template.Has(spec.Find("template", "spec", "project").Peek())
	if !hasGenerator(spec.Find("generators"), "clusters", "clusterDecisionResource") {
		im.exact.clusters = im.exact.clusters || template.Has(spec.Find("template", "spec", "destination", "name").Peek())
		return
	}
	var walk func(n *manifest.Node)
	walk = func(n *manifest.Node) {
		im.selectsSecretType = im.selectsSecretType || n.Key() == "argocd.argoproj.io/secret-type"
		if n == spec.Find("template", "metadata", "name") || n == spec.Find("template", "spec", "destination", "name") || n == spec.Find("template", "spec", "destination", "server") {
			return
		}
		if usesName.MatchString(n.Peek()) {
			im.exact.clusters = true
		}
		for _, field := range append(n.Fields(), n.Items()...) {
			walk(field)
		}
	}
	walk(spec)
}

func hasGenerator(generators *manifest.Node, types ...string) bool {
	for _, generator := range generators.Items() {
		for _, field := range generator.Fields() {
			for _, name := range types {
				if field.Key() == name {
					return true
				}
			}
			if hasGenerator(field.Find("generators"), types...) {
				return true
			}
		}
	}
	return false
}

// sourcesOf returns the sources of an application's spec, as Argo CD takes them.
func sourcesOf(spec *manifest.Node) []*manifest.Node {
	if dry := spec.Find("sourceHydrator", "drySource"); dry != nil {
		return []*manifest.Node{dry}
	}
	if sources := spec.Find("sources").Items(); len(sources) > 0 {
		return sources
	}
	if source := spec.Find("source"); source != nil {
		return []*manifest.Node{source}
	}
	return nil
}

func (im *importer) countSources(spec *manifest.Node) {
	for _, source := range sourcesOf(spec) {
		im.repos.count(source.Find("repoURL").Peek(), source.Find("chart").Peek(), source.Find("targetRevision").Peek())
	}
}

func (im *importer) countGenerators(generators *manifest.Node) {
	for _, generator := range generators.Items() {
		for _, field := range generator.Fields() {
			if field.Key() == "git" {
				im.repos.count(field.Find("repoURL").Peek(), "", field.Find("revision").Peek())
			}
			im.countSources(field.Find("template", "spec"))
			im.countGenerators(field.Find("generators"))
		}
	}
}

// findChildren finds out whether all that an Application makes is configuration of
// Argo CD which is among the files: then it has no counterpart itself.
func (im *importer) findChildren(o *object) {
	source := sourcesOf(o.root.Find("spec"))
	if len(source) != 1 {
		return
	}
	dir := path.Clean(source[0].Find("path").Peek())
	if dir == "." || dir == "" || strings.HasPrefix(dir, "..") {
		return
	}
	recurse := source[0].Find("directory", "recurse").Peek() == "true"
	children := im.inside(dir, recurse, false)
	if within(o.file, dir, recurse) {
		children--
	}
	if children <= 0 {
		return
	}
	if im.inside(dir, recurse, true) > 0 {
		o.finding(Differs, source[0].Find("path"), "Besides objects of Argo CD, which are imported by themselves (%d), %s holds others. The application would apply all of them: exclude those of Argo CD.", children, dir)
		im.mixed[o] = true
		return
	}
	im.parents[o] = true
}

// directory counts what is in the files of a directory: objects of Argo CD that
// others can make, and others.
type directory struct {
	name           string
	argocd, others int
}

// countDirectories counts what is in every directory, and finds directories by the
// ends of their paths.
func (im *importer) countDirectories() {
	byName := map[string]*directory{}
	at := func(file string) *directory {
		name := path.Dir(path.Clean(file))
		d := byName[name]
		if d == nil {
			d = &directory{name: name}
			byName[name] = d
			im.directories = append(im.directories, d)
			for end := name; ; {
				im.endings[end] = append(im.endings[end], d)
				_, rest, more := strings.Cut(end, "/")
				if end = rest; !more {
					break
				}
			}
		}
		return d
	}
	for _, o := range im.objects {
		if d := at(o.file); o.kind == "Application" || o.kind == "AppProject" || o.kind == "ApplicationSet" {
			d.argocd++
		}
	}
	for _, file := range im.others {
		at(file).others++
	}
}

// inside counts what a directory of a repository holds, whose root may be any of
// the directories that were read.
func (im *importer) inside(dir string, recurse, others bool) int {
	found := im.endings[dir]
	if recurse {
		found = nil
		for _, d := range im.directories {
			if within(d.name+"/file", dir, true) {
				found = append(found, d)
			}
		}
	}
	n := 0
	for _, d := range found {
		if others {
			n += d.others
		} else {
			n += d.argocd
		}
	}
	return n
}

// within reports whether a file is in a directory of a repository, whose root may
// be any of the file's own directories.
func within(file, dir string, recurse bool) bool {
	parent := path.Dir(path.Clean(file))
	if !recurse {
		return parent == dir || strings.HasSuffix(parent, "/"+dir)
	}
	return strings.HasPrefix(parent+"/", dir+"/") || strings.Contains(parent+"/", "/"+dir+"/")
}
