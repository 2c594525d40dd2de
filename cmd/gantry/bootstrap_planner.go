package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/bootstrap"
)

// workloadOptions are the flags of "bootstrap planner" beside those of "bootstrap rbac".
type workloadOptions struct {
	bootstrap.Workload
	repository, branch, path string
	aliases                  []string
	planArgs                 []string
}

func newBootstrapPlanner(c *cli) *cobra.Command {
	var in inputs
	var rights rbacOptions
	var o workloadOptions
	work := workOptions{noInput: true}
	command := &cobra.Command{
		Use:   "planner [-- PLAN-FLAGS]",
		Short: "Print what runs a planner in the cluster",
		Long: `Prints what "gantry bootstrap rbac" prints, and what runs "gantry planner" as the planner's
service account: a Deployment, or with --every a CronJob. So CI asks for plans with "gantry
plan --remote" and holds no credentials of the cluster. Read it, and apply it as an
administrator.

The tokens that the planner needs are variables in the Secret --environment, which you make
in the planner's namespace: GANTRY_FORGE_TOKEN, GANTRY_REPOSITORY_TOKEN, and what opens the
state. With --requests-namespace, CI leaves its requests in Secrets of a namespace of their
own, and whom --requester names can do just that. Without it they are in the backend of the
state: give CI what only writes keys below remote/requests/ there.

The planner says who it is with a token of its service account, for --audience. Name it
in protection, as "system:serviceaccount:NAMESPACE:NAME". Flags behind "--" are those of
"gantry plan" that it plans with.`,
		Example: `  gantry bootstrap planner --image registry.example.com/gantry:1.0 --repository https://git.example.com/example/deploy.git > planner.yaml
  gantry bootstrap planner --image registry.example.com/gantry:1.0 --repository https://git.example.com/example/deploy.git --requests-namespace plan-requests --requester-service-account ci/plans
  gantry bootstrap planner --image registry.example.com/gantry:1.0 --repository https://git.example.com/example/deploy.git --every 1 -- --var-file production.gantry.hcl`,
		Args: newPlanner(c).Args,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.planArgs = args
			err := o.settle(&rights)
			if err == nil {
				err = rights.defaults()
			}
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			return c.bootstrapRBAC(cmd.Context(), &in, work, rights)
		},
	}
	in.register(c, command)
	work.command = "gantry bootstrap planner"
	rights.register(command)
	flags := command.Flags()
	flags.StringVar(&o.Image, "image", "", "the `image` of gantry, with its tag or digest")
	flags.StringVar(&o.repository, "repository", "", "the `URL` of the repository that is planned")
	flags.StringArrayVar(&o.aliases, "also-known-as", nil, "another `URL` by which CI knows the repository; may be repeated")
	flags.StringVar(&o.branch, "branch", "main", "the protected `branch`")
	flags.StringVar(&o.path, "path", "", "the configuration's `directory` in the repository")
	flags.StringVar(&o.Environment, "environment", "gantry-planner", "the `Secret` in the planner's namespace whose keys are its environment; empty for none")
	flags.StringVar(&o.Audience, "audience", "gantry", "the `audience` of the token by which the planner says who it is")
	flags.IntVar(&o.Every, "every", 0, "run it as a job every so many `minutes`, in place of all the time")
	flags.StringVar(&o.Memory, "memory", "1Gi", "how much `memory` the planner may take")
	flags.StringVar(&rights.RequestsNamespace, "requests-namespace", "", "the `namespace` in this cluster that requests are left in, and nothing else")
	flags.StringVar(&o.Requester.ServiceAccount, "requester-service-account", "", "who asks is this service account, `NAMESPACE/NAME`")
	flags.StringVar(&o.Requester.User, "requester-user", "", "who asks is this `user`, as the API server names it")
	flags.StringVar(&o.Requester.Group, "requester-group", "", "who asks is whoever is in this `group`")
	for _, name := range []string{"image", "repository", "also-known-as", "branch", "environment", "audience", "requests-namespace", "requester-service-account", "requester-user", "requester-group", "memory"} {
		complete(command, name, fixedCompletions())
	}
	return command
}

// settle makes the planner's arguments, and refuses those that it would refuse.
func (o *workloadOptions) settle(rights *rbacOptions) error {
	if o.Image == "" {
		return errors.New("say by --image which image of gantry runs")
	}
	run := plannerOptions{repository: o.repository, path: o.path, planArgs: o.planArgs, every: time.Minute, timeout: time.Minute}
	if err := run.check(&cli{}); err != nil {
		return err
	}
	o.Arguments = []string{"--repository=" + withoutLogin(o.repository), "--branch=" + o.branch}
	for _, alias := range o.aliases {
		o.Arguments = append(o.Arguments, "--also-known-as="+alias)
	}
	if o.path != "" {
		o.Arguments = append(o.Arguments, "--path="+o.path)
	}
	if rights.RequestsNamespace != "" {
		if o.Requester == (bootstrap.Identity{}) {
			return fmt.Errorf("say by --requester-service-account, --requester-user or --requester-group who leaves requests in %s", rights.RequestsNamespace)
		}
		o.Arguments = append(o.Arguments, "--requests=kubernetes", "--requests-config=in_cluster=true", "--requests-config=namespace="+rights.RequestsNamespace)
	}
	if len(o.planArgs) > 0 {
		o.Arguments = append(append(o.Arguments, "--"), o.planArgs...)
	}
	rights.workload = &o.Workload
	return nil
}
