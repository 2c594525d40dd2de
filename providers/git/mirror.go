package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// errNoMirror says that a repository was never fetched.
var errNoMirror = errors.New("there is no mirror yet")

// mirror is a repository's place in the cache:
//
//	<name>-<digest>/
//	  lock         held by whoever fetches
//	  current      the name of the generation in use
//	  <generation> a bare repository; packs are added to it, never removed
//
// Readers take no lock: a generation only grows. One that is damaged, or has
// become many packs, is replaced by a new one, and deleted when no plan can
// still be reading it.
type mirror struct {
	path string
}

// Generations that are no longer current are deleted after retention; fetching
// makes a new one when there are more than maxPacks, which make reading slow.
const (
	retention = 24 * time.Hour
	maxPacks  = 50
)

// Names in a mirror and in a generation.
const (
	lockName    = "lock"
	currentName = "current"
	damagedName = "gantry-damaged"
	packedRefs  = "packed-refs"
)

func newMirror(cacheDir string, at address) (*mirror, error) {
	if cacheDir == "" {
		return nil, errors.New("there is no cache directory for git repositories")
	}
	m := &mirror{path: filepath.Join(cacheDir, at.directory())}
	if err := os.MkdirAll(m.path, 0o700); err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	return m, nil
}

// open opens the current generation: errNoMirror when there is none, and
// errDamaged when it cannot be used.
func (m *mirror) open(limits Limits) (*objects, error) {
	name, err := os.ReadFile(filepath.Join(m.path, currentName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, errNoMirror
	}
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	if !strings.HasPrefix(string(name), generationPrefix) || strings.ContainsAny(string(name), `/\.`) {
		return nil, fmt.Errorf("%w: its file %s is not readable", errDamaged, currentName)
	}
	return openGeneration(filepath.Join(m.path, string(name)), limits)
}

// openGeneration opens a bare repository of the cache after looking whether it
// is whole: packs end as they should, and what its references name is there.
func openGeneration(path string, limits Limits) (*objects, error) {
	if _, err := os.Stat(filepath.Join(path, damagedName)); err == nil {
		return nil, errDamaged
	}
	if err := checkPacks(path); err != nil {
		return nil, fmt.Errorf("%w (%w)", errDamaged, err)
	}
	o, err := openObjects(path, limits)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errDamaged, err)
	}
	o.damaged = func(detail string) error {
		// Should this write fail, the next plan meets the damage again.
		_ = os.WriteFile(filepath.Join(path, damagedName), []byte(detail+"\n"), 0o600)
		return fmt.Errorf("%w (%s)", errDamaged, detail)
	}
	tips, err := readTips(path)
	if err == nil {
		for _, hash := range tips {
			if !o.has(hash) {
				err = fmt.Errorf("object %s is missing", hash)
				break
			}
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w (%w)", errDamaged, err), o.close())
	}
	return o, nil
}

// fetched is the result of a fetch.
type fetched struct {
	objects *objects
	refs    *references
}

// fetch reads the references of upstream and brings what they lead to, or with
// more also these objects. Who is interrupted in it leaves the mirror as it was.
func (m *mirror) fetch(ctx context.Context, dial func(context.Context) (remote, error), more []plumbing.Hash, limits Limits) (*fetched, error) {
	unlock, err := lockFile(ctx, filepath.Join(m.path, lockName))
	if err != nil {
		return nil, err
	}
	defer unlock()
	m.removeOld()
	upstream, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = upstream.Close() }()
	refs, err := upstream.references(ctx)
	if err != nil {
		return nil, err
	}
	o, err := m.open(limits)
	fresh := errors.Is(err, errNoMirror) || errors.Is(err, errDamaged)
	if err != nil && !fresh {
		return nil, err
	}
	if err == nil && countPacks(o.path) > maxPacks {
		fresh = true
		if err := o.close(); err != nil {
			return nil, err
		}
	}
	if fresh {
		return m.fetchFresh(ctx, upstream, refs, more, limits)
	}
	if err := addTo(ctx, o, upstream, refs, more, limits); err != nil {
		return nil, errors.Join(err, o.close())
	}
	return &fetched{objects: o, refs: refs}, nil
}

// fetchFresh makes a new generation. It is built under another name, and current
// only when it is whole.
func (m *mirror) fetchFresh(ctx context.Context, upstream remote, refs *references, more []plumbing.Hash, limits Limits) (*fetched, error) {
	building, err := os.MkdirTemp(m.path, buildingPrefix)
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(building) }() // nothing is there when all went well
	if err := initialise(building); err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	o, err := openGeneration(building, limits)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(addTo(ctx, o, upstream, refs, more, limits), o.close()); err != nil {
		return nil, err
	}
	name := generationPrefix + strings.TrimPrefix(filepath.Base(building), buildingPrefix)
	if err := os.Rename(building, filepath.Join(m.path, name)); err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	if err := writeFile(filepath.Join(m.path, currentName), []byte(name)); err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	o, err = m.open(limits)
	if err != nil {
		return nil, err
	}
	return &fetched{objects: o, refs: refs}, nil
}

// The prefixes of directories in a mirror: repositories, and those being made.
const (
	generationPrefix = "generation-"
	buildingPrefix   = "building-"
)

// addTo fetches into a generation.
func addTo(ctx context.Context, o *objects, upstream remote, refs *references, more []plumbing.Hash, limits Limits) error {
	wants := missing(o, refs, more)
	if len(wants) > 0 {
		tips, err := readTips(o.path)
		if err != nil {
			return err
		}
		pack, err := upstream.pack(ctx, wants, haves(o, tips))
		if err != nil {
			return err
		}
		limited := &limitedReader{ctx: ctx, r: pack, left: limits.FetchBytes}
		if err := errors.Join(packfile.UpdateObjectStorage(newStorage(o.path, limits.FileBytes), limited), pack.Close()); err != nil {
			return fetchError(ctx, err)
		}
		o.reload()
		if still := missing(o, refs, more); len(still) > 0 {
			return fmt.Errorf("the server did not send object %s, which it offers", still[0])
		}
	}
	return writeTips(o.path, refs)
}

// missing returns the objects that branches and tags lead to, and more, which
// are not there.
func missing(o *objects, refs *references, more []plumbing.Hash) []plumbing.Hash {
	wanted := slices.Clone(more)
	for name, hash := range refs.byName {
		if mirrored(name) {
			wanted = append(wanted, hash)
		}
	}
	if !refs.head.IsZero() {
		wanted = append(wanted, refs.head)
	}
	slices.SortFunc(wanted, func(a, b plumbing.Hash) int { return slices.Compare(a[:], b[:]) })
	wanted = slices.Compact(wanted)
	return slices.DeleteFunc(wanted, o.has)
}

// mirrored reports whether a reference is always fetched. Others, such as
// refs/pull/7/head, are when they are asked for.
func mirrored(name string) bool {
	return strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/")
}

// limitedReader ends with the context, and fails when there is too much.
type limitedReader struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, context.Cause(l.ctx)
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n, errFetchTooLarge
	}
	return n, err
}

// removeOld deletes what interrupted fetches left, and old generations. Failing
// to does no harm.
func (m *mirror) removeOld() {
	current, _ := os.ReadFile(filepath.Join(m.path, currentName))
	entries, _ := os.ReadDir(m.path)
	for _, entry := range entries {
		name := entry.Name()
		info, err := entry.Info()
		old := err == nil && time.Since(info.ModTime()) > retention
		if strings.HasPrefix(name, buildingPrefix) || (strings.HasPrefix(name, generationPrefix) && name != string(current) && old) {
			_ = os.RemoveAll(filepath.Join(m.path, name))
		}
	}
	halves, _ := packsIn(filepath.Join(m.path, string(current)), "tmp_pack_", "")
	for _, half := range halves {
		_ = os.Remove(half)
	}
}

func countPacks(path string) int {
	packs, _ := packsIn(path, "pack-", ".pack")
	return len(packs)
}
