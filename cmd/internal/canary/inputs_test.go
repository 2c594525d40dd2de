package canary

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// input is a place where a secret gets into gantry. Each has a secret of its own, so
// that one which is found somewhere tells where it came from.
type input struct {
	name string
	// files are what the input adds to the configuration's directory, by path; the
	// secret is %s in them, encoded as is fit for the place.
	files  func(secret string) map[string]string
	blocks string // what it adds to the configuration
	env    string // the variable that has the secret
	fails  bool   // planning with it is an error, as it must be
	// environment is what it adds to the environment of gantry, and keys are secrets in it
	// that must be nowhere either.
	environment []string
	keys        []string
}

const destination = `
  destination {
    cluster   = cluster.main
    namespace = var.namespace
  }
  notify {
    trigger = trigger.ended
    to      = notifier.webhook.listener
  }
`

// application is an application of a directory.
func application(name, more string) string {
	return fmt.Sprintf("application %q {\n%s%s}\n", name, more, destination)
}

func directory(name, more string) string {
	return application(name, fmt.Sprintf("  source {\n    path = %q\n%s  }\n", name, more))
}

func yamlOf(value any) string {
	out, err := json.Marshal(value) // JSON is YAML
	if err != nil {
		panic(err)
	}
	return string(out)
}

func secretObject(name string, fields, annotations map[string]any) map[string]any {
	out := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name, "annotations": annotations}}
	for key, value := range fields {
		out[key] = value
	}
	return out
}

func variable(name string) string {
	return fmt.Sprintf("variable %q {\n  type      = string\n  sensitive = true\n  default   = \"\"\n}\n", name)
}

// inputs are all of them; server is where git repositories are.
func inputs(t *testing.T, server *gitServer) []input {
	t.Helper()
	return append(encrypted(t), []input{
		{
			name: "the password of a git server", env: "login",
			blocks: variable("login") + server.application("login", "deploy", "    username = \"deployer\"\n    password = var.login\n"),
		},
		{
			name: "a password that a git server refuses, and repeats", env: "refusedlogin", fails: true,
			blocks: variable("refusedlogin") + server.application("refusedlogin", "deploy", "    username = \"someone\"\n    password = var.refusedlogin\n"),
		},
		{
			name: "a token that a git server refuses, and repeats", env: "refusedtoken", fails: true,
			blocks: variable("refusedtoken") + server.application("refusedtoken", "deploy", "    token = var.refusedtoken\n"),
		},
		{
			name: "the password for a repository that is not there", env: "nowhere", fails: true,
			blocks: variable("nowhere") + server.application("nowhere", "nowhere", "    username = \"deployer\"\n    password = var.nowhere\n"),
		},
		{
			name: "data of a Secret", blocks: directory("data", ""),
			files: func(s string) map[string]string {
				return map[string]string{"data/a.yaml": yamlOf(secretObject("data", map[string]any{"data": map[string]any{"v": base64.StdEncoding.EncodeToString([]byte(s))}}, nil))}
			},
		},
		{
			name: "stringData of a Secret", blocks: directory("stringdata", ""),
			files: func(s string) map[string]string {
				return map[string]string{"stringdata/a.yaml": yamlOf(secretObject("stringdata", map[string]any{"stringData": map[string]any{"v": s}}, nil))}
			},
		},
		{
			name: "kubectl's annotation", blocks: directory("kubectl", ""),
			files: func(s string) map[string]string {
				inner := yamlOf(secretObject("kubectl", map[string]any{"data": map[string]any{"v": base64.StdEncoding.EncodeToString([]byte(s))}}, nil))
				return map[string]string{"kubectl/a.yaml": yamlOf(secretObject("kubectl", nil, map[string]any{"kubectl.kubernetes.io/last-applied-configuration": inner}))}
			},
		},
		{
			name: "Rancher's annotation", blocks: directory("rancher", ""),
			files: func(s string) map[string]string {
				return map[string]string{"rancher/a.yaml": yamlOf(secretObject("rancher", nil, map[string]any{"objectset.rio.cattle.io/applied": zipped(s)}))}
			},
		},
		{
			name: "a copy in any annotation", blocks: directory("copy", ""),
			files: func(s string) map[string]string {
				return map[string]string{"copy/a.yaml": yamlOf(secretObject("copy", map[string]any{"stringData": map[string]any{"v": s}}, map[string]any{"example.com/was": "it was " + s}))}
			},
		},
		{
			name: "values of a chart, by a sensitive variable", env: "chart",
			blocks: variable("chart") + directory("chart", "    helm {\n      values = { v = var.chart }\n    }\n"),
			files: func(string) map[string]string {
				return map[string]string{
					"chart/Chart.yaml":         "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
					"chart/templates/all.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: chart}\nstringData: {v: {{ .Values.v | toJson }}}\n",
				}
			},
		},
		{
			name: "values of a chart, outside of a Secret", env: "outside", fails: true,
			blocks: variable("outside") + directory("outside", "    helm {\n      values = { v = var.outside }\n    }\n"),
			files: func(string) map[string]string {
				return map[string]string{
					"outside/Chart.yaml":         "apiVersion: v2\nname: outside\nversion: 1.0.0\n",
					"outside/templates/all.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: outside}\ndata: {v: {{ .Values.v | toJson }}}\n",
				}
			},
		},
		{
			name: "values of a chart that fails", env: "failing", fails: true,
			blocks: variable("failing") + directory("failing", "    helm {\n      values = { v = var.failing }\n    }\n"),
			files: func(string) map[string]string {
				return map[string]string{
					"failing/Chart.yaml":         "apiVersion: v2\nname: failing\nversion: 1.0.0\n",
					"failing/templates/all.yaml": "{{ fail (printf \"not with %s\" .Values.v) }}\n",
				}
			},
		},
		{
			name: "a secretGenerator", blocks: directory("kustomize", ""),
			files: func(s string) map[string]string {
				return map[string]string{"kustomize/kustomization.yaml": "secretGenerator: [{name: generated, files: [v.txt]}]\n", "kustomize/v.txt": s}
			},
		},
		{
			name: "Jsonnet", blocks: directory("jsonnet", "    jsonnet {}\n"),
			files: func(s string) map[string]string {
				return map[string]string{"jsonnet/main.jsonnet": yamlOf(secretObject("jsonnet", map[string]any{"stringData": map[string]any{"v": s}}, nil))}
			},
		},
		{
			name: "an external variable of Jsonnet", env: "external", fails: true,
			blocks: variable("external") + directory("external", "    jsonnet {\n      external_variables = { v = var.external }\n    }\n"),
			files:  func(string) map[string]string { return map[string]string{"external/main.jsonnet": "[]"} },
		},
		{
			name: "a sensitive variable in a Secret that is written here", env: "inline",
			blocks: variable("inline") + application("inline", "  source {\n    objects = [{ apiVersion = \"v1\", kind = \"Secret\", metadata = { name = \"inline\" }, stringData = { v = var.inline } }]\n  }\n"),
		},
		{
			name: "a sensitive variable in a ConfigMap", env: "shown", fails: true,
			blocks: variable("shown") + application("shown", "  source {\n    objects = [{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"shown\" }, data = { v = var.shown } }]\n  }\n"),
		},
		{
			name: "through a module and its output", env: "module",
			blocks: variable("module") + "module \"m\" {\n  source = \"./m\"\n  given  = var.module\n}\noutput \"module\" {\n  value     = module.m.back\n  sensitive = true\n}\n" +
				application("module", "  source {\n    objects = [{ apiVersion = \"v1\", kind = \"Secret\", metadata = { name = \"module\" }, stringData = { v = module.m.back } }]\n  }\n"),
			files: func(string) map[string]string {
				return map[string]string{"m/main.gantry.hcl": "variable \"given\" {\n  sensitive = true\n}\noutput \"back\" {\n  value     = var.given\n  sensitive = true\n}\n"}
			},
		},
		{
			name: "items of a generator", env: "items", fails: true,
			blocks: variable("items") + "generator \"list\" \"items\" {\n  elements = [var.items]\n}\n" +
				"application \"items\" {\n  for_each = generator.list.items\n  source {\n    objects = [{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"items\" }, data = { v = each.value } }]\n  }\n" + destination + "}\n",
		},
		{
			name: "a field that the configuration names", blocks: application("named", "  source {\n    path = \"named\"\n  }\n  redact {\n    kind          = \"ConfigMap\"\n    name          = \"named\"\n    json_pointers = [\"/data/*\"]\n  }\n"),
			files: func(s string) map[string]string {
				return map[string]string{"named/a.yaml": yamlOf(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "named", "annotations": map[string]any{"example.com/was": s}}, "data": map[string]any{"v": s}})}
			},
		},
		{
			name: "what the server refuses in a field that is named", fails: true,
			blocks: application("refused", "  source {\n    path = \"refused\"\n  }\n  redact {\n    kind          = \"Service\"\n    json_pointers = [\"/spec/externalName\"]\n  }\n"),
			files: func(s string) map[string]string {
				return map[string]string{"refused/a.yaml": yamlOf(map[string]any{"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "refused"}, "spec": map[string]any{"type": "ExternalName", "externalName": s}})}
			},
		},
		{
			name: "what the server refuses in a Secret", fails: true, blocks: directory("refusedsecret", ""),
			files: func(s string) map[string]string {
				return map[string]string{"refusedsecret/a.yaml": yamlOf(secretObject("refusedsecret", map[string]any{"data": map[string]any{"v": s}}, nil))}
			},
		},
		{
			name: "credentials in a repository's URL", fails: true,
			files: func(s string) map[string]string {
				return map[string]string{"url.gantry.hcl": application("url", fmt.Sprintf("  source {\n    url  = %s\n    path = \"x\"\n  }\n", hclString("https://deploy:"+strings.NewReplacer("%", "%25", "\"", "%22", "<", "%3C", ">", "%3E", "/", "%2F", "&", "%26").Replace(s)+"@127.0.0.1:1/x.git")))}
			},
		},
		{
			name: "a token of a cluster", env: "token", fails: true,
			blocks: variable("token") + "cluster \"other\" {\n  server   = \"https://127.0.0.1:1\"\n  insecure = true\n  auth {\n    token = var.token\n  }\n}\n" +
				"application \"other\" {\n  source {\n    objects = [{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"other\" } }]\n  }\n  destination {\n    cluster   = cluster.other\n    namespace = var.namespace\n  }\n}\n",
		},
	}...)
}

// hclString is a text as HCL writes it.
func hclString(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(yamlOf(text))
}
