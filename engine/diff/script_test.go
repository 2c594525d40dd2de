package diff_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/script")

// TestScripts runs testdata/script/*.txt: operations on one object of a server,
// and after each "$ " line what it answers.
//
//	apply FILE                 gantry applies, without force; records what it did
//	force FILE                 gantry applies by force, and records
//	applyas MANAGER FILE       another manager applies by force
//	edit MANAGER FILE          another manager merges a patch
//	default FILE               the server sets defaults
//	forget                     the record is lost
//	same FILE                  asks whether applying would change nothing
//	fields FILE                dry-runs by force and lists the changes
//	ignore FIELD VALUE         adds to the ignored fields of the next lines
//	release FILE               shows what is sent when they are ignored
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, archive)
			if *update {
				archive.Comment = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(archive.Comment), got); d != "" {
				t.Errorf("answers differ (-want +got); -update rewrites them:\n%s", d)
			}
		})
	}
}

type script struct {
	t      *testing.T
	files  map[string]map[string]any
	server *server
	differ *diff.Differ
	kind   *diff.Type
	prior  *state.Owned
	ignore lang.IgnoreDifference
	out    bytes.Buffer
}

func runScript(t *testing.T, archive *txtar.Archive) string {
	s := &script{t: t, files: map[string]map[string]any{}, differ: diff.New(manager, fingerprinter(t))}
	for _, f := range archive.Files {
		s.files[f.Name] = parse(t, string(f.Data))
	}
	s.ignore.Group, s.ignore.Kind = "*", "*"
	for line := range strings.Lines(string(archive.Comment)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"), line == "":
			fmt.Fprintln(&s.out, line)
		case strings.HasPrefix(line, "$ "):
			fmt.Fprintln(&s.out, line)
			s.run(strings.Fields(line[2:]))
		}
	}
	return numbered(s.out.String())
}

// numbered replaces fingerprints, which depend on the key, by their order of appearance.
func numbered(text string) string {
	seen := map[string]string{}
	return fingerprint.ReplaceAllStringFunc(text, func(mark string) string {
		if _, ok := seen[mark]; !ok {
			seen[mark] = fmt.Sprintf("‹%d›", len(seen)+1)
		}
		return seen[mark]
	})
}

var fingerprint = regexp.MustCompile(`‹[0-9a-f]+›`)

func (s *script) run(words []string) {
	file := words[len(words)-1]
	content := s.files[file]
	if s.server == nil && content != nil {
		o := object.Object(content)
		s.server = newServer(s.t, o.GVK())
		s.kind, _ = schemas().Type(o.GVK())
	}
	switch words[0] {
	case "apply":
		s.apply(content, false)
	case "force":
		s.apply(content, true)
	case "applyas":
		if err := s.server.apply(content, words[1], true); err != nil {
			s.t.Fatal(err)
		}
	case "edit":
		s.server.update(content, words[1])
	case "default":
		s.server.setDefaults(content)
	case "forget":
		s.prior = nil
	case "same":
		same, why := s.differ.Same(s.input(content))
		fmt.Fprintln(&s.out, strings.TrimSpace(fmt.Sprint(same, " ", why)))
	case "fields":
		s.fields(content)
	case "ignore":
		switch words[1] {
		case "pointer":
			s.ignore.JSONPointers = append(s.ignore.JSONPointers, words[2])
		case "jq":
			s.ignore.JQPathExpressions = append(s.ignore.JQPathExpressions, strings.Join(words[2:], " "))
		case "manager":
			s.ignore.FieldManagers = append(s.ignore.FieldManagers, words[2])
		}
	case "release":
		s.show(s.released(content))
	default:
		s.t.Fatalf("unknown command %q", words[0])
	}
}

func (s *script) released(content map[string]any) object.Object {
	rule, err := diff.CompileIgnore(s.ignore)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := s.differ.Release(s.t.Context(), []*diff.Ignore{rule}, diff.Normalize(content), s.server.object(), s.kind)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *script) input(content map[string]any) diff.Input {
	return diff.Input{Desired: s.released(content), Live: s.server.object(), Prior: s.prior, Type: func() *diff.Type { return s.kind }}
}

func (s *script) apply(content map[string]any, force bool) {
	desired := s.released(content)
	before := s.server.object()
	if err := s.server.apply(desired, manager, force); err != nil {
		s.refused(err, before, desired)
		return
	}
	live := s.server.object()
	fields := s.differ.Owned(live, "")
	s.prior = &state.Owned{
		ID: live.ID(), UID: live.UID(), Fields: fields, AppliedAt: s.server.clock,
		Desired: s.differ.Digest(desired), Values: s.differ.Values(live, fields),
	}
}

func (s *script) refused(err error, live, desired object.Object) {
	var conflict *providers.ConflictError
	if !errors.As(err, &conflict) {
		s.t.Fatal(err)
	}
	kind, _ := schemas().Type(live.GVK())
	ours, foreign := s.differ.Conflicts(diff.Refused{ConflictError: conflict, Live: live, Desired: desired, Prior: s.prior, Type: kind})
	for _, c := range ours {
		fmt.Fprintf(&s.out, "ours %s: %s → %s, %s\n", c.Path, compact(c.Before), compact(c.After), who(&c.Writer))
	}
	for _, c := range foreign {
		fmt.Fprintf(&s.out, "foreign %s: %s → %s, %s\n", c.Path, compact(c.Before), compact(c.After), who(&c.Writer))
	}
}

func (s *script) fields(content map[string]any) {
	desired := s.released(content)
	before := s.server.object()
	after, err := s.server.dryRun(desired, manager, true)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range s.differ.Fields(diff.Changes{Before: before, After: after, Desired: desired, Prior: s.prior, Type: s.kind}) {
		fmt.Fprintln(&s.out, describe(c))
	}
}

func (s *script) show(o object.Object) {
	text, err := json.Marshal(o)
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintln(&s.out, string(text))
}

func describe(c plan.FieldChange) string {
	text := map[plan.FieldKind]string{plan.Added: "+", plan.Removed: "-", plan.Changed: "~"}[c.Kind] + " " + c.Path + ":"
	if c.Kind != plan.Added {
		text += " " + compact(c.Before)
	}
	if c.Kind == plan.Changed {
		text += " ->"
	}
	if c.Kind != plan.Removed {
		text += " " + compact(c.After)
	}
	for _, mark := range []struct {
		set  bool
		text string
	}{{c.Sensitive, "sensitive"}, {c.Server, "by the server"}, {c.Owned, "ownership"}, {c.Drift != nil, "drift by " + who(c.Drift)}} {
		if mark.set {
			text += " [" + mark.text + "]"
		}
	}
	return text
}

func who(w *plan.Writer) string {
	if w == nil {
		return ""
	}
	if w.At.IsZero() {
		return w.Manager
	}
	when := "long ago" // the server stamps by the wall clock, which no golden can hold
	if age := time.Since(w.At); age >= -time.Minute && age < time.Hour {
		when = "now"
	}
	return fmt.Sprintf("%s (%s) %s", w.Manager, w.Operation, when)
}

func compact(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// fingerprinter is that of one installation, the same in every test.
func fingerprinter(t testing.TB) seal.Fingerprinter {
	t.Helper()
	f, err := seal.NewFingerprinter(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
