// Package helm renders Helm charts as "helm template" of the same Helm does:
// with Helm's own template engine, value merging, dependency processing and
// ordering, and without anything that would leave the process.
//
// Charts come from a source's tree, from archives in it, or from the trees of
// the dependencies that Needs names; nothing is downloaded here. lookup finds
// nothing, DNS is off, and value schemas cannot fetch other schemas. A chart may
// still use Sprig's now and random functions; its output then differs each time,
// as it does with Helm.
//
// Objects come in the order that helm template prints: the CRDs of crds/, then
// the others by kind, then hooks. Hooks stay hooks: they keep their annotations,
// and the engine decides when they run. Test hooks are kept too unless the source
// skips them; no phase of a sync runs them.
package helm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
)

const chartFile = "Chart.yaml"

// Renderer renders charts. Its zero value is ready for use.
type Renderer struct{}

// New returns a Renderer.
func New() *Renderer { return &Renderer{} }

var _ providers.Renderer = (*Renderer)(nil)

// Detect reports whether path is a folder with a Chart.yaml in it.
func (*Renderer) Detect(tree fs.FS, name string) (bool, error) {
	dir, err := filetree.Clean(name)
	if err != nil {
		return false, err
	}
	return filetree.Exists(tree, path.Join(dir, chartFile))
}

// Needs lists the dependencies of the chart that are not in its charts folder:
// charts of Helm repositories and registries, at the version that Chart.lock pins
// or else in the range that Chart.yaml asks for.
func (*Renderer) Needs(in providers.Input) ([]source.Location, error) {
	l := &chartLoader{ctx: context.Background(), collect: true}
	if _, err := l.root(in); err != nil {
		return nil, err
	}
	return l.missing, nil
}

// Render renders the chart.
func (*Renderer) Render(ctx context.Context, in providers.Input) ([]providers.Rendered, error) {
	options := source.HelmOptions{}
	if in.Spec.Helm != nil {
		options = *in.Spec.Helm
	}
	l := &chartLoader{ctx: ctx, needed: in.Needed}
	c, err := l.root(in)
	if err != nil {
		return nil, err
	}
	if c.Metadata.Type == "library" {
		return nil, &providers.RenderError{File: path.Join(in.Spec.Path, chartFile), Err: errors.New("is a library chart, which has nothing to install")}
	}
	set, err := values(in, options)
	if err != nil {
		return nil, err
	}
	top, err := prepare(ctx, c, set, in, options)
	if err != nil {
		return nil, err
	}
	p := printer{chart: c, dir: in.Spec.Path, options: options}
	files, err := execute(ctx, c, top, in.Later)
	if err != nil {
		return nil, p.explain(err)
	}
	return p.print(files)
}

// prepare applies the values to a chart and its dependencies, and returns what
// templates see.
func prepare(ctx context.Context, c *chart.Chart, values map[string]any, in providers.Input, options source.HelmOptions) (top common.Values, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("chart %s: its values cannot be merged: %v", c.Name(), r)
		}
	}()
	release := common.ReleaseOptions{
		Name:      firstOf(options.ReleaseName, in.Name),
		Namespace: firstOf(options.Namespace, in.Namespace, "default"),
		Revision:  1,
		IsInstall: true,
	}
	if err := chartutil.ValidateReleaseName(release.Name); err != nil {
		return nil, fmt.Errorf("release name %q: %w", release.Name, err)
	}
	capabilities, err := newCapabilities(in.Capabilities, options)
	if err != nil {
		return nil, err
	}
	if wants := c.Metadata.KubeVersion; wants != "" && !chartutil.IsCompatibleRange(wants, capabilities.KubeVersion.String()) {
		return nil, fmt.Errorf("chart %s requires Kubernetes %s, and this is %s", c.Name(), wants, capabilities.KubeVersion.Version)
	}
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		return nil, fmt.Errorf("chart %s: dependencies: %w", c.Name(), err)
	}
	top, err = util.ToRenderValuesWithSchemaValidation(c, values, release, capabilities, true)
	if err != nil {
		return nil, fmt.Errorf("chart %s: values: %w", c.Name(), err)
	}
	if !options.SkipSchemaValidation {
		merged, err := top.Table("Values")
		if err != nil {
			return nil, fmt.Errorf("chart %s: values: %w", c.Name(), err)
		}
		if err := validate(ctx, c, merged, in.Spec.Path); err != nil {
			return nil, err
		}
	}
	return top, nil
}

func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
