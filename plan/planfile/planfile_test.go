package planfile_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/target"
)

func write(t fataler, p *plan.Plan, recipient *seal.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := planfile.Write(&out, p, planfile.WriteOptions{Recipient: recipient}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read reads a plan file, and opens it where there is an identity.
func read(file []byte, identity *seal.Identity) (*plan.Plan, error) {
	found, err := planfile.Read(bytes.NewReader(file), planfile.ReadOptions{Identity: identity})
	if err != nil {
		return nil, err
	}
	return found.Plan, nil
}

// fataler is a testing.TB, or rapid's.
type fataler interface {
	Helper()
	Fatal(...any)
}

// expanded returns the envelope of a plan file, as text.
func expanded(t fataler, file []byte) []byte {
	t.Helper()
	_, body, _ := bytes.Cut(file, []byte("\n\n"))
	expand, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(expand)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// payload returns what the envelope of a plan file holds.
func payload(t fataler, file []byte) []byte {
	t.Helper()
	var envelope dsse.Envelope
	if err := json.Unmarshal(expanded(t, file), &envelope); err != nil {
		t.Fatal(err)
	}
	out, err := envelope.DecodeB64Payload()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// comparing compares plans with what is in memory only, but for sealed bytes.
func comparing() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreFields(plan.Change{}, "Sealed"), cmpopts.IgnoreFields(plan.Cluster{}, "Sealed"), cmpopts.EquateEmpty(),
	}
}

func TestPlansRoundTrip(t *testing.T) {
	id := identity(t)
	rapid.Check(t, func(t *rapid.T) {
		p := plans(rapid.Bool().Draw(t, "with secrets")).Draw(t, "plan")
		got, err := read(write(t, p, id.Recipient()), id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, got, comparing()); diff != "" {
			t.Fatalf("read back (-written +read):\n%s", diff)
		}
	})
}

func TestAPlanFileHoldsNoSecretInClear(t *testing.T) {
	id := identity(t)
	rapid.Check(t, func(t *rapid.T) {
		file := write(t, plans(true).Draw(t, "plan"), id.Recipient())
		text := payload(t, file)
		marked := base64.StdEncoding.EncodeToString([]byte(secretMark))[:11] // what the encoding of each begins with
		for _, form := range []string{secretMark, "S3cr3t", marked} {
			if bytes.Contains(text, []byte(form)) || bytes.Contains(file, []byte(form)) {
				t.Fatalf("%q is in the file:\n%s", form, text)
			}
		}
	})
}

func TestReadingWithoutIdentity(t *testing.T) {
	id := identity(t)
	p := example(t)
	file := write(t, p, id.Recipient())
	shown, err := read(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !planfile.IsSealed(shown) {
		t.Error("IsSealed says no")
	}
	without := cmp.Options{comparing(), cmpopts.IgnoreFields(plan.Change{}, "Secret"), cmpopts.IgnoreFields(plan.Cluster{}, "Credentials")}
	if diff := cmp.Diff(p, shown, without); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	if _, err := planfile.Unseal(shown, nil); !errors.Is(err, planfile.ErrSealed) {
		t.Errorf("Unseal without an identity: %v, want ErrSealed", err)
	}
	if _, err := planfile.Unseal(shown, identity(t)); !errors.Is(err, seal.ErrWrongIdentity) {
		t.Errorf("Unseal with another identity: %v, want ErrWrongIdentity", err)
	}
	if _, err := read(file, identity(t)); !errors.Is(err, seal.ErrWrongIdentity) {
		t.Errorf("Read with another identity: %v, want ErrWrongIdentity", err)
	}
	opened, err := planfile.Unseal(shown, id)
	if err != nil {
		t.Fatal(err)
	}
	if planfile.IsSealed(opened) || !planfile.IsSealed(shown) {
		t.Error("Unseal opened the plan given, or not the one returned")
	}
	// What was read without an identity can be written again, and opened later.
	again, err := read(write(t, shown, nil), id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, again, comparing()); diff != "" {
		t.Errorf("written again (-first +second):\n%s", diff)
	}
}

func TestSealedBodiesStayWhereTheyBelong(t *testing.T) {
	id := identity(t)
	p, err := read(write(t, example(t), id.Recipient()), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, move := range map[string]func(*plan.Plan){
		"to another object": func(p *plan.Plan) {
			p.Applications[0].Changes[0].Sealed = p.Applications[0].Changes[2].Sealed
		},
		"to another application": func(p *plan.Plan) {
			p.Applications[0].Address.Key += "x"
		},
		"behind another body": func(p *plan.Plan) {
			p.Applications[0].Changes[0].Body["data"] = map[string]any{"key": fingerprints.Of("another")}
		},
		"to another cluster": func(p *plan.Plan) { p.Clusters[0].Connection.Server = "https://evil.example.com" },
	} {
		moved, err := p.Clone()
		if err != nil {
			t.Fatal(err)
		}
		move(moved)
		if _, err := planfile.Unseal(moved, id); !errors.Is(err, seal.ErrMoved) {
			t.Errorf("%s: %v, want ErrMoved", name, err)
		}
	}
}

func TestOnePlanIsTheSameBytes(t *testing.T) {
	p := plans(false).Example(3)
	if !bytes.Equal(write(t, p, nil), write(t, p, nil)) {
		t.Error("a plan without secrets differs from itself")
	}
}

func TestWriteRefuses(t *testing.T) {
	id := identity(t)
	for name, test := range map[string]struct {
		recipient *seal.Recipient
		spoil     func(*plan.Plan)
		want      string
		is        error
	}{
		"no recipient": {nil, func(*plan.Plan) {}, "gantry init", planfile.ErrNoRecipient},
		"no recipient for a body": {nil, func(p *plan.Plan) {
			for i := range p.Clusters {
				p.Clusters[i].Credentials = target.Credentials{}
			}
		}, "gantry init", planfile.ErrNoRecipient},
		"a body that is not redacted": {id.Recipient(), func(p *plan.Plan) {
			p.Applications[0].Changes[0].Body = p.Applications[0].Changes[0].Secret
		}, "not redacted", nil},
		"a field that is not redacted": {id.Recipient(), func(p *plan.Plan) {
			p.Applications[0].Changes[0].Fields[0].After = "hunter2"
		}, "data.key are not redacted", nil},
		"a conflict that is not redacted": {id.Recipient(), func(p *plan.Plan) {
			p.Applications[0].Changes[0].Conflicts = []plan.Conflict{{Path: "data.key", Before: "hunter2"}}
		}, "in conflict of data.key are not redacted", nil},
		"an invalid plan":       {id.Recipient(), func(p *plan.Plan) { p.Steps[0].Application = 99 }, "step 0", planfile.ErrInvalid},
		"a version with a line": {id.Recipient(), func(p *plan.Plan) { p.ToolVersion = "1\n2" }, "control", nil},
	} {
		p := example(t)
		test.spoil(p)
		var out bytes.Buffer
		err := planfile.Write(&out, p, planfile.WriteOptions{Recipient: test.recipient})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v is not %v", name, err, test.is)
		}
		if out.Len() > 0 {
			t.Errorf("%s: %d bytes were written", name, out.Len())
		}
	}
}

func TestFiles(t *testing.T) {
	id, p := identity(t), example(t)
	path := filepath.Join(t.TempDir(), "my.gantryplan")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := planfile.WriteFile(path, p, planfile.WriteOptions{}); !errors.Is(err, planfile.ErrNoRecipient) {
		t.Fatalf("WriteFile: %v, want ErrNoRecipient", err)
	}
	if old, err := os.ReadFile(path); err != nil || string(old) != "old" {
		t.Errorf("a write that failed left %q, %v", old, err)
	}
	if err := planfile.WriteFile(path, p, planfile.WriteOptions{Recipient: id.Recipient()}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	got, err := planfile.ReadFile(path, planfile.ReadOptions{Identity: id})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got.Plan, comparing()); diff != "" {
		t.Errorf("read back (-written +read):\n%s", diff)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := planfile.ReadFile(path, planfile.ReadOptions{Identity: id}); !errors.Is(err, planfile.ErrNotPlan) || !strings.Contains(err.Error(), path) {
		t.Errorf("ReadFile: %v, want ErrNotPlan with the path", err)
	}
	if _, err := planfile.ReadFile(path+".none", planfile.ReadOptions{Identity: id}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("ReadFile of nothing: %v", err)
	}
	if err := planfile.WriteFile(filepath.Join(path, "below"), p, planfile.WriteOptions{Recipient: id.Recipient()}); err == nil {
		t.Error("a file below a file was written")
	}
	if err := planfile.WriteFile(filepath.Dir(path), p, planfile.WriteOptions{Recipient: id.Recipient()}); err == nil || !strings.Contains(err.Error(), filepath.Dir(path)+" is a directory") {
		t.Errorf("WriteFile over a directory: %v", err)
	}
}

func TestSealApplication(t *testing.T) {
	id, a := identity(t), &example(t).Applications[0]
	sealed, err := planfile.SealApplication(a, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if sealed.Changes[0].Secret != nil || sealed.Changes[0].Sealed == nil || a.Changes[0].Secret == nil {
		t.Error("not sealed, or the application given was changed")
	}
	opened, err := planfile.UnsealApplication(sealed, id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, opened, comparing()); diff != "" {
		t.Errorf("(-sealed +opened):\n%s", diff)
	}
	left, err := planfile.SealApplication(a, nil)
	if err != nil || left.Changes[0].Secret != nil || left.Changes[0].Sealed != nil {
		t.Errorf("without a recipient: %v, %v", left.Changes[0], err)
	}
	if _, err := planfile.UnsealApplication(sealed, nil); !errors.Is(err, planfile.ErrSealed) {
		t.Errorf("UnsealApplication without an identity: %v", err)
	}
	forged, err := seal.Seal(id.Recipient(), "elsewhere", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	sealed.Changes[0].Sealed = forged
	if _, err := planfile.UnsealApplication(sealed, id); !errors.Is(err, seal.ErrMoved) {
		t.Errorf("a forged body: %v, want ErrMoved", err)
	}
}

func TestNumbersKeepTheirType(t *testing.T) {
	p := plans(false).Filter(func(p *plan.Plan) bool { return len(p.Applications) > 0 && len(p.Applications[0].Changes) > 0 }).Example(1)
	change := &p.Applications[0].Changes[0]
	change.Body["spec"] = map[string]any{"replicas": int64(3), "big": int64(1<<62 + 1), "share": 0.5}
	change.Fields = []plan.FieldChange{{Path: "spec.replicas", Before: int64(2), After: int64(3), Kind: plan.Changed}}
	want := change.Body.DeepCopy()
	for name, again := range map[string]func() (*plan.Plan, error){
		"file":  func() (*plan.Plan, error) { return read(write(t, p, nil), nil) },
		"clone": p.Clone,
	} {
		got, err := again()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Applications[0].Changes[0].Body); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
		if after := got.Applications[0].Changes[0].Fields[0].After; after != any(int64(3)) {
			t.Errorf("%s: After is %T %v", name, after, after)
		}
	}
	_ = want
}
