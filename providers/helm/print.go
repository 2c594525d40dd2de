package helm

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

// printer turns the output of templates into objects, in the order in which
// helm template prints them.
type printer struct {
	chart    *chart.Chart
	dir      string
	options  source.HelmOptions
	rendered []providers.Rendered
}

func (p *printer) print(files map[string]string) ([]providers.Rendered, error) {
	for name := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(files, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, p.explain(err)
	}
	if !p.options.SkipCRDs {
		for _, crd := range p.chart.CRDObjects() {
			if err := p.crd(crd); err != nil {
				return nil, err
			}
		}
	}
	for _, m := range manifests {
		if err := p.manifest(m.Name, m.Content); err != nil {
			return nil, err
		}
	}
	for _, hook := range hooks {
		if p.options.SkipTests && slices.Contains(hook.Events, release.HookTest) {
			continue
		}
		if err := p.manifest(hook.Path, hook.Manifest); err != nil {
			return nil, err
		}
	}
	return p.rendered, nil
}

// crd adds the objects of a file of crds/, which is no template.
func (p *printer) crd(crd chart.CRD) error {
	file := p.file(crd.Filename)
	items, err := yamldoc.YAML(file, crd.File.Data, yamldoc.Options{LastDuplicateWins: true})
	if err != nil {
		return err
	}
	for _, item := range items {
		p.rendered = append(p.rendered, providers.Rendered{Object: item.Object, Origin: item.Origin(file)})
	}
	return nil
}

// manifest adds the objects of one document that a template made. Lines of it
// are not lines of the template, so that an error does not give them as such.
func (p *printer) manifest(name, content string) error {
	file := p.file(name)
	// Helm prints a line break after each document, which a text at its end may keep.
	items, err := yamldoc.YAML(file, []byte(content+"\n"), yamldoc.Options{LastDuplicateWins: true})
	var at *providers.RenderError
	if errors.As(err, &at) && at.Line > 1 {
		return &providers.RenderError{File: file, Err: fmt.Errorf("the rendered document, line %d: %w", at.Line, at.Err)}
	}
	if errors.As(err, &at) {
		return &providers.RenderError{File: file, Err: fmt.Errorf("the rendered document: %w", at.Err)}
	}
	for _, item := range items {
		p.rendered = append(p.rendered, providers.Rendered{Object: item.Object, Origin: file})
	}
	return err
}

// file turns the name of a template, which starts with the chart's name, into a
// path of the source.
func (p *printer) file(name string) string {
	return path.Join(p.dir, strings.TrimPrefix(name, p.chart.Name()+"/"))
}
