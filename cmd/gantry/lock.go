package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// lockMode is how the lock file is used by a command that does not write it.
func (in *inputs) lockMode() sourcelock.Mode {
	if in.locked {
		return sourcelock.Strict
	}
	return sourcelock.Keep
}

// openLock reads the lock file for a command that does not write it. What is wrong
// with the file has been told when there is an error.
func (c *cli) openLock(dir string, mode sourcelock.Mode) (*sourcelock.Lock, error) {
	file, files, diags := readLock(dir)
	c.printDiagnostics(files, diags)
	if diags.HasErrors() {
		return nil, exitCode(exitError)
	}
	return sourcelock.New(file, mode), nil
}

// readLock reads the lock file, and its text for showing diagnostics. The file is
// nil where anything is wrong with it.
func readLock(dir string) (*lockfile.File, map[string]*hcl.File, hcl.Diagnostics) {
	file, src, diags := lockfile.Read(dir)
	files := map[string]*hcl.File{}
	if src != nil {
		files[filepath.Join(dir, lockfile.Name)] = &hcl.File{Bytes: src}
	}
	return file, files, diags
}

// moduleReader returns what modules are read with: the reader itself, or without
// one the cache, as the lock file says, that of tree or without one that on disk.
// Where that is wrong, the diagnostics say so.
func (c *cli) moduleReader(dir string, tree fs.FS, in *inputs, reader lang.Reader) (lang.ModuleReader, map[string]*hcl.File, hcl.Diagnostics) {
	if modules, ok := reader.(lang.ModuleReader); ok {
		return modules, nil, nil
	}
	file, files, diags := lockAt(dir, tree)
	if diags.HasErrors() {
		return noModules{errors.New("the lock file is not valid")}, files, diags
	}
	cache, err := c.cache()
	if err != nil {
		return noModules{err}, files, diags
	}
	offline := engine.New(engine.Options{
		Sources: c.sources(dir, cache, true), Lock: sourcelock.New(file, in.lockMode()),
	})
	return cachedModules{offline.Reader()}, files, diags
}

// noModules can read no module, for a reason.
type noModules struct{ err error }

func (m noModules) ReadModule(context.Context, lang.ModuleSource) (fs.FS, source.Pin, error) {
	return nil, source.Pin{}, m.err
}

// cachedModules reads modules from the cache.
type cachedModules struct{ lang.ModuleReader }

func (m cachedModules) ReadModule(ctx context.Context, from lang.ModuleSource) (fs.FS, source.Pin, error) {
	tree, pin, err := m.ModuleReader.ReadModule(ctx, from)
	if errors.Is(err, providers.ErrNotCached) {
		err = fmt.Errorf("%w; run \"gantry init\" first, which does it", err)
	}
	return tree, pin, err
}

// unlocked warns of what a plan read that is not in the lock file.
func unlocked(lock *sourcelock.Lock) hcl.Diagnostics {
	if lock == nil {
		return nil
	}
	const most = 10
	missing := lock.Missing()
	if len(missing) == 0 {
		return nil
	}
	var list strings.Builder
	for i, entry := range missing {
		if i == most {
			fmt.Fprintf(&list, "\n  and %d more", len(missing)-most)
			break
		}
		fmt.Fprintf(&list, "\n  %s: %s", entry.Key, entry)
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagWarning, Summary: "Not in the lock file",
		Detail: fmt.Sprintf("This was read as it is now, and may be something else the next time:%s\nRun \"gantry init\" and commit %s.", list.String(), lockfile.Name),
	}}
}
