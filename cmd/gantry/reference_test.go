package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite what is generated")

const referenceFolder = "../../docs/cli"

// TestGeneratedReference holds docs/cli to what the commands say of themselves.
func TestGeneratedReference(t *testing.T) {
	root := newRoot(&cli{})
	want := map[string]string{"README.md": referenceIndex(root)}
	for _, command := range root.Commands() {
		want[command.Name()+".md"] = referencePage(command)
	}
	if *update {
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(referenceFolder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(referenceFolder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, ok := want[filepath.Base(file)]; !ok {
			t.Errorf("%s is of no command", file)
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(referenceFolder, name))
		if err != nil {
			t.Errorf("%v: run go test ./cmd/gantry -run Generated -update", err)
			continue
		}
		if diff := cmp.Diff(text, string(got)); diff != "" {
			t.Errorf("docs/cli/%s is not current: run go test ./cmd/gantry -run Generated -update\n%s", name, diff)
		}
	}
}

func referenceIndex(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Commands\n\nGenerated from the commands; `gantry help` and `--help` show the same.\n\n%s\n\n", code(root.Long))
	b.WriteString("| command | what it does |\n|---|---|\n")
	for _, command := range root.Commands() {
		fmt.Fprintf(&b, "| [%s](%s.md) | %s |\n", command.Name(), command.Name(), command.Short)
	}
	b.WriteString("\n## Flags of every command\n\n")
	b.WriteString(flagTable(root.PersistentFlags()))
	b.WriteString(`
## Exit codes

| code | meaning |
|---|---|
| 0 | done; with ` + "`--detailed-exitcode`" + `: and the plan has no changes |
| 1 | an error, of whatever kind; what could be done is done and shown |
| 2 | with ` + "`--detailed-exitcode`" + `: the plan has changes, and there was no error |
| 3 | with ` + "`--fail-on-risk`" + `: the plan has a risk of that severity or a greater one that nobody accepts, and there was no error |
| 130, 143 | interrupted with Ctrl-C, or asked to end, before it was done |

## Environment

| variable | meaning |
|---|---|
| ` + "`GANTRY_VAR_name`" + ` | the value of variable ` + "`name`" + ` |
| ` + "`GANTRY_CACHE`" + ` | the directory for what is fetched and rendered |
| ` + "`GANTRY_RENDER_CACHE`" + ` | ` + "`off`" + ` renders everything anew, and keeps nothing of it |
| ` + "`GANTRY_PAGER`" + `, ` + "`PAGER`" + ` | what shows a plan that is longer than the terminal; ` + "`less`" + ` otherwise |
| ` + "`GANTRY_VERIFY_KEYS`" + ` | files of keys, separated as in ` + "`PATH`" + `: a plan must be signed by one of them, and only saved plans are applied |
| ` + "`GANTRY_SIGN_PASSPHRASE`" + ` | the passphrase of an SSH key that signs plans |
| ` + "`GANTRY_IDENTITY_PASSPHRASE`" + ` | the passphrase of an SSH key that opens encrypted plans |
| ` + "`GANTRY_IDENTITY_TOKEN`" + `, ` + "`GANTRY_IDENTITY_TOKEN_FILE`" + ` | the token that says who runs a command, or the file that it is in |
| ` + "`GANTRY_IDENTITY_SSH_KEY`" + ` | the file with the SSH key that proves who runs a command |
| ` + "`BROWSER`" + ` | what "gantry login" opens, in place of the system's browser |
| ` + "`NO_COLOR`" + ` | no colours |
`)
	return b.String()
}

func referencePage(command *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# gantry %s\n\n%s.\n\n%s\n\n", command.Name(), command.Short, code(command.UseLine()))
	if command.Long != "" {
		text := command.Long
		if strings.Contains(text, "  ") { // laid out in columns
			text = code(text)
		}
		fmt.Fprintf(&b, "%s\n\n", text)
	}
	if command.Example != "" {
		fmt.Fprintf(&b, "## Examples\n\n%s\n\n", code(command.Example))
	}
	if command.NonInheritedFlags().HasAvailableFlags() {
		fmt.Fprintf(&b, "## Flags\n\n%s\n", flagTable(command.NonInheritedFlags()))
	}
	for _, child := range command.Commands() {
		fmt.Fprintf(&b, "## gantry %s %s\n\n%s\n\n%s\n\n", command.Name(), child.Name(), code(child.UseLine()), child.Long)
		if child.Example != "" {
			fmt.Fprintf(&b, "%s\n\n", code(child.Example))
		}
		if child.NonInheritedFlags().HasAvailableFlags() {
			fmt.Fprintf(&b, "%s\n", flagTable(child.NonInheritedFlags()))
		}
	}
	b.WriteString("[Flags of every command](README.md#flags-of-every-command)\n")
	return b.String()
}

func code(text string) string { return "```text\n" + strings.TrimRight(text, "\n") + "\n```" }

func flagTable(flags *pflag.FlagSet) string {
	var b bytes.Buffer
	b.WriteString("| flag | meaning |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "`--" + f.Name
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		if value != "" {
			name += " " + value
		}
		name += "`"
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
			usage += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, strings.ReplaceAll(usage, "|", `\|`))
	})
	return b.String()
}
