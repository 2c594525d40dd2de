package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

// TestDocumentation runs every command that README.md, docs and examples show, and
// compares what it prints with what the page says that it prints.
//
// A page is one session, in a folder of its own, with gantry and gantry-cluster on
// the PATH. In ```console blocks, lines after "$ " are run; the lines below are what
// they print, where "..." stands for anything, and a line of it for any lines. A
// block after <!-- file: NAME --> is written to that file. Blocks of ```sh may only
// show how to get and build Gantry.
func TestDocumentation(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, page := range pages(t, root) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := fences(string(text))
		if !slices.ContainsFunc(blocks, func(b fenced) bool { return b.language == "console" || b.language == "sh" }) {
			continue
		}
		ran++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runPage(t, root, blocks)
		})
	}
	if ran < 2 {
		t.Errorf("only %d pages show commands", ran)
	}
}

func pages(t *testing.T, root string) []string {
	t.Helper()
	found := []string{filepath.Join(root, "README.md")}
	for _, folder := range []string{"docs", "examples"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() && entry.Name() == "node_modules" {
				return filepath.SkipDir // not ours, and there only where the extension was built
			}
			if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".md") {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// fenced is one block of a page.
type fenced struct {
	language string
	file     string // where it is to be written
	text     string
	line     int // of its first line
}

var fileMarker = regexp.MustCompile(`^<!-- file: (\S+) -->$`)

// fences returns a page's blocks.
func fences(page string) []fenced {
	var out []fenced
	var at *fenced
	file := ""
	for i, line := range strings.Split(page, "\n") {
		language, isFence := strings.CutPrefix(line, "```")
		switch {
		case at == nil && isFence:
			at = &fenced{language: language, file: file, line: i + 2}
			file = ""
		case at != nil && isFence:
			out = append(out, *at)
			at = nil
		case at != nil:
			at.text += line + "\n"
		default:
			if match := fileMarker.FindStringSubmatch(line); match != nil {
				file = match[1]
			}
		}
	}
	return out
}

func runPage(t *testing.T, root string, blocks []fenced) {
	home := t.TempDir()
	session := newSession(t, home, environment(t, root, home))
	for _, block := range blocks {
		switch {
		case block.file != "":
			path := filepath.Join(session.directory(), block.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(block.text), 0o644); err != nil {
				t.Fatal(err)
			}
		case block.language == "sh":
			checkBuilding(t, root, block)
		case block.language == "console":
			for _, c := range commands(block) {
				if missing := missingTool(c.command); missing != "" {
					t.Logf("line %d: %s is not installed: %s", c.line, missing, c.command)
					continue
				}
				got := session.run(c.command)
				if !matches(c.printed, got) {
					t.Errorf("line %d: %s\nprints:\n%s\nand the page says:\n%s", c.line, c.command, got, strings.Join(c.printed, "\n"))
				}
			}
		}
	}
}

// missingTool returns a program that a command uses, that Gantry does not bring,
// and that is not on this machine; such a command is passed over.
func missingTool(command string) string {
	for _, tool := range []string{"kubectl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil && regexp.MustCompile(`\b`+tool+`\b`).MatchString(command) {
			return tool
		}
	}
	return ""
}

// environment is what a newcomer has who followed the README up to here.
func environment(t *testing.T, root, home string) []string {
	t.Helper()
	tools := filepath.Join(home, "bin")
	if err := os.MkdirAll(tools, 0o755); err != nil {
		t.Fatal(err)
	}
	cluster := clustertest.Binary(t)
	for from, to := range map[string]string{ // as in a checkout where they were built
		cluster:                         filepath.Join(tools, "gantry-cluster"),
		program(t):                      filepath.Join(tools, "gantry"),
		filepath.Join(root, "examples"): filepath.Join(home, "examples"),
	} {
		if err := os.Symlink(from, to); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{
		"HOME=" + home, "TERM=dumb", "LANG=C.UTF-8",
		"PATH=" + strings.Join([]string{tools, os.Getenv("PATH")}, string(os.PathListSeparator)),
		"GANTRY_CACHE=" + filepath.Join(home, ".cache", "gantry"),
		"GANTRY_CLUSTER_HOME=" + filepath.Join(home, ".local", "state", "gantry-cluster"),
	}
	for name, value := range gitEnvironment() {
		env = append(env, name+"="+value)
	}
	t.Cleanup(func() { // what a page leaves behind
		down := exec.Command(cluster, "down", "--all")
		down.Env = env
		if out, err := down.CombinedOutput(); err != nil {
			t.Errorf("ending the page's clusters: %v\n%s", err, out)
		}
	})
	return env
}

// checkBuilding holds a block that is not run to what it may show.
func checkBuilding(t *testing.T, root string, block fenced) {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(block.text), "\n") {
		command, _, _ := strings.Cut(line, "#")
		words := strings.Fields(command)
		switch {
		case len(words) == 0:
		case words[0] == "git" && len(words) == 3 && words[1] == "clone":
		case words[0] == "cd" && len(words) == 2:
		case words[0] == "export" && len(words) == 2:
		case words[0] == "make":
			for _, target := range words[1:] {
				if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(makefile) {
					t.Errorf("line %d: there is no target %s", block.line+i, target)
				}
			}
		default:
			t.Errorf("line %d: %q is not run by this test; put it into a console block", block.line+i, line)
		}
	}
}

// shown is a command, and what the page says that it prints.
type shown struct {
	command string
	printed []string
	line    int
}

func commands(block fenced) []shown {
	var out []shown
	for i, line := range strings.Split(strings.TrimRight(block.text, "\n"), "\n") {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			out = append(out, shown{command: command, line: block.line + i})
			continue
		}
		if more, ok := strings.CutPrefix(line, "> "); ok && len(out) > 0 && len(out[len(out)-1].printed) == 0 {
			out[len(out)-1].command += "\n" + more
			continue
		}
		if len(out) > 0 {
			last := &out[len(out)-1]
			last.printed = append(last.printed, line)
		}
	}
	return out
}

// matches compares lines; a page that shows none says nothing about them.
func matches(want []string, got string) bool {
	want = trimBlank(want)
	if len(want) == 0 {
		return true
	}
	return matchLines(want, trimBlank(strings.Split(got, "\n")))
}

func matchLines(want, got []string) bool {
	switch {
	case len(want) == 0:
		return len(got) == 0
	case want[0] == "...":
		for skip := 0; skip <= len(got); skip++ {
			if matchLines(want[1:], got[skip:]) {
				return true
			}
		}
		return false
	case len(got) == 0:
		return false
	}
	return matchLine(want[0], got[0]) && matchLines(want[1:], got[1:])
}

func matchLine(want, got string) bool {
	parts := strings.Split(strings.TrimRight(want, " "), "...")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(strings.TrimRight(got, " "))
}

func trimBlank(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		want []string
		got  string
		ok   bool
	}{
		{nil, "anything", true},
		{[]string{"a", "b"}, "a\nb\n", true},
		{[]string{"a"}, "a\nb\n", false},
		{[]string{"a", "...", "c"}, "a\nb\nb\nc", true},
		{[]string{"a", "...", "c"}, "a\nc", true},
		{[]string{"...", "x"}, "a\nc", false},
		{[]string{"took ... s."}, "took 1.5 s.", true},
		{[]string{"took ... s"}, "took 1.5 min", false},
		{[]string{"a.c"}, "abc", false},
	} {
		if got := matches(c.want, c.got); got != c.ok {
			t.Errorf("matches(%q, %q) = %t", c.want, c.got, got)
		}
	}
}

func TestFences(t *testing.T) {
	blocks := fences("x\n<!-- file: a.hcl -->\n```hcl\na = 1\n```\n\n```console\n$ one \\\n> two\nout\n\n$ three\n```\n")
	if len(blocks) != 2 || blocks[0].file != "a.hcl" || blocks[0].text != "a = 1\n" || blocks[1].file != "" {
		t.Fatalf("got %+v", blocks)
	}
	got := fmt.Sprintf("%+v", commands(blocks[1]))
	want := fmt.Sprintf("%+v", []shown{
		{command: "one \\\ntwo", printed: []string{"out", ""}, line: 8},
		{command: "three", line: 12},
	})
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
