package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/comment"
	"github.com/gantrycd/gantry/plan/view/report"
	"github.com/gantrycd/gantry/providers"
)

// planCheck is the name of the check that a plan sets on its commit.
const planCheck = "gantry/plan"

// commentOptions are the flags that say what is told of a plan in a pull request, and to the
// CI system.
type commentOptions struct {
	pull    int64
	key     string
	labels  bool
	actions bool
	compat  string

	post  bool                                                         // the comment is posted
	forge func(context.Context, *lang.Config) (providers.Forge, error) // how it is opened; nil is cli.forge
}

// register adds the flags of commands that comment.
func (o *commentOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.Int64Var(&o.pull, "pull", 0, "the `number` of the pull request (default: as the CI system says, or the open one of the commit)")
	flags.StringVar(&o.key, "comment-key", "", "what tells the comments of one pull request apart (default: the configuration's directory in its repository)")
	flags.BoolVar(&o.labels, "labels", false, "with a comment: set the labels \"gantry: destroys\" and \"gantry: high risk\", or take them away")
	o.registerActions(command)
	flags.StringVar(&o.compat, "compat", "", "print a last line for another `program`: atlantis")
	complete(command, "compat", fixedCompletions(compatAtlantis))
	complete(command, "pull", fixedCompletions())
	complete(command, "comment-key", fixedCompletions())
}

func (o *commentOptions) registerActions(command *cobra.Command) {
	command.Flags().BoolVar(&o.actions, "github-actions", false, "tell GitHub Actions, or what is like it: annotations, the step's summary and its outputs")
}

// around has what a command tells told to the forge and the CI system, too, when it ends.
func (o *commentOptions) around(c *cli, command *cobra.Command) {
	inner := command.RunE
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(c, cmd); err != nil {
			return err
		}
		if !o.post && !o.actions && o.compat == "" {
			return inner(cmd, args)
		}
		c.heard = &heard{}
		resume := o.stopCommands(c)
		err := inner(cmd, args)
		resume()
		if _, stopped := interrupted(cmd.Context()); stopped || !c.heard.ended(cmd.CommandPath(), err) {
			return err
		}
		if o.compat == compatAtlantis && c.heard.plan != nil && !c.json {
			if err := report.Atlantis(c.out, c.heard.plan); err != nil {
				return err
			}
		}
		told := o.tell(cmd.Context(), c, err)
		if told != nil && err != nil {
			c.finish(cmd.CommandPath(), told)
			return err
		}
		return errors.Join(err, told)
	}
}

// check refuses flags that say nothing.
func (o *commentOptions) check(c *cli, cmd *cobra.Command) error {
	usage := func(text string) error { return &usageError{command: cmd.CommandPath(), err: errors.New(text)} }
	recorded := firstSet(cmd, "record", "remote") != ""
	if given := firstSet(cmd, "pull", "labels"); given != "" && !o.post && (given == "labels" || !recorded) {
		return usage("--" + given + " is about a comment: add --comment")
	}
	if cmd.Flags().Changed("pull") && o.pull < 1 {
		return usage(fmt.Sprintf("--pull is %d, and must be the number of a pull request", o.pull))
	}
	if o.compat != "" && o.compat != compatAtlantis {
		return usage(fmt.Sprintf("--compat is %q, and must be atlantis", o.compat))
	}
	if o.actions && c.getenv("GITHUB_ACTIONS") != "true" && c.getenv("GITEA_ACTIONS") != "true" && c.getenv("FORGEJO_ACTIONS") != "true" {
		return usage("--github-actions is for a job of GitHub Actions, or what is like it, and neither GITHUB_ACTIONS nor GITEA_ACTIONS is \"true\" here")
	}
	return nil
}

// compatAtlantis is what --compat can be.
const compatAtlantis = "atlantis"

// stopCommands keeps what is printed from being taken for commands of the CI system, until
// the function that it returns is called.
func (o *commentOptions) stopCommands(c *cli) func() {
	if !o.actions {
		return func() {}
	}
	token := rand.Text()
	fmt.Fprintf(c.err, "::stop-commands::%s\n", token)
	return func() { fmt.Fprintf(c.err, "::%s::\n", token) }
}

// tell tells what was heard.
func (o *commentOptions) tell(ctx context.Context, c *cli, ended error) error {
	var problems []plan.Problem
	root, _, _ := c.checkedOut()
	for _, problem := range c.heard.problems {
		problem.Range = c.inRepository(root, problem.Range)
		problems = append(problems, problem)
	}
	at, options, err := o.about(c)
	if err != nil {
		return err
	}
	var posted *providers.Comment
	if o.post {
		posted, err = o.comment(ctx, c, at, options, problems, ended)
	}
	if o.actions {
		err = errors.Join(err, c.tellActions(c.heard.plan, problems, options, posted))
	}
	return err
}

// about is what a comment is of.
func (o *commentOptions) about(c *cli) (change, comment.Options, error) {
	at, err := c.changeOfJob()
	if err != nil {
		return at, comment.Options{}, failure("Pull request is not known", err)
	}
	_, below, head := c.checkedOut()
	if at.head == "" {
		at.head = head
	}
	if o.pull != 0 {
		at.pull = o.pull
	}
	key := o.key
	if key == "" {
		key = below
	}
	next := "gantry apply"
	if c.heard != nil && c.heard.config != nil {
		if rules := c.heard.config.Settings.Protection; rules != nil && rules.BeyondBudget() {
			next += " --require-approved"
		}
	}
	return at, comment.Options{Key: key, Next: next, Head: at.head, Base: at.base, BaseBranch: at.branch, Run: at.run}, nil
}

// comment posts the comment, and sets the check and labels.
func (o *commentOptions) comment(ctx context.Context, c *cli, at change, options comment.Options, problems []plan.Problem, ended error) (*providers.Comment, error) {
	open := o.forge
	if open == nil {
		open = c.forge
	}
	forge, err := open(ctx, c.heard.config)
	if err != nil {
		return nil, err
	}
	p := c.heard.plan
	pull, err := pullOf(ctx, forge, at)
	if err != nil {
		return nil, failure("Pull request is not known", err)
	}
	check := checkOf(p, problems, ended)
	check.Annotations = c.annotations(p, problems)
	if at.head == "" {
		at.head, options.Head = pull.Head, pull.Head
	}
	if at.head != pull.Head {
		fmt.Fprintf(c.err, "Pull request %d has moved on to %.12s: its comment is left to the plan of that.\n", pull.Number, printable(pull.Head))
		return nil, checked(forge.Check(ctx, at.head, check))
	}
	if options.BaseBranch == "" {
		options.BaseBranch = pull.Base
	}
	options.Budget = comment.Budget(forge.MaxComment())
	if plain, ok := forge.(interface{ NoHTML() bool }); ok {
		options.NoHTML = plain.NoHTML()
	}
	body, err := comment.Body(p, problems, options)
	if err != nil {
		return nil, failure("Comment cannot be written", err)
	}
	posted, err := forge.Comment(ctx, pull.Number, comment.Marker(options.Key, options.NoHTML), body)
	if err != nil {
		return nil, failure("Comment cannot be posted", err)
	}
	check.URL = posted.URL
	if err := checked(forge.Check(ctx, at.head, check)); err != nil {
		return &posted, err
	}
	if o.labels {
		if err := label(ctx, forge, pull, p); err != nil {
			return &posted, failure("Labels cannot be set", err)
		}
	}
	verb := "Updated"
	if posted.Created {
		verb = "Posted"
	}
	fmt.Fprintf(c.err, "%s the comment of pull request %d: %s\n", verb, pull.Number, printable(posted.URL))
	return &posted, nil
}

func checked(err error) error {
	if err == nil {
		return nil
	}
	return failure("Check cannot be set", err)
}

// pullOf finds the pull request: by its number, or the open one whose head is the commit.
func pullOf(ctx context.Context, forge providers.Forge, at change) (*providers.PullRequest, error) {
	if at.pull != 0 {
		return forge.Pull(ctx, at.pull)
	}
	if at.head == "" {
		return nil, errors.New("the configuration is in no git repository, and nothing says which pull request it is of; say so with --pull")
	}
	found, err := forge.Pulls(ctx, at.head)
	if err != nil {
		return nil, err
	}
	open := slices.DeleteFunc(found, func(p providers.PullRequest) bool { return !p.Open })
	switch len(open) {
	case 0:
		return nil, fmt.Errorf("no open pull request has the commit %.12s as its head; push it and open one, or say which it is with --pull", at.head)
	case 1:
		return &open[0], nil
	}
	var numbers []string
	for _, p := range open {
		numbers = append(numbers, fmt.Sprint(p.Number))
	}
	return nil, fmt.Errorf("%d open pull requests have the commit %.12s as their head: %s; say which it is with --pull", len(open), at.head, strings.Join(numbers, ", "))
}

// checkOf is what a commit shows of its plan.
func checkOf(p *plan.Plan, problems []plan.Problem, ended error) providers.Check {
	out := providers.Check{Name: planCheck, State: providers.CheckSuccess, Title: "Nothing was planned"}
	if p != nil {
		out.Title = strings.TrimSuffix(view.Summary(p), ".")
		if text := view.NeedsApproval(p); text != "" {
			out.Title += "; " + text
		}
	}
	var code exitCode
	failing := ended != nil && (!errors.As(ended, &code) || code != exitChanges)
	if failing || len(problems) > 0 || p == nil || p.IsBlocked() || len(p.Problems) > 0 {
		out.State = providers.CheckFailure
	}
	if n := len(problems); n > 0 {
		out.Title += fmt.Sprintf("; %s", count(n, "error"))
	}
	out.Summary = view.Escaped(out.Title) + ".\n\nThe comment of the pull request has the plan.\n"
	return out
}

// annotations are the findings of a plan at lines of files of the repository.
func (c *cli) annotations(p *plan.Plan, problems []plan.Problem) []providers.Annotation {
	var out []providers.Annotation
	for _, a := range c.findings(p, problems) {
		if a.File != "" && a.Line > 0 {
			out = append(out, providers.Annotation{Path: a.File, Line: a.Line, Level: a.Level, Title: a.Title, Message: a.Message})
		}
	}
	return out
}

// findings are the findings of a plan and the errors beside it, with files as they are called
// in the repository; those of others have no file.
func (c *cli) findings(p *plan.Plan, problems []plan.Problem) []report.Annotation {
	whole := comment.Joined(p, problems)
	out := report.Annotations(&whole)
	root, _, _ := c.checkedOut()
	for i, a := range out {
		file := c.inRepository(root, fmt.Sprintf("%s:%d,1", a.File, max(a.Line, 1)))
		out[i].File, _, _ = strings.Cut(file, ":")
		if a.File == "" || file == "" {
			out[i].File, out[i].Line = "", 0
		}
	}
	return out
}

// inRepository names the file of a range as it is called in the repository with a work tree,
// whose root may be empty for none. It is empty where the file is not there.
func (c *cli) inRepository(root, where string) string {
	cut := strings.LastIndex(where, ":")
	if cut < 0 {
		return ""
	}
	dir, err := c.directory()
	if root == "" || err != nil {
		return where
	}
	for _, path := range []string{where[:cut], filepath.Join(dir, where[:cut]), filepath.Join(root, where[:cut])} {
		resolved, err := filepath.EvalSymlinks(path)
		if err == nil {
			resolved, err = filepath.Abs(resolved)
		}
		if err != nil {
			continue
		}
		if relative, err := filepath.Rel(root, resolved); err == nil && filepath.IsLocal(relative) {
			return filepath.ToSlash(relative) + where[cut:]
		}
	}
	return ""
}

// The labels that a comment sets.
const (
	labelDestroys = "gantry: destroys"
	labelHighRisk = "gantry: high risk"
)

// label sets the labels that hold for a plan, and takes the others away, where they are not
// so yet.
func label(ctx context.Context, forge providers.Forge, pull *providers.PullRequest, p *plan.Plan) error {
	holds := map[string]bool{labelDestroys: false, labelHighRisk: false}
	if p != nil {
		counts := p.Counts()
		holds[labelDestroys] = counts[plan.Prune]+counts[plan.Replace] > 0
		high := failOnRisk(plan.High)
		holds[labelHighRisk] = len(high.fails(p)) > 0
	}
	var add, remove []string
	for _, name := range []string{labelDestroys, labelHighRisk} {
		switch has := slices.Contains(pull.Labels, name); {
		case holds[name] && !has:
			add = append(add, name)
		case !holds[name] && has:
			remove = append(remove, name)
		}
	}
	if len(add)+len(remove) == 0 {
		return nil
	}
	return forge.Label(ctx, pull.Number, add, remove)
}

// tellActions writes the step's summary and outputs, and prints annotations.
func (c *cli) tellActions(p *plan.Plan, problems []plan.Problem, options comment.Options, posted *providers.Comment) error {
	options.Budget = report.SummaryLimit
	body, err := comment.Body(p, problems, options)
	if err != nil {
		return failure("Summary cannot be written", err)
	}
	if err := c.appendTo("GITHUB_STEP_SUMMARY", []byte(body)); err != nil {
		return err
	}
	whole := comment.Joined(p, problems)
	outputs := report.Outputs(&whole)
	if posted != nil {
		outputs = append(outputs, report.Output{Name: "comment_url", Value: posted.URL})
	}
	var text bytes.Buffer
	if err := report.WriteOutputs(&text, outputs, "gantry-"+rand.Text()); err != nil {
		return failure("Outputs cannot be written", err)
	}
	if err := c.appendTo("GITHUB_OUTPUT", text.Bytes()); err != nil {
		return err
	}
	return report.WorkflowCommands(c.err, c.findings(p, problems))
}

// appendTo adds to the file that a variable names; without one nothing is written.
func (c *cli) appendTo(variable string, text []byte) error {
	path := c.getenv(variable)
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = file.Write(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return failure("CI system cannot be told", fmt.Errorf("%s: %w", variable, err))
	}
	return nil
}
