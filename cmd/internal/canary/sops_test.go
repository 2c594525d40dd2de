package canary

import (
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers/sops/sopstest"
)

// encrypted are inputs of files that SOPS has encrypted. Their keys must be nowhere either.
func encrypted(t *testing.T) []input {
	t.Helper()
	age, pgp := sopstest.Age(t), sopstest.PGP(t)
	// The first lines of an armored key, and of its end, are everybody's.
	lines := strings.Split(strings.TrimSpace(pgp.Private), "\n")
	pgpKeys := slices.DeleteFunc(lines[2:len(lines)-2], func(line string) bool { return len(line) < 40 }) // what is shorter may be found by chance
	ageInput := func(in input) input {
		in.environment, in.keys = []string{"SOPS_AGE_KEY=" + age.Private}, []string{age.Private}
		return in
	}
	const hides = "^(data|stringData)$"
	manifest := func(kind, name, s string) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}, map[string]string{"Secret": "stringData", "ConfigMap": "data"}[kind]: map[string]any{"v": s}}
	}
	pgpValues := func(s string) map[string]string {
		return map[string]string{
			"sopschart/Chart.yaml":         "apiVersion: v2\nname: sopschart\nversion: 1.0.0\n",
			"sopschart/secrets.yaml":       pgp.Encrypt(t, map[string]any{"login": map[string]any{"password": s}}, "."),
			"sopschart/templates/all.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: sopschart}\nstringData: {url: {{ printf \"postgres://shop:%s@db\" .Values.login.password | toJson }}}\n",
		}
	}
	return []input{
		ageInput(input{
			name: "a Secret that SOPS encrypts, with age", blocks: directory("sopsage", ""),
			files: func(s string) map[string]string {
				return map[string]string{"sopsage/a.yaml": age.Encrypt(t, manifest("Secret", "sopsage", s), hides)}
			},
		}),
		{
			name:        "values of a chart that SOPS encrypts, with PGP",
			environment: []string{"SOPS_PGP=" + pgp.Private}, keys: pgpKeys,
			blocks: "secret \"environment\" \"pgp\" {\n  variable = \"SOPS_PGP\"\n}\n" +
				application("sopschart", "  decryption {\n    pgp = [secret.environment.pgp]\n  }\n  source {\n    path = \"sopschart\"\n    helm {\n      value_files = [\"secrets.yaml\"]\n    }\n  }\n"),
			files: pgpValues,
		},
		ageInput(input{
			name: "a file that SOPS encrypts, of a secretGenerator", blocks: directory("sopskustomize", ""),
			files: func(s string) map[string]string {
				return map[string]string{
					"sopskustomize/kustomization.yaml": "secretGenerator: [{name: sopsgenerated, files: [v.json]}]\n",
					"sopskustomize/v.json":             age.Encrypt(t, map[string]any{"v": s}, "."),
				}
			},
		}),
		ageInput(input{
			name: "what SOPS encrypts, outside of a Secret", fails: true, blocks: directory("sopsmap", ""),
			files: func(s string) map[string]string {
				return map[string]string{"sopsmap/a.yaml": age.Encrypt(t, manifest("ConfigMap", "sopsmap", s), hides)}
			},
		}),
		ageInput(input{
			name: "a Secret that SOPS encrypts, and the server refuses", fails: true, blocks: directory("sopsrefused", ""),
			files: func(s string) map[string]string {
				object := manifest("Secret", "sopsrefused", s)
				object["data"] = object["stringData"] // no base64
				delete(object, "stringData")
				return map[string]string{"sopsrefused/a.yaml": age.Encrypt(t, object, hides)}
			},
		}),
		ageInput(input{
			name: "a file that SOPS encrypted, and somebody changed", fails: true, blocks: directory("sopschanged", ""),
			files: func(s string) map[string]string {
				text := age.Encrypt(t, manifest("Secret", "sopschanged", s), hides)
				return map[string]string{"sopschanged/a.yaml": strings.Replace(text, `"lastmodified": "2026`, `"lastmodified": "2025`, 1)}
			},
		}),
	}
}
