package home

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
)

func TestCheckName(t *testing.T) {
	tests := map[string]bool{
		"default":               true,
		"a":                     true,
		"team-1":                true,
		"0":                     true,
		strings.Repeat("a", 40): true,
		strings.Repeat("a", 41): false,
		"":                      false,
		"-a":                    false,
		"a-":                    false,
		"A":                     false,
		"a.b":                   false,
		"a/b":                   false,
		"..":                    false,
		"a b":                   false,
		"a\n":                   false,
		"ä":                     false,
	}
	for name, ok := range tests {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("CheckName(%q) is %v, want it to pass: %t", name, err, ok)
		}
	}
}

func TestDefaultPath(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want string
	}{
		{"own variable first", map[string]string{"GANTRY_CLUSTER_HOME": "/x", "XDG_STATE_HOME": "/s", "HOME": "/h"}, "/x"},
		{"then XDG", map[string]string{"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/gantry-cluster"},
		{"a relative XDG folder counts for nothing", map[string]string{"XDG_STATE_HOME": "s", "HOME": "/h"}, "/h/.local/state/gantry-cluster"},
		{"then home", map[string]string{"HOME": "/h"}, "/h/.local/state/gantry-cluster"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DefaultPath(func(name string) string { return tt.env[name] })
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
	if _, err := DefaultPath(func(string) string { return "" }); err == nil {
		t.Error("without any variable there is a path")
	}
}

func newHome(t *testing.T) Home {
	t.Helper()
	h, err := New(filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestLock(t *testing.T) {
	h := newHome(t)
	dir := h.Dir("a")
	first, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Lock(); !errors.Is(err, ErrLocked) {
		t.Fatalf("a second lock gives %v, want ErrLocked", err)
	}
	other, err := h.Dir("b").Lock()
	if err != nil {
		t.Fatalf("the lock of another cluster: %v", err)
	}
	if names, err := h.Names(); err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("the names are %v, %v", names, err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := dir.Lock()
	if err != nil {
		t.Fatalf("a lock after the release: %v", err)
	}
	if err := again.Remove(); err != nil {
		t.Fatal(err)
	}
	if dir.Exists() {
		t.Error("the folder is there after it was removed")
	}
	if _, err := os.Stat(h.Path()); err != nil {
		t.Errorf("the home is gone while a cluster is in it: %v", err)
	}
	if err := other.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(h.Path()); !os.IsNotExist(err) {
		t.Errorf("the home is still there after its last cluster: %v", err)
	}
}

// TestLockOfAChild checks that a child with the lock's file holds the lock for as
// long as it has it.
func TestLockOfAChild(t *testing.T) {
	dir := newHome(t).Dir("a")
	lock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // without it, cat ends at once
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	child, err := os.StartProcess("/bin/cat", []string{"cat"}, &os.ProcAttr{Files: []*os.File{read, null, null, lock.File()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Lock(); !errors.Is(err, ErrLocked) {
		t.Errorf("a lock that a child holds gives %v, want ErrLocked", err)
	}
	if err := errors.Join(write.Close(), read.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Lock(); err != nil {
		t.Errorf("a lock after the child's end: %v", err)
	}
}

func TestFilesAreTheOwners(t *testing.T) {
	dir := newHome(t).Dir("a")
	if err := dir.Write([]byte("secret"), "pki", "ca.key"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{
		dir.Path():                0o700,
		dir.Path("pki"):           0o700,
		dir.Path("pki", "ca.key"): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
	entries, err := os.ReadDir(dir.Path("pki"))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the file there is more: %v, %v", entries, err)
	}
}

func TestRecord(t *testing.T) {
	dir := newHome(t).Dir("a")
	if _, err := dir.Record(); !errors.Is(err, ErrUnknown) {
		t.Errorf("the record of a cluster that is not there gives %v, want ErrUnknown", err)
	}
	lock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if r, err := dir.Record(); err != nil || r.Phase != Dead {
		t.Errorf("a folder without a record is %q, %v; want dead", r.Phase, err)
	}
	self, err := process.Find(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	gone := process.ID{PID: self.PID, Start: "1@former"}
	tests := []struct {
		saved      Phase
		supervisor process.ID
		want       Phase
	}{
		{Ready, self, Ready},
		{Ready, gone, Dead},
		{Starting, gone, Dead},
		{Failed, gone, Failed},
	}
	for _, tt := range tests {
		want := Record{Name: "a", Phase: tt.saved, Created: time.Now().UTC(), Nodes: 3, Supervisor: tt.supervisor}
		if err := lock.Save(want); err != nil {
			t.Fatal(err)
		}
		got, err := dir.Record()
		if err != nil {
			t.Fatal(err)
		}
		if got.Phase != tt.want || got.Nodes != want.Nodes || !got.Created.Equal(want.Created) {
			t.Errorf("saved as %+v, read as %+v, want phase %s", want, got, tt.want)
		}
	}
	if err := dir.Write([]byte("{"), "cluster.json"); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Record(); err == nil {
		t.Error("a record that is cut short is read without an error")
	}
}
