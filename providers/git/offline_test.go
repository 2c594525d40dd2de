package git

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/gantrycd/gantry/providers"
)

// Offline, what was fetched before is read by its commit, and no server is asked.
func TestOffline(t *testing.T) {
	u := newRepository(t)
	commit := u.commit(t, text("a.txt", "one"), "first")
	u.git(t, "tag", "v1.0.0")
	server := u.http(t, false, false)
	newest := openAt(t, u.newSource(t), u.location, "main")
	if newest.Pin.Resolved != commit {
		t.Fatalf("main is %s, want %s", newest.Pin.Resolved, commit)
	}
	asked := server.requests.Load()

	u.options.Offline = true
	s := u.newSource(t)
	snapshot := openAt(t, s, u.location, commit)
	if content, err := fs.ReadFile(snapshot.FS, "a.txt"); err != nil || string(content) != "one" {
		t.Errorf("got %q, %v", content, err)
	}
	for _, revision := range []string{"main", "", "v1.0.0", "^1.0", "0123456789012345678901234567890123456789"} {
		if err := openError(t, s, u.location, revision); !errors.Is(err, providers.ErrNotCached) {
			t.Errorf("revision %q: %v", revision, err)
		}
	}
	missing := u.Missing()
	if err := openError(t, s, missing, commit); !errors.Is(err, providers.ErrNotCached) {
		t.Errorf("a repository that was never fetched: %v", err)
	}
	if more := server.requests.Load() - asked; more != 0 {
		t.Errorf("the server got %d requests", more)
	}
}

// A repository on this machine needs no network.
func TestOfflineLocal(t *testing.T) {
	u := newRepository(t)
	commit := u.commit(t, text("a.txt", "one"), "first")
	u.options.Offline = true
	if got := openAt(t, u.newSource(t), u.location, "main").Pin.Resolved; got != commit {
		t.Errorf("main is %s, want %s", got, commit)
	}
}

// A snapshot says by which name its commit was found.
func TestRef(t *testing.T) {
	u := newRepository(t)
	commit := u.commit(t, text("a.txt", "one"), "first")
	u.git(t, "tag", "v1.0.0")
	u.git(t, "tag", "-a", "-m", "x", "v1.2.0")
	s := u.newSource(t)
	for revision, want := range map[string]string{
		"": "HEAD", "HEAD": "HEAD", "main": "refs/heads/main", "refs/heads/main": "refs/heads/main",
		"v1.0.0": "refs/tags/v1.0.0", "^1.0": "refs/tags/v1.2.0", commit: "", commit[:10]: "",
	} {
		snapshot := openAt(t, s, u.location, revision)
		if snapshot.Ref != want || snapshot.Pin.Resolved != commit {
			t.Errorf("revision %q: by %q, at %s", revision, snapshot.Ref, snapshot.Pin.Resolved)
		}
	}
}
