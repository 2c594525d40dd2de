package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
)

// Reader reads what a configuration is made of besides its own files.
type Reader interface {
	lang.Reader
	lang.ModuleReader
}

// Reader returns what configurations read the outside world through: the same
// sources that applications are rendered from, so that a repository is fetched once,
// and the same lock file.
func (e *Engine) Reader() Reader { return reader{e} }

type reader struct{ engine *Engine }

// Read opens a location for a generator.
func (r reader) Read(ctx context.Context, location source.Location) (fs.FS, source.Pin, error) {
	snapshot, err := r.engine.openLocation(ctx, location)
	if err != nil {
		return nil, source.Pin{}, err
	}
	return snapshot.FS, snapshot.Pin, nil
}

// ReadModule opens the directory of a module.
func (r reader) ReadModule(ctx context.Context, from lang.ModuleSource) (fs.FS, source.Pin, error) {
	e := r.engine
	snapshot, err := e.options.Lock.Open(ctx, lockfile.Module, from.Requested(), e.openNow)
	if err != nil {
		return nil, source.Pin{}, err
	}
	directory, err := subdirectory(snapshot.FS, from.Subdir)
	if err != nil {
		return nil, source.Pin{}, fmt.Errorf("%s: %w", from.Location.URL, err)
	}
	pin := snapshot.Pin
	pin.Path = from.Subdir
	return directory, pin, nil
}

// subdirectory returns a directory of a tree; for one that is not there the error
// names those that are like it.
func subdirectory(tree fs.FS, name string) (fs.FS, error) {
	if name == "" {
		return tree, nil
	}
	info, err := fs.Stat(tree, name)
	switch {
	case err == nil && info.IsDir():
		return fs.Sub(tree, name)
	case err == nil:
		return nil, fmt.Errorf("%s is a file, and a module is a directory", name)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	entries, listErr := fs.ReadDir(tree, path.Dir(name))
	if listErr != nil {
		return nil, fmt.Errorf("the directory %s is %w", name, providers.ErrNotFound)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	hint := ""
	if near := filetree.Near(path.Base(name), names); len(near) > 0 {
		hint = "; did you mean " + path.Join(path.Dir(name), strings.Join(near, ", ")) + "?"
	}
	return nil, fmt.Errorf("the directory %s is %w%s", name, providers.ErrNotFound, hint)
}
