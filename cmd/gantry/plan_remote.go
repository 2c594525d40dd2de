package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gantrycd/gantry/engine/against"
	"github.com/gantrycd/gantry/engine/remoteplan"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/process"
)

// requestsOptions say where requests for plans are left.
type requestsOptions struct{ backend backendFlags }

func (o *requestsOptions) register(command *cobra.Command, when string) {
	o.backend.register(command, command.Flags(), "requests", "requests-config", "that requests for plans are left in"+when+" (default the state's)")
}

// open opens the store of requests: the one that flags name, or that of the state.
func (o *requestsOptions) open(ctx context.Context, c *cli, config *lang.Config) (state.Store, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	at := place{configured: true}
	if o.backend.kind == "" && len(o.backend.settings) == 0 {
		if at, err = c.settle(backendOf(config)); err != nil {
			return nil, err
		}
	} else if at, err = o.backend.over(at, nil, ""); err != nil {
		return nil, failure("Invalid backend", fmt.Errorf("--requests: %w", err))
	}
	store, err := c.openEncrypted(ctx, dir, at)
	if err != nil {
		return nil, failure("Requests cannot be opened", said(at, err))
	}
	return store, nil
}

// remoteOptions are the flags of a plan that a planner elsewhere makes.
type remoteOptions struct {
	on       bool
	wait     time.Duration
	requests requestsOptions
}

// mostWait is how long a request may be waited for: older ones are not planned.
const mostWait = 55 * time.Minute

func (o *remoteOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVar(&o.on, "remote", false, "have a planner in the cluster plan the commit that is checked out, which must be pushed, and show its plan; see gantry planner")
	flags.DurationVar(&o.wait, "wait", 10*time.Minute, "with --remote: how long to wait for the plan, `time` as in 5m")
	o.requests.register(command, ", with --remote")
}

// remoteTakes are the flags that go with --remote: what is shown of the plan, who is told, and
// how it ends. How it is planned is the planner's to say.
func remoteTakes() []string {
	return []string{
		"remote", "wait", "requests", "requests-config", "pull", "out", "comment", "comment-key", "labels", "github-actions", "compat", "fail-on-risk", "detailed-exitcode",
		"verbose", "show-unchanged", "summary", "full", "steps", "no-pager", "html", "markdown", "sarif", "junit", "gitlab-report", "budget", "no-input",
	}
}

// check refuses flags that do not go together.
func (o *remoteOptions) check(cmd *cobra.Command) error {
	if !o.on {
		if given := firstSet(cmd, "wait", "requests", "requests-config"); given != "" {
			return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--%s is about a plan that a planner makes: add --remote", given)}
		}
		return nil
	}
	takes := map[string]bool{}
	for _, name := range remoteTakes() {
		takes[name] = true
	}
	refused := ""
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && !takes[f.Name] && refused == "" {
			refused = f.Name
		}
	})
	switch {
	case refused != "":
		return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--%s is for who plans, and with --remote that is the planner, which takes no options from a request: leave it away, or give it to \"gantry planner\"", refused)}
	case o.wait < time.Second || o.wait > mostWait:
		return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--wait is %s, and must be from 1s to %s", o.wait, mostWait)}
	}
	return nil
}

// remotely is what is wanted of a plan that comes back.
type remotely struct {
	remoteOptions
	view     viewOptions
	out      string
	pull     int64
	risks    failOnRisk
	detailed bool
	command  string
}

// planRemote asks a planner for a plan and shows it.
func (c *cli) planRemote(ctx context.Context, in *inputs, o remotely) error {
	if err := o.view.reports.check(c, o.command); err != nil {
		return err
	}
	request, err := c.remoteRequest(o.pull)
	if err != nil {
		return failure("Nothing to ask for", err)
	}
	in.partial = true
	read, diags, err := c.evaluate(ctx, in, nil)
	if err != nil {
		return err
	}
	c.heard.ofConfig(read.config)
	if read.config.Settings.Backend.Type == lang.UnknownBackend && o.requests.backend.kind == "" {
		c.printDiagnostics(read.files, diags)
		return failed(diags)
	}
	store, err := o.requests.open(ctx, c, read.config)
	if err != nil {
		return err
	}
	tell := func(string) {}
	if !c.json {
		tell = func(text string) {
			fmt.Fprintf(c.err, "%s %s: %s.\n", time.Now().UTC().Format(time.TimeOnly), request, printable(text))
		}
	}
	answer, err := remoteplan.Ask(ctx, remoteplan.Asking{Store: store, Wait: o.wait, Tell: tell}, *request)
	if err != nil {
		return askedFailure(err)
	}
	return c.showAnswer(ctx, read, answer, o)
}

// askedFailure gives an error of asking its summary.
func askedFailure(err error) error {
	var none *remoteplan.NoPlannerError
	var late *remoteplan.TimeoutError
	switch {
	case errors.As(err, &none):
		return failure("No planner is at work", err)
	case errors.As(err, &late):
		return failure("No plan in time", err)
	}
	return failure("Planner cannot be asked", err)
}

// remoteRequest is what is asked for: the pull request that the CI system runs for, or what is
// checked out.
func (c *cli) remoteRequest(pull int64) (*remoteplan.Request, error) {
	at, err := c.changeOfJob()
	if err != nil {
		return nil, err
	}
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	repository, err := against.OpenRepository(dir)
	if err != nil {
		return nil, fmt.Errorf("a planner plans commits that it can fetch, and the configuration is in no git repository: %w", err)
	}
	_, below, head := c.checkedOut()
	if at.pull == 0 || at.head == "" {
		at.head = head
	}
	if pull != 0 {
		at.pull = pull
	}
	if at.head == "" {
		return nil, errors.New("nothing is checked out, so that it is not known which commit is meant")
	}
	if below == "." {
		below = ""
	}
	id, err := remoteplan.NewID()
	if err != nil {
		return nil, err
	}
	return &remoteplan.Request{
		ID: id, Repository: withoutLogin(repository.Origin()), Path: below, Commit: at.head, Pull: at.pull,
		By: remoteplan.Clean(process.Self("", time.Now()).Who, 200),
	}, nil
}

// withoutLogin is a URL with nothing that logs in.
func withoutLogin(text string) string {
	if at, err := url.Parse(text); err == nil && at.User != nil {
		at.User = nil
		return at.String()
	}
	return text
}

// showAnswer shows what a planner came to, as a plan that is made here would be shown.
func (c *cli) showAnswer(ctx context.Context, read *loaded, answer *remoteplan.Answer, o remotely) error {
	why := errors.New(remoteplan.Clean(answer.Why, 2000))
	switch answer.State {
	case remoteplan.Planned:
	case remoteplan.Superseded:
		c.printDiagnostics(nil, errorDiagnostic("Superseded", sentence(why)))
		return exitCode(exitUnapproved)
	case remoteplan.Refused:
		return failure("Planner refuses", why)
	default:
		return failure("Planner failed", why)
	}
	diags := c.answeredDiagnostics(answer.Diagnostics)
	if answer.Exit != exitDone && !diags.HasErrors() {
		diags = append(diags, errorDiagnostic("Planner failed", fmt.Sprintf("The plan ended with exit code %d, and nothing says why. The planner's log may.", answer.Exit))...)
	}
	if len(answer.Plan) == 0 {
		c.printDiagnostics(read.files, diags)
		return failed(diags)
	}
	keys, err := c.trusted(readingOptions{})
	if err != nil {
		return failure("Plan file cannot be verified", err)
	}
	file, err := c.decode(ctx, answer.Plan, readingOptions{}, keys)
	if err != nil {
		return failure("Plan cannot be read", fmt.Errorf("what the planner sent: %w", err))
	}
	if err := c.showPlan(file.Plan, o.view, diags.HasErrors()); err != nil {
		return err
	}
	c.printDiagnostics(read.files, diags)
	if o.out != "" {
		if err := os.WriteFile(o.out, answer.Plan, 0o600); err != nil {
			return failure("Plan file cannot be written", err)
		}
	}
	if !c.json {
		for _, note := range answer.Notes {
			fmt.Fprintf(c.err, "%s\n", printable(remoteplan.Clean(note, 2000)))
		}
		if o.out != "" {
			fmt.Fprintf(c.err, "Saved to %s.\n", o.out)
		}
	}
	if err := failed(diags); err != nil {
		return err
	}
	return c.ends(file.Plan, o.risks, o.detailed)
}

// answeredDiagnostics reads diagnostics that a planner's --json wrote. Files are named as seen
// from here.
func (c *cli) answeredDiagnostics(sent []json.RawMessage) hcl.Diagnostics {
	var out hcl.Diagnostics
	for _, text := range sent {
		var one diagnostic
		if json.Unmarshal(text, &one) != nil || one.Summary == "" {
			continue
		}
		d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: one.Summary, Detail: one.Detail}
		if one.Severity == "warning" {
			d.Severity = hcl.DiagWarning
		}
		if r := one.Range; r != nil {
			d.Subject = &hcl.Range{Filename: c.fromHere(r.Filename), Start: hcl.Pos(r.Start), End: hcl.Pos(r.End)}
		}
		out = append(out, d)
	}
	return out
}

// fromHere names a file of the configuration's directory as this command does.
func (c *cli) fromHere(name string) string {
	if c.dir == "" || strings.HasPrefix(name, "<") || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}
