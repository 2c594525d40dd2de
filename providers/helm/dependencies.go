package helm

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
)

// resolve adds the dependencies that Chart.yaml names and the charts folder has
// not, as "helm dependency build" would: from a folder of the same tree, or from
// a repository.
func (l *chartLoader) resolve(c *chart.Chart, tree fs.FS, dir string, depth int) error {
	r := resolver{loader: l, chart: c, tree: tree, dir: dir, depth: depth + 1, added: map[string]bool{}}
	for _, dependency := range c.Metadata.Dependencies {
		if r.isPresent(dependency) {
			continue
		}
		if err := r.add(dependency); err != nil {
			file := path.Join(dir, chartFile)
			return &providers.RenderError{File: file, Err: fmt.Errorf("dependency %q: %w", dependency.Name, err)}
		}
	}
	return nil
}

type resolver struct {
	loader *chartLoader
	chart  *chart.Chart
	tree   fs.FS
	dir    string
	depth  int
	added  map[string]bool // keys of locations and folders: two aliases share one chart
}

// isPresent reports whether the charts folder has a dependency. Like Helm, it
// goes by the name, and by the version where the name is asked for twice.
func (r *resolver) isPresent(dependency *chart.Dependency) bool {
	asked := 0
	for _, other := range r.chart.Metadata.Dependencies {
		if other.Name == dependency.Name {
			asked++
		}
	}
	for _, child := range r.chart.Dependencies() {
		if child.Name() == dependency.Name && (asked == 1 || chartutil.IsCompatibleRange(dependency.Version, child.Metadata.Version)) {
			return true
		}
	}
	return false
}

func (r *resolver) add(dependency *chart.Dependency) error {
	repository := dependency.Repository
	switch {
	case repository == "":
		return fmt.Errorf("is not in the charts folder and names no repository: %w", providers.ErrNotFound)
	case strings.HasPrefix(repository, "file://"):
		return r.addFolder(dependency, strings.TrimPrefix(repository, "file://"))
	case strings.HasPrefix(repository, "https://"), strings.HasPrefix(repository, "http://"):
		return r.addLocation(dependency, source.Location{Type: source.Helm, URL: repository, Chart: dependency.Name})
	case strings.HasPrefix(repository, "oci://"):
		url := strings.TrimSuffix(repository, "/") + "/" + dependency.Name
		return r.addLocation(dependency, source.Location{Type: source.OCI, URL: url})
	default:
		return fmt.Errorf("repository %q: expected an https, http, oci or file URL; names of repositories are known to a machine's Helm only", repository)
	}
}

func (r *resolver) addFolder(dependency *chart.Dependency, folder string) error {
	if strings.HasPrefix(folder, "/") {
		return fmt.Errorf("repository %q: %w", dependency.Repository, filetree.ErrEscape)
	}
	name, err := filetree.Join(r.dir, folder)
	if err != nil {
		return err
	}
	if r.added[name] {
		return nil
	}
	r.added[name] = true
	if _, err := filetree.Stat(r.tree, path.Join(name, chartFile)); err != nil {
		return err
	}
	if r.depth > maxChartDepth {
		return fmt.Errorf("charts depend on each other more than %d deep", maxChartDepth)
	}
	child, err := r.loader.load(r.tree, name, true, r.depth)
	if err != nil {
		return err
	}
	return r.attach(dependency, child)
}

func (r *resolver) addLocation(dependency *chart.Dependency, location source.Location) error {
	version, err := r.version(dependency)
	if err != nil {
		return err
	}
	location.Revision = version
	key := location.Key()
	if r.added[key] {
		return nil
	}
	r.added[key] = true
	if r.loader.collect {
		r.loader.missing = append(r.loader.missing, location)
		return nil
	}
	tree, ok := r.loader.needed[key]
	if !ok {
		return fmt.Errorf("%s %s was not opened: %w", location.URL, version, providers.ErrNotFound)
	}
	child, err := r.loader.load(tree, ".", false, r.depth)
	if err != nil {
		return err
	}
	return r.attach(dependency, child)
}

// version returns what Chart.lock pins, else the range of Chart.yaml.
func (r *resolver) version(dependency *chart.Dependency) (string, error) {
	if r.chart.Lock == nil {
		return dependency.Version, nil
	}
	for _, locked := range r.chart.Lock.Dependencies {
		if locked != nil && locked.Name == dependency.Name && locked.Repository == dependency.Repository &&
			chartutil.IsCompatibleRange(dependency.Version, locked.Version) {
			return locked.Version, nil
		}
	}
	return "", fmt.Errorf("no version is pinned by Chart.lock in %q; run \"helm dependency update\"", dependency.Version)
}

// attach adds a loaded dependency after a look at its name and version.
func (r *resolver) attach(dependency *chart.Dependency, child *chart.Chart) error {
	if child.Name() != dependency.Name {
		return fmt.Errorf("%s holds the chart %q", dependency.Repository, child.Name())
	}
	if !chartutil.IsCompatibleRange(dependency.Version, child.Metadata.Version) {
		return fmt.Errorf("%s holds version %s, expected %q", dependency.Repository, child.Metadata.Version, dependency.Version)
	}
	r.chart.AddDependency(child)
	return nil
}
