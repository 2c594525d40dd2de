package sourcelock_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/sourcelock"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan/source"
)

func TestHolds(t *testing.T) {
	locked := source.Location{Type: source.Git, URL: "https://example.com/a.git", Revision: "^1.0"}
	file := &lockfile.File{}
	file.Set(lockfile.Entry{
		Key:     lockfile.Key{Kind: lockfile.Repository, URL: locked.URL, Requested: locked.Revision},
		Version: "v1.2.3", Revision: strings.Repeat("ab", 20),
	})
	other, commit := locked, locked
	other.Revision, commit.Revision = "^2.0", strings.Repeat("ab", 20)
	for name, c := range map[string]struct {
		lock     *sourcelock.Lock
		location source.Location
		want     bool
	}{
		"what is locked":         {sourcelock.New(file, sourcelock.Keep), locked, true},
		"what is not":            {sourcelock.New(file, sourcelock.Keep), other, false},
		"what says what it is":   {sourcelock.New(file, sourcelock.Keep), commit, false},
		"what is read anew":      {sourcelock.New(file, sourcelock.Upgrade), locked, false},
		"where there is no file": {nil, locked, false},
	} {
		if got := c.lock.Holds(lockfile.Repository, c.location); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
