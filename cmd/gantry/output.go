package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/state"
)

func newOutput(c *cli) *cobra.Command {
	var raw bool
	command := &cobra.Command{
		Use:   "output [NAME]",
		Short: "Show what the configuration gave when it was applied",
		Long: `Shows the outputs of the configuration, or one of them, as they were when it was last
applied. They are read from the state; nothing is evaluated for them.

Values of sensitive outputs are in no state, so that they cannot be shown.`,
		Example: `  gantry output
  gantry output zone --raw
  gantry output --json`,
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if raw && len(args) == 0 {
				return &usageError{command: cmd.CommandPath(), err: errors.New("--raw shows one output: say which")}
			}
			if raw && c.json {
				return &usageError{command: cmd.CommandPath(), err: errors.New("--raw and --json exclude each other")}
			}
			outputs, err := c.outputs(cmd.Context(), true)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return c.showAllOutputs(outputs)
			}
			return c.showOutput(outputs, args[0], raw)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			outputs, err := c.outputs(cmd.Context(), false)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return outputNames(outputs), cobra.ShellCompDirectiveNoFileComp
		},
	}
	command.Flags().BoolVar(&raw, "raw", false, "a string, number or bool as it is, without quotes and a line's end")
	return command
}

// outputs reads what the configuration gave from the state that it names.
func (c *cli) outputs(ctx context.Context, tell bool) ([]published.Output, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	read, diags, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return nil, err
	}
	if read.config.Settings.Backend.Type == lang.UnknownBackend {
		if tell {
			c.printDiagnostics(read.files, diags)
		}
		return nil, failed(diags)
	}
	asker, err := c.asking(ctx, "gantry output", read.config)
	if err != nil {
		return nil, err
	}
	if err := asker.permitAll(ctx, nil, access.Get); err != nil { // outputs are of no one application
		return nil, err
	}
	never := failure("Nothing applied yet", errors.New("the state has no outputs: the configuration was not applied yet, or everything of it is destroyed. Run gantry apply"))
	records, err := c.openExisting(ctx, dir, backendOf(read.config))
	if errors.Is(err, state.ErrNoInstallation) {
		return nil, never
	}
	if err != nil {
		return nil, failure("State cannot be opened", err)
	}
	document, err := records.Published(ctx)
	if err != nil {
		return nil, failure("State cannot be read", err)
	}
	if document == nil {
		return nil, never
	}
	return document.Outputs, nil
}

// showAllOutputs shows every output.
func (c *cli) showAllOutputs(outputs []published.Output) error {
	if !c.json {
		if len(outputs) == 0 {
			_, err := fmt.Fprintln(c.out, "The configuration has no outputs.")
			return err
		}
		return view.Outputs(c.out, outputs)
	}
	type output struct {
		Description string `json:"description"`
		Sensitive   bool   `json:"sensitive"`
		Value       any    `json:"value"`
	}
	all := map[string]output{}
	for _, o := range outputs {
		value, err := published.Decode(o.Value)
		if err != nil {
			return failure("State cannot be read", err)
		}
		all[o.Name] = output{Description: o.Description, Sensitive: o.Sensitive, Value: value}
	}
	return c.writeJSON(all)
}

// showOutput shows one output.
func (c *cli) showOutput(outputs []published.Output, name string, raw bool) error {
	i := slices.IndexFunc(outputs, func(o published.Output) bool { return o.Name == name })
	if i < 0 {
		text := fmt.Sprintf("there was no output %q when the configuration was last applied", name)
		names := outputNames(outputs)
		if near := schema.Suggest(name, names); near != "" {
			text += fmt.Sprintf(". Did you mean %q?", near)
		} else if len(names) > 0 {
			text += "; there are " + strings.Join(names, ", ")
		}
		return failure("Unknown output", errors.New(text))
	}
	if outputs[i].Sensitive {
		return failure("Sensitive output", fmt.Errorf("the output %q is sensitive, so that its value is not in the state. Read it from where it comes from", name))
	}
	value, err := published.Decode(outputs[i].Value)
	if err != nil {
		return failure("State cannot be read", err)
	}
	if !raw {
		return c.writeJSON(value)
	}
	text := ""
	switch value := value.(type) {
	case string:
		text = value
	case json.Number, bool:
		text = fmt.Sprint(value)
	default:
		return failure("No plain value", fmt.Errorf("the output %q is no string, number or bool, so that it cannot be shown with --raw. Use --json", name))
	}
	_, err = io.WriteString(c.out, text)
	return err
}

func outputNames(outputs []published.Output) []string {
	var names []string
	for _, o := range outputs {
		names = append(names, o.Name)
	}
	return names
}

// publish records what others can read of a plan in which there is nothing to apply,
// and tells it where it is something else than before. Messages that wait are delivered.
func (w *work) publish(ctx context.Context, p *plan.Plan) error {
	if p == nil || p.Offline || w.state == nil {
		return nil
	}
	by, err := w.by(ctx)
	if err != nil {
		return err
	}
	diags := append(w.engine.Publish(ctx, p, engine.ApplyOptions{By: by}), w.engine.Deliver(ctx, p, by)...)
	w.cli.printDiagnostics(w.files, diags)
	return failed(diags)
}
