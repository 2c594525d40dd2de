// Package sourcelock holds what a command reads to the lock file: what is locked
// is read as it is locked, what is not is reported, refused or recorded.
//
// It opens nothing itself and knows no module or application; the engine asks it
// around every source that it opens. The file's form is lang/lockfile's.
package sourcelock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// Mode is how a command uses the lock file.
type Mode int

// The modes.
const (
	// Keep reads what is locked as it is locked, and what is not as it is now;
	// Missing tells of that.
	Keep Mode = iota
	// Strict refuses what is not locked.
	Strict
	// Record is Keep, looks whether tags are where they were, and gathers what the
	// lock file is to hold.
	Record
	// Upgrade is Record, but for everything as it is now.
	Upgrade
)

// Reasons that callers branch on.
var (
	ErrNotLocked = errors.New("not in the lock file")
	ErrMoved     = errors.New("moved since it was locked")
)

// Lock is a lock file in use by one command. It is safe for concurrent use.
type Lock struct {
	file *lockfile.File
	mode Mode

	mu   sync.Mutex
	used map[lockfile.Key]lockfile.Entry // what was read, as the lock file has it or should
}

// New returns a Lock of a file, which it does not change.
func New(file *lockfile.File, mode Mode) *Lock {
	return &Lock{file: file, mode: mode, used: map[lockfile.Key]lockfile.Entry{}}
}

// Opener opens a location; providers.Source.Open is one.
type Opener func(ctx context.Context, location source.Location) (*providers.Snapshot, error)

// Open opens a location of a kind (lockfile.Module, or lockfile.Repository for
// whatever objects are read from) as the lock file has it. The snapshot's pin has
// the location as it was asked for. What says itself what it is, such as a commit or
// a digest, and what is on this machine beside the configuration, has no lock.
func (l *Lock) Open(ctx context.Context, kind lockfile.Kind, location source.Location, open Opener) (*providers.Snapshot, error) {
	if l == nil || isFixed(location) {
		return open(ctx, location)
	}
	key := keyOf(kind, location)
	entry, locked := l.file.Get(key)
	switch {
	case !locked || l.mode == Upgrade:
	case l.mode == Record && entry.Version == "" && kind != lockfile.Module && !l.file.LockBranches:
		// It may be of a branch, from when those were recorded.
		if snapshot, err := open(ctx, location); err == nil && follows(location, snapshot) {
			return snapshot, nil
		}
		return l.openLocked(ctx, entry, location, open)
	default:
		return l.openLocked(ctx, entry, location, open)
	}
	snapshot, err := open(ctx, location)
	if err != nil {
		return nil, err
	}
	now := entryOf(key, snapshot)
	switch {
	case locked && entry.Version != "" && entry.Version == now.Version && now != entry:
		return nil, moved(entry, now)
	case !l.file.LockBranches && kind != lockfile.Module && follows(location, snapshot):
		return snapshot, nil
	case l.mode == Strict:
		return nil, l.notLocked(now)
	}
	l.use(now)
	return snapshot, nil
}

// openLocked opens what an entry says.
func (l *Lock) openLocked(ctx context.Context, entry lockfile.Entry, location source.Location, open Opener) (*providers.Snapshot, error) {
	at := location
	switch {
	case entry.Revision != "":
		at.Revision = entry.Revision
	case entry.Kind == lockfile.Chart:
		at.Revision = entry.Version
	default:
		at.Revision = entry.Digest
	}
	snapshot, err := open(ctx, at)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return nil, fmt.Errorf("%w; the lock file says %s for %s: if it is gone for good, run \"gantry init --upgrade\"", err, entry, entry.Key)
	case err != nil:
		return nil, err
	case entry.Digest != "" && snapshot.Pin.Digest != entry.Digest:
		return nil, moved(entry, lockfile.Entry{Key: entry.Key, Version: entry.Version, Digest: snapshot.Pin.Digest})
	}
	if l.mode == Record {
		if err := l.verify(ctx, entry, location, open); err != nil {
			return nil, err
		}
	}
	l.use(entry)
	kept := *snapshot
	kept.Pin.Location = location
	if entry.Kind != lockfile.Chart && entry.Digest != "" && entry.Version != "" {
		kept.Pin.Resolved = entry.Version
	}
	return &kept, nil
}

// Holds reports whether the lock file says what a location came to, so that it comes to
// the same every time.
func (l *Lock) Holds(kind lockfile.Kind, location source.Location) bool {
	if l == nil || isFixed(location) || l.mode == Upgrade {
		return false
	}
	_, locked := l.file.Get(keyOf(kind, location))
	return locked
}

// Same reports whether a location comes to the same with two lock files, whatever happens
// where it leads: it says itself what it is, or both have the same of it.
func (l *Lock) Same(other *Lock, kind lockfile.Kind, location source.Location) bool {
	if isFixed(location) {
		return true
	}
	if !l.Holds(kind, location) || !other.Holds(kind, location) {
		return false
	}
	was, _ := other.file.Get(keyOf(kind, location))
	is, _ := l.file.Get(keyOf(kind, location))
	return was == is
}

// verify looks whether the tag of an entry is where it was. One that is gone is no
// harm: what it led to is still there.
func (l *Lock) verify(ctx context.Context, entry lockfile.Entry, location source.Location, open Opener) error {
	if entry.Version == "" || entry.Kind == lockfile.Chart {
		return nil
	}
	at := location
	if at.Revision = entry.Version; entry.Revision != "" {
		at.Revision = tags + entry.Version
	}
	snapshot, err := open(ctx, at)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	if now := entryOf(entry.Key, snapshot); now.Revision != entry.Revision || now.Digest != entry.Digest {
		return moved(entry, now)
	}
	return nil
}

func (l *Lock) use(entry lockfile.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used[entry.Key] = entry
}

// Missing returns what was read and is not in the lock file, sorted.
func (l *Lock) Missing() []lockfile.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var missing []lockfile.Entry
	for key, entry := range l.used {
		if _, locked := l.file.Get(key); !locked {
			missing = append(missing, entry)
		}
	}
	slices.SortFunc(missing, func(a, b lockfile.Entry) int { return a.Compare(b.Key) })
	return missing
}

// Change is how an entry differs between two lock files; nil is none there.
type Change struct {
	Key      lockfile.Key
	Was, Now *lockfile.Entry
}

// Result returns the lock file with what was read, and what that changes, sorted.
// With all, what was not read is left out of it: the command has read everything
// that the configuration asks for.
func (l *Lock) Result(all bool) (*lockfile.File, []Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	result := l.file.Clone()
	var changes []Change
	for _, entry := range l.file.Entries() {
		if _, used := l.used[entry.Key]; !used && all {
			result.Delete(entry.Key)
			changes = append(changes, Change{Key: entry.Key, Was: &entry})
		}
	}
	for key, entry := range l.used {
		was, locked := l.file.Get(key)
		switch {
		case !locked:
			changes = append(changes, Change{Key: key, Now: &entry})
		case was != entry:
			changes = append(changes, Change{Key: key, Was: &was, Now: &entry})
		}
		result.Set(entry)
	}
	slices.SortFunc(changes, func(a, b Change) int { return a.Key.Compare(b.Key) })
	return result, changes
}

// moved says that what cannot change has.
func moved(was, now lockfile.Entry) error {
	return fmt.Errorf("%w: the lock file says %s for %s, and it is now %s. A tag or version that leads elsewhere may be tampering. If it was moved on purpose, remove the block %s from %s and run \"gantry init\"",
		ErrMoved, was, was.Key, now, was.Key, lockfile.Name)
}

// notLocked says what the lock file lacks, and what it has instead.
func (l *Lock) notLocked(now lockfile.Entry) error {
	var others []string
	for _, entry := range l.file.Entries() {
		if entry.Kind == now.Kind && entry.URL == now.URL && entry.Chart == now.Chart {
			others = append(others, fmt.Sprintf("%q", entry.Requested))
		}
	}
	has := ""
	if len(others) > 0 {
		has = ", which has " + strings.Join(others, ", ") + " of it"
	}
	return fmt.Errorf("%s is %w %s%s; it is now %s. Run \"gantry init\" and commit the file", now.Key, ErrNotLocked, lockfile.Name, has, now)
}

const tags = "refs/tags/"

// isFixed reports whether a location needs no lock.
func isFixed(location source.Location) bool {
	switch location.Type {
	case source.Git:
		return isHex(location.Revision, 40)
	case source.OCI:
		digest, ok := strings.CutPrefix(location.Revision, "sha256:")
		return ok && isHex(digest, 64)
	case source.Helm:
		return false
	default:
		return true
	}
}

func isHex(text string, length int) bool {
	return len(text) == length && strings.Trim(text, "0123456789abcdef") == ""
}

// Carried is the entry of a location that asks for the very version that another is locked as,
// where the file has none for it and it needs one: with it, both come to the same.
func Carried(file *lockfile.File, from, to source.Location) (lockfile.Entry, bool) {
	entry, locked := file.Get(keyOf(lockfile.Repository, from))
	key := keyOf(lockfile.Repository, to)
	_, there := file.Get(key)
	if !locked || there || isFixed(to) || entry.Version == "" || entry.Version != to.Revision {
		return lockfile.Entry{}, false
	}
	entry.Key = key
	return entry, true
}

// keyOf is the identity of a location's lock.
func keyOf(kind lockfile.Kind, location source.Location) lockfile.Key {
	key := lockfile.Key{Kind: kind, URL: location.URL, Requested: location.Revision}
	switch {
	case location.Type == source.Helm:
		key.Kind, key.Chart = lockfile.Chart, location.Chart
	case location.Chart != "": // of a registry, the last part of the name
		key.URL = strings.TrimSuffix(location.URL, "/") + "/" + location.Chart
	}
	return key
}

// entryOf is what a location came to.
func entryOf(key lockfile.Key, snapshot *providers.Snapshot) lockfile.Entry {
	entry := lockfile.Entry{Key: key}
	switch pin := snapshot.Pin; pin.Type {
	case source.Git:
		entry.Revision = pin.Resolved
		entry.Version, _ = strings.CutPrefix(snapshot.Ref, tags)
		if entry.Version == snapshot.Ref {
			entry.Version = ""
		}
	case source.OCI:
		if entry.Digest = pin.Digest; isVersion(pin.Resolved) {
			entry.Version = pin.Resolved
		}
	default:
		entry.Version, entry.Digest = pin.Resolved, pin.Digest
	}
	return entry
}

// isVersion reports whether a tag of a registry is a full version, which stays
// where it is; others ("latest", "1.2") move.
func isVersion(tag string) bool {
	_, err := semver.StrictNewVersion(strings.TrimPrefix(tag, "v"))
	return err == nil
}

// follows reports whether a location follows something that moves by design: a
// branch, or a tag of a registry that is no version. What a range chose is none.
func follows(location source.Location, snapshot *providers.Snapshot) bool {
	if tag := snapshot.Pin.Resolved; location.Type == source.OCI {
		return !isVersion(tag) && (location.Revision == tag || location.Revision == "" && tag == "latest")
	}
	return snapshot.Ref != "" && !strings.HasPrefix(snapshot.Ref, tags)
}
