package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/bootstrap"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// rbacOptions are the flags of "bootstrap rbac".
type rbacOptions struct {
	bootstrap.Options
	cluster string
	all     bool
	// workload runs the planner; nil for rights alone.
	workload *bootstrap.Workload
}

func newBootstrapRBAC(c *cli) *cobra.Command {
	var in inputs
	var o rbacOptions
	work := workOptions{noInput: true}
	command := &cobra.Command{
		Use:   "rbac",
		Short: "Print the rights of a planner and of an applier",
		Long: `Prints the Kubernetes RBAC of two identities: a planner, which reads and asks by dry run,
and an applier, which writes; and the ValidatingAdmissionPolicy that refuses whatever of
the planner is no dry run. Read it, and apply it as an administrator.

The configuration is planned with your own rights, to know its kinds. With --all the two
get every kind that the cluster serves. The planner reads every kind but Secrets, to tell
what depends on what changes; of Secrets, those of the configuration, by their names. It may
not ask about roles, about the kinds of admission, and about what another server than
Kubernetes' own answers for: a plan predicts these, and apply asks before it sends them.

Without flags the identities are service accounts in the namespace gantry. A user or group of
OpenID Connect is named as the API server names it, with its prefix.`,
		Example: `  gantry bootstrap rbac > rbac.yaml
  gantry bootstrap rbac --namespace shop --namespace web
  gantry bootstrap rbac --planner-user 'oidc:repo:example/deploy:pull_request' --applier-group oidc:deployers
  gantry bootstrap rbac --all --state-namespace gantry --json`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.defaults(); err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			return c.bootstrapRBAC(cmd.Context(), &in, work, o)
		},
	}
	in.register(c, command)
	work.command = "gantry bootstrap rbac"
	o.register(command)
	return command
}

// register adds the flags that say whose rights are printed, and to what.
func (o *rbacOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&o.cluster, "cluster", "", "the `cluster` whose rights these are; may be left out where there is only one")
	flags.StringVar(&o.Name, "name", "gantry", "`beginning` of the names of all objects")
	flags.BoolVar(&o.all, "all", false, "rights to all kinds that the cluster serves, in place of those of the configuration")
	flags.StringArrayVar(&o.Namespaces, "namespace", nil, "give rights to namespaced kinds in this `namespace` only; may be repeated")
	flags.StringVar(&o.StateNamespace, "state-namespace", "", "the `namespace` that holds the state, where the backend is \"kubernetes\" in this cluster")
	for _, who := range []struct {
		name string
		to   *bootstrap.Identity
	}{{"planner", &o.Planner}, {"applier", &o.Applier}} {
		flags.StringVar(&who.to.ServiceAccount, who.name+"-service-account", "", "the "+who.name+" is this service account, `NAMESPACE/NAME` (default gantry/"+who.name+")")
		flags.StringVar(&who.to.User, who.name+"-user", "", "the "+who.name+" is this `user`, as the API server names it")
		flags.StringVar(&who.to.Group, who.name+"-group", "", "the "+who.name+" is whoever is in this `group`")
		for _, kind := range []string{"-service-account", "-user", "-group"} {
			complete(command, who.name+kind, fixedCompletions())
		}
	}
	for _, name := range []string{"cluster", "name", "namespace", "state-namespace"} {
		complete(command, name, fixedCompletions())
	}
}

// defaults fills in the identities that no flag names, and refuses what makes no sense.
func (o *rbacOptions) defaults() error {
	for _, who := range []struct {
		name string
		to   *bootstrap.Identity
	}{{"planner", &o.Planner}, {"applier", &o.Applier}} {
		if *who.to == (bootstrap.Identity{}) {
			who.to.ServiceAccount = "gantry/" + who.name
		}
	}
	probe := o.Options
	probe.Kinds = []providers.Resource{{}} // those are known later
	_, err := bootstrap.Objects(probe)
	if err == nil && o.workload != nil {
		_, err = bootstrap.PlannerObjects(probe, *o.workload)
	}
	return err
}

func (c *cli) bootstrapRBAC(ctx context.Context, in *inputs, options workOptions, o rbacOptions) error {
	options.right, options.parallelism = access.Plan, defaultParallelism
	w, err := c.begin(ctx, in, options)
	if err != nil {
		return err
	}
	defer w.end()
	cluster, err := clusterNamed(w.config, o.cluster)
	if err != nil {
		return failure("No such cluster", err)
	}
	served, err := w.engine.Served(ctx, cluster)
	if err != nil {
		return failure("Cluster cannot be read", err)
	}
	made, diags := w.engine.Plan(ctx, w.config, engine.PlanOptions{Unsound: w.diags.HasErrors()})
	w.progress.pause()
	diags = append(w.diags, diags...)
	c.printDiagnostics(w.files, diags)
	if made == nil {
		return failed(diags)
	}
	wanted := bootstrap.Of(made, cluster.Name)
	o.Served, o.Extensions, o.Kinds, o.Secrets = served.Kinds, served.Extensions, wanted.Kinds, wanted.Secrets
	if o.all {
		o.Kinds = append(o.Kinds, served.Kinds...)
	}
	objects, err := bootstrap.Objects(o.Options)
	if err == nil && o.workload != nil {
		var more []object.Object
		more, err = bootstrap.PlannerObjects(o.Options, *o.workload)
		objects = append(objects, more...)
	}
	if err != nil {
		return failure("No rights can be printed", err)
	}
	for _, note := range wantedNotes(wanted) {
		fmt.Fprintf(c.err, "%s\n", printable(note))
	}
	what := "# Rights of a planner, which asks by dry run and writes nothing, and of an applier.\n"
	if o.workload != nil {
		what += "# Behind them is what runs the planner.\n"
	}
	comment := what + "# Made by \"" + options.command + "\" for the cluster " + printable(cluster.Name) + ". Read it, then apply it as an administrator.\n"
	if err := c.printObjects(comment, objects); err != nil {
		return err
	}
	return failed(diags)
}

// wantedNotes say what the printed rights leave out.
func wantedNotes(w bootstrap.Wanted) []string {
	var out []string
	if len(w.Later) > 0 {
		out = append(out, fmt.Sprintf("Left out are rights to Secrets in namespaces that are not there yet: %s. They are predicted until then; print the rights again once the namespaces are there.", strings.Join(w.Later, ", ")))
	}
	if len(w.Unknown) > 0 {
		out = append(out, fmt.Sprintf("Left out are kinds that the cluster does not serve, and nothing in the plan defines: %s.", strings.Join(w.Unknown, ", ")))
	}
	return out
}

// clusterNamed finds a cluster of a configuration; an empty name is the only one.
func clusterNamed(config *lang.Config, name string) (*lang.Cluster, error) {
	var names []string
	for _, cluster := range config.Clusters {
		names = append(names, cluster.Name)
		if cluster.Name == name {
			return cluster, nil
		}
	}
	slices.Sort(names)
	switch {
	case name == "" && len(config.Clusters) == 1:
		return config.Clusters[0], nil
	case len(names) == 0:
		return nil, errors.New("the configuration has no cluster")
	case name == "":
		return nil, fmt.Errorf("the configuration has several clusters: say which by --cluster: %s", schema.List(names, "or"))
	}
	if near := schema.Suggest(name, names); near != "" {
		return nil, fmt.Errorf("there is no cluster %q in the configuration. Did you mean %q?", name, near)
	}
	return nil, fmt.Errorf("there is no cluster %q in the configuration; there is %s", name, schema.List(names, "and"))
}
