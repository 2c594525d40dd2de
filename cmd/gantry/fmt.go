package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/configtest"
	"github.com/gantrycd/gantry/lang/syntax"
)

// stdinName is what stands for stdin on the command line.
const stdinName = "-"

// stdinFile is what diagnostics call it, with the line.
const stdinFile = "<stdin>"

// formatting is one run of `gantry fmt`.
type formatting struct {
	cli                    *cli
	check, diff, recursive bool

	changed []string             // files that are, or would be, rewritten
	files   map[string]*hcl.File // those with errors, for showing them
	diags   hcl.Diagnostics
}

func newFmt(c *cli) *cobra.Command {
	f := &formatting{cli: c, files: map[string]*hcl.File{}}
	command := &cobra.Command{
		Use:   "fmt [FILE|DIRECTORY|-]...",
		Short: "Format configuration files",
		Long: `Rewrites *.gantry.hcl, *.gantry.json, *.gantrytest.hcl and *.vars.hcl files in the
canonical style and lists those that changed. Without arguments it formats the directory of the
configuration; with - it formats stdin to stdout.

With --check nothing is written, and the exit code is 1 where a file is not
formatted. A file with syntax errors is left as it is.`,
		Example: `  gantry fmt
  gantry fmt --check --diff --recursive`,
		RunE: func(_ *cobra.Command, args []string) error { return f.run(args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
	}
	flags := command.Flags()
	flags.BoolVar(&f.check, "check", false, "write nothing; exit with 1 where a file is not formatted")
	flags.BoolVar(&f.diff, "diff", false, "show what changes")
	flags.BoolVarP(&f.recursive, "recursive", "r", false, "directories below, too")
	return command
}

func (f *formatting) run(args []string) error {
	if len(args) == 0 {
		dir, err := f.cli.directory()
		if err != nil {
			return err
		}
		args = []string{dir}
	}
	for _, arg := range args {
		if err := f.argument(arg); err != nil {
			return err
		}
	}
	f.cli.printDiagnostics(f.files, f.diags)
	if err := f.report(); err != nil {
		return err
	}
	if f.diags.HasErrors() || f.check && len(f.changed) > 0 {
		return exitCode(exitError)
	}
	return nil
}

// report lists the files that changed.
func (f *formatting) report() error {
	if f.cli.json {
		changed := f.changed
		if changed == nil {
			changed = []string{}
		}
		return f.cli.writeJSON(map[string]any{"changed": changed})
	}
	for _, name := range f.changed {
		if name != stdinName {
			fmt.Fprintln(f.cli.out, name)
		}
	}
	return nil
}

func (f *formatting) argument(arg string) error {
	if arg == stdinName {
		return f.stdin()
	}
	info, err := os.Stat(arg)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return f.file(arg)
	}
	return filepath.WalkDir(arg, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != arg && (!f.recursive || strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case entry.Type().IsRegular() && isConfiguration(entry.Name()):
			return f.file(path)
		}
		return nil
	})
}

// isConfiguration reports whether fmt formats a file of a directory.
func isConfiguration(name string) bool {
	return !strings.HasPrefix(name, ".") &&
		(strings.HasSuffix(name, ".gantry.hcl") || strings.HasSuffix(name, ".gantry.json") || strings.HasSuffix(name, ".vars.hcl") || strings.HasSuffix(name, configtest.Suffix))
}

func (f *formatting) stdin() error {
	src, err := io.ReadAll(f.cli.in)
	if err != nil {
		return err
	}
	formatted, changed := f.format(stdinFile, src)
	if formatted == nil {
		return nil
	}
	if changed {
		f.changed = append(f.changed, stdinName)
	}
	if f.check || f.cli.json {
		return nil
	}
	if f.diff {
		_, err = io.WriteString(f.cli.out, lineDiff(stdinFile, string(src), string(formatted)))
		return err
	}
	_, err = f.cli.out.Write(formatted)
	return err
}

func (f *formatting) file(path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	formatted, changed := f.format(path, src)
	if !changed {
		return nil
	}
	f.changed = append(f.changed, path)
	if f.diff && !f.cli.json {
		if _, err := io.WriteString(f.cli.out, lineDiff(path, string(src), string(formatted))); err != nil {
			return err
		}
	}
	if f.check {
		return nil
	}
	return replaceFile(path, formatted)
}

// format returns the canonical text, or nil where there are syntax errors, which
// it collects.
func (f *formatting) format(name string, src []byte) (formatted []byte, changed bool) {
	formatted, diags := syntax.Format(src, name)
	f.diags = append(f.diags, diags...)
	if diags.HasErrors() {
		f.files[name] = &hcl.File{Bytes: src}
		return nil, false
	}
	return formatted, string(formatted) != string(src)
}

// replaceFile replaces a file's content whole, and keeps its mode.
func replaceFile(path string, content []byte) (err error) {
	mode := os.FileMode(0o644)
	switch info, err := os.Stat(path); {
	case err == nil:
		mode = info.Mode().Perm()
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		if fault, ok := errors.AsType[*os.PathError](err); ok {
			fault.Path = path // the file that was asked for, not the one beside it
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary.Name()))
		}
	}()
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Chmod(mode), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
