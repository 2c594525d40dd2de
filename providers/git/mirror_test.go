package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/providers"
)

func TestOneFetchPerPlan(t *testing.T) {
	u, commits := history(t)
	server := u.http(t, false, false)
	s := u.newSource(t)
	var group sync.WaitGroup
	for _, revision := range []string{"main", "develop", "v1.0.0", "^1.0", "", commits["two"], "none", "main"} {
		group.Go(func() {
			location := u.location
			location.Revision = revision
			if _, err := s.Open(t.Context(), location); (err != nil) != (revision == "none") {
				t.Errorf("%q: %v", revision, err)
			}
		})
	}
	group.Wait()
	if got := server.requests.Load(); got != 2 { // references, pack
		t.Errorf("%d requests", got)
	}
	// Nothing new: the next plan asks for the references only.
	openAt(t, u.newSource(t), u.location, "main")
	if got := server.requests.Load(); got != 3 {
		t.Errorf("%d requests", got)
	}
	// A commit that is there needs no server at all.
	server.Close()
	for _, id := range []string{commits["one"], commits["three"]} {
		if got := openAt(t, u.newSource(t), u.location, id).Pin.Resolved; got != id {
			t.Errorf("got %s, want %s", got, id)
		}
	}
	// One that fails is asked for once.
	failing := u.newSource(t)
	first := openError(t, failing, u.location, "main")
	if again := openError(t, failing, u.location, "develop"); !errors.Is(first, providers.ErrUnreachable) || again.Error() != first.Error() {
		t.Errorf("got %v, then %v", first, again)
	}
}

func TestIncrementalFetch(t *testing.T) {
	u := newRepository(t)
	var large strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&large, "%d %x\n", i, i*i*7919)
	}
	u.commit(t, text("large", large.String(), "small", "1"), "first")
	server := u.http(t, false, false)
	openAt(t, u.newSource(t), u.location, "")
	whole := server.received.Load()
	u.commit(t, text("large", large.String(), "small", "2"), "second")
	snapshot := openAt(t, u.newSource(t), u.location, "")
	if content, err := fs.ReadFile(snapshot.FS, "small"); err != nil || string(content) != "2" {
		t.Errorf("%q, %v", content, err)
	}
	if content, err := fs.ReadFile(snapshot.FS, "large"); err != nil || string(content) != large.String() {
		t.Errorf("%d bytes, %v", len(content), err)
	}
	if more := server.received.Load() - whole; more > 5000 || whole < 50_000 {
		t.Errorf("the first fetch was %d bytes, the second %d", whole, more)
	}
	// History that was rewritten upstream is no obstacle.
	u.git(t, "reset", "-q", "--soft", "HEAD~1")
	rewritten := u.commit(t, text("small", "3"), "another second")
	if got := openAt(t, u.newSource(t), u.location, "").Pin.Resolved; got != rewritten {
		t.Errorf("got %s, want %s", got, rewritten)
	}
}

func TestSharedByProcesses(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("a", "1"), "first")
	u.http(t, false, false)
	var group sync.WaitGroup
	for range 6 { // each Source is as a process of its own: it shares the disk only
		s := u.newSource(t)
		group.Go(func() {
			snapshot, err := s.Open(t.Context(), u.location)
			if err != nil {
				t.Error(err)
				return
			}
			if content, err := fs.ReadFile(snapshot.FS, "a"); err != nil || string(content) != "1" {
				t.Errorf("%q, %v", content, err)
			}
		})
	}
	group.Wait()
	if packs := countPacks(generation(t, u)); packs != 1 {
		t.Errorf("%d packs", packs)
	}
}

func TestLockedByAnother(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("a", "1"), "first")
	u.http(t, false, false)
	at, err := parseAddress(u.location.URL)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMirror(u.cache, at)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := lockFile(t.Context(), filepath.Join(m.path, lockName))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*lockPoll)
	defer cancel()
	s := u.newSource(t)
	if _, err := s.Open(ctx, u.location); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("with the lock held: %v", err)
	}
	unlock()
	openAt(t, s, u.location, "")
}

// generation returns the current generation's directory.
func generation(t *testing.T, u *upstreamRepository) string {
	t.Helper()
	at, err := parseAddress(u.location.URL)
	if err != nil {
		t.Fatal(err)
	}
	current, err := os.ReadFile(filepath.Join(u.cache, at.directory(), currentName))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(u.cache, at.directory(), string(current))
}

func pack(t *testing.T, u *upstreamRepository, suffix string) string {
	t.Helper()
	packs, err := filepath.Glob(filepath.Join(generation(t, u), "objects", "pack", "pack-*."+suffix))
	if err != nil || len(packs) == 0 {
		t.Fatalf("%v, %v", packs, err)
	}
	return packs[0]
}

func change(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedMirror(t *testing.T) {
	half := func(b []byte) []byte { return b[:len(b)/2] }
	flip := func(b []byte) []byte {
		for i := 40; i < len(b)-20; i += 7 {
			b[i] ^= 0x55
		}
		return b
	}
	for name, damage := range map[string]func(t *testing.T, u *upstreamRepository){
		"pack cut short": func(t *testing.T, u *upstreamRepository) { change(t, pack(t, u, "pack"), half) },
		"pack empty": func(t *testing.T, u *upstreamRepository) {
			change(t, pack(t, u, "pack"), func([]byte) []byte { return nil })
		},
		"pack altered":    func(t *testing.T, u *upstreamRepository) { change(t, pack(t, u, "pack"), flip) },
		"index cut short": func(t *testing.T, u *upstreamRepository) { change(t, pack(t, u, "idx"), half) },
		"index gone":      func(t *testing.T, u *upstreamRepository) { remove(t, pack(t, u, "idx")) },
		"pack gone":       func(t *testing.T, u *upstreamRepository) { remove(t, pack(t, u, "pack")) },
		"generation gone": func(t *testing.T, u *upstreamRepository) { remove(t, generation(t, u)) },
		"references wrong": func(t *testing.T, u *upstreamRepository) {
			change(t, filepath.Join(generation(t, u), packedRefs), half)
		},
		"current wrong": func(t *testing.T, u *upstreamRepository) {
			change(t, filepath.Join(filepath.Dir(generation(t, u)), currentName), func([]byte) []byte { return []byte("../../etc") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := newRepository(t)
			first := u.commit(t, text("a", strings.Repeat("1", 500), "b/c", "2"), "first")
			u.http(t, false, false)
			openAt(t, u.newSource(t), u.location, "")
			damage(t, u)
			for _, revision := range []string{first, "main"} {
				snapshot := openAt(t, u.newSource(t), u.location, revision)
				for file, want := range map[string]string{"a": strings.Repeat("1", 500), "b/c": "2"} {
					if content, err := fs.ReadFile(snapshot.FS, file); err != nil || string(content) != want {
						t.Errorf("%s at %s: %q, %v", file, revision, content, err)
					}
				}
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// Damage that only shows when a file is read is an error, never wrong content,
// and the next plan's mirror is whole.
func TestDamageFoundLate(t *testing.T) {
	u := newRepository(t)
	var content strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&content, "%x ", i*i*7919)
	}
	u.commit(t, text("big", content.String()), "first")
	u.http(t, false, false)
	s := u.newSource(t)
	openAt(t, s, u.location, "")
	change(t, pack(t, u, "pack"), func(b []byte) []byte {
		b[len(b)/2] ^= 1 // in the only large object
		return b
	})
	snapshot := openAt(t, u.newSource(t), u.location, "")
	if got, err := fs.ReadFile(snapshot.FS, "big"); !errors.Is(err, errDamaged) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	snapshot = openAt(t, u.newSource(t), u.location, "")
	if got, err := fs.ReadFile(snapshot.FS, "big"); err != nil || string(got) != content.String() {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestInterruptedFetch(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("a", "1"), "first")
	server := u.http(t, false, false)
	for _, before := range []bool{false, true} { // a mirror is there
		if before {
			openAt(t, u.newSource(t), u.location, "")
			u.commit(t, text("a", "2"), "second")
		}
		ctx, cancel := context.WithCancel(t.Context())
		stall := func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			_, _ = w.Write([]byte("0008NAK\n0009\x01PACK"))
			_ = http.NewResponseController(w).Flush()
			cancel()
			<-r.Context().Done()
			return true
		}
		server.intercept.Store(&stall)
		s := u.newSource(t)
		location := u.location
		_, err := s.Open(ctx, location)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		server.intercept.Store(nil)
		want := "1"
		if before {
			want = "2"
		}
		for _, after := range []*Source{s, u.newSource(t)} { // another caller of the same plan, and the next plan
			snapshot := openAt(t, after, location, "")
			if content, err := fs.ReadFile(snapshot.FS, "a"); err != nil || string(content) != want {
				t.Errorf("%q, %v", content, err)
			}
		}
		left, _ := filepath.Glob(filepath.Join(filepath.Dir(generation(t, u)), buildingPrefix+"*"))
		halves, _ := filepath.Glob(filepath.Join(generation(t, u), "objects", "pack", "tmp_pack_*"))
		if len(left)+len(halves) > 0 {
			t.Errorf("left behind: %v %v", left, halves)
		}
	}
}
