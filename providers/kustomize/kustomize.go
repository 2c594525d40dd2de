// Package kustomize renders kustomizations.
//
// Kustomize itself does the work, on a read-only view of the source's tree, with
// plugins and helmCharts off. A guard reads every kustomization first and refuses
// what would clone, download or run something. The options of a source are
// applied to a copy of the kustomization in memory.
package kustomize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

// Renderer renders kustomizations. Its zero value is ready for use.
type Renderer struct{}

// New returns a Renderer.
func New() *Renderer { return &Renderer{} }

var _ providers.Renderer = (*Renderer)(nil)

// Detect reports whether path is a folder with a kustomization in it.
func (*Renderer) Detect(tree fs.FS, name string) (bool, error) {
	dir, err := filetree.Clean(name)
	if err != nil {
		return false, err
	}
	for _, file := range konfig.RecognizedKustomizationFileNames() {
		if exists, err := filetree.Exists(tree, path.Join(dir, file)); exists || err != nil {
			return exists, err
		}
	}
	return false, nil
}

// Needs returns nothing: what a kustomization takes from elsewhere is refused.
func (*Renderer) Needs(providers.Input) ([]source.Location, error) { return nil, nil }

// Render builds the kustomization and returns the objects in Kustomize's order.
func (*Renderer) Render(ctx context.Context, in providers.Input) ([]providers.Rendered, error) {
	dir, err := filetree.Dir(in.Tree, in.Spec.Path)
	if err != nil {
		return nil, err
	}
	file, err := findKustomization(in.Tree, dir)
	if err != nil {
		return nil, err
	}
	b := build{tree: in.Tree, dir: dir, file: file}
	if options := in.Spec.Kustomize; options != nil && !reflect.ValueOf(*options).IsZero() {
		if b.edited, err = editFile(in.Tree, dir, file, *options); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rendered, err := withoutSchema(b.run)
	if errors.Is(err, errSchema) {
		rendered, err = withSchema(b.run)
	}
	return rendered, err
}

// findKustomization returns the path of a folder's kustomization.
func findKustomization(tree fs.FS, dir string) (string, error) {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := path.Join(dir, name)
		exists, err := filetree.Exists(tree, file)
		if err != nil {
			return "", err
		}
		if exists {
			found = append(found, file)
		}
	}
	switch len(found) {
	case 0:
		return "", filetree.NotFound(tree, path.Join(dir, konfig.DefaultKustomizationFileName()))
	case 1:
		return found[0], nil
	default:
		return "", fmt.Errorf("%q has both %s and %s, expected one", dir, path.Base(found[0]), path.Base(found[1]))
	}
}

func editFile(tree fs.FS, dir, file string, options source.Kustomize) ([]byte, error) {
	data, err := filetree.ReadFile(tree, file)
	if err != nil {
		return nil, err
	}
	g := guard{tree: tree, allowSchemas: true}
	if err := g.check(file, data); err != nil {
		return nil, err
	}
	edited, err := edit(tree, dir, data, options)
	if err != nil {
		return nil, &providers.RenderError{File: file, Err: err}
	}
	return edited, nil
}

// build is one rendering of one kustomization.
type build struct {
	tree   fs.FS
	dir    string
	file   string
	edited []byte // in place of file, where not nil
}

func (b *build) run(allowSchemas bool) (rendered []providers.Rendered, err error) {
	files := &fileSystem{
		tree:   b.tree,
		edited: map[string][]byte{},
		guard:  &guard{tree: b.tree, allowSchemas: allowSchemas},
	}
	if b.edited != nil {
		files.edited[b.file] = b.edited
	}
	defer func() {
		if r := recover(); r != nil {
			rendered, err = nil, &providers.RenderError{File: b.file, Err: fmt.Errorf("kustomize failed: %v", r)}
		}
	}()
	objects, err := krusty.MakeKustomizer(&krusty.Options{
		Reorder:          krusty.ReorderOptionUnspecified,
		LoadRestrictions: types.LoadRestrictionsRootOnly,
		PluginConfig:     types.DisabledPluginConfig(),
	}).Run(files, absolute(b.dir))
	if files.denied != nil {
		return nil, files.denied
	}
	if err != nil {
		return nil, explain(b.tree, b.file, err)
	}
	return b.collect(objects)
}

// collect reads what Kustomize made as kubectl would read its output.
func (b *build) collect(objects resmap.ResMap) ([]providers.Rendered, error) {
	var rendered []providers.Rendered
	for _, r := range objects.Resources() {
		data, err := r.MarshalJSON()
		if err != nil {
			return nil, &providers.RenderError{File: b.file, Err: err}
		}
		items, err := yamldoc.JSON(b.file, bytes.TrimSpace(data), yamldoc.Options{})
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			rendered = append(rendered, providers.Rendered{Object: item.Object, Origin: b.file})
		}
	}
	return rendered, nil
}
