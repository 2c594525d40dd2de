//go:build unix

package local_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state/local"
)

// holdAllLocks locks every stripe of a store as another process would.
func holdAllLocks(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, ".locks"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 64 {
		file, err := os.Create(filepath.Join(dir, ".locks", fmt.Sprintf("%02x", i)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	dir := t.TempDir()
	holdAllLocks(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := local.New(dir).Put(ctx, "key", nil, "")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Put while another holds the lock: %v, want DeadlineExceeded", err)
	}
}

// TestAFullDiskKeepsTheOldValue writes in a process whose files may not grow
// beyond some size, which fails in the middle of a write as a full disk does.
func TestAFullDiskKeepsTheOldValue(t *testing.T) {
	const variable = "GANTRY_LOCAL_LIMITED"
	if dir := os.Getenv(variable); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		overfill(t, dir, syscall.EFBIG)
		return
	}
	dir := t.TempDir()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), variable+"="+dir)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestAFullFileSystemKeepsTheOldValue does the same on a file system that is
// really full, where the test may mount one.
func TestAFullFileSystemKeepsTheOldValue(t *testing.T) {
	dir := mounted(t)
	overfill(t, dir, syscall.ENOSPC)
}

// mounted returns a small file system of its own, where the test may mount one.
func mounted(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("mounting a small file system takes root on Linux")
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("mounting is not allowed here: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// overfill replaces a small value by one that does not fit.
func overfill(t *testing.T, dir string, want error) {
	t.Helper()
	store := local.New(dir)
	version, err := store.Put(t.Context(), "key", []byte("old"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "key", make([]byte, 1<<20), version); !errors.Is(err, want) {
		t.Fatalf("Put: %v, want %v", err, want)
	}
	value, found, err := store.Get(t.Context(), "key")
	if err != nil || string(value) != "old" || found != version {
		t.Fatalf("Get = %.20q, %s, %v, want the old value", value, found, err)
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, ".tmp-*"))
	if err != nil || len(leftovers) != 0 {
		t.Errorf("left behind: %q, %v", leftovers, err)
	}
	if _, err := store.Put(t.Context(), "key", []byte("new"), version); err != nil {
		t.Errorf("a value that fits: %v", err)
	}
}
