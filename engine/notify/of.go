package notify

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan"
)

// Of is what a configuration says of messages, for the applications of which planned is
// true. It is nil where nobody has subscribed to anything.
func Of(config *lang.Config, planned func(addr.Address) bool) (*plan.Notify, error) {
	c := &collector{out: &plan.Notify{}, triggers: map[addr.Address]bool{}, notifiers: map[addr.Address]bool{}}
	projects := map[string]bool{}
	for _, project := range config.Projects {
		for _, one := range project.Rules.Notify {
			projects[project.Name] = true
			if err := c.subscribe(one, plan.Subscription{Project: project.Name}); err != nil {
				return nil, err
			}
		}
	}
	for _, app := range config.Applications {
		if !planned(app.Address) {
			continue
		}
		for _, one := range app.Notify {
			if err := c.subscribe(one, plan.Subscription{Application: app.Address}); err != nil {
				return nil, err
			}
		}
		if len(app.Notify) > 0 || app.Project != nil && projects[app.Project.Name] {
			c.describe(app)
		}
	}
	if len(c.out.Subscriptions) == 0 {
		return nil, nil
	}
	slices.SortFunc(c.out.Notifiers, func(a, b plan.Notifier) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.out.Triggers, func(a, b plan.Trigger) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.out.Subjects, func(a, b plan.NotifySubject) int { return a.Address.Compare(b.Address) })
	return c.out, nil
}

// collector gathers what subscriptions name.
type collector struct {
	out                 *plan.Notify
	triggers, notifiers map[addr.Address]bool
}

func (c *collector) subscribe(one govern.Notify, s plan.Subscription) error {
	if one.Trigger == nil || one.To == nil {
		return nil // it has errors, which were told
	}
	s.Trigger, s.Notifier, s.Recipients = one.Trigger.Address, one.To.Address, one.Recipients
	c.out.Subscriptions = append(c.out.Subscriptions, s)
	if !c.notifiers[s.Notifier] {
		c.notifiers[s.Notifier] = true
		c.out.Notifiers = append(c.out.Notifiers, NotifierOf(one.To))
	}
	if c.triggers[s.Trigger] {
		return nil
	}
	c.triggers[s.Trigger] = true
	t, err := TriggerOf(one.Trigger)
	c.out.Triggers = append(c.out.Triggers, t)
	return err
}

func (c *collector) describe(app *lang.Application) {
	s := plan.NotifySubject{Address: app.Address, Info: app.Info}
	if cluster := app.Destination.Cluster; cluster != nil {
		s.Server, s.ClusterLabels, s.ClusterAnnotations = cluster.Connection.Server, cluster.Labels, cluster.Annotations
	}
	c.out.Subjects = append(c.out.Subjects, s)
}

// NotifierOf is a notifier of the configuration as plans have it.
func NotifierOf(n *govern.Notifier) plan.Notifier {
	out := plan.Notifier{Address: n.Address, Service: n.Service, Settings: n.Settings, Credentials: n.Credentials}
	for _, header := range n.Headers {
		out.Headers = append(out.Headers, plan.NotifierHeader{Name: header.Name, Value: header.Value})
	}
	return out
}

// TriggerOf is a trigger of the configuration as plans have it.
func TriggerOf(t *govern.Trigger) (plan.Trigger, error) {
	out := plan.Trigger{Address: t.Address, Name: t.Name}
	for _, part := range []struct {
		from late.Expression
		into *json.RawMessage
	}{{t.When, &out.When}, {t.OncePer, &out.OncePer}, {t.Message, &out.Message}} {
		if part.from.IsZero() {
			continue
		}
		text, err := json.Marshal(part.from)
		if err != nil {
			return plan.Trigger{}, fmt.Errorf("%s cannot be kept: %w", t.Address, err)
		}
		*part.into = text
	}
	for service, arguments := range t.Bodies {
		if out.Bodies == nil {
			out.Bodies = map[string]map[string]json.RawMessage{}
		}
		out.Bodies[service] = map[string]json.RawMessage{}
		for argument, e := range arguments {
			text, err := json.Marshal(e)
			if err != nil {
				return plan.Trigger{}, fmt.Errorf("%s cannot be kept: %w", t.Address, err)
			}
			out.Bodies[service][argument] = text
		}
	}
	return out, nil
}
