// Package jsonnet renders directories of Jsonnet, and single Jsonnet files.
//
// Every .jsonnet file is evaluated by itself, with the external variables and
// top-level arguments of the source, into an object, an array of objects, nested
// arrays, or a list; .libsonnet files are only imported. YAML and JSON files
// beside them are rendered too, as they are in Argo CD's directories. Imports
// come from the source's tree alone, and there are no native functions, so that
// nothing but the files decides what comes out.
package jsonnet

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

// Renderer renders Jsonnet. Its zero value is ready for use.
type Renderer struct{}

// New returns a Renderer.
func New() *Renderer { return &Renderer{} }

var _ providers.Renderer = (*Renderer)(nil)

// Detect reports whether path is a .jsonnet file, or a folder with .jsonnet
// files and no YAML in it.
func (*Renderer) Detect(tree fs.FS, name string) (bool, error) {
	clean, err := filetree.Clean(name)
	if err != nil {
		return false, err
	}
	info, err := filetree.Stat(tree, clean)
	if err != nil {
		return false, err
	}
	if !info.IsDir() {
		return path.Ext(clean) == ".jsonnet", nil
	}
	entries, err := fs.ReadDir(tree, clean)
	if err != nil {
		return false, err
	}
	has := func(extensions ...string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
			return !e.IsDir() && slices.Contains(extensions, path.Ext(e.Name()))
		})
	}
	return has(".jsonnet") && !has(".yaml", ".yml"), nil
}

// Needs returns nothing.
func (*Renderer) Needs(providers.Input) ([]source.Location, error) { return nil, nil }

// Render evaluates the files in the order of their paths.
func (*Renderer) Render(ctx context.Context, in providers.Input) ([]providers.Rendered, error) {
	options := source.Jsonnet{}
	if in.Spec.Jsonnet != nil {
		options = *in.Spec.Jsonnet
	}
	libraries, err := cleanAll(in.Tree, options.Libraries)
	if err != nil {
		return nil, err
	}
	files, err := find(ctx, in.Tree, in.Spec.Path, options)
	if err != nil {
		return nil, err
	}
	var rendered []providers.Rendered
	for _, file := range files {
		more, err := renderFile(ctx, in.Tree, file, options, libraries)
		if err != nil {
			return nil, err
		}
		rendered = append(rendered, more...)
	}
	return rendered, nil
}

func cleanAll(tree fs.FS, libraries []string) ([]string, error) {
	cleaned := make([]string, len(libraries))
	for i, library := range libraries {
		var err error
		if cleaned[i], err = filetree.Dir(tree, library); err != nil {
			return nil, fmt.Errorf("library: %w", err)
		}
	}
	return cleaned, nil
}

// find lists the files to render. There must be some: to render nothing would
// delete everything.
func find(ctx context.Context, tree fs.FS, name string, options source.Jsonnet) ([]string, error) {
	clean, err := filetree.Clean(name)
	if err != nil {
		return nil, err
	}
	info, err := filetree.Stat(tree, clean)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{clean}, nil
	}
	filter, err := filetree.NewFilter(options.Include, options.Exclude)
	if err != nil {
		return nil, err
	}
	var files []string
	err = filetree.Walk(ctx, tree, clean, options.Recurse, func(file string) error {
		switch path.Ext(file) {
		case ".jsonnet", ".yaml", ".yml", ".json":
			if filter.Match(filetree.Rel(clean, file)) {
				files = append(files, file)
			}
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%q has no .jsonnet file that is included: %w", clean, providers.ErrNotFound)
	}
	return files, err
}

func renderFile(ctx context.Context, tree fs.FS, file string, options source.Jsonnet, libraries []string) ([]providers.Rendered, error) {
	data, err := filetree.ReadFile(tree, file)
	if err != nil {
		return nil, err
	}
	if filetree.Skips(data) {
		return nil, nil
	}
	switch path.Ext(file) {
	case ".yaml", ".yml":
		items, err := yamldoc.YAML(file, data, yamldoc.Options{})
		return fromItems(items, file), err
	case ".json":
		items, err := yamldoc.JSON(file, data, yamldoc.Options{})
		return fromItems(items, file), err
	}
	value, err := evaluate(ctx, tree, file, options, libraries)
	if err != nil {
		return nil, err
	}
	objects, err := yamldoc.FromValue(value)
	if err != nil {
		return nil, &providers.RenderError{File: file, Err: fmt.Errorf("the result %w", err)}
	}
	return fromObjects(objects, file), nil
}

func fromItems(items []yamldoc.Item, file string) []providers.Rendered {
	rendered := make([]providers.Rendered, len(items))
	for i, item := range items {
		rendered[i] = providers.Rendered{Object: item.Object, Origin: item.Origin(file)}
	}
	return rendered
}

func fromObjects(objects []object.Object, file string) []providers.Rendered {
	rendered := make([]providers.Rendered, len(objects))
	for i, o := range objects {
		rendered[i] = providers.Rendered{Object: o, Origin: file}
	}
	return rendered
}
