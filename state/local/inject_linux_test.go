package local_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/storetest/soak"
)

// victim is the environment variable that tells a process that a test started in which
// directory it writes.
const victim = "GANTRY_LOCAL_VICTIM"

const oldValue, newValue = "the old value, whole\n", "the new value, which is longer, whole\n"

// traced are the system calls of a write that change the disk.
var traced = []string{"openat", "write", "fsync", "renameat", "renameat2", "rename", "unlinkat", "mkdirat", "flock", "close"}

// TestKilledAtEachSystemCall kills a process that replaces a value, at each system call
// that changes the disk: the value is then the old one or the new one, and the next
// write succeeds.
func TestKilledAtEachSystemCall(t *testing.T) {
	asVictim(t)
	killed := 0
	for call, count := range callsOfAWrite(t) {
		for nth := 1; nth <= count; nth++ {
			dir, version := prepared(t)
			out, err := strace(t, dir, fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, nth))
			switch {
			case err != nil:
				killed++
			case call != "openat" && call != "close": // of these the runtime has some more or less
				t.Errorf("%s %d: the process was not killed:\n%s", call, nth, out)
			}
			oldOrNew(t, dir, version, fmt.Sprintf("killed at %s %d", call, nth))
		}
	}
	if killed == 0 {
		t.Error("nothing was killed")
	}
	t.Logf("survived: %d kills", killed)
}

// TestStoppedAtEachSystemCall stops a process that replaces a value (SIGSTOP) at each system
// call of its write, and writes meanwhile: it need not wait for it to go on, and when it
// does, what it has at hand is not written over that. The calls around the lock are tried
// always, and the others in the long form.
func TestStoppedAtEachSystemCall(t *testing.T) {
	asVictim(t)
	stopped := 0
	for call, count := range callsOfAWrite(t) {
		if !soak.Asked() && call != "flock" && call != "close" && !strings.HasPrefix(call, "rename") {
			continue
		}
		for nth := 1; nth <= count; nth++ {
			dir, _ := prepared(t)
			if !stoppedWriter(t, dir, fmt.Sprintf("inject=%s:signal=SIGSTOP:when=%d", call, nth)) {
				continue
			}
			stopped++
			if value, _, err := local.New(dir).Get(t.Context(), "key"); err != nil || string(value) != "theirs" {
				t.Errorf("stopped at %s %d: it is %q, %v, want what was written meanwhile", call, nth, value, err)
			}
			if leftovers, err := filepath.Glob(filepath.Join(dir, ".tmp-*")); err != nil || len(leftovers) > 0 {
				t.Errorf("stopped at %s %d: left behind: %q, %v", call, nth, leftovers, err)
			}
		}
	}
	if stopped < 2 {
		t.Errorf("%d writes were stopped", stopped)
	}
	t.Logf("survived: %d stops within a write: another took over each, and nothing was written over it", stopped)
}

// stoppedWriter runs a process that is stopped in its write, writes while it is, and lets it
// go on and end. It reports whether it was stopped.
func stoppedWriter(t *testing.T, dir, expression string) bool {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	command := straceCommand(t, dir, expression, "-o", log)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait() // an error, where it is told that another was faster
	}()
	for {
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if text, _ := os.ReadFile(log); bytes.Contains(text, []byte("stopped by SIGSTOP")) {
			break
		}
	}
	store := local.New(dir)
	store.SetPatience(shortPatience)
	_, version, err := store.Get(t.Context(), "key")
	if err == nil {
		_, err = store.Put(t.Context(), "key", []byte("theirs"), version)
	}
	if err != nil {
		t.Errorf("%s: writing meanwhile: %v", expression, err)
	}
	for { // other threads are stopped as well, where they get to as many calls
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", command.Process.Pid)) // it may have ended
		for _, pid := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(pid); err == nil {
				_ = syscall.Kill(n, syscall.SIGCONT)
			}
		}
		select {
		case <-ended:
			return true
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestErrorsOfTheDisk fails each system call of a write in turn, as a full, a failing and
// a read-only disk do: the write says so, and the value is the old one, or the new one
// where the write says that it took place.
func TestErrorsOfTheDisk(t *testing.T) {
	asVictim(t)
	counts := callsOfAWrite(t)
	failed := 0
	for _, fault := range []struct{ call, code string }{
		{"write", "ENOSPC"},
		{"write", "EIO"},
		{"write", "EDQUOT"},
		{"fsync", "EIO"},
		{"fsync", "ENOSPC"},
		{"renameat", "EIO"},
		{"renameat", "ENOSPC"},
		{"renameat", "EROFS"},
		{"openat", "EROFS"},
		{"openat", "EMFILE"},
	} {
		for nth := 1; nth <= counts[fault.call]; nth++ {
			dir, version := prepared(t)
			name := fmt.Sprintf("%s at %s %d", fault.code, fault.call, nth)
			out, err := strace(t, dir, fmt.Sprintf("inject=%s:error=%s:when=%d", fault.call, fault.code, nth))
			value, _, getErr := local.New(dir).Get(t.Context(), "key")
			if err == nil && (getErr != nil || string(value) != newValue) {
				t.Errorf("%s: the write succeeded, and the value is %q, %v:\n%s", name, value, getErr, out)
			}
			if err != nil {
				failed++
			}
			oldOrNew(t, dir, version, name)
			leftovers, globErr := filepath.Glob(filepath.Join(dir, ".tmp-*"))
			if globErr != nil || len(leftovers) > 0 {
				t.Errorf("%s: left behind after the next write: %q, %v", name, leftovers, globErr)
			}
		}
	}
	if failed == 0 {
		t.Error("no write failed")
	}
	t.Logf("survived: %d writes that failed", failed)
}

// TestAReadOnlyFileSystem: what cannot be written can still be read.
func TestAReadOnlyFileSystem(t *testing.T) {
	dir := mounted(t)
	store := local.New(dir)
	version, err := store.Put(t.Context(), "key", []byte("old"), "")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v: %s", err, out)
	}
	if _, err := store.Put(t.Context(), "key", []byte("new"), version); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("Put: %v, want that the file system is read-only", err)
	}
	if err := store.Delete(t.Context(), "key", version); err == nil {
		t.Error("Delete succeeded")
	}
	if value, found, err := store.Get(t.Context(), "key"); err != nil || string(value) != "old" || found != version {
		t.Errorf("Get = %q at %q, %v", value, found, err)
	}
	if keys, err := store.List(t.Context(), ""); err != nil || len(keys) != 1 {
		t.Errorf("List = %q, %v", keys, err)
	}
}

// asVictim is where the process that a test started does its write, and ends.
func asVictim(t *testing.T) {
	t.Helper()
	dir := os.Getenv(victim)
	if dir == "" {
		if _, err := exec.LookPath("strace"); err != nil {
			t.Skip("no strace")
		}
		return
	}
	runtime.LockOSThread()
	store := local.New(dir)
	sum := sha256.Sum256([]byte(oldValue)) // whatever is there meanwhile
	if _, err := store.Put(t.Context(), "key", []byte(newValue), hex.EncodeToString(sum[:])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	os.Exit(0)
}

// prepared returns a store's directory with the old value, and its version.
func prepared(t *testing.T) (dir, version string) {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "state")
	if err != nil {
		t.Fatal(err)
	}
	if version, err = local.New(dir).Put(t.Context(), "key", []byte(oldValue), ""); err != nil {
		t.Fatal(err)
	}
	return dir, version
}

// callsOfAWrite counts the system calls of a process that replaces a value.
func callsOfAWrite(t *testing.T) map[string]int {
	t.Helper()
	dir, _ := prepared(t)
	log := filepath.Join(t.TempDir(), "log")
	if out, err := strace(t, dir, "trace="+strings.Join(traced, ","), "-o", log); err != nil {
		t.Skipf("tracing is not allowed here: %v\n%s", err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	threads, writer := map[string]map[string]int{}, ""
	for _, match := range regexp.MustCompile(`(?m)^(\d+) +(\w+)\(`).FindAllSubmatch(text, -1) {
		thread, call := string(match[1]), string(match[2])
		if threads[thread] == nil {
			threads[thread] = map[string]int{}
		}
		threads[thread][call]++
		if strings.HasPrefix(call, "rename") {
			writer = thread
		}
	}
	counts := threads[writer] // an injection counts the calls of each thread by itself
	if counts["fsync"] < 2 || counts["renameat"]+counts["renameat2"]+counts["rename"] != 1 {
		t.Fatalf("a write is expected to flush a file and a directory, and to rename once: %v", counts)
	}
	return counts
}

// strace runs this test again, in a process that writes into a directory. The error is of
// how the process ended.
func strace(t *testing.T, dir, expression string, flags ...string) (string, error) {
	t.Helper()
	command := straceCommand(t, dir, expression, flags...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), err
}

func straceCommand(t *testing.T, dir, expression string, flags ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	arguments := append([]string{"-f", "-qq", "-e", expression}, flags...)
	if len(flags) == 0 {
		arguments = append(arguments, "-o", os.DevNull)
	}
	arguments = append(arguments, binary, "-test.run=^"+t.Name()+"$")
	command := exec.CommandContext(t.Context(), "strace", arguments...)
	command.Env = append(os.Environ(), victim+"="+dir)
	return command
}

// oldOrNew holds a store to what a write that was cut off may leave, and writes again.
func oldOrNew(t *testing.T, dir, version, name string) {
	t.Helper()
	store := local.New(dir)
	value, found, err := store.Get(t.Context(), "key")
	switch {
	case err != nil:
		t.Errorf("%s: Get: %v", name, err)
		return
	case string(value) == oldValue && found == version, string(value) == newValue:
	default:
		t.Errorf("%s: the value is %q", name, value)
	}
	if keys, err := store.List(t.Context(), ""); err != nil || len(keys) != 1 {
		t.Errorf("%s: List = %q, %v", name, keys, err)
	}
	if _, err := store.Put(t.Context(), "key", []byte("after"), found); err != nil {
		t.Errorf("%s: the next write: %v", name, err)
	}
	if _, err := store.Put(t.Context(), "key", []byte("late"), found); !errors.Is(err, state.ErrConflict) {
		t.Errorf("%s: a write at a version before: %v, want ErrConflict", name, err)
	}
}
