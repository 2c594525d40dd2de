package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

// assessed is one object as `gantry health --json` prints it.
type assessed struct {
	Object  string       `json:"object"`
	Origin  string       `json:"origin"`
	Status  health.Code  `json:"status"`
	Message string       `json:"message,omitempty"`
	Basis   health.Basis `json:"basis"`
	Rule    string       `json:"rule,omitempty"`
	At      string       `json:"at,omitempty"`
	Apply   applyOutlook `json:"apply"`
}

// applyOutlook is what an apply that has written the object would do.
type applyOutlook struct {
	Outlook string `json:"outlook"` // goes_on, waits, fails, fails_if_it_stays
	Message string `json:"message,omitempty"`
}

func newHealth(c *cli) *cobra.Command {
	var in inputs
	var files []string
	var library bool
	command := &cobra.Command{
		Use:   "health",
		Short: "Judge the health of objects in files",
		Long: `Tells how healthy objects are, as a plan or an apply would judge them in a cluster, which
rule says so, and what an apply that waits for them would do. The objects are read from
YAML or JSON files, with their status, as "kubectl get -o yaml" prints them; no cluster is
asked. It is how rules are tried out.

The health blocks of the configuration count, where the directory has one, then the library
that ships with gantry, then the checks that are built in. --library prints the library.`,
		Example: `  gantry health -f certificate.yaml
  kubectl get certificates -o yaml | gantry health -f -
  gantry health --library > library.gantry.hcl`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case library && len(files) == 0:
				_, err := io.WriteString(c.out, health.LibraryText)
				return err
			case library:
				return &usageError{command: cmd.CommandPath(), err: errors.New("--library prints the library, and judges no objects; leave out --filename")}
			case len(files) == 0:
				return &usageError{command: cmd.CommandPath(), err: errors.New("no objects are named; give files with --filename, or - for stdin")}
			}
			return c.assess(cmd.Context(), &in, files)
		},
	}
	in.register(c, command)
	flags := command.Flags()
	flags.StringArrayVarP(&files, "filename", "f", nil, "a `file` of objects, - is stdin; may be repeated")
	flags.BoolVar(&library, "library", false, "print the library of rules, and nothing else")
	complete(command, "filename", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
	})
	return command
}

// assess judges the objects of files.
func (c *cli) assess(ctx context.Context, in *inputs, files []string) error {
	rules, err := c.healthRules(ctx, in)
	if err != nil {
		return err
	}
	assessor, err := health.NewAssessor(rules)
	if err != nil {
		return failure("Health rules cannot be used", err)
	}
	out := []assessed{}
	for _, file := range files {
		items, err := c.readObjects(file)
		if err != nil {
			return failure("Objects cannot be read", err)
		}
		for _, item := range items {
			out = append(out, assessObject(assessor, item.Object, item.Origin(file)))
		}
	}
	if c.json {
		return c.writeJSON(map[string]any{"objects": out})
	}
	for _, one := range out {
		if _, err := io.WriteString(c.out, one.text()); err != nil {
			return err
		}
	}
	return nil
}

// healthRules are the health blocks of the configuration, none where there is none.
func (c *cli) healthRules(ctx context.Context, in *inputs) ([]plan.HealthRule, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	has := false
	for _, pattern := range []string{"*.gantry.hcl", "*.gantry.json"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		has = has || len(found) > 0
	}
	if !has {
		return nil, nil
	}
	loaded, err := c.load(ctx, in)
	if err != nil {
		return nil, err
	}
	rules, err := health.Rules(loaded.config.Health)
	if err != nil {
		return nil, failure("Health rules cannot be used", err)
	}
	return rules, nil
}

// readObjects reads a file of objects, or stdin.
func (c *cli) readObjects(file string) ([]yamldoc.Item, error) {
	var data []byte
	var err error
	if file == stdinName {
		data, err = io.ReadAll(io.LimitReader(c.in, yamldoc.MaxBytes+1))
	} else {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(file, ".json") {
		return yamldoc.JSON(file, data, yamldoc.Options{})
	}
	return yamldoc.YAML(file, data, yamldoc.Options{})
}

func assessObject(assessor *health.Assessor, o object.Object, origin string) assessed {
	assessment := assessor.Assess(o)
	out := assessed{
		Object: o.ID().String(), Origin: origin, Status: assessment.Code, Message: assessment.Message,
		Basis: assessment.Basis, Rule: assessment.Rule,
	}
	if assessment.At.Filename != "" {
		out.At = fmt.Sprintf("%s:%d", assessment.At.Filename, assessment.At.Start.Line)
	}
	ready := assessor.Ready(o)
	out.Apply = applyOutlook{Outlook: "waits", Message: ready.Message}
	switch {
	case ready.Done:
		out.Apply.Outlook = "goes_on"
	case ready.Failed:
		out.Apply.Outlook = "fails"
	case ready.Degraded:
		out.Apply.Outlook = "fails_if_it_stays"
	}
	return out
}

// text is the assessment in some lines.
func (a assessed) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-12s %s\n", a.Status, printable(a.Object))
	if a.Message != "" {
		fmt.Fprintf(&b, "  %s\n", printable(a.Message))
	}
	fmt.Fprintf(&b, "  judged by %s\n", a.basisText())
	switch a.Apply.Outlook {
	case "goes_on":
		fmt.Fprintln(&b, "  an apply goes on")
	case "fails":
		fmt.Fprintln(&b, "  an apply fails")
	case "fails_if_it_stays":
		fmt.Fprintln(&b, "  an apply waits, and fails where it stays so")
	default:
		fmt.Fprintf(&b, "  an apply waits: %s\n", printable(a.Apply.Message))
	}
	return b.String()
}

func (a assessed) basisText() string {
	switch a.Basis {
	case health.Block:
		return fmt.Sprintf("the health block %q (%s)", a.Rule, a.At)
	case health.Library:
		return fmt.Sprintf("the library, %q (%s)", a.Rule, a.At)
	case health.BuiltIn:
		return "the check of its kind"
	case health.Conventions:
		return "the conventions for status"
	case health.Deletion:
		return "its deletion, which goes on"
	case health.Absence, health.Nothing:
	}
	return "its being there: nothing says how it is"
}
