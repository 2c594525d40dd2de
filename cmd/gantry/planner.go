package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/remoteplan"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/process"
)

// What logs in to the repository of a planner.
const (
	repositoryUserVariable  = "GANTRY_REPOSITORY_USERNAME"
	repositoryTokenVariable = "GANTRY_REPOSITORY_TOKEN"
)

// plannerOptions are the flags of "gantry planner".
type plannerOptions struct {
	repository string
	aliases    []string
	branch     string
	path       string
	workDir    string
	once       bool
	every      time.Duration
	timeout    time.Duration
	comment    bool
	requests   requestsOptions
	planArgs   []string
}

func newPlanner(c *cli) *cobra.Command {
	var o plannerOptions
	command := &cobra.Command{
		Use:   "planner [-- PLAN-FLAGS]",
		Short: "Plan what \"gantry plan --remote\" asks for",
		Long: `Waits for requests that "gantry plan --remote" leaves in the backend of the state, or where
--requests says, and carries out one after the other: it fetches the commit, plans it with
"gantry plan --record --comment", and gives the plan back in the same place. It runs where
the clusters can be reached, so that CI needs no credentials of them. "gantry bootstrap
planner" prints what a cluster needs to run it.

Of a request it takes a number and a commit alone. It plans the head of an open pull request,
as the forge says, or a commit of --branch; nothing of a fork. The forge, and the rules of who
may record, are those of --branch. How it plans is said here: flags behind "--" are those
of "gantry plan".

The repository is read with the token in GANTRY_REPOSITORY_TOKEN, or the SSH agent. The
forge's token is in GANTRY_FORGE_TOKEN. The code of a pull request runs in no shell, but its
configuration is evaluated with this environment: give it no more than planning needs.

Several planners may work on the same requests. One that is told to end hands its work on.`,
		Example: `  gantry planner --repository https://git.example.com/example/deploy.git
  gantry planner --repository git@git.example.com:example/deploy.git --path clusters/production
  gantry planner --repository https://git.example.com/example/deploy.git --once --every 1m
  gantry planner --repository https://git.example.com/example/deploy.git -- --var-file production.gantry.hcl`,
		Args: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); len(args) > 0 && at != 0 {
				return fmt.Errorf("it takes no arguments but flags of \"gantry plan\" behind --, and got %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.planArgs = args
			if err := o.check(c); err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			return c.planner(cmd.Context(), o)
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.repository, "repository", "", "the `URL` of the repository that is planned; no request can name another")
	flags.StringArrayVar(&o.aliases, "also-known-as", nil, "another `URL` by which CI knows the repository; may be repeated")
	flags.StringVar(&o.branch, "branch", "main", "the protected `branch`")
	flags.StringVar(&o.path, "path", "", "the configuration's `directory` in the repository")
	flags.StringVar(&o.workDir, "work-dir", "", "`directory` to check out in (default the one for temporary files)")
	flags.BoolVar(&o.once, "once", false, "carry out what waits, and end: for a job that runs now and then")
	flags.DurationVar(&o.every, "every", time.Minute, "with --once: how often it is run, `time` as in 1m, so that others know how long to wait for it")
	flags.DurationVar(&o.timeout, "timeout", 20*time.Minute, "how long one plan may take, `time` as in 5m")
	flags.BoolVar(&o.comment, "comment", true, "write each plan of a pull request as its comment")
	o.requests.register(command, "")
	for _, name := range []string{"repository", "also-known-as", "branch"} {
		complete(command, name, fixedCompletions())
	}
	return command
}

// check refuses what makes no sense.
func (o *plannerOptions) check(c *cli) error {
	switch {
	case o.repository == "":
		return errors.New("say by --repository which repository is planned")
	case c.dir != "":
		return errors.New("--chdir is where a configuration is on this machine, and a planner fetches it: say by --path where it is in the repository")
	case o.path != "" && (!filepath.IsLocal(filepath.FromSlash(o.path)) || path.Clean(o.path) != o.path || o.path == "."):
		return fmt.Errorf("--path is %q, and must be a directory in the repository, such as clusters/production", o.path)
	case o.timeout < time.Second || o.every < time.Second:
		return errors.New("--timeout and --every must be at least 1s")
	}
	for _, arg := range o.planArgs {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && slices.Contains(plannersOwn(), name) {
			return fmt.Errorf("%s is the planner's own to say for each request: leave it away", arg)
		}
	}
	return nil
}

// plannersOwn are the flags of a plan that the planner sets itself.
func plannersOwn() []string {
	return []string{"record", "pull", "base", "merge-queue", "out", "json", "remote", "chdir", "C", "offline", "against", "snapshot", "destroy", "comment", "no-input", "github-actions", "compat"}
}

// plannerWork is a planner at work.
type plannerWork struct {
	cli     *cli
	options plannerOptions
	config  *lang.Config // of the protected branch
	scratch string
}

// planner plans what is asked for until the context ends.
func (c *cli) planner(ctx context.Context, o plannerOptions) error {
	scratch, err := os.MkdirTemp(o.workDir, "gantry-planner-")
	if err != nil {
		return failure("No place to check out", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	w := &plannerWork{cli: c, options: o, scratch: scratch}
	if err := w.begin(ctx); err != nil {
		return err
	}
	store, err := o.requests.open(ctx, c, w.config)
	if err != nil {
		return err
	}
	holder := process.Self("gantry planner", time.Now())
	p := &remoteplan.Planner{
		Store: store, Name: state.EscapeSegment(fmt.Sprintf("%.60s-%d", holder.Host, holder.PID)), Holder: holder,
		Repositories: append([]string{withoutLogin(o.repository)}, o.aliases...), Path: o.path,
		Verify: w.verify, Plan: w.plan, Lease: state.LeaseOptions{Dead: process.Dead}, Log: w.logger(),
	}
	if o.once {
		p.Lasts = o.every
		done, err := p.Once(ctx)
		if err != nil {
			return failure("Requests cannot be read", err)
		}
		p.Log(fmt.Sprintf("Nothing is left to plan, after %s.", count(done, "request")))
		return nil
	}
	p.Log("Waiting for requests.")
	return p.Serve(ctx)
}

// logger writes lines for who runs the planner.
func (w *plannerWork) logger() func(string) {
	var mu sync.Mutex
	return func(text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(w.cli.err, "%s %s\n", time.Now().UTC().Format(time.RFC3339), printable(text))
	}
}

// begin checks the protected branch out: it says where the state and the forge are.
func (w *plannerWork) begin(ctx context.Context) error {
	s, err := w.source()
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	location := w.location()
	location.Revision = "refs/heads/" + w.options.branch
	found, err := s.Open(ctx, location)
	if err == nil {
		err = s.Checkout(ctx, w.location(), found.Pin.Resolved, w.options.branch, filepath.Join(w.scratch, "protected"))
	}
	if err != nil {
		return failure("Repository cannot be read", err)
	}
	w.cli.dir = filepath.Join(w.scratch, "protected", filepath.FromSlash(w.options.path))
	if _, err := os.Stat(w.cli.dir); err != nil {
		return failure("No such directory", fmt.Errorf("--path: the branch %q has no directory %q", w.options.branch, w.options.path))
	}
	read, diags, err := w.cli.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return err
	}
	if read.config.Settings.Backend.Type == lang.UnknownBackend {
		w.cli.printDiagnostics(read.files, diags)
		return failed(diags)
	}
	w.config = read.config
	_, err = w.cli.forgePlace(ctx, w.config) // rather told now than with the first request
	if err != nil {
		return failure("Forge is not known", err)
	}
	return nil
}

// source reads the repository as it is now.
func (w *plannerWork) source() (*git.Source, error) {
	cache, err := w.cli.cache()
	if err != nil {
		return nil, err
	}
	return w.cli.sources(w.scratch, cache, false)[source.Git].(*git.Source), nil
}

// location is the repository with what logs in there.
func (w *plannerWork) location() source.Location {
	out := source.Location{Type: source.Git, URL: w.options.repository}
	user, token := w.cli.getenv(repositoryUserVariable), object.Sensitive(w.cli.getenv(repositoryTokenVariable))
	switch {
	case token == "":
	case user == "":
		out.Auth = &source.Auth{Token: token}
	default:
		out.Auth = &source.Auth{Username: user, Password: token}
	}
	return out
}

// verify asks the forge what a request is about.
func (w *plannerWork) verify(ctx context.Context, r remoteplan.Request) (*remoteplan.Task, error) {
	forge, err := w.cli.forge(ctx, w.config)
	if err != nil {
		return nil, err
	}
	return remoteplan.Verify(ctx, forge, w.options.branch, r)
}
