package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
)

// actionOptions are the flags of the command.
type actionOptions struct {
	list, approved, noWait bool
	parameters             []string
	out                    string
	save                   savingOptions
}

func newAction(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var options actionOptions
	command := &cobra.Command{
		Use:   "action ADDRESS KIND NAME ACTION",
		Short: "Restart, scale, pause or run something of an application",
		Long: `Does something to one object of an application that is no change of its
configuration: restarts or scales a Deployment, pauses or resumes a rollout, runs a job
of a CronJob now, has an operator look at its object. With --list it tells what can be
done to which objects of an application, or of all.

An action is planned and recorded as every other change: the plan is shown, and asked
about, or saved with --out; apply checks that the object is still as it was planned for,
waits until it is healthy, and notes in the application's history who did what and when.
No source is read, and nothing else of the application changes.

What an action writes is its own, of the field manager gantry-action: the next apply
leaves it as it is. Only a field that the configuration sets too, such as
spec.replicas, is drift then; the plan warns of it.

The kind may be given with its group (Rollout.argoproj.io or argoproj.io/Rollout), and
the name with its namespace (web/shop); they must be, where the application has several
such objects.`,
		Example: `  gantry action --list
  gantry action application.web Deployment shop restart
  gantry action application.web Deployment web/shop scale --param replicas=3
  gantry action application.web CronJob web/report create-job --auto-approve
  gantry action application.web Rollout.argoproj.io web/shop promote-full --out promote.gantryplan`,
		Args: func(_ *cobra.Command, args []string) error {
			if options.list && len(args) > 1 {
				return fmt.Errorf("--list takes the address of an application, or nothing")
			}
			if !options.list && len(args) != 4 {
				return fmt.Errorf("an action takes four arguments: the application's address, the kind and the name of an object, and what to do. \"gantry action --list\" tells what there is")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			work.sourceless = true
			if options.list {
				if given := firstSet(cmd, "param", "out", "auto-approve", "no-wait"); given != "" {
					return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--%s has no effect with --list", given)}
				}
				work.targets, work.right = args, access.Get
				return c.listActions(cmd.Context(), &in, work)
			}
			return c.act(cmd, args, &in, work, options)
		},
		ValidArgsFunction: c.actionCompletions(),
	}
	in.register(c, command)
	work.register(c, command)
	options.save.register(command)
	flags := command.Flags()
	for _, name := range []string{"target", "parallelism"} {
		if err := flags.MarkHidden(name); err != nil {
			panic(err)
		}
	}
	flags.BoolVar(&options.list, "list", false, "tell what can be done to which objects")
	flags.StringArrayVar(&options.parameters, "param", nil, "a parameter of the action, as `name=value`; may be repeated")
	complete(command, "param", c.parameterCompletions())
	flags.BoolVar(&options.approved, "auto-approve", false, "do not ask")
	flags.BoolVar(&options.noWait, "no-wait", false, "end as soon as it is begun, and do not wait until the object is healthy")
	flags.StringVar(&options.out, "out", "", "`file` to write the plan to, for apply; as seen from the current directory")
	return command
}

// act plans an action, and saves the plan or carries it out.
func (c *cli) act(cmd *cobra.Command, args []string, in *inputs, work workOptions, options actionOptions) error {
	ctx := cmd.Context()
	what, err := actOptions(args, options)
	if err != nil {
		return &usageError{command: cmd.CommandPath(), err: err}
	}
	if err := options.save.check(cmd, options.out); err != nil {
		return err
	}
	saving, err := options.save.load(c)
	if err != nil {
		return err
	}
	if options.out == "" {
		if err := c.onlySigned(work.command); err != nil {
			return err
		}
	}
	w, err := c.begin(ctx, in, work)
	if err != nil {
		return err
	}
	defer w.end()
	if options.out != "" {
		what.Expires = options.save.expires.duration()
	}
	made, diags := w.engine.Act(ctx, w.config, what)
	if made != nil {
		w.progress.pause()
		if err := w.permitOne(ctx, access.ObjectAction(made.Act.Object.GroupKind(), made.Act.Name), what.Application); err != nil {
			return err
		}
	}
	made, err = w.present(made, diags)
	if err != nil || made == nil {
		return err
	}
	if options.out != "" {
		return w.save(ctx, made, options.out, saving)
	}
	if !made.HasChanges() {
		return nil
	}
	return w.approveAndApply(ctx, made, planned{approved: options.approved, question: "Do this?"})
}

// actOptions reads the arguments of an action.
func actOptions(args []string, options actionOptions) (engine.ActOptions, error) {
	out := engine.ActOptions{Action: args[3], NoWait: options.noWait}
	address, err := addr.Parse(args[0])
	if err != nil {
		return out, err
	}
	if address.Kind != "application" {
		return out, fmt.Errorf("%s is no application", address)
	}
	out.Application = address
	kind := args[1]
	if group, name, ok := strings.Cut(kind, "/"); ok { // as --resource has it
		kind = name + "." + group
	}
	if out.Object, err = object.ParseID(kind + " " + args[2]); err != nil {
		return out, fmt.Errorf("%s %s: expected a kind, such as Deployment or Rollout.argoproj.io, and a name, such as shop or web/shop", args[1], args[2])
	}
	for _, text := range options.parameters {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return out, fmt.Errorf("--param %s: expected name=value", text)
		}
		if _, twice := out.Parameters[name]; twice {
			return out, fmt.Errorf("--param %s is given twice", name)
		}
		if out.Parameters == nil {
			out.Parameters = map[string]string{}
		}
		out.Parameters[name] = value
	}
	return out, nil
}

// actionJSON is what --list writes for programs.
type actionJSON struct {
	FormatVersion string             `json:"formatVersion"`
	Objects       []actionObjectJSON `json:"objects"`
}

type actionObjectJSON struct {
	Application string            `json:"application"`
	Group       string            `json:"group"`
	Kind        string            `json:"kind"`
	Namespace   string            `json:"namespace"`
	Name        string            `json:"name"`
	Actions     []actionOfferJSON `json:"actions"`
}

type actionOfferJSON struct {
	Name       string   `json:"name"`
	Doc        string   `json:"doc"`
	Parameters []string `json:"parameters"`
	Possible   bool     `json:"possible"`
	Reason     string   `json:"reason"` // why it is not possible at present
}

// listActions tells what can be done to which objects.
func (c *cli) listActions(ctx context.Context, in *inputs, work workOptions) error {
	w, err := c.begin(ctx, in, work)
	if err != nil {
		return err
	}
	defer w.end()
	found, diags := w.engine.Actions(ctx, w.config, w.targets)
	w.progress.pause()
	diags = append(w.diags, diags...)
	if c.json {
		err = c.writeJSON(actionsJSON(found))
	} else {
		err = c.writeActions(found)
	}
	if err != nil {
		return err
	}
	c.printDiagnostics(w.files, diags)
	return failed(diags)
}

func actionsJSON(found []engine.Actionable) actionJSON {
	out := actionJSON{FormatVersion: "1.0", Objects: []actionObjectJSON{}}
	for _, a := range found {
		one := actionObjectJSON{
			Application: a.Application.String(), Group: a.Object.Group, Kind: a.Object.Kind, Namespace: a.Object.Namespace, Name: a.Object.Name,
		}
		for _, offer := range a.Offers {
			made := actionOfferJSON{Name: offer.Name, Doc: offer.Doc, Parameters: []string{}, Possible: offer.NotNow == "", Reason: offer.NotNow}
			for _, p := range offer.Parameters {
				made.Parameters = append(made.Parameters, p.Name)
			}
			one.Actions = append(one.Actions, made)
		}
		out.Objects = append(out.Objects, one)
	}
	return out
}

func (c *cli) writeActions(found []engine.Actionable) error {
	colour := c.colour(c.out)
	var b strings.Builder
	last := addr.Address{}
	for _, a := range found {
		if a.Application != last {
			if last != (addr.Address{}) {
				b.WriteString("\n")
			}
			last = a.Application
			fmt.Fprintln(&b, paint(colour, bold, last.String()))
		}
		fmt.Fprintf(&b, "  %s\n", printable(a.Object.String()))
		for _, offer := range a.Offers {
			name := offer.Name
			for _, p := range offer.Parameters {
				name += " --param " + p.Name + "=N"
			}
			what := offer.Doc
			if offer.NotNow != "" {
				what = "not now: " + printable(offer.NotNow)
			}
			fmt.Fprintf(&b, "    %-28s %s\n", name, what)
		}
	}
	if len(found) == 0 {
		b.WriteString("There is no object that something can be done to.\n")
	}
	_, err := fmt.Fprint(c.out, b.String())
	return err
}

// actionCompletions offers applications, then the kinds, names and actions of what their
// records have.
func (c *cli) actionCompletions() completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		known := c.recordedActions(cmd.Context())
		var out []string
		for _, a := range known {
			words := []string{a.Application.String(), kindText(a.Object), nameText(a.Object)}
			if len(args) > len(words) || !slices.Equal(words[:len(args)], args) {
				continue
			}
			if len(args) < len(words) {
				out = append(out, words[len(args)])
				continue
			}
			for _, offer := range a.Offers {
				out = append(out, offer.Name+"\t"+offer.Doc)
			}
		}
		slices.Sort(out)
		return slices.Compact(out), cobra.ShellCompDirectiveNoFileComp
	}
}

// parameterCompletions offers the parameters of the action that is written.
func (c *cli) parameterCompletions() completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		const none = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		if len(args) != 4 {
			return nil, none
		}
		for _, a := range c.recordedActions(cmd.Context()) {
			if !slices.Equal([]string{a.Application.String(), kindText(a.Object), nameText(a.Object)}, args[:3]) {
				continue
			}
			for _, offer := range a.Offers {
				if offer.Name != args[3] {
					continue
				}
				var out []string
				for _, p := range offer.Parameters {
					out = append(out, p.Name+"=\t"+p.Doc)
				}
				return out, none
			}
		}
		return nil, none
	}
}

func kindText(id object.ID) string { return id.GroupKind().String() }

func nameText(id object.ID) string {
	if id.Namespace == "" {
		return id.Name
	}
	return id.Namespace + "/" + id.Name
}

// recordedActions lists what can be done to what the state has, without asking a cluster;
// nothing where that cannot be told.
func (c *cli) recordedActions(ctx context.Context) []engine.Actionable {
	dir, err := c.directory()
	if err != nil {
		return nil
	}
	read, _, err := c.evaluate(ctx, &inputs{}, nil)
	if err != nil {
		return nil
	}
	records, err := c.openExisting(ctx, dir, backendOf(read.config))
	if err != nil {
		return nil
	}
	entries, _ := records.List(ctx) // what can be read is offered
	var out []engine.Actionable
	for _, entry := range entries {
		out = append(out, engine.ActionsOf(entry.Record)...)
	}
	return out
}
