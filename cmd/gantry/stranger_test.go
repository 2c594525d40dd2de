package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/providers/git/gittest"
)

// way is one of the ways in which a stranger's repository tries to get at what is not its
// own. In its texts, $L is the address of a server of this machine that nobody may reach,
// $H one that is allowed, and $O a directory with a file that is not the repository's.
type way struct {
	files map[string]string
	links map[string]string // symbolic links
	says  string            // what is said of it, which also tells that it was tried
	flags []string
	fine  bool // it is no error, and just does nothing
}

// app is a configuration with one application.
func app(source string, more ...string) map[string]string {
	return map[string]string{"main.gantry.hcl": `cluster "main" {
  server = "https://$L"
}
application "way" {
  source {
    ` + source + `
  }
  destination {
    cluster   = cluster.main
    namespace = "way"
  }
}
` + strings.Join(more, "\n")}
}

// with adds files to a configuration.
func with(files map[string]string, more ...string) map[string]string {
	out := maps.Clone(files)
	for i := 0; i+1 < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

// printing is a source with one object that has the value of an expression.
func printing(expression string) string {
	return `objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "x" }, data = { x = ` + expression + ` } }]`
}

const (
	harmless = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: harmless\n"
	chart    = "apiVersion: v2\nname: c\nversion: 1.0.0\n"
	refusal  = "not among the allowed hosts"
	unread   = "no secret is, with --untrusted"
	fromGit  = "path = \"x\"\n    repository = repository.other"
	notFound = "not found"
)

func repository(url, more string) string {
	return fmt.Sprintf("repository \"other\" {\n  url = %q\n  %s\n}", url, more)
}

func authWith(with string) string { return "auth {\n    token = " + with + "\n  }" }

// ways are the ways that are tried.
func ways() map[string]way {
	const secretFile = `secret "file" "s" { path = "../../outside/secret.txt" }`
	templates := func(expression string) map[string]string {
		return with(app(`path = "c"`), "c/Chart.yaml", chart, "c/templates/x.yaml", harmless+"data:\n  x: '{{ "+expression+" }}'\n")
	}
	kustomization := func(text string, more ...string) map[string]string {
		return with(with(app(`path = "k"`), "k/kustomization.yaml", text, "k/x.yaml", harmless), more...)
	}
	jsonnet := func(text string) map[string]string {
		return with(app("path = \"j\"\n    jsonnet {}"), "j/main.jsonnet", `{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, data: { x: `+text+` } }`)
	}
	return map[string]way{
		// Commands.
		"a program of the repository prints a credential": {files: with(app(fromGit, repository("https://$H/x.git", authWith("secret.command.s")), `secret "command" "s" { command = "./run.sh" }`), "run.sh", "#!/bin/sh\ntouch $O/ran\n"), says: unread},
		"a program of the machine prints a credential":    {files: app(fromGit, repository("https://$H/x.git", authWith("secret.command.s")), "secret \"command\" \"s\" {\n  command = \"touch\"\n  args = [\"$O/ran\"]\n}"), says: unread},
		"a program logs in to a cluster":                  {files: map[string]string{"main.gantry.hcl": strings.Replace(app(printing(`"yes"`))["main.gantry.hcl"], `server = "https://$L"`, "server = \"https://$L\"\n  auth {\n    exec {\n      command = \"touch\"\n      args = [\"$O/ran\"]\n    }\n  }", 1)}, says: "1 to create", fine: true},
		"a kubeconfig with a program":                     {files: map[string]string{"kubeconfig": "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://$L'}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: ['$O/ran']}}}]\n", "main.gantry.hcl": strings.Replace(app(printing(`"yes"`))["main.gantry.hcl"], `server = "https://$L"`, `kubeconfig = "kubeconfig"`, 1)}, says: "1 to create", fine: true},
		"a program gives the key of the state":            {files: app(printing(`"yes"`), "gantry {\n  encryption {\n    key = secret.command.s\n  }\n}\nsecret \"command\" \"s\" {\n  command = \"touch\"\n  args = [\"$O/ran\"]\n}"), says: "1 to create", fine: true},
		"a program gives the key of encrypted files":      {files: with(app("path = \"x\"", "secret \"command\" \"s\" {\n  command = \"touch\"\n  args = [\"$O/ran\"]\n}"), "x/x.yaml", sopsFile, "main.gantry.hcl", strings.Replace(app("path = \"x\"")["main.gantry.hcl"], "  destination", "  decryption {\n    age = [secret.command.s]\n  }\n  destination", 1)+"secret \"command\" \"s\" {\n  command = \"touch\"\n  args = [\"$O/ran\"]\n}"), says: unread},
		"a remote helper of git":                          {files: app(fromGit, repository("ext::sh -c touch% $O/ran", "type = \"git\"")), says: "git repository"},
		"a URL that is an option of ssh":                  {files: app(fromGit, repository("-oProxyCommand=touch $O/ran:x", "type = \"git\"")), says: "URL"},
		"a host that is an option of ssh":                 {files: app(fromGit, repository("ssh://-oProxyCommand=touch/x", "")), says: "ssh"},
		"a path that is an option of git":                 {files: app(fromGit, repository("https://$L/--upload-pack=touch", "")), says: refusal},
		"a revision that is an option of git":             {files: app(fromGit, repository("https://$L/x.git", `revision = "--upload-pack=touch"`)), says: refusal},
		"a module that is an option of git":               {files: app(printing(`"yes"`), "module \"m\" {\n  source = \"git::--upload-pack=touch $O/ran\"\n}"), says: "source"},
		"a plugin of Kustomize":                           {files: kustomization("generators: [g.yaml]\n", "k/g.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: g\n  annotations:\n    config.kubernetes.io/function: |\n      exec:\n        path: ./run.sh\n", "k/run.sh", "#!/bin/sh\ntouch $O/ran\n"), says: "k/kustomization.yaml"},
		"a function of Kustomize in a container":          {files: kustomization("transformers: [g.yaml]\n", "k/g.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: g\n  annotations:\n    config.kubernetes.io/function: |\n      container:\n        image: $L/x\n"), says: "k/kustomization.yaml"},
		"a chart that Kustomize has helm fetch":           {files: kustomization("helmCharts:\n- name: c\n  repo: https://$L\n"), says: "helmCharts"},
		"a hook of the repository":                        {files: with(app(printing(`"yes"`)), ".githooks/post-checkout", "#!/bin/sh\ntouch $O/ran\n", ".gitattributes", "* filter=run\n", ".gitconfig", "[filter \"run\"]\n  smudge = touch $O/ran\n[core]\n  hooksPath = .githooks\n"), says: "1 to create", fine: true},

		// The environment.
		"a variable of the environment as a credential": {files: app(fromGit, repository("https://$H/x.git", authWith("secret.environment.s")), `secret "environment" "s" { variable = "STRANGER_TOKEN" }`), says: unread},
		"a variable of the configuration":               {files: app(printing("var.token"), `variable "token" { type = string }`), says: "token"},
		"a variable with a default":                     {files: app(printing("var.token"), "variable \"token\" {\n  default = \"none\"\n}"), says: "1 to create", fine: true},
		"the environment in a template of Helm":         {files: templates(`env "STRANGER_TOKEN"`), says: `function "env" not defined`},
		"the environment expanded in one":               {files: templates(`expandenv "$STRANGER_TOKEN"`), says: `function "expandenv" not defined`},
		"the environment in Jsonnet":                    {files: jsonnet(`std.extVar("STRANGER_TOKEN")`), says: "STRANGER_TOKEN"},
		"a function of the language":                    {files: app(printing(`env("STRANGER_TOKEN")`)), says: "env"},
		"the environment in Kustomize's ConfigMaps":     {files: kustomization("configMapGenerator:\n- name: x\n  envs: [env]\n", "k/env", "STRANGER_TOKEN\n"), says: "1 to create", fine: true},
		"the key of encrypted files":                    {files: with(app(`path = "x"`), "x/x.yaml", sopsFile), says: "no key"},
		"the token of the forge":                        {files: app(printing(`"yes"`), "gantry {\n  forge \"gitea\" {\n    url = \"http://$L\"\n    repository = \"a/b\"\n  }\n}"), says: "1 to create", fine: true},

		// Files.
		"a file as a credential":                     {files: app(fromGit, repository("https://$H/x.git", authWith("secret.file.s")), secretFile), says: unread},
		"a file outside":                             {files: app(printing(`file("../../outside/secret.txt")`)), says: "outside"},
		"a file by its whole path":                   {files: app(printing(`file("$O/secret.txt")`)), says: "outside"},
		"a file by a link":                           {files: app(printing(`file("link")`)), links: map[string]string{"link": "../../outside/secret.txt"}, says: "link"},
		"a file by a link's whole path":              {files: app(printing(`file("link")`)), links: map[string]string{"link": "$O/secret.txt"}, says: "link"},
		"a file by a link to a directory":            {files: app(printing(`file("link/secret.txt")`)), links: map[string]string{"link": "../../outside"}, says: "link"},
		"a file that is not committed":               {files: app(printing(`file("untracked.txt")`)), says: "untracked.txt"},
		"git's own files":                            {files: app(printing(`file(".git/config")`)), says: ".git/config"},
		"git's own files by a link":                  {files: app(printing(`file("link")`)), links: map[string]string{"link": ".git/config"}, says: "link"},
		"the state's own files":                      {files: app(printing(`file(".gantry/key")`)), says: ".gantry/key"},
		"a template outside":                         {files: app(printing(`templatefile("../../outside/secret.txt", {})`)), says: "outside"},
		"a list of files outside":                    {files: app(printing(`join(",", fileset("../../outside", "*"))`)), says: "outside"},
		"whether there is a file outside":            {files: app(printing(`fileexists("$O/secret.txt") ? "can${"ary"}" : "none"`)), says: "outside"},
		"a module outside":                           {files: app(printing(`"yes"`), "module \"m\" {\n  source = \"../../outside\"\n}"), says: "outside"},
		"a module by a link":                         {files: app(printing(`"yes"`), "module \"m\" {\n  source = \"./link\"\n}"), links: map[string]string{"link": "../../outside"}, says: "link"},
		"a module of another repository on the disk": {files: app(printing(`"yes"`), "module \"m\" {\n  source = \"git::file://$O/private\"\n}"), says: "source"},
		"a directory outside":                        {files: app(`path = "../../outside"`), says: "outside"},
		"a directory by a link":                      {files: app(`path = "link"`), links: map[string]string{"link": "../../outside"}, says: "link"},
		"another repository on the disk":             {files: app(fromGit, repository("file://$O/private", "")), says: refusal},
		"another repository by its path":             {files: app(fromGit, repository("$O/private", "type = \"git\"")), says: "private"},
		"a file of values outside":                   {files: with(app("path = \"c\"\n    helm {\n      value_files = [\"../../../outside/secret.txt\"]\n    }"), "c/Chart.yaml", chart), says: "outside"},
		"a file of values by its whole path":         {files: with(app("path = \"c\"\n    helm {\n      value_files = [\"$O/secret.txt\"]\n    }"), "c/Chart.yaml", chart), says: "secret.txt"},
		"a file from a template of Helm":             {files: templates(`.Files.Get "../../../outside/secret.txt"`), says: "1 to create", fine: true},
		"a dependency of a chart outside":            {files: with(app(`path = "c"`), "c/Chart.yaml", chart+"dependencies:\n- name: d\n  version: 1.0.0\n  repository: file://../../../outside\n"), says: "c/Chart.yaml"},
		"a file from Kustomize":                      {files: kustomization("configMapGenerator:\n- name: x\n  files: [../../../outside/secret.txt]\n"), says: "outside"},
		"a file from Jsonnet":                        {files: jsonnet(`importstr "../../../outside/secret.txt"`), says: "outside"},
		"a file from Jsonnet by its whole path":      {files: jsonnet(`importstr "$O/secret.txt"`), says: "relative"},
		"a state on the disk":                        {files: app(printing("remote.r.outputs.x"), "remote \"r\" {\n  backend \"local\" {\n    path = \"$O/state\"\n  }\n}"), says: "no state is asked", fine: true},
		"the key of a state on the disk":             {files: app(printing(`"yes"`), "gantry {\n  backend \"local\" {\n    path = \"$O/state\"\n  }\n}"), says: "1 to create", fine: true},
		"a submodule":                                {files: with(app(`path = "sub"`), ".gitmodules", "[submodule \"sub\"]\n  path = sub\n  url = https://$L/x.git\n"), says: notFound},

		// The network.
		"a repository over https":              {files: app(fromGit, repository("https://$L/x.git", "")), says: refusal},
		"a repository over http":               {files: app(fromGit, repository("http://$L/x.git", "")), says: refusal},
		"a repository over git's protocol":     {files: app(fromGit, repository("git://$L/x.git", "")), says: refusal},
		"a repository over ssh":                {files: app(fromGit, repository("ssh://git@$L/x.git", "")), says: "ssh"},
		"a repository of charts":               {files: app("chart = \"c\"\n    repository = repository.other", repository("http://$L", `type = "helm"`)), says: refusal},
		"a registry":                           {files: app("repository = repository.other", repository("oci://$L/c", "")), says: refusal},
		"a module over https":                  {files: app(printing(`"yes"`), "module \"m\" {\n  source = \"git::https://$L/x.git\"\n}"), says: refusal},
		"a module of a registry":               {files: app(printing(`"yes"`), "module \"m\" {\n  source = \"oci://$L/x\"\n}"), says: refusal},
		"a dependency of a chart":              {files: with(app(`path = "c"`), "c/Chart.yaml", chart+"dependencies:\n- name: d\n  version: 1.0.0\n  repository: http://$L\n"), says: refusal},
		"a schema of values":                   {files: with(app(`path = "c"`), "c/Chart.yaml", chart, "c/values.schema.json", `{"$ref": "http://$L/x.json"}`), says: "values.schema.json"},
		"a name that Helm looks up":            {files: templates(`getHostByName "localhost"`), says: "1 to create", fine: true},
		"an object that Helm looks up":         {files: templates(`lookup "v1" "Secret" "kube-system" "x" | len`), says: "1 to create", fine: true},
		"a remote base of Kustomize":           {files: kustomization("resources: ['http://$L/x.yaml']\n"), says: "remote"},
		"a generator that asks a service":      {files: app(printing("each.key"), "generator \"plugin\" \"g\" {\n  url = \"http://$L\"\n  key = \"k\"\n}", `output "o" { value = keys(generator.plugin.g) }`), says: refusal},
		"a generator that reads git":           {files: app(printing(`"yes"`), "generator \"git\" \"g\" {\n  url = \"https://$L/x.git\"\n  directories {\n    path = \"*\"\n  }\n}"), says: refusal},
		"a generator that asks a forge":        {files: app(printing(`"yes"`), "generator \"pull_request\" \"g\" {\n  forge = \"gitea\"\n  url = \"http://$L\"\n  repository = \"a/b\"\n}"), says: "forge"},
		"a generator of repositories":          {files: app(printing(`"yes"`), "generator \"scm_provider\" \"g\" {\n  forge = \"gitea\"\n  url = \"http://$L\"\n  owner = \"a\"\n}"), says: "g"},
		"a generator that reads a cluster":     {files: app(printing(`"yes"`), "generator \"cluster_decision_resource\" \"g\" {\n  cluster = cluster.main\n  api_version = \"v1\"\n  kind = \"ConfigMap\"\n  namespace = \"x\"\n  name = \"x\"\n}"), says: "--untrusted"},
		"a Secret of a cluster":                {files: app(fromGit, repository("https://$H/x.git", authWith("secret.kubernetes.s")), "secret \"kubernetes\" \"s\" {\n  cluster = cluster.main\n  namespace = \"x\"\n  name = \"x\"\n  key = \"x\"\n}"), says: unread},
		"another configuration's state":        {files: app(printing("remote.r.outputs.x"), "remote \"r\" {\n  backend \"http\" {\n    address = \"http://$L/state\"\n  }\n}"), says: "no state is asked", fine: true},
		"a state of one's own":                 {files: app(printing(`"yes"`), "gantry {\n  backend \"http\" {\n    address = \"http://$L/state\"\n  }\n}"), says: "1 to create", fine: true},
		"an issuer of identities":              {files: app(printing(`"yes"`), "gantry {\n  identity {\n    oidc {\n      issuer = \"http://$L\"\n    }\n  }\n}\nrole \"r\" {\n  subjects = [\"x\"]\n  allow {\n    actions = [\"*\"]\n    applications = [\"*/*\"]\n  }\n}"), says: "1 to create", fine: true},
		"a notification":                       {files: app(printing(`"yes"`), "notifier \"webhook\" \"n\" {\n  url = \"http://$L\"\n}"), says: "1 to create", fine: true},
		"an internal address":                  {files: app(fromGit, repository("http://169.254.169.254/latest", "")), says: refusal},
		"an address in a spelling of its own":  {files: app(fromGit, repository("http://2130706433/x.git", "")), says: refusal},
		"the machine's own name":               {files: app(fromGit, repository("http://localhost:$P/x.git", "")), flags: []string{"--allow-host", "localhost:$P"}, says: "internal address"},
		"a redirect of a repository":           {files: app(fromGit, repository("http://$H/git/x.git", "")), says: refusal},
		"a redirect of a repository of charts": {files: app("chart = \"c\"\n    repository = repository.other", repository("http://$H/redirected", `type = "helm"`)), says: refusal},
		"a chart that is elsewhere":            {files: app("chart = \"c\"\n    repository = repository.other", repository("http://$H/charts", `type = "helm"`)), says: refusal},
		"a login of a registry elsewhere":      {files: app("repository = repository.other", repository("oci://$H/c", "")), says: refusal},
		"a redirect of a service":              {files: app(printing(`"yes"`), "generator \"plugin\" \"g\" {\n  url = \"http://$H/redirected\"\n  key = \"k\"\n}", `output "o" { value = keys(generator.plugin.g) }`), says: "redirects elsewhere"},
	}
}

// sopsFile is encrypted for a key that nobody has.
const sopsFile = `apiVersion: v1
kind: Secret
metadata:
    name: x
stringData:
    x: ENC[AES256_GCM,data:AAAA,iv:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]
sops:
    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-01-01T00:00:00Z"
    mac: ENC[AES256_GCM,data:AAAA,iv:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]
    encrypted_regex: ^stringData$
    version: 3.9.0
`

// forbidden is a server that nobody may speak to.
func forbidden(t *testing.T, network, address string) (string, *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	reached := &atomic.Int32{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = connection.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String(), reached
}

// TestStrangers plans repositories that try, each in another way, to run a command, to read
// the environment or a file, or to speak to a host: none of them gets anything.
func TestStrangers(t *testing.T) {
	binary := program(t)
	all := ways()
	if len(all) < 60 {
		t.Errorf("only %d ways are tried", len(all))
	}
	for name, w := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStranger(t, w)
			out, err := s.plan(binary, append([]string{"--untrusted", "HEAD", "--allow-host", s.replace.Replace("$H")}, w.flags...)...)
			var failed *exec.ExitError
			if err != nil && (!errors.As(err, &failed) || failed.ExitCode() != 1) {
				t.Errorf("it ended with %v", err)
			}
			if (err == nil) != w.fine || !strings.Contains(out, w.says) {
				t.Errorf("%q is not in what it says, which ended with %v:\n%s", w.says, err, out)
			}
			s.check(out)
		})
	}
}

// TestCanariesSing: what TestStrangers looks for is there where the flag is not.
func TestCanariesSing(t *testing.T) {
	binary := program(t)
	for name, sings := range map[string]func(s *stranger, out string) bool{
		"a program of the repository prints a credential": func(s *stranger, _ string) bool { return s.ran() },
		"a program of the machine prints a credential":    func(s *stranger, _ string) bool { return s.ran() },
		"a variable of the configuration":                 func(_ *stranger, out string) bool { return strings.Contains(out, "canary-variable") },
		"a file that is not committed":                    func(_ *stranger, out string) bool { return strings.Contains(out, "canary-untracked") },
		"git's own files":                                 func(_ *stranger, out string) bool { return strings.Contains(out, "[core]") },
		"another repository on the disk":                  func(_ *stranger, out string) bool { return strings.Contains(out, "canary-repository") },
		"a repository over http":                          func(s *stranger, _ string) bool { return s.reached[0].Load() > 0 },
		"a repository over git's protocol":                func(s *stranger, _ string) bool { return s.reached[0].Load() > 0 },
		"a repository over ssh":                           func(s *stranger, _ string) bool { return s.reached[0].Load()+s.reached[1].Load() > 0 },
		"a redirect of a repository of charts":            func(s *stranger, _ string) bool { return s.reached[0].Load() > 0 },
		"a login of a registry elsewhere":                 func(s *stranger, _ string) bool { return s.reached[0].Load() > 0 },
		"a generator that asks a service":                 func(s *stranger, _ string) bool { return s.reached[0].Load() > 0 },
		"a generator that asks a forge":                   func(s *stranger, _ string) bool { return s.reached[0].Load() > 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ok := ways()[name]
			if !ok {
				t.Fatal("there is no such way")
			}
			s := newStranger(t, w)
			if out, _ := s.plan(binary, "--offline"); !sings(s, out) {
				t.Errorf("it does nothing without --untrusted either:\n%s", out)
			}
		})
	}
}

// stranger is a machine with a clone that has a stranger's commit.
type stranger struct {
	*testing.T
	home, clone string
	reached     []*atomic.Int32
	replace     *strings.Replacer
}

func newStranger(t *testing.T, w way) *stranger {
	t.Helper()
	home := t.TempDir()
	s := &stranger{T: t, home: home, clone: filepath.Join(home, "work", "config")}
	address, reached := forbidden(t, "tcp", "127.0.0.1:0")
	_, agent := forbidden(t, "unix", filepath.Join(home, "agent"))
	s.reached = []*atomic.Int32{reached, agent}
	_, port, _ := net.SplitHostPort(address)
	allowed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/v2/"):
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+address+`/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/charts/index.yaml":
			_, _ = fmt.Fprintf(w, "apiVersion: v1\nentries:\n  c:\n  - name: c\n    version: 1.0.0\n    urls: [\"http://%s/c.tgz\"]\n", address)
		default:
			http.Redirect(w, r, "http://"+address+r.URL.Path, http.StatusFound)
		}
	}))
	t.Cleanup(allowed.Close)
	host := strings.TrimPrefix(allowed.URL, "http://")
	s.replace = strings.NewReplacer("$L", address, "$P", port, "$H", host, "$O", filepath.Join(home, "outside"))
	for i := range w.flags {
		w.flags[i] = s.replace.Replace(w.flags[i])
	}
	s.write("outside/secret.txt", "canary-file")
	s.write("outside/main.gantry.hcl", `output "x" { value = "canary-module" }`)
	s.write("outside/x.yaml", strings.Replace(harmless, "harmless", "canary-directory", 1))
	s.write("outside/private/x/x.yaml", strings.Replace(harmless, "harmless", "canary-repository", 1))
	if strings.Contains(fmt.Sprint(w.files), "private") {
		s.commit(filepath.Join(home, "outside", "private"))
	}
	s.write(".ssh/known_hosts", "")
	s.write("kubeconfig", "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://"+address+"'}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: ['"+filepath.Join(home, "outside", "ran")+"']}}}]\n")
	for name, text := range w.files {
		s.write(filepath.Join("work", "config", name), s.replace.Replace(text))
		if strings.HasPrefix(text, "#!") {
			s.must(os.Chmod(filepath.Join(s.clone, name), 0o755))
		}
	}
	for name, to := range w.links {
		s.must(os.Symlink(s.replace.Replace(to), filepath.Join(s.clone, name)))
	}
	s.commit(s.clone)
	settings, err := os.OpenFile(filepath.Join(s.clone, ".git", "config"), os.O_APPEND|os.O_WRONLY, 0)
	s.must(err)
	_, err = settings.WriteString("[http]\n\textraheader = AUTHORIZATION: basic canary-git\n")
	s.must(errors.Join(err, settings.Close()))
	s.write("work/config/untracked.txt", "canary-untracked")
	s.write("work/config/.gantry/key", "canary-state")
	return s
}

func (s *stranger) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stranger) write(name, text string) {
	s.Helper()
	path := filepath.Join(s.home, name)
	s.must(os.MkdirAll(filepath.Dir(path), 0o755))
	s.must(os.WriteFile(path, []byte(text), 0o644))
}

func (s *stranger) git(args ...string) {
	s.Helper()
	command := exec.Command("git", args...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.home}
	for name, value := range gitEnvironment() {
		command.Env = append(command.Env, name+"="+value)
	}
	if out, err := command.CombinedOutput(); err != nil {
		s.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (s *stranger) commit(dir string) {
	s.Helper()
	s.git("init", "--quiet", "--initial-branch=main", dir)
	s.git("-C", dir, "add", "--all", "--force")
	s.git("-C", dir, "commit", "--quiet", "--message=a stranger's")
}

// plan plans the stranger's commit on a machine that has all kinds of credentials.
func (s *stranger) plan(binary string, args ...string) (string, error) {
	s.Helper()
	command := exec.Command(binary, append([]string{"--chdir", s.clone, "plan"}, args...)...)
	command.Dir = s.home
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.home, "GANTRY_CACHE=" + filepath.Join(s.home, "cache"), "TMPDIR=" + s.home,
		"STRANGER_TOKEN=canary-environment", "GANTRY_VAR_token=canary-variable", "GANTRY_FORGE_TOKEN=canary-forge", "GITHUB_TOKEN=canary-github",
		"SOPS_AGE_KEY=canary-sops", "SSH_AUTH_SOCK=" + filepath.Join(s.home, "agent"), "KUBECONFIG=" + filepath.Join(s.home, "kubeconfig"),
	}
	out, err := command.CombinedOutput()
	return string(out), err
}

func (s *stranger) ran() bool {
	_, err := os.Stat(filepath.Join(s.home, "outside", "ran"))
	return err == nil
}

// check holds a plan to what no stranger may do.
func (s *stranger) check(out string) {
	s.Helper()
	if strings.Contains(out, "canary") {
		s.Errorf("something is in the plan that is not the stranger's:\n%s", out)
	}
	for _, reached := range s.reached {
		if n := reached.Load(); n > 0 {
			s.Errorf("%d connections to what is not allowed:\n%s", n, out)
		}
	}
	if s.ran() {
		s.Errorf("a command was run:\n%s", out)
	}
	if found, _ := filepath.Glob(filepath.Join(s.home, "gantry-untrusted-*")); len(found) > 0 {
		s.Errorf("files are left behind: %v", found)
	}
	if found, _ := filepath.Glob(filepath.Join(s.clone, ".gantry", "*")); len(found) != 1 {
		s.Errorf("a state was made: %v", found)
	}
}

// TestStrangersDoNotShareTheCache: what others have fetched with their credentials cannot be
// read by who knows its commit.
func TestStrangersDoNotShareTheCache(t *testing.T) {
	binary := program(t)
	s := newStranger(t, way{files: app(printing(`"yes"`))})
	s.commit(filepath.Join(s.home, "outside", "private"))
	const password = "canary-password"
	server := httptest.NewServer(gittest.Handler(t, filepath.Join(s.home, "outside"), "deployer", password))
	t.Cleanup(server.Close)
	trusted := git.New(git.Options{CacheDir: filepath.Join(s.home, "cache", "git")})
	read, err := trusted.Open(t.Context(), source.Location{Type: source.Git, URL: server.URL + "/private/.git", Auth: &source.Auth{Username: "deployer", Password: password}})
	s.must(err)
	s.must(trusted.Close())
	files := app(fromGit, repository(server.URL+"/private/.git", fmt.Sprintf("type = \"git\"\n  revision = %q", read.Pin.Resolved)))
	s.write("work/config/main.gantry.hcl", s.replace.Replace(files["main.gantry.hcl"]))
	if out, err := s.plan(binary, "--offline"); err != nil || !strings.Contains(out, "canary-repository") {
		t.Fatalf("the cache is not used, so that this test shows nothing: %v\n%s", err, out)
	}
	s.must(os.RemoveAll(filepath.Join(s.clone, ".gantry")))
	s.write("work/config/.gantry/key", "canary-state")
	s.git("-C", s.clone, "commit", "--quiet", "--all", "--message=another")
	out, err := s.plan(binary, "--untrusted", "HEAD", "--allow-host", strings.TrimPrefix(server.URL, "http://"))
	if err == nil || !strings.Contains(strings.ToLower(out), "credentials") {
		t.Errorf("%v\n%s", err, out)
	}
	s.check(out)
}
