package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
)

// TrialOptions are what a trial is about.
type TrialOptions struct {
	Notifier    string // its address; "slack.ops" is meant, too
	Trigger     string // its name
	Application string // an address; empty for an application that there is not
	Recipients  []string
	At          time.Time
}

// Trial is messages that are sent to see that they arrive.
type Trial struct {
	Messages []Message
	notifier plan.Notifier
}

// NewTrial makes the messages of a trial. Its errors say what there is not, and what there
// is.
func NewTrial(config *lang.Config, notifiers providers.Notifiers, options TrialOptions) (*Trial, error) {
	to, err := find("notifier", options.Notifier, config.Notifiers, func(n *govern.Notifier) addr.Address { return n.Address })
	if err != nil {
		return nil, err
	}
	builtIn, err := govern.BuiltInTriggers()
	if err != nil {
		return nil, err
	}
	triggers := slices.Clone(config.Triggers)
	for _, t := range builtIn {
		if !slices.ContainsFunc(triggers, func(own *govern.Trigger) bool { return own.Address == t.Address }) {
			triggers = append(triggers, t)
		}
	}
	by, err := find("trigger", options.Trigger, triggers, func(t *govern.Trigger) addr.Address { return t.Address })
	if err != nil {
		return nil, err
	}
	c, app, err := sample(config, by.Name, options)
	if err != nil {
		return nil, err
	}
	asTriggered, err := TriggerOf(by)
	if err != nil {
		return nil, err
	}
	from := &plan.Notify{Notifiers: []plan.Notifier{NotifierOf(to)}, Triggers: []plan.Trigger{asTriggered}}
	rules, err := NewRules(from, notifiers.Escape)
	if err != nil {
		return nil, err
	}
	values, err := c.values(plainly)
	if err != nil {
		return nil, err
	}
	recipients := options.Recipients
	if len(recipients) == 0 {
		recipients = subscribed(config, app, by, to)
	}
	if len(recipients) == 0 {
		if govern.NeedsRecipients(to.Service) {
			return nil, fmt.Errorf("nobody subscribes to %s at %s: say whom it goes to, with --recipient", by.Address, to.Address)
		}
		recipients = []string{""}
	}
	out := &Trial{notifier: from.Notifiers[0]}
	for _, recipient := range recipients {
		m, problems := rules.message(c, rules.triggers[by.Address], values, &out.notifier, recipient, false)
		if len(problems) > 0 {
			return nil, errors.New(strings.Join(problems, "; "))
		}
		m.ID = digest("test", options.At.String(), recipient)
		m.Key, m.Thread, m.Text = digest("test", m.Key), "", "Test: "+m.Text
		out.Messages = append(out.Messages, m)
	}
	return out, nil
}

// find finds a block by its address, or by what of it comes after the kind.
func find[T any](kind, name string, all []T, address func(T) addr.Address) (T, error) {
	var names []string
	for _, one := range all {
		text := address(one).String()
		if text == name || strings.TrimPrefix(text, kind+".") == name {
			return one, nil
		}
		names = append(names, text)
	}
	var none T
	if len(names) == 0 {
		return none, fmt.Errorf("there is no %s", kind)
	}
	slices.Sort(names)
	return none, fmt.Errorf("there is no %s %q. There are %s", kind, name, strings.Join(names, ", "))
}

// sample is an application for a trial: as the configuration has it, or made up.
func sample(config *lang.Config, trigger string, options TrialOptions) (*Case, *lang.Application, error) {
	c := &Case{
		Address: addr.Application("example"), Name: "example", Namespace: "example", Cluster: "example", Sync: Synced,
		Health: Health{Status: "healthy"}, At: options.At, Changes: 1,
		Operation: Operation{Phase: PhaseSucceeded, By: "gantry notify test", StartedAt: options.At, FinishedAt: options.At},
	}
	switch {
	case strings.Contains(trigger, "failed"):
		c.Operation.Phase, c.Operation.Message, c.Sync = PhaseFailed, "nothing has failed, this is a test", OutOfSync
	case strings.Contains(trigger, "degraded"):
		c.Health = Health{Status: "degraded", Message: "nothing is degraded, this is a test"}
	case strings.Contains(trigger, "running"):
		c.Operation.Phase, c.Operation.FinishedAt = PhaseRunning, time.Time{}
	case strings.Contains(trigger, "unknown"):
		c.Sync = Unknown
	case strings.Contains(trigger, "deleted"):
		c.Leaving = true
	}
	if options.Application == "" {
		return c, nil, nil
	}
	app, err := find("application", options.Application, config.Applications, func(a *lang.Application) addr.Address { return a.Address })
	if err != nil {
		return nil, nil, err
	}
	c.Address, c.Name, c.Namespace, c.Labels, c.Info = app.Address, app.Name, app.Destination.Namespace, app.Labels, app.Info
	if app.Project != nil {
		c.Project = app.Project.Name
	}
	if cluster := app.Destination.Cluster; cluster != nil {
		c.Cluster, c.Server, c.ClusterLabels, c.ClusterAnnotations = cluster.Name, cluster.Connection.Server, cluster.Labels, cluster.Annotations
	}
	if len(app.Sources) > 0 {
		c.Repository, c.Tracks = app.Sources[0].URL, app.Sources[0].Revision
	}
	return c, app, nil
}

// subscribed are the recipients of a trigger at a notifier: those of an application, or of
// all projects and applications.
func subscribed(config *lang.Config, app *lang.Application, by *govern.Trigger, to *govern.Notifier) []string {
	var out []string
	take := func(list []govern.Notify) {
		for _, one := range list {
			if one.Trigger == nil || one.To == nil || one.Trigger.Address != by.Address || one.To.Address != to.Address {
				continue
			}
			for _, recipient := range one.Recipients {
				if !slices.Contains(out, recipient) {
					out = append(out, recipient)
				}
			}
		}
	}
	for _, project := range config.Projects {
		if app == nil || app.Project == project {
			take(project.Rules.Notify)
		}
	}
	for _, one := range config.Applications {
		if app == nil || app == one {
			take(one.Notify)
		}
	}
	return out
}

// Send sends the messages of the trial, up to the first that is not delivered, and returns
// those that were.
func (t *Trial) Send(ctx context.Context, notifiers providers.Notifiers, secrets providers.Secrets) ([]Message, error) {
	notifier, err := Open(ctx, notifiers, secrets, &t.notifier)
	if err != nil {
		return nil, err
	}
	sent := []Message{}
	for _, m := range t.Messages {
		if _, err := notifier.Send(ctx, &m.Notification); err != nil {
			return sent, fmt.Errorf("%s: %w", m.Notifier, err)
		}
		sent = append(sent, m)
	}
	return sent, nil
}
