package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/memory"
)

// brokenStore fails writes from some moment on.
type brokenStore struct {
	state.Store
	broken atomic.Bool
}

func (s *brokenStore) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if s.broken.Load() {
		return "", fmt.Errorf("writing %s: %w", key, syscall.ENOSPC)
	}
	return s.Store.Put(ctx, key, value, version)
}

// unsavedApply applies a plan, and has the state break when a number of requests was
// answered. It returns the file that was saved.
func unsavedApply(t *testing.T, b *enginetest.Bench, after int64, breaks func()) (file string) {
	t.Helper()
	p := b.MustPlan(t, engine.PlanOptions{})
	log, adapt, reached := &requestLog{}, b.Adapt, b.Wrap
	b.Wrap = func(all providers.Clusters) providers.Clusters { return logging{reached(all), log, 1} }
	var answered, late atomic.Int64
	b.Adapt = func(o *engine.Options) {
		if adapt != nil {
			adapt(o)
		}
		o.Parallelism = 1
		o.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
		o.Probe = func(point string) {
			if point == engine.PointAfterRequest && answered.Add(1) == after {
				breaks()
				late.Store(int64(time.Minute)) // what is done is to be written down at the end of a wave
			}
		}
		o.Unsaved = func(run string, document []byte) (string, error) {
			file = filepath.Join(t.TempDir(), "unsaved-"+run+".json")
			return file, os.WriteFile(file, document, 0o600)
		}
	}
	result, diags := b.Apply(t.Context(), t, p)
	b.Adapt, b.Wrap = adapt, reached
	text := said(diags)
	if !diags.HasErrors() || !strings.Contains(text, "State is saved elsewhere") || result.Unsaved != file || file == "" {
		t.Fatalf("nothing was saved: %q, %s", file, text)
	}
	if sent := int64(len(log.sent)); after <= 4 && sent != 4 || sent < after { // four are in the first wave
		t.Errorf("%d requests were sent of %d, although the state broke after %d", sent, p.Counts().Changes(), after)
	}
	return file
}

// pushed takes a file back and returns what became of its records.
func pushed(t *testing.T, records *state.Records, file string) []state.Pushed {
	t.Helper()
	document, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	unsaved, err := records.ImportUnsaved(t.Context(), document)
	if err != nil {
		t.Fatal(err)
	}
	out, err := records.PushUnsaved(t.Context(), unsaved, state.LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestWhatCannotBeRecordedIsSaved: where the state cannot be written, nothing more is
// begun, what is known is saved, and can be taken back: once, and not over what is newer.
func TestWhatCannotBeRecordedIsSaved(t *testing.T) {
	t.Parallel()
	for after := int64(1); after < 8; after += 2 {
		b := inMemory(t)
		store := &brokenStore{Store: memory.New()}
		var err error
		if b.Records, err = state.Open(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		b.Write(t, map[string]string{"web/all.yaml": someObjects(8, 0)})
		file := unsavedApply(t, b, after, func() { store.broken.Store(true) })
		store.broken.Store(false)
		before, _, err := b.Records.Get(t.Context(), web)
		if err != nil || before == nil || len(before.Journal) != 8 || len(before.Objects) != 0 {
			t.Fatalf("the state has %+v, %v; want what was there when the apply began", before, err)
		}
		if got := pushed(t, b.Records, file); len(got) != 1 || !got[0].Taken || got[0].Serial != before.Serial+1 {
			t.Fatalf("pushed: %+v", got)
		}
		record, _, err := b.Records.Get(t.Context(), web)
		if err != nil || int64(len(record.Objects)) < after || record.Claim != nil || len(record.Journal)+len(record.Objects) != 8 {
			t.Fatalf("after %d requests, the record that was taken back has %d objects and %d intents, %v", after, len(record.Objects), len(record.Journal), err)
		}
		if got := pushed(t, b.Records, file); len(got) != 1 || got[0].Taken || got[0].Refused != "" || got[0].Serial != record.Serial {
			t.Errorf("pushed again: %+v", got)
		}
		b.MustApply(t, engine.PlanOptions{})
		if next := b.MustPlan(t, engine.PlanOptions{}); next.HasChanges() {
			t.Errorf("the next plan has %v", next.Counts())
		}
		b.Write(t, map[string]string{"web/all.yaml": someObjects(8, 1)})
		b.MustApply(t, engine.PlanOptions{})
		if got := pushed(t, b.Records, file); len(got) != 1 || got[0].Taken || !strings.Contains(got[0].Refused, "it was written since") {
			t.Errorf("pushed over what is newer: %+v", got)
		}
		other, err := state.Open(t.Context(), memory.New())
		if err != nil {
			t.Fatal(err)
		}
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.ImportUnsaved(t.Context(), document); err == nil || !strings.Contains(err.Error(), "another installation") {
			t.Errorf("taken into another installation: %v", err)
		}
		for _, cut := range []int{0, 1, len(document) / 2, len(document) - 3} {
			if _, err := b.Records.ImportUnsaved(t.Context(), document[:cut]); err == nil {
				t.Errorf("the first %d of %d bytes are taken", cut, len(document))
			}
		}
	}
}

// TestDisksThatFail: the same with the state on a disk that is really full, and on a file
// system that turns read-only.
func TestDisksThatFail(t *testing.T) {
	for name, breaks := range map[string]func(t *testing.T, dir string) (mend func()){
		"full": func(t *testing.T, dir string) func() {
			filler := filepath.Join(dir, "filler")
			fill(t, filler)
			return func() {
				if err := os.Remove(filler); err != nil {
					t.Error(err)
				}
			}
		},
		"read-only": func(t *testing.T, dir string) func() {
			remount(t, dir, syscall.MS_RDONLY)
			return func() { remount(t, dir, 0) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := smallDisk(t)
			b := inMemory(t)
			records, err := state.Open(t.Context(), local.New(dir))
			if err != nil {
				t.Fatal(err)
			}
			b.Records = records
			b.Write(t, map[string]string{"web/all.yaml": someObjects(8, 0)})
			var mend func()
			file := unsavedApply(t, b, 3, func() { mend = breaks(t, dir) })
			broken, _, err := records.Get(t.Context(), web)
			if err != nil || len(broken.Journal) != 8 {
				t.Errorf("while it fails, the state has %+v, %v", broken, err)
			}
			mend()
			if got := pushed(t, records, file); len(got) != 1 || !got[0].Taken {
				t.Fatalf("pushed: %+v", got)
			}
			b.Adapt = func(o *engine.Options) { // its lease could not be removed: its holder is not at work any more
				o.Lease.Dead = func(h state.Holder) bool { return h.Who == "test" }
			}
			b.MustApply(t, engine.PlanOptions{})
			if next := b.MustPlan(t, engine.PlanOptions{}); next.HasChanges() {
				t.Errorf("the next plan has %v", next.Counts())
			}
		})
	}
}

// smallDisk mounts a file system of one megabyte.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	dir := t.TempDir()
	if err := syscall.Mount("gantry-test", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("gantry-test", dir, "tmpfs", syscall.MS_REMOUNT|flags, "size=1m"); err != nil {
		t.Fatal(err)
	}
}

// fill writes a file until there is no more room.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 512)
	for err == nil {
		_, err = file.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the disk does not fill: %v", err)
	}
	_ = file.Close()
}
