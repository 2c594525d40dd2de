package rendercache

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/gantrycd/gantry/providers"
)

// op is what was asked of a tree.
type op string

const (
	opFile op = "file" // its content
	opList op = "list" // the names in a folder, and what each is
	opStat op = "stat" // whether there is something, and of which kind
)

// read is one thing that a renderer has asked of a tree, and a digest of the answer.
// A nil digest means that it is not there.
type read struct {
	tree   string
	op     op
	name   string
	digest []byte
}

// identified are trees that know the identity of a file's content without reading it:
// equal ones are the same content. It is empty where it is not known.
type identified interface {
	ContentID(name string) (string, error)
}

// now is the digest of the answer as it is now.
func (r read) now(tree fs.FS) ([]byte, error) {
	digest, err := digestNow(tree, r.op, r.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return digest, err
}

func digestNow(tree fs.FS, what op, name string) ([]byte, error) {
	switch what {
	case opFile:
		if known, ok := tree.(identified); ok {
			if id, err := known.ContentID(name); err != nil || id != "" {
				return []byte("id " + id), err
			}
		}
		info, err := fs.Stat(tree, name)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			return []byte("folder"), nil
		}
		content, err := fs.ReadFile(tree, name)
		return sum(content), err
	case opList:
		entries, err := fs.ReadDir(tree, name)
		if err != nil {
			return nil, err
		}
		var list []byte
		for _, entry := range entries {
			list = fmt.Appendf(list, "%q %v\n", entry.Name(), entry.Type())
		}
		return sum(list), nil
	case opStat:
		info, err := fs.Stat(tree, name)
		if err != nil {
			return nil, err
		}
		return []byte(info.Mode().Type().String()), nil
	}
	return nil, errMalformed
}

func sum(content []byte) []byte {
	out := sha256.Sum256(content)
	return out[:]
}

// trees are the file systems of an input, by what an entry calls them.
func trees(in providers.Input) map[string]fs.FS {
	out := map[string]fs.FS{}
	if in.Tree != nil {
		out["tree"] = in.Tree
	}
	for name, tree := range in.Refs {
		out["ref "+name] = tree
	}
	for name, tree := range in.Needed {
		out["needed "+name] = tree
	}
	return out
}

// watchers are the file systems of an input, watched.
type watchers map[string]*watcher

// watch returns an input whose file systems note what is asked of them.
func watch(in providers.Input) (providers.Input, watchers) {
	all := watchers{}
	of := func(name string, tree fs.FS) fs.FS {
		w := &watcher{tree: tree, asked: map[question]bool{}}
		all[name] = w
		return w
	}
	if in.Tree != nil {
		in.Tree = of("tree", in.Tree)
	}
	in.Refs, in.Needed = maps.Clone(in.Refs), maps.Clone(in.Needed)
	for name, tree := range in.Refs {
		in.Refs[name] = of("ref "+name, tree)
	}
	for name, tree := range in.Needed {
		in.Needed[name] = of("needed "+name, tree)
	}
	return in, all
}

// reads are what was asked, with the digests of the answers, sorted.
func (w watchers) reads(from map[string]fs.FS) ([]read, error) {
	var out []read
	for name, watcher := range w {
		for q := range watcher.asked {
			r := read{tree: name, op: q.op, name: q.name}
			digest, err := r.now(from[name])
			if err != nil {
				return nil, err
			}
			r.digest = digest
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b read) int {
		return cmp.Or(cmp.Compare(a.tree, b.tree), cmp.Compare(a.name, b.name), cmp.Compare(a.op, b.op))
	})
	return out, nil
}

// firstDiffering returns the first of some reads that has another answer now.
func firstDiffering(reads []read, from map[string]fs.FS) (read, bool) {
	for _, r := range reads {
		tree, ok := from[r.tree]
		if !ok {
			return r, true
		}
		now, err := r.now(tree)
		if err != nil || string(now) != string(r.digest) {
			return r, true
		}
	}
	return read{}, false
}

type question struct {
	op   op
	name string
}

// watcher is a file system that notes what is asked of it. It is safe for concurrent
// use.
type watcher struct {
	tree  fs.FS
	mu    sync.Mutex
	asked map[question]bool
}

var (
	_ fs.ReadFileFS = (*watcher)(nil)
	_ fs.ReadDirFS  = (*watcher)(nil)
	_ fs.StatFS     = (*watcher)(nil)
)

func (w *watcher) note(what op, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[question{what, name}] = true
}

// Open notes the content of a file, or of what is in a folder.
func (w *watcher) Open(name string) (fs.File, error) {
	file, err := w.tree.Open(name)
	w.note(opFile, name)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		w.note(opList, name)
	}
	return file, nil
}

// ReadFile notes the content of a file.
func (w *watcher) ReadFile(name string) ([]byte, error) {
	w.note(opFile, name)
	return fs.ReadFile(w.tree, name)
}

// ReadDir notes the names in a folder.
func (w *watcher) ReadDir(name string) ([]fs.DirEntry, error) {
	w.note(opList, name)
	return fs.ReadDir(w.tree, name)
}

// Stat notes whether something is there.
func (w *watcher) Stat(name string) (fs.FileInfo, error) {
	w.note(opStat, name)
	return fs.Stat(w.tree, name)
}
