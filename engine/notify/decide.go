package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
)

// Rules are the triggers and subscriptions of a plan, ready to be asked. They may be used
// by several goroutines at once.
type Rules struct {
	from      *plan.Notify
	triggers  map[addr.Address]*trigger
	notifiers map[addr.Address]int // index in from.Notifiers
	ofProject map[string][]int     // indices in from.Subscriptions
	of        map[addr.Address][]int
	escape    func(service, argument, value string) string
}

// trigger is one with its expressions read.
type trigger struct {
	name                   string
	when, oncePer, message late.Expression
	bodies                 map[string]map[string]late.Expression
}

// NewRules reads the rules of a plan; escape makes values harmless in what is markup
// (providers.Notifiers.Escape). Its errors say which trigger cannot be read.
func NewRules(from *plan.Notify, escape func(service, argument, value string) string) (*Rules, error) {
	r := &Rules{from: from, triggers: map[addr.Address]*trigger{}, notifiers: map[addr.Address]int{}, ofProject: map[string][]int{}, of: map[addr.Address][]int{}, escape: escape}
	for i, s := range from.Subscriptions {
		if s.Application.IsZero() {
			r.ofProject[s.Project] = append(r.ofProject[s.Project], i)
		} else {
			r.of[s.Application] = append(r.of[s.Application], i)
		}
	}
	for i := range from.Notifiers {
		r.notifiers[from.Notifiers[i].Address] = i
	}
	for i := range from.Triggers {
		t, err := readTrigger(&from.Triggers[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from.Triggers[i].Address, err)
		}
		r.triggers[from.Triggers[i].Address] = t
	}
	return r, nil
}

func readTrigger(from *plan.Trigger) (*trigger, error) {
	t := &trigger{name: from.Name, bodies: map[string]map[string]late.Expression{}}
	for _, part := range []struct {
		text json.RawMessage
		into *late.Expression
	}{{from.When, &t.when}, {from.OncePer, &t.oncePer}, {from.Message, &t.message}} {
		if len(part.text) == 0 {
			continue
		}
		if err := json.Unmarshal(part.text, part.into); err != nil {
			return nil, err
		}
	}
	if t.when.IsZero() || t.message.IsZero() {
		return nil, errors.New("it has no condition, or no message")
	}
	for service, arguments := range from.Bodies {
		t.bodies[service] = map[string]late.Expression{}
		for argument, text := range arguments {
			var e late.Expression
			if err := json.Unmarshal(text, &e); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", service, argument, err)
			}
			t.bodies[service][argument] = e
		}
	}
	return t, nil
}

// Concerns reports whether anybody has subscribed to anything about an application.
func (r *Rules) Concerns(c *Case) bool { return len(r.subscriptions(c)) > 0 }

// subscriptions are the indices of those that are about an application.
func (r *Rules) subscriptions(c *Case) []int {
	var out []int
	if c.Project != "" {
		out = append(out, r.ofProject[c.Project]...)
	}
	return append(out, r.of[c.Address]...)
}

// Message is one to be delivered to one recipient of one notifier.
type Message struct {
	Notifier addr.Address `json:"notifier"`
	providers.Notification
}

// maxValues is how many values of a trigger's once_per are remembered of an application.
const maxValues = 10

// Decide asks the triggers about a case. before is what is remembered of the application;
// what is to be remembered is returned with the messages. What cannot be evaluated is told
// among the problems, and costs its own message at most.
func (r *Rules) Decide(c *Case, before Memory) (messages []Message, after Memory, problems []string) {
	after = before.clone()
	after.At = c.At
	values, err := c.values(plainly)
	if err != nil {
		return nil, after, []string{fmt.Sprintf("%s: %s. This is a bug in gantry", c.Address, err)}
	}
	asked := map[addr.Address]verdict{}
	told := map[string]bool{} // one that is subscribed twice hears once
	for _, i := range r.subscriptions(c) {
		s := &r.from.Subscriptions[i]
		t, n := r.triggers[s.Trigger], r.notifiers[s.Notifier]
		if t == nil {
			continue
		}
		v, ok := asked[s.Trigger]
		if !ok {
			var problem string
			v, problem = t.ask(values, before.Triggers[s.Trigger.String()])
			if problem != "" {
				problems = append(problems, fmt.Sprintf("%s of %s: %s", s.Trigger, c.Address, problem))
			}
			asked[s.Trigger] = v
			after.Triggers[s.Trigger.String()] = v.mark
		}
		notifier := &r.from.Notifiers[n]
		if !v.fires && (!v.ends || !closes(notifier.Service)) {
			continue
		}
		recipients := s.Recipients
		if len(recipients) == 0 {
			recipients = []string{""}
		}
		for _, recipient := range recipients {
			if key := digest(s.Trigger.String(), s.Notifier.String(), recipient); !told[key] {
				told[key] = true
				m, failed := r.message(c, t, values, notifier, recipient, !v.fires)
				problems = append(problems, failed...)
				messages = append(messages, m)
			}
		}
	}
	return messages, after, problems
}

// closes reports whether a service has something that is closed when a trigger is no
// longer true.
func closes(service string) bool { return service == "pagerduty" || service == "opsgenie" }

// verdict is what a trigger says of a case.
type verdict struct {
	fires bool
	ends  bool // it was true, and is no longer
	mark  Mark
}

// ask evaluates when, and once_per.
func (t *trigger) ask(values late.Values, before Mark) (verdict, string) {
	on, diags := t.when.True(values)
	if diags.HasErrors() {
		return verdict{mark: before}, "its condition cannot be evaluated: " + first(diags)
	}
	out := verdict{ends: before.On && !on, mark: Mark{On: on, Values: before.Values}}
	if !on {
		return out, ""
	}
	if t.oncePer.IsZero() {
		out.fires = !before.On
		return out, ""
	}
	v, diags := t.oncePer.Evaluate(values)
	if diags.HasErrors() {
		return verdict{mark: before}, "once_per cannot be evaluated: " + first(diags)
	}
	plain, err := shaped(v)
	if err != nil {
		return verdict{mark: before}, "once_per cannot be compared: " + err.Error()
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return verdict{mark: before}, "once_per cannot be compared: " + err.Error()
	}
	value := digest(string(text))[:12]
	if slices.Contains(before.Values, value) {
		return out, ""
	}
	out.fires = true
	out.mark.Values = append(slices.Clone(before.Values), value)
	out.mark.Values = out.mark.Values[max(0, len(out.mark.Values)-maxValues):]
	return out, ""
}

// message makes a message. What of it cannot be made is told in its place.
func (r *Rules) message(c *Case, t *trigger, values late.Values, to *plan.Notifier, recipient string, resolves bool) (Message, []string) {
	var problems []string
	failed := func(what, why string) {
		problems = append(problems, fmt.Sprintf("%s of trigger %s of %s: %s", what, t.name, c.Address, why))
	}
	text, diags := t.message.String(values)
	if diags.HasErrors() {
		failed("the message", first(diags))
		text = fmt.Sprintf("Application %s: the trigger %s has fired, and its message cannot be evaluated.", c.Name, t.name)
	}
	m := Message{Notifier: to.Address, Notification: providers.Notification{
		Key: digest("key", c.Address.String(), t.name, to.Address.String()), Resolves: resolves, Recipient: recipient,
		Trigger: t.name, Text: text, Level: c.level(), Facts: c.facts(),
	}}
	if resolves {
		m.Level = providers.LevelSuccess
	}
	for _, argument := range slices.Sorted(maps.Keys(t.bodies[to.Service])) {
		v, problem := r.argument(c, to.Service, argument, t.bodies[to.Service][argument])
		if problem != "" {
			failed(to.Service+"."+argument, problem)
		}
		if v == nil {
			continue
		}
		if m.Body == nil {
			m.Body = map[string]any{}
		}
		m.Body[argument] = v
	}
	thread, _ := m.Body["thread"].(string)
	delete(m.Body, "thread")
	if thread == "" && to.Settings["report"] == "deployment" { // what a sync says is about one deployment
		thread = stamp(c.Operation.StartedAt).String()
	}
	if thread != "" {
		m.Thread = digest("thread", c.Address.String(), to.Address.String(), recipient, thread)
	}
	return m, problems
}

// argument evaluates what a trigger says for one service, with the values of the
// application escaped for it.
func (r *Rules) argument(c *Case, service, argument string, e late.Expression) (any, string) {
	out, problem := evaluated(c, e, func(s string) string { return r.escape(service, argument, s) })
	if text, ok := out.(string); ok && service == "webhook" && argument == "body" {
		escaped, _ := evaluated(c, e, inJSON)
		bared, _ := evaluated(c, e, bare)
		escapedText, _ := escaped.(string)
		bareText, _ := bared.(string)
		sent, err := document(text, escapedText, bareText)
		if err != nil {
			return nil, err.Error()
		}
		return sent, problem
	}
	return out, problem
}

// evaluated is what an expression comes to, with the values of the application escaped.
func evaluated(c *Case, e late.Expression, escape func(string) string) (any, string) {
	values, err := c.values(escape)
	if err != nil {
		return nil, err.Error()
	}
	v, diags := e.Evaluate(values)
	if diags.HasErrors() {
		return nil, first(diags)
	}
	out, err := shaped(v)
	if err != nil {
		return nil, err.Error()
	}
	return out, ""
}

// first is the first error in a line.
func first(diags hcl.Diagnostics) string {
	for _, diag := range diags {
		if diag.Severity == hcl.DiagError {
			return strings.TrimSuffix(diag.Summary+": "+diag.Detail, ".")
		}
	}
	return "no reason is given"
}
