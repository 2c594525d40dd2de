package sourcelock_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// peer is an upstream that the contract is held to: versions with content, and
// what reads them, anew for each command.
type peer struct {
	location source.Location // at a range, "^1.0"
	kind     lockfile.Kind   // that it is locked as
	// publish makes a version, or moves it where it is there already.
	publish func(t *testing.T, version, content string)
	open    func(t *testing.T) sourcelock.Opener
}

const file = "settings.yaml"

// contract is what holds for every source that has versions.
func contract(t *testing.T, p *peer) {
	ctx := t.Context()
	read := func(lock *sourcelock.Lock, location source.Location) (string, source.Pin, error) {
		t.Helper()
		snapshot, err := lock.Open(ctx, lockfile.Repository, location, p.open(t))
		if err != nil {
			return "", source.Pin{}, err
		}
		content, err := fs.ReadFile(snapshot.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		if snapshot.Pin.Key() != location.Key() {
			t.Errorf("the pin is of %+v, and %+v was asked for", snapshot.Pin.Location, location)
		}
		return string(content), snapshot.Pin, nil
	}
	must := func(lock *sourcelock.Lock, want string) source.Pin {
		t.Helper()
		got, pin, err := read(lock, p.location)
		if err != nil || got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
		return pin
	}
	p.publish(t, "1.0.0", "one")
	empty := &lockfile.File{}

	keep := sourcelock.New(empty, sourcelock.Keep)
	must(keep, "one")
	missing := keep.Missing()
	if len(missing) != 1 || missing[0].Kind != p.kind || missing[0].Requested != "^1.0" || strings.TrimPrefix(missing[0].Version, "v") != "1.0.0" {
		t.Fatalf("missing: %+v", missing)
	}
	if _, _, err := read(sourcelock.New(empty, sourcelock.Strict), p.location); !errors.Is(err, sourcelock.ErrNotLocked) || !strings.Contains(err.Error(), missing[0].Key.String()) || !strings.Contains(err.Error(), missing[0].String()) {
		t.Errorf("strict: %v", err)
	}

	record := sourcelock.New(empty, sourcelock.Record)
	before := must(record, "one")
	must(record, "one") // a source that many read is recorded once
	locked, changes := record.Result(true)
	if want := []sourcelock.Change{{Key: missing[0].Key, Now: &missing[0]}}; !cmp.Equal(want, changes) {
		t.Errorf("changes (-want +got):\n%s", cmp.Diff(want, changes))
	}
	if len(empty.Entries()) != 0 {
		t.Error("the file that was read is changed")
	}

	// Upstream goes on; what is locked stays, and its pin says the same.
	p.publish(t, "1.1.0", "two")
	for _, mode := range []sourcelock.Mode{sourcelock.Keep, sourcelock.Strict, sourcelock.Record} {
		lock := sourcelock.New(locked, mode)
		if pin := must(lock, "one"); pin.Resolved != before.Resolved || pin.Digest != before.Digest && p.kind == lockfile.Chart {
			t.Errorf("mode %d: pinned %+v, was %+v", mode, pin, before)
		}
		if len(lock.Missing()) > 0 {
			t.Errorf("mode %d: missing %v", mode, lock.Missing())
		}
		if again, changes := lock.Result(true); len(changes) > 0 || string(again.Bytes()) != string(locked.Bytes()) {
			t.Errorf("mode %d: changes %v", mode, changes)
		}
	}
	upgrade := sourcelock.New(locked, sourcelock.Upgrade)
	must(upgrade, "two")
	upgraded, changes := upgrade.Result(true)
	if len(changes) != 1 || changes[0].Was == nil || changes[0].Now == nil || changes[0].Was.Version == changes[0].Now.Version {
		t.Fatalf("changes: %+v", changes)
	}
	must(sourcelock.New(upgraded, sourcelock.Strict), "two")

	// Another range is another lock; strict says what the file has.
	other := p.location
	other.Revision = "~1.0"
	if _, _, err := read(sourcelock.New(upgraded, sourcelock.Strict), other); !errors.Is(err, sourcelock.ErrNotLocked) || !strings.Contains(err.Error(), `which has "^1.0" of it`) {
		t.Errorf("another range: %v", err)
	}

	// What nothing asks for any more leaves the file, where all was asked.
	idle := sourcelock.New(upgraded, sourcelock.Record)
	if rest, changes := idle.Result(true); len(rest.Entries()) != 0 || len(changes) != 1 || changes[0].Now != nil {
		t.Errorf("left: %v, changes %v", rest.Entries(), changes)
	}
	if rest, changes := idle.Result(false); len(rest.Entries()) != 1 || len(changes) != 0 {
		t.Errorf("left: %v, changes %v", rest.Entries(), changes)
	}

	// A version that has another content is an error, and never that content.
	p.publish(t, "1.1.0", "evil")
	for _, mode := range []sourcelock.Mode{sourcelock.Record, sourcelock.Upgrade} {
		got, _, err := read(sourcelock.New(upgraded, mode), p.location)
		if !errors.Is(err, sourcelock.ErrMoved) || !strings.Contains(err.Error(), "tampering") || !strings.Contains(err.Error(), missing[0].Key.String()) {
			t.Errorf("mode %d: %q, %v", mode, got, err)
		}
	}
	for _, mode := range []sourcelock.Mode{sourcelock.Keep, sourcelock.Strict} {
		if got, _, err := read(sourcelock.New(upgraded, mode), p.location); got != "two" && !errors.Is(err, sourcelock.ErrMoved) {
			t.Errorf("mode %d: %q, %v", mode, got, err)
		}
	}

	// What is gone is not found, and the message says what to do.
	gone := locked.Clone()
	entry := gone.Entries()[0]
	switch {
	case entry.Revision != "":
		entry.Revision = strings.Repeat("1", 40)
	case p.kind == lockfile.Chart:
		entry.Version = "1.0.7"
	default:
		entry.Digest = "sha256:" + strings.Repeat("1", 64)
	}
	gone.Set(entry)
	if _, _, err := read(sourcelock.New(gone, sourcelock.Keep), p.location); !errors.Is(err, providers.ErrNotFound) || !strings.Contains(err.Error(), "gantry init --upgrade") {
		t.Errorf("gone: %v", err)
	}
}

// fake opens what a function says.
func fake(answer func(source.Location) (*providers.Snapshot, error)) sourcelock.Opener {
	return func(_ context.Context, location source.Location) (*providers.Snapshot, error) {
		snapshot, err := answer(location)
		if snapshot != nil {
			snapshot.Pin.Location = location
		}
		return snapshot, err
	}
}

func commit(n int) string { return fmt.Sprintf("%040x", n) }

// Branches move by design: only modules are held to them, or all after
// LockBranches.
func TestBranches(t *testing.T) {
	at := commit(1)
	open := fake(func(l source.Location) (*providers.Snapshot, error) {
		if l.Revision == commit(1) || l.Revision == commit(2) {
			return &providers.Snapshot{Pin: source.Pin{Resolved: l.Revision}}, nil
		}
		return &providers.Snapshot{Pin: source.Pin{Resolved: at}, Ref: "refs/heads/main"}, nil
	})
	main := source.Location{Type: source.Git, URL: "https://git.example.com/x.git", Revision: "main"}
	resolved := func(lock *sourcelock.Lock, kind lockfile.Kind) string {
		t.Helper()
		snapshot, err := lock.Open(t.Context(), kind, main, open)
		if err != nil {
			t.Fatal(err)
		}
		return snapshot.Pin.Resolved
	}

	free := sourcelock.New(&lockfile.File{}, sourcelock.Strict)
	resolved(free, lockfile.Repository)
	if _, err := free.Open(t.Context(), lockfile.Module, main, open); !errors.Is(err, sourcelock.ErrNotLocked) {
		t.Errorf("a module of a branch is read although it is not locked: %v", err)
	}

	record := sourcelock.New(&lockfile.File{}, sourcelock.Record)
	resolved(record, lockfile.Repository)
	resolved(record, lockfile.Module)
	locked, _ := record.Result(true)
	want := []lockfile.Entry{{Key: lockfile.Key{Kind: lockfile.Module, URL: main.URL, Requested: "main"}, Revision: commit(1)}}
	if diff := cmp.Diff(want, locked.Entries()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	at = commit(2)
	for _, mode := range []sourcelock.Mode{sourcelock.Keep, sourcelock.Strict, sourcelock.Record} {
		lock := sourcelock.New(locked, mode)
		if got := resolved(lock, lockfile.Module); got != commit(1) {
			t.Errorf("mode %d: the module is at %s", mode, got)
		}
		if got := resolved(lock, lockfile.Repository); got != commit(2) {
			t.Errorf("mode %d: the repository is at %s", mode, got)
		}
	}

	// With LockBranches, both.
	all := locked.Clone()
	all.LockBranches = true
	if _, err := sourcelock.New(all, sourcelock.Strict).Open(t.Context(), lockfile.Repository, main, open); !errors.Is(err, sourcelock.ErrNotLocked) {
		t.Errorf("a branch that is not recorded is read: %v", err)
	}
	record = sourcelock.New(all, sourcelock.Record)
	resolved(record, lockfile.Repository)
	resolved(record, lockfile.Module)
	all, _ = record.Result(true)
	at = commit(1)
	if got := resolved(sourcelock.New(all, sourcelock.Strict), lockfile.Repository); got != commit(2) {
		t.Errorf("the repository is at %s", got)
	}

	// And when that ends, the entry of the branch leaves.
	ended := all.Clone()
	ended.LockBranches = false
	record = sourcelock.New(ended, sourcelock.Record)
	resolved(record, lockfile.Repository)
	resolved(record, lockfile.Module)
	if left, _ := record.Result(true); !cmp.Equal(want, left.Entries()) {
		t.Errorf("left: %v", left.Entries())
	}
}

// What says itself what it is needs no lock, whatever the mode.
func TestFixed(t *testing.T) {
	lock := sourcelock.New(&lockfile.File{}, sourcelock.Strict)
	open := fake(func(l source.Location) (*providers.Snapshot, error) {
		return &providers.Snapshot{Pin: source.Pin{Resolved: l.Revision}}, nil
	})
	for _, location := range []source.Location{
		{Type: source.Git, URL: "https://git.example.com/x.git", Revision: commit(1)},
		{Type: source.OCI, URL: "oci://registry.example.com/x", Revision: "sha256:" + strings.Repeat("a", 64)},
		{Type: source.Directory, URL: "manifests"},
	} {
		if _, err := lock.Open(t.Context(), lockfile.Module, location, open); err != nil {
			t.Errorf("%+v: %v", location, err)
		}
	}
	if missing := lock.Missing(); len(missing) > 0 {
		t.Errorf("missing: %v", missing)
	}
	var none *sourcelock.Lock
	if _, err := none.Open(t.Context(), lockfile.Module, source.Location{Type: source.Git, Revision: "main"}, open); err != nil {
		t.Errorf("without a lock: %v", err)
	}
}

// A tag that is gone is no reason to fail: what it led to is still there.
func TestTagIsGone(t *testing.T) {
	entry := lockfile.Entry{Key: lockfile.Key{Kind: lockfile.Module, URL: "https://git.example.com/x.git", Requested: "^1.0"}, Version: "v1.0.0", Revision: commit(1)}
	var file lockfile.File
	file.Set(entry)
	asked := []string{}
	lock := sourcelock.New(&file, sourcelock.Record)
	location := source.Location{Type: source.Git, URL: entry.URL, Revision: "^1.0"}
	_, err := lock.Open(t.Context(), lockfile.Module, location, fake(func(l source.Location) (*providers.Snapshot, error) {
		asked = append(asked, l.Revision)
		if l.Revision != commit(1) {
			return nil, providers.ErrNotFound
		}
		return &providers.Snapshot{Pin: source.Pin{Resolved: commit(1)}}, nil
	}))
	if diff := cmp.Diff([]string{commit(1), "refs/tags/v1.0.0"}, asked); diff != "" || err != nil {
		t.Errorf("%v, asked (-want +got):\n%s", err, diff)
	}
	if result, changes := lock.Result(true); len(changes) > 0 || len(result.Entries()) != 1 {
		t.Errorf("changes: %v", changes)
	}
	// That the server cannot be asked is one.
	lock = sourcelock.New(&file, sourcelock.Record)
	_, err = lock.Open(t.Context(), lockfile.Module, location, fake(func(l source.Location) (*providers.Snapshot, error) {
		if l.Revision != commit(1) {
			return nil, providers.ErrUnreachable
		}
		return &providers.Snapshot{Pin: source.Pin{Resolved: commit(1)}}, nil
	}))
	if !errors.Is(err, providers.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

// Tags of a registry that are no versions move by design, as branches do.
func TestMovingTags(t *testing.T) {
	open := fake(func(l source.Location) (*providers.Snapshot, error) {
		resolved := l.Revision
		switch resolved {
		case "":
			resolved = "latest"
		case "1.x":
			resolved = "1.2"
		}
		return &providers.Snapshot{Pin: source.Pin{Resolved: resolved, Digest: "sha256:" + strings.Repeat("a", 64)}}, nil
	})
	for revision, want := range map[string]int{"latest": 0, "": 0, "1.2": 0, "1.2.3": 1, "v1.2.3": 1, "1.x": 1} {
		lock := sourcelock.New(&lockfile.File{}, sourcelock.Keep)
		if _, err := lock.Open(t.Context(), lockfile.Repository, source.Location{Type: source.OCI, URL: "oci://registry.example.com/x", Revision: revision}, open); err != nil {
			t.Fatal(err)
		}
		if got := len(lock.Missing()); got != want {
			t.Errorf("%q: %d to be locked, want %d", revision, got, want)
		}
	}
}
