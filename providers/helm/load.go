package helm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
)

// Limits on a chart with everything in it, archives unpacked.
const (
	maxChartBytes = 100 << 20 // as Helm's
	maxChartFiles = 20_000
	maxChartDepth = 16 // of charts in charts
)

// chartLoader loads one chart with its dependencies into memory.
type chartLoader struct {
	ctx    context.Context
	needed map[string]fs.FS // dependencies' trees by Location.Key
	// collect gathers the dependencies that are not in the tree in missing, in
	// place of loading them from needed.
	collect bool
	missing []source.Location

	bytes, files int
}

// root loads the chart of an Input.
func (l *chartLoader) root(in providers.Input) (*chart.Chart, error) {
	dir, err := filetree.Dir(in.Tree, in.Spec.Path)
	if err != nil {
		return nil, err
	}
	if _, err := filetree.Stat(in.Tree, path.Join(dir, chartFile)); err != nil {
		return nil, err
	}
	packaged := in.Spec.Type == source.Helm || in.Spec.Type == source.OCI
	return l.load(in.Tree, dir, !packaged, 0)
}

// load loads the chart in a folder of a tree. An unpackaged chart obeys its
// .helmignore; packaging has done so for the others.
func (l *chartLoader) load(tree fs.FS, dir string, ignored bool, depth int) (*chart.Chart, error) {
	files, err := l.readFolder(tree, dir, ignored)
	if err != nil {
		return nil, err
	}
	c, err := l.assemble(files, dir, depth)
	if err != nil {
		return nil, err
	}
	return c, l.resolve(c, tree, dir, depth)
}

// readFolder reads a chart's files, named from its folder.
func (l *chartLoader) readFolder(tree fs.FS, dir string, ignored bool) ([]*archive.BufferedFile, error) {
	rules := ignore.Empty()
	if ignored {
		var err error
		if rules, err = ignoreRules(tree, dir); err != nil {
			return nil, err
		}
	}
	var files []*archive.BufferedFile
	err := filetree.Walk(l.ctx, tree, dir, true, func(name string) error {
		relative := filetree.Rel(dir, name)
		if skip, err := isIgnored(rules, tree, dir, relative); err != nil || skip {
			return err
		}
		data, err := filetree.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if err := l.spend(len(data)); err != nil {
			return fmt.Errorf("%q: %w", dir, err)
		}
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		files = append(files, &archive.BufferedFile{Name: relative, Data: data})
		return nil
	})
	return files, err
}

// spend counts a file against the limits.
func (l *chartLoader) spend(size int) error {
	if l.files++; l.files > maxChartFiles {
		return fmt.Errorf("the chart has more than %d files", maxChartFiles)
	}
	if l.bytes += size; l.bytes > maxChartBytes {
		return fmt.Errorf("the chart is larger than %d MiB", maxChartBytes>>20)
	}
	return nil
}

func ignoreRules(tree fs.FS, dir string) (*ignore.Rules, error) {
	rules := ignore.Empty()
	file := path.Join(dir, ignore.HelmIgnore)
	exists, err := filetree.Exists(tree, file)
	if err != nil {
		return nil, err
	}
	if exists {
		data, err := filetree.ReadFile(tree, file)
		if err != nil {
			return nil, err
		}
		if rules, err = ignore.Parse(bytes.NewReader(data)); err != nil {
			return nil, &providers.RenderError{File: file, Err: err}
		}
	}
	rules.AddDefaults()
	return rules, nil
}

// isIgnored asks the rules about a file and about each folder that holds it.
func isIgnored(rules *ignore.Rules, tree fs.FS, dir, relative string) (bool, error) {
	for i, c := range relative + "/" {
		if c != '/' {
			continue
		}
		info, err := fs.Stat(tree, path.Join(dir, relative[:i]))
		if err != nil {
			return false, err
		}
		if rules.Ignore(relative[:i], info) {
			return true, nil
		}
	}
	return false, nil
}

// assemble makes a chart of its files, with the charts of its charts folder in
// the order of their names. (Helm's own loader does that in random order, and
// unpacks each archive with a limit of its own.)
func (l *chartLoader) assemble(files []*archive.BufferedFile, place string, depth int) (c *chart.Chart, err error) {
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, &providers.RenderError{File: path.Join(place, chartFile), Err: fmt.Errorf("the chart cannot be read: %v", r)}
		}
	}()
	if depth > maxChartDepth {
		return nil, fmt.Errorf("%q: charts are nested more than %d deep", place, maxChartDepth)
	}
	own, children := partition(files)
	if c, err = loader.LoadFiles(own); err != nil {
		return nil, loadError(place, err)
	}
	for _, name := range slices.Sorted(maps.Keys(children)) {
		child, err := l.child(name, children[name], path.Join(place, "charts", name), depth+1)
		if err != nil {
			return nil, err
		}
		if child != nil {
			c.AddDependency(child)
		}
	}
	return c, nil
}

// partition parts a chart's own files from those of the charts in its charts
// folder, which are named from that folder's entries.
func partition(files []*archive.BufferedFile) (own []*archive.BufferedFile, children map[string][]*archive.BufferedFile) {
	children = map[string][]*archive.BufferedFile{}
	for _, file := range files {
		rest, isChild := strings.CutPrefix(file.Name, "charts/")
		if !isChild || path.Ext(file.Name) == ".prov" {
			own = append(own, file)
			continue
		}
		name, _, _ := strings.Cut(rest, "/")
		children[name] = append(children[name], &archive.BufferedFile{Name: rest, Data: file.Data})
	}
	return own, children
}

// child loads an entry of a charts folder; nil is one that is no chart.
func (l *chartLoader) child(name string, files []*archive.BufferedFile, place string, depth int) (*chart.Chart, error) {
	if strings.IndexAny(name, "_.") == 0 {
		return nil, nil
	}
	if path.Ext(name) == ".tgz" {
		unpacked, err := l.unpack(files[0].Data)
		if err != nil {
			return nil, &providers.RenderError{File: place, Err: err}
		}
		return l.assemble(unpacked, place, depth)
	}
	var inside []*archive.BufferedFile
	for _, file := range files {
		if rest, ok := strings.CutPrefix(file.Name, name+"/"); ok {
			inside = append(inside, &archive.BufferedFile{Name: rest, Data: file.Data})
		}
	}
	if len(inside) == 0 {
		return nil, nil // a file, such as a README
	}
	return l.assemble(inside, place, depth)
}

// loadError places an error of Helm's loader.
func loadError(place string, err error) error {
	text := err.Error()
	for _, file := range []string{"values.yaml", "Chart.lock", "requirements.yaml", "requirements.lock", chartFile} {
		rest, ok := strings.CutPrefix(text, "cannot load "+file+": ")
		if ok {
			return yamlError(path.Join(place, file), errors.New(rest))
		}
	}
	return &providers.RenderError{File: path.Join(place, chartFile), Err: err}
}
