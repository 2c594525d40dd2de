package rendertest

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

// Realworld returns the folder of other people's configurations, $GANTRY_REALWORLD,
// or ../shared/realworld beside the module. It skips the test where that is not
// there.
func Realworld(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("GANTRY_REALWORLD")
	if dir == "" {
		dir = filepath.Join(ownFolder(t), "..", "..", "..", "shared", "realworld")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real-world configurations: %s is not there; set GANTRY_REALWORLD", dir)
	}
	return dir
}

// Find returns the folders below a folder that hold a file of one of the names,
// as slash-separated paths, sorted.
func Find(t testing.TB, dir string, names ...string) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		for _, wanted := range names {
			if !entry.IsDir() && entry.Name() == wanted {
				found = append(found, path.Dir(name))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Objects reads the objects that a command printed.
func Objects(t testing.TB, output []byte) []object.Object {
	t.Helper()
	items, err := yamldoc.YAML("output", output, yamldoc.Options{LastDuplicateWins: true})
	if err != nil {
		t.Fatal(err)
	}
	objects := make([]object.Object, len(items))
	for i, item := range items {
		objects[i] = item.Object
	}
	return objects
}

// Equal reports a difference between what a command printed and what a
// renderer made: the same objects, in the same order. It returns how many
// objects it compared.
func Equal(t testing.TB, want []object.Object, got []providers.Rendered) int {
	t.Helper()
	objects := make([]object.Object, len(got))
	for i, r := range got {
		objects[i] = r.Object
	}
	if names := cmp.Diff(identities(want), identities(objects)); names != "" {
		t.Errorf("objects (-command +renderer):\n%s", names)
		return len(want)
	}
	if diff := cmp.Diff(want, objects); diff != "" {
		t.Errorf("objects (-command +renderer):\n%s", shorten(diff))
	}
	return len(want)
}

func identities(objects []object.Object) []string {
	lines := make([]string, len(objects))
	for i, o := range objects {
		lines[i] = fmt.Sprintf("%s %s", o.APIVersion(), o.ID())
	}
	return lines
}

func shorten(diff string) string {
	lines := strings.Split(diff, "\n")
	if len(lines) > 60 {
		lines = append(lines[:60], fmt.Sprintf("... and %d more lines", len(lines)-60))
	}
	return strings.Join(lines, "\n")
}
