package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang/argocd"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

// importReport is the file that a report is written to, beside the configuration.
const importReport = "import-report.md"

func newImport(c *cli) *cobra.Command {
	command := &cobra.Command{
		Use:   "import",
		Short: "Turn the configuration of other tools into Gantry's",
		Long:  "Turns files of other delivery tools into *.gantry.hcl files.",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newImportArgoCD(c))
	return command
}

// importing is one run of `gantry import argocd`.
type importing struct {
	cli              *cli
	out              string
	force            bool
	detailedExitCode bool
}

// imported is what `gantry import argocd --json` prints.
type imported struct {
	Wrote    []string         `json:"wrote"`
	Imported map[string]int   `json:"imported"`
	Findings []argocd.Finding `json:"findings"`
}

func newImportArgoCD(c *cli) *cobra.Command {
	i := &importing{cli: c}
	command := &cobra.Command{
		Use:   "argocd PATH...",
		Short: "Turn Argo CD's configuration into Gantry's",
		Long: `Reads Applications, AppProjects, ApplicationSets, the Secrets of clusters and
repositories, and the ConfigMaps argocd-rbac-cm and argocd-notifications-cm, and
writes *.gantry.hcl files: one for each concern. A PATH is a file of YAML or JSON, a
directory, which is read with those below it, or - for stdin. No cluster is asked.

Comments move along. What has no counterpart, works differently, or must be added by
hand is listed with its file and line, also in ` + importReport + `. Credentials are
never copied. Files that are there already are not overwritten without --force.

The exit code is 0 where all that could be read was written, and 1 after an error: a
file that could not be read, which the report names, while the others are written all
the same; or a file that would be overwritten, then nothing is written. With
--detailed-exitcode it is 2 where something has no counterpart.`,
		Example: `  gantry import argocd clusters/production --out delivery
  kubectl get applications,appprojects,applicationsets -A -o yaml | gantry import argocd -`,
		Args: takes(1, many),
		RunE: func(_ *cobra.Command, args []string) error { return i.run(args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
	}
	flags := command.Flags()
	flags.StringVar(&i.out, "out", "", "`directory` to write to (default that of the configuration)")
	flags.BoolVar(&i.force, "force", false, "overwrite files that are there")
	flags.BoolVar(&i.detailedExitCode, "detailed-exitcode", false, "exit with 2 where something has no counterpart")
	complete(command, "out", directoryCompletions)
	return command
}

func (i *importing) run(args []string) error {
	var files []argocd.File
	for _, arg := range args {
		more, err := i.read(arg)
		if err != nil {
			return err
		}
		files = append(files, more...)
	}
	slices.SortStableFunc(files, func(a, b argocd.File) int { return strings.Compare(a.Name, b.Name) })
	files = slices.CompactFunc(files, func(a, b argocd.File) bool { return a.Name == b.Name && a.Name != stdinName })
	result := argocd.Import(files)
	done := &imported{Wrote: []string{}, Imported: result.Imported, Findings: result.Findings}
	if done.Findings == nil {
		done.Findings = []argocd.Finding{}
	}
	if len(result.Files) > 0 {
		if err := i.write(done, append(result.Files, argocd.File{Name: importReport, Data: reportPage(result)})); err != nil {
			return err
		}
	}
	if err := i.show(done); err != nil {
		return err
	}
	switch {
	case result.Count(argocd.NotRead) > 0 || len(result.Files) == 0:
		return exitCode(exitError)
	case i.detailedExitCode && result.Count(argocd.LeftOut) > 0:
		return exitCode(exitChanges)
	}
	return nil
}

// read reads one argument: a file, a directory, or stdin.
func (i *importing) read(arg string) ([]argocd.File, error) {
	if arg == stdinName {
		text, err := io.ReadAll(io.LimitReader(i.cli.in, manifest.MaxSize+1))
		return []argocd.File{{Name: stdinName, Data: text}}, err
	}
	info, err := os.Stat(arg)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		file, err := readImported(arg)
		return []argocd.File{file}, err
	}
	var files []argocd.File
	err = filepath.WalkDir(arg, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != arg && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)):
			return nil
		}
		file, err := readImported(path)
		files = append(files, file)
		return err
	})
	return files, err
}

// readImported reads a file; of one that is too large only so much that this is
// seen.
func readImported(path string) (argocd.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return argocd.File{}, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, manifest.MaxSize+1))
	return argocd.File{Name: filepath.ToSlash(filepath.Clean(path)), Data: text}, err
}

// write writes all files, or none where one is there already.
func (i *importing) write(done *imported, files []argocd.File) error {
	dir := i.out
	if dir == "" {
		var err error
		if dir, err = i.cli.directory(); err != nil {
			return err
		}
	}
	if !i.force {
		var there []string
		for _, file := range files {
			if _, err := os.Lstat(filepath.Join(dir, file.Name)); err == nil {
				there = append(there, filepath.Join(dir, file.Name))
			}
		}
		if len(there) > 0 {
			return fmt.Errorf("nothing was written, as it would overwrite %s. Say another directory with --out, or --force", strings.Join(there, ", "))
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, file := range files {
		path := filepath.Join(dir, file.Name)
		_, err := os.Stat(path)
		switch {
		case err == nil:
			err = replaceFile(path, file.Data)
		case errors.Is(err, fs.ErrNotExist):
			err = os.WriteFile(path, file.Data, 0o644)
		}
		if err != nil {
			return err
		}
		done.Wrote = append(done.Wrote, path)
	}
	return nil
}

// show prints what was written, and the report.
func (i *importing) show(done *imported) error {
	if i.cli.json {
		return i.cli.writeJSON(done)
	}
	var b bytes.Buffer
	for _, path := range done.Wrote {
		fmt.Fprintf(&b, "Wrote %s\n", path)
	}
	if len(done.Wrote) == 0 {
		b.WriteString("There is no configuration of Argo CD that could be imported.\n")
	} else {
		var counts []string
		for _, kind := range slices.Sorted(maps.Keys(done.Imported)) {
			if n := done.Imported[kind]; n > 0 {
				counts = append(counts, count(n, kind))
			}
		}
		if len(counts) > 0 {
			fmt.Fprintf(&b, "\nImported: %s.\n", strings.Join(counts, ", "))
		}
	}
	for _, level := range reportParts() {
		heading := "\n" + level.heading + ":\n\n"
		for _, finding := range done.Findings {
			if finding.Level == level.level {
				b.WriteString(heading)
				heading = ""
				fmt.Fprintf(&b, "  %s\n      %s\n", where(finding), finding.Text)
			}
		}
	}
	_, err := i.cli.out.Write(b.Bytes())
	return err
}

// reportPart is a part of a report.
type reportPart struct {
	level   argocd.Level
	heading string
}

// reportParts returns the parts of a report, what matters most first.
func reportParts() []reportPart {
	return []reportPart{
		{argocd.NotRead, "Could not be read"},
		{argocd.ToDo, "To be done by hand"},
		{argocd.Differs, "Works differently"},
		{argocd.LeftOut, "Has no counterpart"},
	}
}

// where says what a finding is about: its place, the object, and the field.
func where(f argocd.Finding) string {
	text := fmt.Sprintf("%s:%d", f.File, f.Line)
	if f.Object != "" {
		text += " " + f.Object
	}
	if f.Path != "" {
		text += ": " + f.Path
	}
	return text
}

// reportPage is the report as a list to work through.
func reportPage(result *argocd.Result) []byte {
	var b bytes.Buffer
	b.WriteString("# What the import left to do\n")
	if len(result.Findings) == 0 {
		b.WriteString("\nNothing: everything has a counterpart.\n")
	}
	for _, level := range reportParts() {
		heading := "\n## " + level.heading + "\n\n"
		for _, finding := range result.Findings {
			if finding.Level == level.level {
				b.WriteString(heading)
				heading = ""
				fmt.Fprintf(&b, "- [ ] `%s`  \n  %s\n", strings.ReplaceAll(where(finding), "`", "'"), finding.Text)
			}
		}
	}
	return b.Bytes()
}
