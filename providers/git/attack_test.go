package git

import (
	"io/fs"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers/sourcetest"
)

// TestNamesThatBeginWithAHyphen: branches, tags, files and repositories that are called as
// options of programs are names like others: no program is run that could take them for
// options.
func TestNamesThatBeginWithAHyphen(t *testing.T) {
	u := newRepository(t)
	u.commit(t, sourcetest.Files{"-rf": {Content: "file"}, "--help/-x.yaml": {Content: "deeper"}}, "first")
	for _, ref := range []string{"refs/heads/--upload-pack=touch", "refs/heads/-evil", "refs/tags/--output=x", "refs/tags/-"} {
		u.git(t, "update-ref", ref, "HEAD")
	}
	for _, revision := range []string{"--upload-pack=touch", "-evil", "--output=x", "-", "refs/heads/-evil"} {
		snapshot := openAt(t, u.newSource(t), u.location, revision)
		for name, want := range map[string]string{"-rf": "file", "--help/-x.yaml": "deeper"} {
			if got, err := fs.ReadFile(snapshot.FS, name); err != nil || string(got) != want {
				t.Errorf("%s at %s: %q %v", name, revision, got, err)
			}
		}
	}
	_ = openError(t, u.newSource(t), u.location, "--nobody")
	for _, url := range []string{"--upload-pack=touch", "-oProxyCommand=touch:x", "ssh://-oProxyCommand=touch/x", "ext::sh -c touch"} {
		_ = openError(t, u.newSource(t), source.Location{Type: source.Git, URL: url}, "")
	}
}
