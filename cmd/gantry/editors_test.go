package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang"
)

// extension is the folder of the extension for Visual Studio Code.
func extension(t *testing.T, name ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "docs", "editors", "vscode"}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func readExtension(t *testing.T, into any, name ...string) {
	t.Helper()
	content, err := os.ReadFile(extension(t, name...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// TestExtensionHolds: what the extension's description names is there, and the
// other way round.
func TestExtensionHolds(t *testing.T) {
	var described struct {
		Main        string            `json:"main"`
		Scripts     map[string]string `json:"scripts"`
		Contributes struct {
			Languages []struct {
				ID            string   `json:"id"`
				Extensions    []string `json:"extensions"`
				Filenames     []string `json:"filenames"`
				Configuration string   `json:"configuration"`
			} `json:"languages"`
			Grammars []struct {
				Language  string `json:"language"`
				ScopeName string `json:"scopeName"`
				Path      string `json:"path"`
			} `json:"grammars"`
			Snippets []struct {
				Language string `json:"language"`
				Path     string `json:"path"`
			} `json:"snippets"`
			Commands []struct {
				Command string `json:"command"`
			} `json:"commands"`
			Configuration struct {
				Properties map[string]any `json:"properties"`
			} `json:"configuration"`
		} `json:"contributes"`
	}
	readExtension(t, &described, "package.json")
	contributes := described.Contributes
	if len(contributes.Languages) != 1 || len(contributes.Grammars) != 1 || len(contributes.Snippets) != 1 {
		t.Fatalf("languages, grammars, snippets: %+v", contributes)
	}
	language := contributes.Languages[0]
	for _, wanted := range []string{".gantry.hcl", ".gantrytest.hcl", ".auto.vars.hcl"} {
		if !slices.Contains(language.Extensions, wanted) {
			t.Errorf("files named *%s are not of the language", wanted)
		}
	}
	if !slices.Contains(language.Filenames, "gantry.vars.hcl") {
		t.Error("gantry.vars.hcl is not of the language")
	}
	if contributes.Grammars[0].Language != language.ID || contributes.Snippets[0].Language != language.ID {
		t.Errorf("the language is %s; grammars and snippets are for %+v", language.ID, contributes)
	}

	var grammar struct {
		ScopeName string `json:"scopeName"`
		Patterns  []struct {
			Include string `json:"include"`
		} `json:"patterns"`
		Repository map[string]any `json:"repository"`
	}
	readExtension(t, &grammar, contributes.Grammars[0].Path)
	if grammar.ScopeName != contributes.Grammars[0].ScopeName {
		t.Errorf("the grammar is %s, and was promised as %s", grammar.ScopeName, contributes.Grammars[0].ScopeName)
	}
	checkIncludes(t, grammar.Repository, extension(t, contributes.Grammars[0].Path))
	if !slices.ContainsFunc(grammar.Patterns, func(p struct {
		Include string `json:"include"`
	},
	) bool {
		return p.Include == "source.hcl"
	}) {
		t.Error("the grammar does not build on HCL's")
	}

	var anything map[string]any
	readExtension(t, &anything, language.Configuration)
	var snippets map[string]struct {
		Prefix string   `json:"prefix"`
		Body   []string `json:"body"`
	}
	readExtension(t, &snippets, contributes.Snippets[0].Path)
	checkSnippets(t, snippets)

	source, err := os.ReadFile(extension(t, "src", "extension.ts"))
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, command := range contributes.Commands {
		declared = append(declared, command.Command)
	}
	var registered []string
	for _, match := range regexp.MustCompile(`registerCommand\("([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		registered = append(registered, match[1])
	}
	if slices.Sort(declared); !slices.Equal(declared, slices.Sorted(slices.Values(registered))) {
		t.Errorf("commands: declared %v, registered %v", declared, registered)
	}
	if !strings.Contains(described.Scripts["bundle"], "--outfile="+strings.TrimPrefix(described.Main, "./")) {
		t.Errorf("%s is not what is bundled: %s", described.Main, described.Scripts["bundle"])
	}
	for setting := range contributes.Configuration.Properties {
		if name := strings.TrimPrefix(setting, "gantry."); setting != "gantry.trace.server" && !strings.Contains(string(source), `get<string>("`+name+`")`) {
			t.Errorf("nobody reads the setting %s", setting)
		}
	}
}

// checkIncludes holds that every rule of a grammar that another includes is there,
// and that every rule is included.
func checkIncludes(t *testing.T, repository map[string]any, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	included := map[string]bool{}
	for _, match := range regexp.MustCompile(`"include": "#([^"]+)"`).FindAllStringSubmatch(string(content), -1) {
		included[match[1]] = true
		if repository[match[1]] == nil {
			t.Errorf("the grammar has no rule %s", match[1])
		}
	}
	for name := range repository {
		if !included[name] {
			t.Errorf("no rule includes %s", name)
		}
	}
	for _, k := range lang.Kinds() {
		if k.Root != "" && k.Root != "fn" && k.Root != "output" && !regexp.MustCompile(`[(|]`+k.Root+`[|)]`).Match(content) {
			t.Errorf("the grammar does not know references that begin with %s", k.Root)
		}
	}
}

// checkSnippets holds that every snippet begins with a block that there is.
func checkSnippets(t *testing.T, snippets map[string]struct {
	Prefix string   `json:"prefix"`
	Body   []string `json:"body"`
},
) {
	t.Helper()
	known := map[string]bool{}
	for _, k := range lang.Kinds() {
		known[k.Type] = true
	}
	if len(snippets) < 5 {
		t.Errorf("there are only %d snippets", len(snippets))
	}
	for name, snippet := range snippets {
		blockType, _, _ := strings.Cut(snippet.Prefix, " ")
		if !known[blockType] || !strings.HasPrefix(snippet.Body[0], blockType+" ") {
			t.Errorf("the snippet %s begins with %q", name, snippet.Prefix)
		}
	}
}

// TestExtensionIsLocked: what is built is said exactly, and from no registry in
// particular.
func TestExtensionIsLocked(t *testing.T) {
	var described, root struct {
		Dependencies    map[string]string `json:"dependencies"`
		DevDependencies map[string]string `json:"devDependencies"`
	}
	readExtension(t, &described, "package.json")
	var locked struct {
		Packages map[string]map[string]any `json:"packages"`
	}
	readExtension(t, &locked, "package-lock.json")
	encoded, err := json.Marshal(locked.Packages[""])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &root); err != nil {
		t.Fatal(err)
	}
	for _, pair := range []struct{ want, got map[string]string }{{described.Dependencies, root.Dependencies}, {described.DevDependencies, root.DevDependencies}} {
		for name, version := range pair.want {
			if pair.got[name] != version || !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(version) {
				t.Errorf("%s is %s, and locked as %s", name, version, pair.got[name])
			}
		}
	}
	for name, entry := range locked.Packages {
		if entry["resolved"] != nil {
			t.Errorf("%s says where it is from: %v", name, entry["resolved"])
		}
		if name != "" && entry["integrity"] == nil {
			t.Errorf("%s has no digest", name)
		}
	}
}

// TestExtensionPackages builds the extension and tests its grammar, and the server
// with the library that the extension uses. It takes minutes and a registry of npm:
// it is part of make soak.
func TestExtensionPackages(t *testing.T) {
	if os.Getenv("GANTRY_SOAK") == "" {
		t.Skip("part of make soak")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed")
	}
	folder := filepath.Join(t.TempDir(), "vscode")
	if err := os.CopyFS(folder, os.DirFS(extension(t))); err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob(filepath.Join("..", "..", "examples", "*", "*.gantry.hcl"))
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for i := range examples {
		if examples[i], err = filepath.Abs(examples[i]); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) {
		t.Helper()
		command := exec.Command(npm, args...)
		command.Dir = folder
		command.Env = append(os.Environ(), "GANTRY_BINARY="+program(t), "GANTRY_EXAMPLES="+strings.Join(examples, ":"))
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("npm %s: %v\n%s", strings.Join(args, " "), err, out)
		} else if args[0] == "test" && (!bytes.Contains(out, []byte("# pass 5")) || !bytes.Contains(out, []byte("# skipped 0"))) {
			t.Errorf("npm test:\n%s", out)
		}
	}
	run("ci")
	run("test")
	run("run", "package")
	if info, err := os.Stat(filepath.Join(folder, "gantry-hcl.vsix")); err != nil || info.Size() < 10_000 {
		t.Errorf("the package: %v, %v", info, err)
	}
}
