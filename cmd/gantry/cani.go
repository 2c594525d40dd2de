package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/action"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan"
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
		c.printDiagnostics(read.files, onlyErrors(diags))
	}
	if as.name == "" {
		return c.asking(ctx, command, read.config)
	}
	who := &identity.Identity{Name: as.name, Subject: as.name, Issuer: as.issuer, Groups: as.groups, Verified: true, Means: "as asked"}
	roles := access.Roles(read.config)
	a := &asker{rights: access.Of(roles, who), config: read.config}
	a.by.Identity = who
	c.suspect(as.unknown(roles)...)
	return a, nil
}

// unknown tells of groups and issuers that no role names, where one is called nearly so.
func (o *askedAs) unknown(roles []plan.Role) []string {
	var groups, issuers []string
	for i := range roles {
		groups, issuers = append(groups, roles[i].Groups...), append(issuers, roles[i].Issuers...)
	}
	var out []string
	for _, group := range o.groups {
		if near := schema.Suggest(group, groups); near != "" && near != group {
			out = append(out, fmt.Sprintf("No role names the group %q. Did you mean %q?", group, near))
		}
	}
	if near := schema.Suggest(o.issuer, issuers); o.issuer != "" && near != "" && near != o.issuer {
		out = append(out, fmt.Sprintf("No role names the issuer %q. Did you mean %q?", o.issuer, near))
	}
	return out
}

// suspect warns of what is asked about and is probably misspelt. The answer is that of what
// was asked.
func (c *cli) suspect(misspelt ...string) {
	for _, text := range misspelt {
		c.printDiagnostics(nil, hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Unknown name", Detail: text}})
	}
}

// asked reads what is asked about: an address, or project/application. One of the latter
// that the configuration does not have may be misspelt, which is told.
func (a *asker) asked(text string) (app *known, misspelt string, err error) {
	applications := a.applications(nil)
	if project, application, ok := strings.Cut(text, "/"); ok && !strings.Contains(text, "[") {
		if application == "" || strings.Contains(application, "/") {
			return nil, "", fmt.Errorf("%q is not of the form project/application", text)
		}
		if near := nearly(project, application, applications); near != "" && near != text {
			misspelt = fmt.Sprintf("The configuration has no %s. Did you mean %s?", text, near)
		}
		return &known{names: [][2]string{{project, application}}}, misspelt, nil
	}
	var have []string
	for _, app := range applications {
		have = append(have, app.address.String())
	}
	address, err := oneApplication(text)
	if err != nil {
		if near := schema.Suggest("application."+text, have); near != "" {
			return nil, "", fmt.Errorf("%q is no application. Did you mean %s?", text, near)
		}
		return nil, "", fmt.Errorf("%w: name an application by its address, or as project/application", err)
	}
	for _, app := range applications {
		if app.address == address {
			return app, "", nil
		}
	}
	if near := schema.Suggest(address.String(), have); near != "" {
		return nil, "", fmt.Errorf("the configuration has no %s. Did you mean %s?", address, near)
	}
	return nil, "", fmt.Errorf("the configuration has no %s. Ask with project/application where it is made by a generator, or no longer configured", address)
}

// nearly returns what is asked about as the configuration has it, or what is called nearly
// so: another application of the project, or that application in another project.
func nearly(project, application string, applications []*known) string {
	var projects, names []string
	for _, app := range applications {
		projects = append(projects, app.names[0][0])
		if app.names[0][0] == project {
			names = append(names, app.names[0][1])
		}
	}
	if !slices.Contains(projects, project) {
		if near := schema.Suggest(project, projects); near != "" {
			return access.Object(near, application)
		}
		return ""
	}
	if near := schema.Suggest(application, names); near != "" {
		return access.Object(project, near)
	}
	return ""
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
	if !access.IsAction(action) {
		text := govern.CheckAction(action)
		if text == "" { // a pattern of roles
			text = fmt.Sprintf("%q is no single action: ask about one, such as apply, or action/apps/Deployment/restart", action)
		}
		return "", errors.New(text)
	}
	return action, misspeltAction(action)
}

// misspeltAction refuses an action on objects that is called nearly as one that there is.
func misspeltAction(asked string) error {
	name := asked[strings.LastIndex(asked, "/")+1:]
	var have []string
	for _, one := range action.All() {
		have = append(have, one.Name)
	}
	near := schema.Suggest(name, have)
	if !strings.HasPrefix(asked, "action/") || near == "" || slices.Contains(have, name) {
		return nil
	}
	return fmt.Errorf("there is no action %q on objects. Did you mean %q?", name, near)
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
			action, app, err := c.question(a, args)
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
				return errors.New("--as and arguments are of a question: gantry roles --explain apply application.web")
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
			action, app, err := c.question(a, args)
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
		effect, at := "allows it", rule.Rule
		if at == "" {
			at = "-"
		}
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
		fmt.Fprintf(&b, "  %s  %s, for %s%s, %s\n", printable(at), printable(rule.Role), printable(rule.By), printable(from), printable(effect))
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
			b.WriteString("The configuration has errors, so that it is not known which roles there are: nobody may do anything.\n")
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
		writeGrants(&b, "denies", role.Deny)
		writeGrants(&b, "allows", role.Allow)
	}
	_, err := fmt.Fprint(c.out, b.String())
	return err
}

// writeGrants tells what a role allows or denies, and from which role it has that.
func writeGrants(b *strings.Builder, does string, grants []plan.Grant) {
	for _, grant := range grants {
		from := ""
		if grant.Inherited != "" {
			from = ", inherited from " + grant.Inherited
		}
		fmt.Fprintf(b, "  %s %s on %s%s\n", does, printable(strings.Join(grant.Actions, ", ")), printable(strings.Join(grant.Applications, ", ")), printable(from))
	}
}

// question reads what is asked: whether something may be done, and to what.
func (c *cli) question(a *asker, args []string) (action string, app *known, err error) {
	if action, err = checkAsked(args[0]); err != nil {
		return "", nil, err
	}
	app, misspelt, err := a.asked(args[1])
	if misspelt != "" {
		c.suspect(misspelt)
	}
	return action, app, err
}
