package gitreviews_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine/gitreviews"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git/clone"
)

// scene is a bare repository, a clone of it, and people with keys.
type scene struct {
	*testing.T
	dir, work string
	env       []string
	trust     identity.Trust
	now       time.Time
}

func newScene(t *testing.T) *scene {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen, which git signs with, is not installed")
	}
	dir := t.TempDir()
	s := &scene{T: t, dir: dir, work: filepath.Join(dir, "work"), now: time.Now().Truncate(time.Second)}
	s.env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "HOME="+dir, "SSH_AUTH_SOCK=",
		"GIT_AUTHOR_NAME=dave", "GIT_AUTHOR_EMAIL=dave@example.com", "GIT_COMMITTER_NAME=dave", "GIT_COMMITTER_EMAIL=dave@example.com")
	s.git(dir, "init", "--quiet", "--bare", "--initial-branch", "main", "origin.git")
	s.git(dir, "clone", "--quiet", "origin.git", "work")
	for _, name := range []string{"alice", "bob", "dave", "mallory"} {
		s.run(dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", filepath.Join(dir, name))
		if name != "mallory" {
			s.trust.Keys = append(s.trust.Keys, identity.Key{Name: name, PublicKey: s.read(name + ".pub"), Groups: map[string][]string{"alice": {"sre"}}[name]})
		}
	}
	s.commit("main", "one", "")
	return s
}

func (s *scene) read(name string) string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func (s *scene) run(dir, name string, args ...string) string {
	s.Helper()
	command := exec.Command(name, args...)
	command.Dir, command.Env = dir, s.env
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		s.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out.String())
	}
	return strings.TrimSpace(out.String())
}

func (s *scene) git(dir string, args ...string) string {
	s.Helper()
	return s.run(dir, "git", args...)
}

// commit makes a commit on a branch of the origin, signed by somebody or nobody.
func (s *scene) commit(branch, text, by string) string {
	s.Helper()
	if branch != "main" {
		s.git(s.work, "checkout", "--quiet", "-B", branch, "origin/main")
	}
	if err := os.WriteFile(filepath.Join(s.work, "file"), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	s.git(s.work, "add", "file")
	args := []string{"commit", "--quiet", "--message", text}
	if by != "" {
		args = append([]string{"-c", "gpg.format=ssh", "-c", "user.signingkey=" + filepath.Join(s.dir, by)}, append(args, "--gpg-sign")...)
	}
	s.git(s.work, args...)
	s.git(s.work, "push", "--quiet", "--force", "origin", "HEAD:"+branch)
	return s.git(s.work, "rev-parse", "HEAD")
}

func (s *scene) forge() *gitreviews.Forge {
	s.Helper()
	f, err := gitreviews.New(&clone.Clone{Root: s.work, Env: s.env}, "main", &s.trust, func() time.Time { return s.now })
	if err != nil {
		s.Fatal(err)
	}
	return f
}

func (s *scene) put(head, who string, verdict providers.ReviewVerdict) error {
	s.Helper()
	signer, err := signature.LoadSigner(filepath.Join(s.dir, who), "")
	if err != nil {
		s.Fatal(err)
	}
	_, err = s.forge().Put(s.Context(), head, verdict, signer)
	return err
}

// said is what counts of a commit: "alice approved, bob dismissed".
func (s *scene) said(head string) string {
	s.Helper()
	number, err := gitreviews.Number(head)
	if err != nil {
		s.Fatal(err)
	}
	reviews, err := s.forge().Reviews(s.Context(), number)
	if err != nil {
		s.Fatal(err)
	}
	var out []string
	for _, r := range reviews {
		if r.Commit != head || r.At.IsZero() {
			s.Errorf("%+v", r)
		}
		out = append(out, r.Login+" "+string(r.Verdict))
	}
	return strings.Join(out, ", ")
}

func (s *scene) want(head, want string) {
	s.Helper()
	if got := s.said(head); got != want {
		s.Errorf("it is said %q, want %q", got, want)
	}
}

// tags are the tags of reviews that the origin has: their names.
func (s *scene) tags() []string {
	s.Helper()
	return strings.Fields(s.git(s.work, "ls-remote", "--refs", "origin", "refs/tags/*"))
}

// tag makes a tag as anybody could who may push.
func (s *scene) tag(name, object, message string) {
	s.Helper()
	command := exec.Command("git", "mktag")
	command.Dir, command.Env = s.work, s.env
	command.Stdin = strings.NewReader(fmt.Sprintf("object %s\ntype commit\ntag %s\ntagger dave <dave@example.com> 1700000000 +0000\n\n%s\n", object, name, message))
	id, err := command.Output()
	if err != nil {
		s.Fatal(err)
	}
	s.git(s.work, "push", "--quiet", "--force", "origin", strings.TrimSpace(string(id))+":refs/tags/"+name)
}

func TestReviews(t *testing.T) {
	s := newScene(t)
	head := s.commit("topic", "two", "dave")
	s.want(head, "")
	for _, step := range []struct {
		who     string
		verdict providers.ReviewVerdict
		want    string
	}{
		{"alice", providers.Approved, "alice approved"},
		{"bob", providers.ChangesRequested, "alice approved, bob changes requested"},
		{"bob", providers.Approved, "alice approved, bob changes requested, bob approved"},
		{"bob", providers.Dismissed, "alice approved, bob dismissed"}, // and what was there before is gone
	} {
		s.now = s.now.Add(time.Second)
		if err := s.put(head, step.who, step.verdict); err != nil {
			t.Fatal(err)
		}
		s.want(head, step.want)
	}
	if err := s.put(head, "mallory", providers.Approved); !errors.Is(err, gitreviews.ErrNoReviewer) {
		t.Error(err)
	}
	// Another clone sees the same.
	s.git(s.dir, "clone", "--quiet", "--no-tags", "origin.git", "other")
	s.work = filepath.Join(s.dir, "other")
	s.want(head, "alice approved, bob dismissed")
	if local := s.git(s.work, "tag"); local != "" {
		t.Errorf("reading has made tags: %s", local)
	}
}

func TestPulls(t *testing.T) {
	s := newScene(t)
	f := s.forge()
	head := s.commit("topic", "two", "dave")
	pulls, err := f.Pulls(t.Context(), head)
	if err != nil || len(pulls) != 1 {
		t.Fatalf("%+v, %v", pulls, err)
	}
	p := pulls[0]
	if !p.Open || p.Merged || p.Head != head || p.Branch != "topic" || p.Base != "main" || p.Author != "dave" || p.Title != "two" {
		t.Errorf("%+v", p)
	}
	open, err := f.OpenPulls(t.Context())
	if err != nil || len(open) != 1 || open[0].Number != p.Number {
		t.Errorf("%+v, %v", open, err)
	}
	if on, err := f.Contains(t.Context(), "main", head); on || err != nil {
		t.Error(on, err)
	}
	// Merged by a merge commit, and seen from a clone that has not fetched that.
	s.git(s.dir, "clone", "--quiet", "origin.git", "other")
	s.git(s.work, "checkout", "--quiet", "-B", "main", "origin/main")
	s.git(s.work, "merge", "--quiet", "--no-ff", "--message", "merge", "topic")
	s.git(s.work, "push", "--quiet", "origin", "main")
	s.work = filepath.Join(s.dir, "other")
	merged, err := s.forge().Pull(t.Context(), p.Number)
	if err != nil || merged.Open || !merged.Merged || merged.MergedAs != head {
		t.Errorf("%+v, %v", merged, err)
	}
	if _, err := f.Pull(t.Context(), 12); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
	if _, err := f.Contains(t.Context(), "--upload-pack=x", head); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
	if in, err := f.Member(t.Context(), "sre", "Alice"); !in || err != nil {
		t.Error(in, err)
	}
	if in, err := f.Member(t.Context(), "sre", "bob"); in || err != nil {
		t.Error(in, err)
	}
	if _, err := f.Member(t.Context(), "dba", "bob"); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
	if _, err := f.Comment(t.Context(), p.Number, "", ""); !errors.Is(err, providers.ErrUnsupported) {
		t.Error(err)
	}
}

// Nothing but a statement of a reviewer about this very commit is a review of it.
func TestAttacks(t *testing.T) {
	s := newScene(t)
	head := s.commit("topic", "two", "dave")
	if err := s.put(head, "alice", providers.Approved); err != nil {
		t.Fatal(err)
	}
	good := s.tags()
	name := strings.TrimPrefix(good[1], "refs/tags/")
	_, message, _ := strings.Cut(s.git(s.work, "cat-file", "tag", good[0]), "\n\n")
	other := s.commit("topic", "three", "dave")
	envelope := func(key, payload string) string {
		t.Helper()
		signer, err := signature.LoadSigner(filepath.Join(s.dir, key), "")
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signature.SignStatement([]byte(payload), []*signature.Signer{signer})
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	statement := func(head, kind, base string) string {
		return fmt.Sprintf(`{"kind":%q,"head":%q,"base":%q,"verdict":"approved","at":"2030-01-01T00:00:00Z"}`, kind, head, base)
	}
	const kind = "gantry review v1"
	for what, attack := range map[string]struct{ name, object, message string }{
		"unsigned":                        {"x", other, `{"payloadType":"application/vnd.gantry.statement+json","payload":"e30=","signatures":[]}`},
		"no envelope":                     {"x", other, "approved by alice"},
		"signed by a stranger":            {"x", other, envelope("mallory", statement(other, kind, "main"))},
		"replayed for another head":       {"x", other, message},
		"of another head, moved":          {"x", head, envelope("alice", statement(other, kind, "main"))},
		"for another branch":              {"x", other, envelope("alice", statement(other, kind, "release"))},
		"another statement of the key":    {"x", other, envelope("alice", `{"lineage":"x","head":"`+other+`"}`)},
		"of another kind":                 {"x", other, envelope("alice", statement(other, "gantry review v2", "main"))},
		"changed after it was signed":     {"x", other, strings.Replace(envelope("alice", statement(other, kind, "main")), `"payload":"`, `"payload":"AA`, 1)},
		"in the name of somebody else":    {"x", other, strings.ReplaceAll(envelope("mallory", statement(other, kind, "main")), "SHA256:", "SHA256:A")},
		"a name that begins with a minus": {"-x", other, envelope("mallory", statement(other, kind, "main"))},
		"too large":                       {"x", other, envelope("alice", statement(other, kind, "main")) + strings.Repeat(" x", 1<<20)},
	} {
		full := "gantry/reviews/" + other + "/" + attack.name
		s.tag(full, attack.object, attack.message)
		if got := s.said(other); got != "" {
			t.Errorf("%s: %q", what, got)
		}
		s.git(s.work, "push", "--quiet", "origin", ":refs/tags/"+full)
	}
	// The same statement, rightly filed, does count: the attacks fail for their reason.
	s.tag("gantry/reviews/"+other+"/x", other, envelope("alice", statement(other, kind, "main")))
	s.want(other, "alice approved")
	// A tag of another name that leads to what another one is.
	s.git(s.work, "push", "--quiet", "origin", good[0]+":refs/tags/gantry/reviews/"+other+"/y")
	s.want(other, "alice approved")
	// A tag that is moved away, or deleted, is no review.
	s.git(s.work, "push", "--quiet", "--force", "origin", other+":refs/tags/"+name)
	s.want(head, "")
	s.git(s.work, "push", "--quiet", "origin", ":refs/tags/"+name)
	s.want(head, "")

	// Whose name a commit has says nothing; who signed it does.
	s.env = append(s.env, "GIT_AUTHOR_NAME=bob", "GIT_AUTHOR_EMAIL=bob@example.com")
	for by, want := range map[string]string{"": "", "mallory": "", "dave": "dave"} {
		pulls, err := s.forge().Pulls(t.Context(), s.commit("topic", "by "+by, by))
		if err != nil || len(pulls) != 1 || pulls[0].Author != want {
			t.Errorf("signed by %q: %+v, %v", by, pulls, err)
		}
	}
}
