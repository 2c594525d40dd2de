// Package manifests renders directories of plain YAML and JSON, and objects
// written in the configuration itself.
//
// It reads every .yaml, .yml and .json file of a directory, in the order of
// their paths. A file that holds no Kubernetes objects is an error, not
// something to skip in silence; a file that says "# +argocd:skip-file-rendering"
// or "# +gantry:skip-file-rendering" is left out.
package manifests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

// maxTotal is how many bytes of manifests one source may have.
const maxTotal = 256 << 20

// Renderer renders plain manifests. Its zero value is ready for use.
type Renderer struct{}

// New returns a Renderer.
func New() *Renderer { return &Renderer{} }

var _ providers.Renderer = (*Renderer)(nil)

// Detect reports whether path is a folder: plain manifests are what is left when
// no other renderer knows the files.
func (*Renderer) Detect(tree fs.FS, name string) (bool, error) {
	_, err := filetree.Dir(tree, name)
	return err == nil, err
}

// Needs returns nothing.
func (*Renderer) Needs(providers.Input) ([]source.Location, error) { return nil, nil }

// Render returns the objects of a directory, or those of the configuration for
// an Inline source.
func (*Renderer) Render(ctx context.Context, in providers.Input) ([]providers.Rendered, error) {
	if in.Spec.Type == source.Inline {
		return renderInline(in)
	}
	dir, err := filetree.Dir(in.Tree, in.Spec.Path)
	if err != nil {
		return nil, err
	}
	options := source.Manifests{}
	if in.Spec.Manifests != nil {
		options = *in.Spec.Manifests
	}
	filter, err := filetree.NewFilter(options.Include, options.Exclude)
	if err != nil {
		return nil, err
	}
	r := run{tree: in.Tree, dir: dir, filter: filter}
	if err := filetree.Walk(ctx, in.Tree, dir, options.Recurse, r.file); err != nil {
		return nil, err
	}
	if len(r.rendered) == 0 {
		return nil, r.nothing(options)
	}
	return r.rendered, nil
}

// run is one rendering of a directory.
type run struct {
	tree     fs.FS
	dir      string
	filter   filetree.Filter
	files    int
	bytes    int
	rendered []providers.Rendered
}

func (r *run) file(name string) error {
	if !r.filter.Match(filetree.Rel(r.dir, name)) {
		return nil
	}
	decode := yamldoc.YAML
	switch path.Ext(name) {
	case ".yaml", ".yml":
	case ".json":
		decode = yamldoc.JSON
	case ".jsonnet":
		return &providers.RenderError{File: name, Err: errors.New("is Jsonnet in a directory of manifests; " +
			"set a jsonnet block, which renders both, or exclude it")}
	default:
		return nil
	}
	data, err := filetree.ReadFile(r.tree, name)
	if err != nil {
		return err
	}
	r.files++
	if r.bytes += len(data); r.bytes > maxTotal {
		return fmt.Errorf("%q: more than %d MiB of manifests", r.dir, maxTotal>>20)
	}
	if filetree.Skips(data) {
		return nil
	}
	items, err := decode(name, data, yamldoc.Options{})
	if err != nil {
		return hint(err, data)
	}
	for _, item := range items {
		r.rendered = append(r.rendered, providers.Rendered{Object: item.Object, Origin: item.Origin(name)})
	}
	return nil
}

// hint tells about a file that was never meant as a manifest how to leave it out.
func hint(err error, data []byte) error {
	var render *providers.RenderError
	if !errors.As(err, &render) || bytes.Contains(data, []byte("apiVersion")) && !bytes.Contains(data, []byte("kustomize.config.k8s.io/")) {
		return err
	}
	render.Err = fmt.Errorf("%w; if the file is no manifest, exclude it, or put the comment \"# +gantry:skip-file-rendering\" in it", render.Err)
	return render
}

// nothing is the error for a directory without objects: most likely a path or a
// glob is wrong, and to render nothing would delete everything.
func (r *run) nothing(options source.Manifests) error {
	switch {
	case r.files > 0:
		return nil
	case options.Include != "" || options.Exclude != "":
		return fmt.Errorf("%q: include and exclude leave no file to render: %w", r.dir, providers.ErrNotFound)
	case !options.Recurse:
		return fmt.Errorf("%q has no .yaml, .yml or .json file; set recurse to look into its folders: %w", r.dir, providers.ErrNotFound)
	default:
		return fmt.Errorf("%q has no .yaml, .yml or .json file: %w", r.dir, providers.ErrNotFound)
	}
}
