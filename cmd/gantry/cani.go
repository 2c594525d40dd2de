package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/identity"
)

// askedAs is whom is asked about, where it is not who runs the command.
type askedAs struct {
	name, issuer string
	groups       []string
}

func (o *askedAs) register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&o.name, "as", "", "ask for someone else, by the `subject` that roles name")
	flags.StringSliceVar(&o.groups, "groups", nil, "with --as: the `groups` that they are in; may be repeated")
	flags.StringVar(&o.issuer, "issuer", "", "with --as: the `issuer` that vouches for them")
	for _, name := range []string{"as", "groups", "issuer"} {
		complete(command, name, fixedCompletions())
	}
}

func (o *askedAs) check() error {
	if o.name == "" && (o.issuer != "" || len(o.groups) > 0) {
		return errors.New("--groups and --issuer are of whom --as names")
	}
	return nil
}

// whose loads the configuration and returns whom is asked about, with their rights.
func (c *cli) whose(ctx context.Context, command string, as askedAs) (*asker, error) {
	read, diags, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return nil, err
	}
	if read.config.RolesUnknown {
		c.printDiagnostics(read.files, diags)
	}
	if as.name == "" {
		return c.asking(ctx, command, read.config)
	}
	who := &identity.Identity{Name: as.name, Subject: as.name, Issuer: as.issuer, Groups: as.groups, Verified: true, Means: "as asked"}
	a := &asker{rights: access.Of(access.Roles(read.config), who), config: read.config}
	a.by.Identity = who
	return a, nil
}

// asked reads what is asked about: an address, or project/application.
func (a *asker) asked(text string) (*known, error) {
	if project, application, ok := strings.Cut(text, "/"); ok && !strings.Contains(text, "[") {
		if application == "" || strings.Contains(application, "/") {
			return nil, fmt.Errorf("%q is not of the form project/application", text)
		}
		return &known{names: [][2]string{{project, application}}}, nil
	}
	address, err := oneApplication(text)
	if err != nil {
		return nil, fmt.Errorf("%w: name an application by its address, or as project/application", err)
	}
	applications := a.applications(nil)
	for _, app := range applications {
		if app.address == address {
			return app, nil
		}
	}
	var have []string
	for _, app := range applications {
		have = append(have, app.address.String())
	}
	err = fmt.Errorf("the configuration has no %s. Ask with project/application where it is made by a generator, or no longer configured", address)
	if near := schema.Suggest(address.String(), have); near != "" {
		err = fmt.Errorf("the configuration has no %s. Did you mean %s?", address, near)
	}
	return nil, err
}

// checkAsked refuses an action that there is not. An action on an object may be given
// without its kind.
func checkAsked(action string) (string, error) {
	if rest, ok := strings.CutPrefix(action, "action/"); ok {
		switch strings.Count(rest, "/") {
		case 0:
			action = "action/*/*/" + rest
		case 1:
			action = "action/*/" + rest
		}
	}
	if access.IsAction(action) {
		return action, nil
	}
	text := fmt.Sprintf("there is no action %q; the actions are %s", action, schema.List(append(govern.Actions(), "action/Kind/NAME"), "and"))
	if near := schema.Suggest(action, govern.Actions()); near != "" {
		text = fmt.Sprintf("there is no action %q. Did you mean %q?", action, near)
	}
	return "", errors.New(text)
}

func newCanI(c *cli) *cobra.Command {
	var as askedAs
	var list bool
	command := &cobra.Command{
		Use:   "can-i ACTION APPLICATION | --list",
		Short: "Ask whether roles allow something",
		Long: `Asks the configuration's roles whether you may do something to an application: get, plan,
apply, approve, rollback, hold, destroy, override, state, or an action on an object of it,
such as action/apps/Deployment/restart. The application is named by its address, or as
project/application; /application is one in no project.

The answer is yes or no, and the exit code 0 or 1, with the reason on stderr. With --list
it is all that you may do, for each application of the configuration.

With --as the question is about someone else. Nobody is asked who they are: what roles
would give them is all that is told.`,
		Example: `  gantry can-i apply application.web
  gantry can-i destroy production/web --as alice --groups example:sre
  gantry can-i action/apps/Deployment/restart production/web
  gantry can-i --list`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case list && len(args) > 0:
				return errors.New("--list takes no arguments")
			case !list && len(args) != 2:
				return errors.New("say what, and to which application: gantry can-i apply application.web")
			}
			return as.check()
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := c.whose(cmd.Context(), cmd.CommandPath(), as)
			if err != nil {
				return err
			}
			if list {
				return c.listRights(a)
			}
			action, app, err := a.question(args)
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			return c.answer(a.may(action, app))
		},
		ValidArgsFunction: c.rightCompletions(),
	}
	as.register(command)
	command.Flags().BoolVar(&list, "list", false, "all that you may do")
	return command
}

// rightCompletions offers actions, then applications.
func (c *cli) rightCompletions() completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return govern.Actions(), cobra.ShellCompDirectiveNoFileComp
		case 1:
			return c.knownApplications(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// answer tells a decision, and ends with its exit code.
func (c *cli) answer(decision access.Decision) error {
	var err error
	if c.json {
		err = c.writeJSON(decision)
	} else {
		word := "no"
		if decision.Allowed {
			word = "yes"
		}
		if _, err = fmt.Fprintln(c.out, word); err == nil {
			_, err = fmt.Fprintf(c.err, "%s.\n", printable(because(decision)))
		}
	}
	if err == nil && !decision.Allowed {
		return exitCode(exitError)
	}
	return err
}

// mayList is what --list tells of an application.
type mayList struct {
	Application string   `json:"application"` // its address
	Object      string   `json:"object"`      // project/application
	Actions     []string `json:"actions"`
	// ObjectActions tells whether there is any action on objects that is allowed, and on all.
	ObjectActions string `json:"objectActions"` // "all", "some", "none"
}

func (c *cli) listRights(a *asker) error {
	out := []mayList{}
	for _, app := range a.applications(nil) {
		one := mayList{Application: app.address.String(), Object: access.Object(app.names[0][0], app.names[0][1]), Actions: []string{}}
		for _, action := range govern.Actions() {
			if a.may(action, app).Allowed {
				one.Actions = append(one.Actions, action)
			}
		}
		one.ObjectActions = a.rights.ObjectActions(app.names[0][0], app.names[0][1])
		out = append(out, one)
	}
	if c.json {
		return c.writeJSON(map[string]any{"formatVersion": "1.0", "roles": nonNil(a.rights.Roles()), "applications": out})
	}
	var b strings.Builder
	switch names := a.rights.Roles(); {
	case a.rights.Open():
		b.WriteString("There are no roles: everybody may do everything.\n")
	case len(names) == 0:
		fmt.Fprintf(&b, "%s has no role.\n", printable(a.by.Identity.String()))
	default:
		fmt.Fprintf(&b, "%s: %s\n", printable(a.by.Identity.String()), printable(strings.Join(names, ", ")))
	}
	for _, one := range out {
		what := slices.Clone(one.Actions)
		switch one.ObjectActions {
		case "all":
			what = append(what, "action/*")
		case "some":
			what = append(what, "some of action/*")
		}
		if len(what) == 0 {
			what = []string{"nothing"}
		}
		fmt.Fprintf(&b, "  %s: %s\n", printable(one.Object), strings.Join(what, ", "))
	}
	_, err := fmt.Fprint(c.out, b.String())
	return err
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// explained is what `gantry roles --explain --json` prints.
type explained struct {
	access.Decision
	Rules []access.Match `json:"rules"`
}

func newRoles(c *cli) *cobra.Command {
	var as askedAs
	var explain bool
	command := &cobra.Command{
		Use:   "roles [--explain ACTION APPLICATION]",
		Short: "Show roles, and which of their rules decides",
		Long: `Lists the roles of the configuration: who has them, and what they allow and deny.

With --explain it tells of a question, as "gantry can-i" takes it, every rule of your roles
that is about it, where it is written, and which one decides: one that denies wins over all
that allow.`,
		Example: `  gantry roles
  gantry roles --json
  gantry roles --explain apply production/web
  gantry roles --explain destroy application.web --as alice --groups example:sre`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case explain && len(args) != 2:
				return errors.New("say what, and to which application: gantry roles --explain apply application.web")
			case !explain && (len(args) > 0 || as.name != ""):
				return errors.New("a question is for --explain")
			}
			return as.check()
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := c.whose(cmd.Context(), cmd.CommandPath(), as)
			if err != nil {
				return err
			}
			if !explain {
				return c.showRoles(a)
			}
			action, app, err := a.question(args)
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			rules, decision := a.rights.Explain(action, app.names[0][0], app.names[0][1])
			return c.explain(explained{decision, rules})
		},
		ValidArgsFunction: c.rightCompletions(),
	}
	as.register(command)
	command.Flags().BoolVar(&explain, "explain", false, "tell which rules are about a question, and which decides")
	return command
}

func (c *cli) explain(e explained) error {
	if c.json {
		if e.Rules == nil {
			e.Rules = []access.Match{}
		}
		return c.writeJSON(e)
	}
	var b strings.Builder
	word := "no"
	if e.Allowed {
		word = "yes"
	}
	fmt.Fprintf(&b, "%s: %s.\n", word, printable(e.Because))
	for i, rule := range e.Rules {
		effect := "allows it"
		switch {
		case rule.Broken != "":
			effect = "cannot be read: " + rule.Broken
		case rule.Deny:
			effect = "denies it"
		}
		if i == 0 {
			effect += ", and decides"
		}
		from := ""
		if rule.Inherited != "" {
			from = ", inherited from " + rule.Inherited
		}
		fmt.Fprintf(&b, "  %s  %s, for %s%s, %s\n", printable(rule.Rule), printable(rule.Role), printable(rule.By), printable(from), printable(effect))
	}
	_, err := fmt.Fprint(c.out, b.String())
	return err
}

func (c *cli) showRoles(a *asker) error {
	roles := access.Roles(a.config)
	if c.json {
		return c.writeJSON(map[string]any{"formatVersion": "1.0", "roles": roles})
	}
	var b strings.Builder
	if len(roles) == 0 {
		b.WriteString("There are no roles: everybody may do everything.\n")
	}
	for i := range roles {
		role := &roles[i]
		if role.Name == "" {
			b.WriteString("There may be roles that cannot be told, for the configuration has errors: nobody may do anything.\n")
			continue
		}
		fmt.Fprintf(&b, "%s  %s\n", printable(access.Name(role)), printable(role.Range))
		switch {
		case role.Default:
			b.WriteString("  everybody\n")
		case len(role.Groups)+len(role.Subjects) == 0:
			b.WriteString("  only by being inherited\n")
		}
		for _, line := range []struct {
			what  string
			names []string
		}{{"groups", role.Groups}, {"subjects", role.Subjects}, {"issuers", role.Issuers}} {
			if len(line.names) > 0 {
				fmt.Fprintf(&b, "  %s: %s\n", line.what, printable(strings.Join(line.names, ", ")))
			}
		}
		for _, grant := range role.Deny {
			fmt.Fprintf(&b, "  denies %s on %s\n", printable(strings.Join(grant.Actions, ", ")), printable(strings.Join(grant.Applications, ", ")))
		}
		for _, grant := range role.Allow {
			fmt.Fprintf(&b, "  allows %s on %s\n", printable(strings.Join(grant.Actions, ", ")), printable(strings.Join(grant.Applications, ", ")))
		}
	}
	_, err := fmt.Fprint(c.out, b.String())
	return err
}

// question reads what is asked: whether something may be done, and to what.
func (a *asker) question(args []string) (action string, app *known, err error) {
	if action, err = checkAsked(args[0]); err != nil {
		return "", nil, err
	}
	app, err = a.asked(args[1])
	return action, app, err
}
