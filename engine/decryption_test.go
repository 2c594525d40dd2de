package engine_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers/secret"
	"github.com/gantrycd/gantry/providers/sops"
)

// encrypted is a file that the program sops has encrypted.
func encrypted(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "providers", "sops", "testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newDecrypting(t *testing.T) *stage {
	t.Helper()
	s := newMemoryStage(t)
	age, _, _ := strings.Cut(encrypted(t, "age.txt"), "\n")
	s.Adapt = func(o *engine.Options) {
		o.Decrypter = sops.New(sops.Options{
			Secrets: secret.New(secret.Options{Dir: s.Dir}),
			Getenv:  func(name string) string { return map[string]string{"SOPS_AGE_KEY": age}[name] },
		})
	}
	return s
}

// hidden makes sure that a value is nowhere in a plan file.
func (s *stage) hidden(t *testing.T, p *plan.Plan, values ...string) {
	t.Helper()
	var file bytes.Buffer
	if err := planfile.Write(&file, p, planfile.WriteOptions{Recipient: s.Identity.Recipient()}); err != nil {
		t.Fatal(err)
	}
	for _, value := range values {
		if strings.Contains(file.String(), value) {
			t.Errorf("%q is in the plan", value)
		}
	}
}

const chart = "source {\n path = \"./chart\"\n helm {\n  value_files = [\"secrets.yaml\"]\n }\n}\ndestination {\n cluster = cluster.local\n namespace = \"web\"\n}\n"

// TestSOPS: encrypted manifests and value files are decrypted when they are rendered; what
// is applied is the value, and no plan has it. A Secret of them is not told to be in the clear.
func TestSOPS(t *testing.T) {
	t.Parallel()
	s := newDecrypting(t)
	s.application(t, "shop", "", encrypted(t, "encrypted/only-secret.yaml"))
	s.Write(t, map[string]string{
		"chart.gantry.hcl":             "application \"chart\" {\n" + chart + "}\n",
		"chart/Chart.yaml":             "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
		"chart/secrets.yaml":           encrypted(t, "encrypted/chart-values.yaml"),
		"chart/templates/all.yaml":     "apiVersion: v1\nkind: Secret\nmetadata:\n  name: chart\nstringData:\n  url: postgres://shop:{{ .Values.auth.password }}@db\n",
		"kustomize.gantry.hcl":         "application \"kustomize\" {\n" + strings.Replace(strings.Replace(chart, "./chart", "./kustomize", 1), " helm {\n  value_files = [\"secrets.yaml\"]\n }\n", "", 1) + "}\n",
		"kustomize/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator:\n- name: made\n  envs: [app.env]\n  files: [token.txt]\ngeneratorOptions:\n  disableNameSuffixHash: true\n",
		"kustomize/app.env":            encrypted(t, "encrypted/app.env"),
		"kustomize/token.txt":          encrypted(t, "encrypted/token.txt"),
	})
	p := s.saved(t, s.MustPlan(t, engine.PlanOptions{}))
	s.hidden(t, p, "correct-horse-battery", "ENC[AES256", "correct=horse")
	for _, app := range p.Applications {
		for _, r := range app.Risks {
			if r.Code == "secret-in-clear" {
				t.Errorf("%s: a Secret that SOPS encrypts is told to be in the clear: %+v", app.Address, r)
			}
		}
	}
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	for name, want := range map[string]map[string]string{
		"shop":  {"password": "correct-horse-battery", "user": "shop"},
		"chart": {"url": "postgres://shop:correct-horse-battery@db"},
		"made":  {"DB_PASSWORD": "correct=horse battery", "token.txt": encrypted(t, "plain/token.txt")},
	} {
		o := s.get(t, secrets, name)
		for key, value := range want {
			written, _ := o["stringData"].(map[string]any)
			encoded, _ := o["data"].(map[string]any)
			text, _ := written[key].(string)
			if data, ok := encoded[key].(string); ok {
				plain, err := base64.StdEncoding.DecodeString(data)
				if err != nil {
					t.Fatal(err)
				}
				text = string(plain)
			}
			if text != value {
				t.Errorf("%s: %s is %q, want %q", name, key, text, value)
			}
		}
	}
}

// TestSOPSOutsideASecret: a decrypted value that would end up where everybody can read it is
// refused, and the message does not have it.
func TestSOPSOutsideASecret(t *testing.T) {
	t.Parallel()
	s := newDecrypting(t)
	s.application(t, "shop", "", encrypted(t, "encrypted/secret.yaml"))
	_, diags := s.Plan(t, engine.PlanOptions{})
	if !wantDiag(diags, "Sensitive value outside a Secret", "ConfigMap", "encrypted_regex") {
		t.Errorf("%v", diags)
	}
	for _, d := range diags {
		if strings.Contains(d.Detail, "hello-from-the-map") {
			t.Errorf("the message has the value: %s", d.Detail)
		}
	}
}

// TestSOPSKeysByName: keys that an application names are used, and no others.
func TestSOPSKeysByName(t *testing.T) {
	t.Parallel()
	s := newDecrypting(t)
	s.Write(t, map[string]string{
		"keys.gantry.hcl": "secret \"file\" \"pgp\" {\n  path = \"rsa.asc\"\n}\nprofile \"keys\" {\n  decryption {\n    pgp = [secret.file.pgp]\n  }\n}\n",
		"rsa.asc":         encrypted(t, "rsa.asc"),
	})
	s.application(t, "shop", "profiles = [profile.keys]", encrypted(t, "encrypted/only-secret.yaml"))
	_, diags := s.Plan(t, engine.PlanOptions{})
	if !wantDiag(diags, "", "is encrypted with SOPS for age1", "no key for it is at hand") {
		t.Errorf("the environment's key is used where others are named: %v", diags)
	}
	s.application(t, "shop", "profiles = [profile.keys]", encrypted(t, "encrypted/only-pgp.yaml"))
	p := s.MustPlan(t, engine.PlanOptions{})
	if s.change(p, "shop", "Secret", "shop") == nil {
		t.Errorf("%+v", p.Applications)
	}
}

// TestSOPSTampered: a file that was changed since is refused, and nothing of it is planned.
func TestSOPSTampered(t *testing.T) {
	t.Parallel()
	s := newDecrypting(t)
	text := strings.Replace(encrypted(t, "encrypted/only-secret.yaml"), "app: shop", "app: other", 1)
	s.application(t, "shop", "", text)
	p, diags := s.Plan(t, engine.PlanOptions{})
	if !wantDiag(diags, "", "it was changed after it was encrypted") || p != nil && len(p.Applications) > 0 {
		t.Errorf("%v", diags)
	}
}

// TestSecretInClear: a Secret that a repository has in the clear is told as a risk that can
// be accepted; a sensitive variable's is not.
func TestSecretInClear(t *testing.T) {
	t.Parallel()
	s := newDecrypting(t)
	s.application(t, "web", "", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: web\nstringData:\n  password: correct-horse\n")
	app := s.MustPlan(t, engine.PlanOptions{}).Applications[0]
	found := false
	for _, r := range app.Risks {
		if r.Code == "secret-in-clear" {
			found = true
			if r.Severity != plan.Low || len(r.Paths) != 1 || r.Paths[0] != "stringData.password" || strings.Contains(r.Detail, "correct-horse") {
				t.Errorf("%+v", r)
			}
		}
	}
	if !found {
		t.Errorf("it is not told: %+v", app.Risks)
	}
	s.application(t, "web", "accept_risk \"secret-in-clear\" {\n reason = \"a test\"\n}", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: web\nstringData:\n  password: correct-horse\n")
	for _, r := range s.MustPlan(t, engine.PlanOptions{}).Applications[0].Risks {
		if r.Code == "secret-in-clear" && r.Accepted == "" {
			t.Errorf("it cannot be accepted: %+v", r)
		}
	}
}
