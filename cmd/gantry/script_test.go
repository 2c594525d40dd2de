package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// scripts counts the scripts of this process, for names of their own.
var scripts atomic.Int64

// TestScripts runs testdata/script: the real program against the real API server.
//
// Scripts have these commands of their own:
//
//	cluster [own] NAME      a cluster; its kubeconfig is $WORK/NAME.kubeconfig, and
//	                        that of the first is $KUBECONFIG. Without "own" it is the
//	                        one that all tests share: work in $NS, and below it.
//	serve git NAME DIR [USER PASSWORD]  serves the repositories below DIR with https;
//	                        its URL is $NAME, its certificate $WORK/NAME.pem
//	serve oci NAME [USER PASSWORD]   an OCI registry; its host is $NAME
//	serve issuer NAME       an OpenID Connect issuer, which lets alice in without asking; its
//	                        URL is $NAME, and a token of hers for "gantry" $NAME_TOKEN
//	serve publish REGISTRY REPOSITORY:TAG DIR  puts files into a registry
//	repository DIR          makes a git repository of a directory, or commits its changes
//	kube get KIND NAME [PATH]        prints an object, or a part of it, of $NS
//	kube wait KIND NAME              waits until it is there
//	kube absent KIND NAME            waits until it is gone
//	kube edit MANAGER KIND NAME FIELDS  sets fields (JSON) as another field manager
//	kube kubeconfig FILE TOKEN       writes a kubeconfig of the cluster with that token
//	audited KIND,KIND... PROGRAM [ARGUMENT]...  runs a program, which must leave just these
//	                        entries in the audit log
//	valid SCHEMA FILE                holds a file, or each line of .ndjson, to docs/SCHEMA
//	exitcode CODE PROGRAM [ARGUMENT]...  runs a program that must end with that code
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"cluster":    func(ts *testscript.TestScript, neg bool, args []string) { clusterCommand(t, ts, neg, args) },
			"serve":      func(ts *testscript.TestScript, neg bool, args []string) { serveCommand(t, ts, neg, args) },
			"repository": repositoryCommand,
			"kube":       kubeCommand,
			"exitcode":   exitCodeCommand,
			"audited":    auditedCommand,
			"valid":      validCommand,
		},
	})
}

// setUp makes a script's environment: nothing of the user's own is in it.
func setUp(env *testscript.Env) error {
	if err := provide(); err != nil {
		return err
	}
	namespace := fmt.Sprintf("script-%d-%d", os.Getpid(), scripts.Add(1))
	env.Setenv("NS", namespace)
	env.Setenv("GANTRY_VAR_namespace", namespace)
	env.Setenv("GANTRY_VAR_work", env.WorkDir)
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("GANTRY_CACHE", filepath.Join(env.WorkDir, "cache"))
	env.Setenv("PATH", binaryFolder+string(os.PathListSeparator)+os.Getenv("PATH"))
	for name, value := range gitEnvironment() {
		env.Setenv(name, value)
	}
	return os.MkdirAll(filepath.Join(env.WorkDir, "home"), 0o755)
}

// gitEnvironment keeps git from reading the user's configuration.
func gitEnvironment() map[string]string {
	return map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@example.com",
		"GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@example.com",
	}
}

func clusterCommand(t testing.TB, ts *testscript.TestScript, neg bool, args []string) {
	own := len(args) == 2 && args[0] == "own"
	if neg || len(args) != 1 && !own {
		ts.Fatalf("usage: cluster [own] NAME")
	}
	var kubeconfig string
	if own {
		kubeconfig = clustertest.Own(t, clustertest.ControlPlaneOnly()).Kubeconfig
	} else {
		kubeconfig = clustertest.Shared(t).Kubeconfig
	}
	text, err := os.ReadFile(kubeconfig)
	ts.Check(err)
	path := ts.MkAbs(args[len(args)-1] + ".kubeconfig")
	ts.Check(os.WriteFile(path, text, 0o600))
	if ts.Getenv("KUBECONFIG") == "" {
		ts.Setenv("KUBECONFIG", path)
	}
}

func repositoryCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: repository DIR")
	}
	dir := ts.MkAbs(args[0])
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		ts.Check(ts.Exec("git", "init", "--quiet", "--initial-branch", "main", dir))
	}
	ts.Check(ts.Exec("git", "-C", dir, "add", "--all"))
	ts.Check(ts.Exec("git", "-C", dir, "commit", "--quiet", "--message", "change"))
}

// exitCodeCommand runs a program and requires its exit code; its output can then
// be looked at as after exec.
func exitCodeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode CODE PROGRAM [ARGUMENT]...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("%s ended with %s, expected %s", strings.Join(args[1:], " "), got, args[0])
	}
}
