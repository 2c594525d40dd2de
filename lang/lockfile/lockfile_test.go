package lockfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"
)

const (
	commitA = "1111111111111111111111111111111111111111"
	commitB = "2222222222222222222222222222222222222222"
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

var (
	network = Entry{Key: Key{Kind: Module, URL: "https://git.example.com/modules.git", Requested: "^1.2"}, Version: "v1.2.3", Revision: commitA}
	nginx   = Entry{Key: Key{Kind: Chart, URL: "https://charts.example.com", Chart: "nginx", Requested: "4.*"}, Version: "4.1.0", Digest: digestA}
	config  = Entry{Key: Key{Kind: Repository, URL: "oci://registry.example.com/config", Requested: ""}, Version: "1.0.0", Digest: digestB}
)

func parse(t *testing.T, text string) *File {
	t.Helper()
	file, diags := Parse([]byte(text), Name)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	return file
}

func TestNewFile(t *testing.T) {
	var file File
	file.Set(config)
	file.Set(network)
	file.Set(nginx)
	const want = `# Maintained by "gantry init"; commit it. It says which version, commit or digest
# each module, chart and repository of this configuration came to.

chart "https://charts.example.com" "nginx" "4.*" {
  version = "4.1.0"
  digest  = "` + digestA + `"
}

module "https://git.example.com/modules.git" "^1.2" {
  version  = "v1.2.3"
  revision = "` + commitA + `"
}

repository "oci://registry.example.com/config" "" {
  version = "1.0.0"
  digest  = "` + digestB + `"
}
`
	if diff := cmp.Diff(want, string(file.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := network.String(); got != "v1.2.3 (111111111111…)" {
		t.Errorf("the entry is told as %s", got)
	}
	if got := nginx.Key.String(); got != `chart "https://charts.example.com" "nginx" "4.*"` {
		t.Errorf("the key is told as %s", got)
	}
}

// What people write beside the entries stays where it was.
func TestCommentsAreKept(t *testing.T) {
	const text = `# our own words

lock_branches = true # all of them

# about modules in general

# the network team asked for this one
module "https://git.example.com/b.git" "" { # held back
  revision = "` + commitA + `" # see the runbook
}

# goes with its block
module "https://git.example.com/a.git" "main" {
  # inside
  revision = "` + commitA + `"
}
# the end
`
	file := parse(t, text)
	if !file.LockBranches {
		t.Error("lock_branches is lost")
	}
	first := Key{Kind: Module, URL: "https://git.example.com/b.git"}
	file.Set(Entry{Key: first, Revision: commitB})
	file.Delete(Key{Kind: Module, URL: "https://git.example.com/a.git", Requested: "main"})
	file.Set(nginx)
	const want = `# our own words

lock_branches = true # all of them

# about modules in general

chart "https://charts.example.com" "nginx" "4.*" {
  version = "4.1.0"
  digest  = "` + digestA + `"
}

# the network team asked for this one
module "https://git.example.com/b.git" "" {             # held back
  revision = "` + commitB + `" # see the runbook
}

# the end
`
	if diff := cmp.Diff(want, string(file.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A comment that has an empty line behind it is not the deleted block's own.
	file = parse(t, "# x\n\nmodule \"https://a.example.com/a\" \"1\" {\n  revision = \""+commitA+"\"\n}\n\n# loose\n\n# own\nmodule \"https://a.example.com/b\" \"1\" {\n  revision = \""+commitA+"\"\n}\n")
	file.Delete(Key{Kind: Module, URL: "https://a.example.com/b", Requested: "1"})
	if text := string(file.Bytes()); !strings.Contains(text, "# loose") || strings.Contains(text, "# own") {
		t.Errorf("after deleting:\n%s", text)
	}
}

func TestLockBranches(t *testing.T) {
	var file File
	file.Set(network)
	file.LockBranches = true
	again := parse(t, string(file.Bytes()))
	if !again.LockBranches || !strings.HasPrefix(string(again.Bytes()), header) {
		t.Errorf("got:\n%s", again.Bytes())
	}
	again.LockBranches = false
	if text := string(again.Bytes()); strings.Contains(text, lockBranches) || !strings.HasPrefix(text, header) {
		t.Errorf("got:\n%s", text)
	}
}

func entries() *rapid.Generator[[]Entry] {
	hex := rapid.StringMatching(`[0-9a-f]{40}`)
	digest := rapid.StringMatching(`sha256:[0-9a-f]{64}`)
	text := rapid.OneOf(rapid.StringMatching(`[a-z0-9./^~*<>= "\\$%{}#-]{0,20}`), rapid.StringMatching(`\PC{0,8}`))
	entry := rapid.Custom(func(t *rapid.T) Entry {
		e := Entry{Key: Key{
			Kind: rapid.SampledFrom([]Kind{Chart, Module, Repository}).Draw(t, "kind"),
			URL:  "https://" + text.Draw(t, "url"), Requested: text.Draw(t, "requested"),
		}}
		switch {
		case e.Kind == Chart:
			e.Chart, e.Version, e.Digest = text.Draw(t, "chart"), "v"+text.Draw(t, "version"), digest.Draw(t, "digest")
		case rapid.Bool().Draw(t, "git"):
			e.Version, e.Revision = text.Draw(t, "version"), hex.Draw(t, "revision")
		default:
			e.Version, e.Digest = text.Draw(t, "version"), digest.Draw(t, "digest")
		}
		e.Version, e.Key = cty.NormalizeString(e.Version), e.normal()
		return e
	})
	return rapid.SliceOfNDistinct(entry, 0, 12, func(e Entry) Key { return e.Key })
}

// Whatever is recorded is read again, and the bytes do not depend on the order,
// on how often it is written, or on what the file held before.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := entries().Draw(t, "entries")
		var file, other File
		file.LockBranches = rapid.Bool().Draw(t, "branches")
		other.LockBranches = file.LockBranches
		for i := range drawn {
			file.Set(drawn[i])
			other.Set(drawn[len(drawn)-1-i])
		}
		text := string(file.Bytes())
		if diff := cmp.Diff(text, string(other.Bytes())); diff != "" {
			t.Fatalf("the order matters:\n%s", diff)
		}
		again, diags := Parse([]byte(text), Name)
		if diags.HasErrors() {
			t.Fatalf("%v\n%s", diags, text)
		}
		if diff := cmp.Diff(file.Entries(), again.Entries()); diff != "" {
			t.Fatalf("read again (-want +got):\n%s\n%s", diff, text)
		}
		if again.LockBranches != file.LockBranches {
			t.Fatal("lock_branches is lost")
		}
		if diff := cmp.Diff(text, string(again.Bytes())); diff != "" {
			t.Fatalf("written again:\n%s", diff)
		}
		// Changing every entry, and back, gives the same bytes.
		for _, e := range drawn {
			changed := e
			changed.Version = "another"
			again.Set(changed)
		}
		if changed, diags := Parse(again.Bytes(), Name); diags.HasErrors() || len(changed.Entries()) != len(drawn) {
			t.Fatalf("%v\n%s", diags, again.Bytes())
		}
		for _, e := range drawn {
			again.Set(e)
			if got, ok := again.Get(e.Key); !ok || got != e {
				t.Fatalf("got %v, want %v", got, e)
			}
		}
		if back, diags := Parse(again.Bytes(), Name); diags.HasErrors() || !cmp.Equal(back.Entries(), file.Entries()) {
			t.Fatalf("%v\n%s", diags, again.Bytes())
		}
		for _, e := range drawn {
			again.Delete(e.Key)
		}
		if empty, diags := Parse(again.Bytes(), Name); diags.HasErrors() || len(empty.Entries()) != 0 {
			t.Fatalf("%v\n%s", diags, again.Bytes())
		}
	})
}

// Two people who each add something get a file that merges line by line: what one
// adds is in one place.
func TestAddingIsLocal(t *testing.T) {
	var file File
	file.Set(nginx)
	file.Set(config)
	before := strings.Split(string(file.Bytes()), "\n")
	file.Set(network)
	after := strings.Split(string(file.Bytes()), "\n")
	same := 0
	for same < len(before) && before[same] == after[same] {
		same++
	}
	end := 0
	for end < len(before)-same && before[len(before)-1-end] == after[len(after)-1-end] {
		end++
	}
	if same+end != len(before) {
		t.Errorf("lines that were there have changed:\n%s", file.Bytes())
	}
}

func TestInvalid(t *testing.T) {
	good := `revision = "` + commitA + `"`
	for _, test := range []struct{ name, text, want string }{
		{"syntax", "module \"a\" \"b\" {", Name + ":1,"},
		{"conflict", "# x\n<<<<<<< HEAD\nmodule \"a\" \"b\" {\n" + good + "\n}\n=======\n>>>>>>> other\n", ":2,1-8: Merge conflict"},
		{"unknown block", "modul \"a\" \"b\" {\n" + good + "\n}\n", `:1,1-6: Invalid lock file; There are no blocks "modul" here, but chart, module and repository. Did you mean "module"?`},
		{"labels", "module \"a\" {\n" + good + "\n}\n", ":1,1-11: Invalid lock file; A block \"module\" has 2 labels: the URL and what was asked for."},
		{"chart labels", "chart \"a\" \"b\" {\n" + good + "\n}\n", "has 3 labels"},
		{"no url", "module \"\" \"b\" {\n" + good + "\n}\n", "The URL is empty"},
		{"duplicate", "module \"a\" \"b\" {\n" + good + "\n}\nmodule \"a\" \"b\" {\n" + good + "\n}\n", ":4,1-15: Invalid lock file; There is a block with these labels already, at line 1."},
		{"unknown argument", "module \"a\" \"b\" {\n revison = \"" + commitA + "\"\n}\n", `:2,2-9: Invalid lock file; There is no argument "revison" here, but digest, revision and version. Did you mean "revision"?`},
		{"short revision", "module \"a\" \"b\" {\n revision = \"abc\"\n}\n", ":2,13-18: Invalid lock file; The argument \"revision\" must be a commit"},
		{"short digest", "module \"a\" \"b\" {\n digest = \"sha256:abc\"\n}\n", "must be \"sha256:\" and 64"},
		{"number", "module \"a\" \"b\" {\n revision = 1\n}\n", "must be a string that is not empty"},
		{"reference", "module \"a\" \"b\" {\n revision = var.x\n}\n", "must be a string that is not empty"},
		{"nothing held", "module \"a\" \"b\" {\n version = \"1\"\n}\n", "neither a revision nor a digest"},
		{"both", "module \"a\" \"b\" {\n" + good + "\n digest = \"" + digestA + "\"\n}\n", "a revision, as of git, and a digest"},
		{"chart without digest", "chart \"a\" \"b\" \"c\" {\n" + good + "\n}\n", "needs a version and a digest"},
		{"nested", "module \"a\" \"b\" {\n" + good + "\n x {\n }\n}\n", "no blocks within"},
		{"argument after", "module \"a\" \"b\" {\n" + good + "\n}\nlock_branches = true\n", ":4,1-14: Invalid lock file; The argument \"lock_branches\" must come before"},
		{"argument", "lock_branch = true\n", `Did you mean "lock_branches"?`},
		{"not a bool", "lock_branches = \"yes\"\n", "must be true or false"},
		{"deep", strings.Repeat("[", 100_000), "nested"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, diags := Parse([]byte(test.text), Name)
			if file != nil || !diags.HasErrors() {
				t.Fatal("it is read")
			}
			if !strings.Contains(diags.Error(), test.want) {
				t.Errorf("got %v\nwant %s", diags.Error(), test.want)
			}
			for _, diag := range diags {
				if diag.Subject == nil {
					t.Errorf("%v has no range", diag)
				}
			}
		})
	}
}

func TestDisk(t *testing.T) {
	dir := t.TempDir()
	file, _, diags := Read(dir)
	if diags.HasErrors() || len(file.Entries()) != 0 {
		t.Fatalf("%v", diags)
	}
	file.Set(network)
	if err := Write(dir, file); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, Name)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	again, src, diags := Read(dir)
	if diags.HasErrors() || !cmp.Equal(again.Entries(), file.Entries()) || string(src) != string(file.Bytes()) {
		t.Fatalf("%v\n%s", diags, src)
	}
	if at := again.Range(network.Key); at == nil || at.Filename != path || at.Start.Line != 4 {
		t.Errorf("the entry is at %v", at)
	}
	if err := Write(dir, again); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("a file that does not change is written: %v", err)
	}
	again.Set(nginx)
	if err := Write(dir, again); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, Name+".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A write that fails leaves the old file and nothing beside it.
func TestFailedWrite(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, Name), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, diags := Read(dir); !diags.HasErrors() {
		t.Error("a directory is read")
	}
	if err := Write(dir, &File{}); err == nil {
		t.Error("a directory is written")
	}
	if err := Write(filepath.Join(dir, "nowhere"), &File{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing directory: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, Name+".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Whoever has the file as a link to another has it still.
func TestWriteThroughLink(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "real.hcl"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.hcl", filepath.Join(dir, Name)); err != nil {
		t.Skip(err)
	}
	var file File
	file.Set(network)
	if err := Write(dir, &file); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "real.hcl")); err != nil || string(text) != string(file.Bytes()) {
		t.Errorf("%q, %v", text, err)
	}
}

func FuzzParse(f *testing.F) {
	var file File
	file.Set(network)
	file.Set(nginx)
	file.Set(config)
	f.Add(file.Bytes())
	f.Add([]byte("lock_branches = true\n# x\nmodule \"a\" \"b\" { revision = \"" + commitA + "\" } # y\n# z"))
	f.Add([]byte("\r\n# a\r\n\r\nmodule a b {\r\nrevision=\"" + commitA + "\"\r\n}\r\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		file, diags := Parse(src, Name)
		if diags.HasErrors() {
			if file != nil {
				t.Error("a file that is wrong is read")
			}
			return
		}
		text := file.Bytes()
		again, diags := Parse(text, Name)
		if diags.HasErrors() {
			t.Fatalf("%v\n%q\n%q", diags, src, text)
		}
		if diff := cmp.Diff(file.Entries(), again.Entries()); diff != "" || file.LockBranches != again.LockBranches {
			t.Fatalf("(-want +got):\n%s\n%q", diff, text)
		}
		if twice := again.Bytes(); string(twice) != string(text) {
			t.Fatalf("not stable:\n%q\n%q\n%q", src, text, twice)
		}
		for _, entry := range file.Entries() {
			again.Delete(entry.Key)
		}
		again.Set(nginx)
		if last, diags := Parse(again.Bytes(), Name); diags.HasErrors() || len(last.Entries()) != 1 {
			t.Fatalf("%v\n%q\n%q", diags, src, again.Bytes())
		}
	})
}
