package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/evidence"
	"github.com/gantrycd/gantry/engine/promote"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lsp/overlay"
)

// trying evaluates the configuration with edits that are not on disk.
type trying struct {
	cli    *cli
	in     *inputs
	dir    string
	reader lang.Reader
	// files are those that evaluating has read, by their slashed path from dir.
	files map[string][]byte
	mu    sync.Mutex
}

// trying reads the configuration as it is, to know its files.
func (c *cli) trying(in *inputs, w *work) (*trying, error) {
	dir, err := filepath.Abs(w.dir)
	if err != nil {
		return nil, err
	}
	return &trying{cli: c, in: in, dir: dir, reader: engine.New(w.with).Reader(), files: map[string][]byte{}}, nil
}

// search finds the edits for changes.
func (t *trying) search(ctx context.Context, config *lang.Config, changes []promote.Change) (map[string][]byte, error) {
	if _, err := t.evaluate(ctx, nil, true); err != nil {
		return nil, err
	}
	if err := t.readVarFiles(); err != nil {
		return nil, err
	}
	search := &promote.Search{
		Before: config, Files: t.files, Rules: evidence.RulesDigest,
		Evaluate: func(ctx context.Context, files map[string][]byte) (*lang.Config, error) {
			return t.evaluate(ctx, files, false)
		},
	}
	return search.Edit(ctx, changes)
}

// readVarFiles adds the files that --var-file names, where they are beside the configuration.
func (t *trying) readVarFiles() error {
	for _, name := range t.in.varFiles {
		key, err := t.key(name)
		if err != nil {
			return err
		}
		if t.files[key], err = os.ReadFile(name); err != nil {
			return failure("Cannot read configuration", err)
		}
	}
	return nil
}

// key is the slashed path of a file from the configuration's directory.
func (t *trying) key(name string) (string, error) {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(t.dir, absolute)
	return filepath.ToSlash(relative), err
}

// evaluate evaluates the configuration with some files as they are given.
func (t *trying) evaluate(ctx context.Context, files map[string][]byte, note bool) (*lang.Config, error) {
	documents := map[string][]byte{}
	for name, content := range files {
		documents[filepath.Join(t.dir, filepath.FromSlash(name))] = content
	}
	in, done, err := t.withVarFiles(files)
	if err != nil {
		return nil, err
	}
	defer done()
	layers := overlay.New(documents)
	defer layers.Close()
	open := func(dir string) (fs.FS, error) {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		opened, err := layers.Open(absolute)
		if err != nil || !note {
			return opened, err
		}
		return noting{FS: opened, dir: absolute, of: t}, nil
	}
	tree, err := open(t.dir)
	if err != nil {
		return nil, err
	}
	read, diags, err := t.cli.evaluateTree(ctx, in, t.reader, tree, open)
	if err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, errors.New(firstError(diags))
	}
	return read.config, ctx.Err()
}

// withVarFiles are the inputs with the files of --var-file as they are given.
func (t *trying) withVarFiles(files map[string][]byte) (*inputs, func(), error) {
	out := *t.in
	out.varFiles = slices.Clone(t.in.varFiles)
	var made []string
	done := func() {
		for _, name := range made {
			_ = os.Remove(name) // it is ours, and temporary
		}
	}
	for i, name := range out.varFiles {
		key, err := t.key(name)
		if err != nil {
			return nil, done, err
		}
		content, edited := files[key]
		if !edited {
			continue
		}
		file, err := os.CreateTemp("", "gantry-vars-*-"+filepath.Base(name))
		if err != nil {
			return nil, done, err
		}
		made = append(made, file.Name())
		_, err = file.Write(content)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, done, err
		}
		out.varFiles[i] = file.Name()
	}
	return &out, done, nil
}

// noting is a directory that tells which files are read of it.
type noting struct {
	fs.FS
	dir string
	of  *trying
}

// ReadFile implements fs.ReadFileFS.
func (n noting) ReadFile(name string) ([]byte, error) {
	content, err := fs.ReadFile(n.FS, name)
	if err == nil {
		if key, keyErr := n.of.key(filepath.Join(n.dir, filepath.FromSlash(name))); keyErr == nil {
			n.of.mu.Lock()
			n.of.files[key] = content
			n.of.mu.Unlock()
		}
	}
	return content, err
}

// Stat implements fs.StatFS.
func (n noting) Stat(name string) (fs.FileInfo, error) { return fs.Stat(n.FS, name) }

// ReadDir implements fs.ReadDirFS.
func (n noting) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(n.FS, name) }
