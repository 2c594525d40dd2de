package sops_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers/sops"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func keyring(t testing.TB, keys ...string) *sops.Keyring {
	t.Helper()
	out := &sops.Keyring{}
	for _, key := range keys {
		text := string(testdata(t, key))
		add := out.AddPGP
		if key == "age.txt" {
			text, _, _ = strings.Cut(text, "\n")
			add = out.AddAge
		}
		if err := add(text); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// read is what a file says: its values, whatever it looks like.
func read(t *testing.T, name string, text []byte) any {
	t.Helper()
	var out []any
	switch filepath.Ext(name) {
	case ".yaml":
		in := yaml.NewDecoder(strings.NewReader(string(text)))
		for {
			var document any
			err := in.Decode(&document)
			if errors.Is(err, io.EOF) {
				return out
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, document)
		}
	case ".json":
		var value any
		in := json.NewDecoder(strings.NewReader(string(text)))
		in.UseNumber()
		if err := in.Decode(&value); err != nil {
			t.Fatal(err)
		}
		return value
	case ".env":
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				out = append(out, line)
			}
		}
		return out
	}
	return string(text)
}

// TestAsSOPS decrypts what sops has encrypted, and compares with what sops decrypts it to.
func TestAsSOPS(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("testdata/encrypted")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	refused := map[string]string{"shamir.yaml": "key groups", "comment-rule.yaml": "comments say"}
	for _, file := range files {
		name := file.Name()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, secrets, encrypted, err := keyring(t, "age.txt", "rsa.asc", "curve.asc").Decrypt(name, testdata(t, "encrypted/"+name))
			if why := refused[name]; why != "" {
				if err == nil || !strings.Contains(err.Error(), why) {
					t.Fatalf("%v, want an error about %q", err, why)
				}
				return
			}
			if err != nil || !encrypted || len(secrets) == 0 {
				t.Fatalf("%v, encrypted: %v, %d secrets", err, encrypted, len(secrets))
			}
			if diff := cmp.Diff(read(t, name, testdata(t, "plain/"+name)), read(t, name, got)); diff != "" {
				t.Errorf("as sops decrypts it (-), as gantry does (+):\n%s", diff)
			}
		})
	}
}

// TestSecretsAreTold: what was encrypted is told, and what was not is not.
func TestSecretsAreTold(t *testing.T) {
	t.Parallel()
	_, secrets, _, err := keyring(t, "age.txt").Decrypt("values.yaml", testdata(t, "encrypted/values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"correct horse battery staple", "db-2.example.com", "colons"} {
		if !slices.Contains(secrets, want) {
			t.Errorf("%q is not told", want)
		}
	}
	if slices.Contains(secrets, "visible") {
		t.Error("what is not encrypted is told as a secret")
	}
}

// TestTampered: a change of any value, encrypted or not, of its place, of the rules or of
// the authentication code is refused, and what is told holds no value.
func TestTampered(t *testing.T) {
	t.Parallel()
	keys := keyring(t, "age.txt")
	swap := func(text, a, b string) string {
		return strings.NewReplacer(a, b, b, a).Replace(text)
	}
	line := func(text, key string) string {
		for l := range strings.Lines(text) {
			if strings.Contains(l, key+": ENC") {
				return strings.TrimSpace(l[strings.Index(l, "ENC["):])
			}
		}
		t.Fatalf("there is no %s", key)
		return ""
	}
	for name, change := range map[string]func(string) string{
		"a value in the clear":        func(s string) string { return strings.Replace(s, "visible", "changed", 1) },
		"a value in the clear is new": func(s string) string { return "more_unencrypted: x\n" + s },
		"a number in the clear":       func(s string) string { return strings.Replace(s, "2.5", "2.6", 1) },
		"an encrypted value replaced": func(s string) string { return strings.Replace(s, line(s, "password"), "injected", 1) },
		"an encrypted value emptied":  func(s string) string { return strings.Replace(s, line(s, "password"), `""`, 1) },
		"an encrypted value is gone":  func(s string) string { return strings.Replace(s, "password: "+line(s, "password"), "", 1) },
		"two values change places":    func(s string) string { return swap(s, line(s, "user"), line(s, "password")) },
		"a bit of a value": func(s string) string {
			return strings.Replace(s, "password: ENC[AES256_GCM,data:", "password: ENC[AES256_GCM,data:AAAA", 1)
		},
		"the rule": func(s string) string {
			return strings.Replace(s, "unencrypted_suffix: _unencrypted", "encrypted_suffix: password", 1)
		},
		"the time":          func(s string) string { return strings.Replace(s, `lastmodified: "2026`, `lastmodified: "2025`, 1) },
		"the code is empty": func(s string) string { return strings.Replace(s, "    mac: ENC", "    mac: \"\" #", 1) },
		"the code is only of encrypted values": func(s string) string {
			return strings.Replace(s, "    mac: ENC", "    mac_only_encrypted: true\n    mac: ENC", 1)
		},
		"an alias": func(s string) string {
			return strings.Replace(s, "plain_unencrypted: visible", "a_unencrypted: &x visible\nplain_unencrypted: *x", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was := string(testdata(t, "encrypted/values.yaml"))
			is := change(was)
			if is == was {
				t.Fatal("nothing was changed")
			}
			plain, _, encrypted, err := keys.Decrypt("values.yaml", []byte(is))
			if err == nil || plain != nil || !encrypted {
				t.Fatalf("%v, encrypted: %v", err, encrypted)
			}
			for _, secret := range []string{"correct", "staple", "db-1", "5432"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error has a value in it: %v", err)
				}
			}
		})
	}
	for name, change := range map[string][2]string{"values.json": {`"seen"`, `"soon"`}, "app.env": {"EMPTY=", "EMPTY=x"}} {
		text := strings.Replace(string(testdata(t, "encrypted/"+name)), change[0], change[1], 1)
		if _, _, _, err := keys.Decrypt(name, []byte(text)); !errors.Is(err, sops.ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoKey: without the key it is said for whom a file is encrypted, and what to do.
func TestNoKey(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]*sops.Keyring{"values.yaml": keyring(t, "rsa.asc"), "pgp.yaml": keyring(t, "age.txt", "curve.asc"), "app.env": {}} {
		_, _, encrypted, err := keys.Decrypt(name, testdata(t, "encrypted/"+name))
		if !encrypted || !errors.Is(err, sops.ErrNoKey) || !strings.Contains(err.Error(), "decryption block") {
			t.Errorf("%s: %v", name, err)
		}
	}
	cloud := "a: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]\nsops:\n  kms: [{arn: \"arn:aws:kms:example\"}]\n  lastmodified: \"2026-11-23T10:00:00Z\"\n  mac: ENC[x]\n"
	if _, _, _, err := keyring(t, "age.txt").Decrypt("a.yaml", []byte(cloud)); err == nil || !strings.Contains(err.Error(), "AWS KMS (which is not supported)") {
		t.Errorf("%v", err)
	}
}

// TestKeysThatAreNone: what is no key is refused without a part of it in the error.
func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	k := &sops.Keyring{}
	for _, text := range []string{"", "AGE-SECRET-KEY-1HUNTER2HUNTER2", "hunter2", "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n"} {
		if err := k.AddAge(text); err == nil || strings.Contains(strings.ToLower(err.Error()), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
		if err := k.AddPGP(text); text != "" && (err == nil || strings.Contains(strings.ToLower(err.Error()), "hunter2")) {
			t.Errorf("PGP %q: %v", text, err)
		}
	}
}

// TestNotEncrypted: what is not encrypted, or is for an operator to decrypt, is as it is.
func TestNotEncrypted(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plain.yaml":    string(testdata(t, "not-encrypted.yaml")),
		"words.yaml":    "about: sops keeps a mac\n",
		".sops.yaml":    "creation_rules: [] # mac\n",
		"broken.yaml":   "sops: {mac: [\n",
		"broken.json":   `{"sops": {"mac": `,
		"other.txt":     "sops mac",
		"app.env":       "A=sops\nB=mac\n",
		"operator.yaml": "apiVersion: isindir.github.com/v1alpha3\nkind: SopsSecret\nsops:\n  mac: ENC[x]\n",
	} {
		got, _, encrypted, err := (&sops.Keyring{}).Decrypt(name, []byte(text))
		if err != nil || encrypted || string(got) != text {
			t.Errorf("%s: %v, encrypted: %v", name, err, encrypted)
		}
	}
}

// secrets is a store of secrets by the path of their files.
type secrets map[string]string

func (s secrets) Read(_ context.Context, secret *target.Secret) (object.Sensitive, error) {
	return object.Sensitive(s[secret.File.Path]), nil
}

// TestTree: encrypted files are read in the clear, by whichever way, and others as they
// are; keys that are named are used in place of the environment's.
func TestTree(t *testing.T) {
	t.Parallel()
	age, _, _ := strings.Cut(string(testdata(t, "age.txt")), "\n")
	files := fstest.MapFS{
		"a/values.yaml": {Data: testdata(t, "encrypted/values.yaml")},
		"a/plain.yaml":  {Data: []byte("a: sops mac\n")},
		"pgp.yaml":      {Data: testdata(t, "encrypted/pgp.yaml")},
	}
	environment := func(name string) string { return map[string]string{"SOPS_AGE_KEY": age}[name] }
	d := sops.New(sops.Options{Getenv: environment, Secrets: secrets{"rsa": string(testdata(t, "rsa.asc"))}})
	tree := d.Decrypt(t.Context(), files, nil)
	if err := fstest.TestFS(tree, "a/plain.yaml"); err == nil || !strings.Contains(err.Error(), "pgp.yaml") {
		t.Errorf("what it has no key for can be read: %v", err)
	}
	if _, err := fs.ReadFile(tree, "a/plain.yaml"); err != nil {
		t.Error(err)
	}
	fresh := d.Decrypt(t.Context(), files, nil)
	if fresh.Unkept() {
		t.Error("nothing was decrypted yet")
	}
	text, err := fs.ReadFile(fresh, "a/values.yaml")
	if err != nil || !strings.Contains(string(text), "correct horse battery staple") || !fresh.Unkept() || !slices.Contains(fresh.Secrets(), "correct horse battery staple") {
		t.Errorf("%v: %s", err, text)
	}
	if f, err := fresh.Open("a/values.yaml"); err != nil {
		t.Error(err)
	} else if again, err := io.ReadAll(f); err != nil || string(again) != string(text) {
		t.Errorf("by Open it is something else: %v", err)
	}
	named := &target.Decryption{PGP: []*target.Secret{{File: &target.FileSecret{Path: "rsa"}}}}
	pgp := d.Decrypt(t.Context(), files, named)
	if _, err := fs.ReadFile(pgp, "pgp.yaml"); err != nil {
		t.Error(err)
	}
	if _, err := fs.ReadFile(pgp, "a/values.yaml"); !errors.Is(err, sops.ErrNoKey) {
		t.Errorf("the environment's key is used, too: %v", err)
	}
}

// FuzzDecrypt: whatever a file holds, it is decrypted, refused or left as it is.
func FuzzDecrypt(f *testing.F) {
	files, err := os.ReadDir("testdata/encrypted")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(file.Name(), testdata(f, "encrypted/"+file.Name()))
	}
	keys := keyring(f, "age.txt")
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		plain, _, encrypted, err := keys.Decrypt(name, content)
		if !encrypted && err == nil && string(plain) != string(content) {
			t.Error("what is not encrypted was changed")
		}
	})
}
