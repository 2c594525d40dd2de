package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/against"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/configdiff"
	"github.com/gantrycd/gantry/plan/source"
)

// compare shows what differs from a revision of the configuration.
func (g *generateCommand) compare(ctx context.Context, w *work, setup engine.Options, after *loaded, diags hcl.Diagnostics, address addr.Address) error {
	tree, commit, err := g.revision(ctx, w, setup)
	if err != nil {
		return err
	}
	then := setup
	then.Sources = maps.Clone(setup.Sources)
	then.Sources[source.Directory] = against.Directories{Tree: tree}
	before, beforeDiags, err := g.cli.evaluateTree(ctx, &g.in, engine.New(then).Reader(), tree, nil)
	if err != nil {
		return err
	}
	g.cli.printDiagnostics(after.files, diags)
	if beforeDiags.HasErrors() && !isAbsent(tree) {
		g.cli.printDiagnostics(before.files, beforeDiags)
		return failure(fmt.Sprintf("Configuration of %s is not valid", g.against), errors.New("what an edit changes can only be told where both can be evaluated; name another revision with --against"))
	}
	if unknownAfter, unknownBefore := unknownGenerator(after.config, address), unknownGenerator(before.config, address); unknownAfter != nil && unknownBefore != nil {
		return unknownAfter
	}
	difference := configdiff.Generator(before.config, after.config, address)
	if g.cli.json {
		err = g.cli.writeJSON(differenceJSON(g.against, commit, difference))
	} else {
		_, err = g.cli.out.Write([]byte(differenceText(address, g.against, commit, difference)))
	}
	if err != nil {
		return err
	}
	return failed(diags)
}

// revision reads the configuration's directory as it was at a revision.
func (g *generateCommand) revision(ctx context.Context, w *work, setup engine.Options) (fs.FS, string, error) {
	dir, err := filepath.EvalSymlinks(w.dir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, "", err
	}
	root := repositoryRoot(dir)
	if root == "" {
		return nil, "", failure("No git repository", errors.New("the configuration is in none, so that there is no revision to compare with"))
	}
	snapshot, err := setup.Sources[source.Git].Open(ctx, source.Location{Type: source.Git, URL: "file://" + filepath.ToSlash(root), Revision: g.against})
	if err != nil {
		return nil, "", failure("Revision cannot be read", err)
	}
	below, err := filepath.Rel(root, dir)
	if err != nil {
		return nil, "", err
	}
	tree, err := fs.Sub(snapshot.FS, filepath.ToSlash(below))
	return tree, snapshot.Pin.Resolved, err
}

// repositoryRoot returns the directory at or above dir that is a git work tree, ""
// where there is none.
func repositoryRoot(dir string) string {
	for {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// isAbsent reports whether a directory was not there at a revision: then everything in
// it is new.
func isAbsent(tree fs.FS) bool {
	_, err := fs.Stat(tree, ".")
	return errors.Is(err, fs.ErrNotExist)
}

// sign is how a kind of difference is shown.
func sign(kind configdiff.Kind) string {
	switch kind {
	case configdiff.Added:
		return "+"
	case configdiff.Removed:
		return "-"
	case configdiff.Changed:
	}
	return "~"
}

// differenceText renders a difference for people.
func differenceText(address addr.Address, against, commit string, d configdiff.Difference) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, compared with %s (%.12s):\n", address, against, commit)
	if len(d.Items)+len(d.Applications) == 0 {
		b.WriteString("\nNothing differs.\n")
		return b.String()
	}
	b.WriteString("\nItems\n")
	if len(d.Items) == 0 {
		b.WriteString("  none\n")
	}
	for _, item := range d.Items {
		of := ""
		if item.Generator != address {
			of = " of " + item.Generator.String()
		}
		fmt.Fprintf(&b, "  %s %q%s\n", sign(item.Kind), item.Key, of)
	}
	b.WriteString("\nApplications\n")
	if len(d.Applications) == 0 {
		b.WriteString("  none\n")
	}
	for _, app := range d.Applications {
		fmt.Fprintf(&b, "  %s %s", sign(app.Kind), app.Address)
		if len(app.Arguments) > 0 {
			fmt.Fprintf(&b, ": %s", strings.Join(app.Arguments, ", "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// differences is a difference as JSON.
type differences struct {
	Against      string                  `json:"against"`
	Commit       string                  `json:"commit"`
	Items        []differingItem         `json:"items"`
	Applications []differingApplications `json:"applications"`
}

type differingItem struct {
	Kind      configdiff.Kind `json:"kind"` // "added", "changed" or "removed"
	Generator string          `json:"generator"`
	Key       string          `json:"key"`
}

type differingApplications struct {
	Kind      configdiff.Kind `json:"kind"`
	Address   string          `json:"address"`
	Arguments []string        `json:"arguments"` // that have changed
}

func differenceJSON(against, commit string, d configdiff.Difference) differences {
	out := differences{Against: against, Commit: commit, Items: []differingItem{}, Applications: []differingApplications{}}
	for _, item := range d.Items {
		out.Items = append(out.Items, differingItem{item.Kind, item.Generator.String(), item.Key})
	}
	for _, app := range d.Applications {
		out.Applications = append(out.Applications, differingApplications{app.Kind, app.Address.String(), append([]string{}, app.Arguments...)})
	}
	return out
}
