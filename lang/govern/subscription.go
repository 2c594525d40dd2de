package govern

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/late"
)

// subscribes begins the annotations by which Argo CD's applications subscribe:
// notifications.argoproj.io/subscribe.TRIGGER.SERVICE.
const subscribes = "notifications.argoproj.io/subscribe."

// IsSubscription reports whether an annotation subscribes to messages.
func IsSubscription(annotation string) bool { return strings.HasPrefix(annotation, subscribes) }

// Subscribe is what an annotation of Argo CD subscribes to. Its trigger is one of those
// given, or a built-in one, with "_" or "-"; its service is the type of the only notifier
// of that type, or "TYPE.NAME". Recipients are between semicolons. Without a problem in
// words there is one Notify.
func Subscribe(annotation, text string, triggers []*Trigger, notifiers []*Notifier, at hcl.Range) (notify Notify, problem string) {
	name, service, ok := strings.Cut(strings.TrimPrefix(annotation, subscribes), ".")
	if !ok || name == "" || service == "" {
		return Notify{}, fmt.Sprintf("The annotation %q does not name a trigger and a service, such as %q.", annotation, subscribes+"on-sync-failed.slack")
	}
	trigger, problem := triggerNamed(strings.ReplaceAll(name, "-", "_"), triggers)
	if problem != "" {
		return Notify{}, problem
	}
	to, problem := notifierNamed(service, notifiers)
	if problem != "" {
		return Notify{}, problem
	}
	notify = Notify{Trigger: trigger, To: to, Range: at}
	for recipient := range strings.SplitSeq(text, ";") {
		if recipient = strings.TrimSpace(recipient); recipient != "" {
			if to.Service == "slack" && !strings.ContainsAny(recipient[:1], "#@CGDU") {
				recipient = "#" + recipient
			}
			notify.Recipients = append(notify.Recipients, recipient)
		}
	}
	switch s := serviceOf(to.Service); {
	case s.recipients == "": // in Argo CD they name what a notifier is here
		notify.Recipients = nil
	case len(notify.Recipients) == 0 && !s.optional:
		return Notify{}, fmt.Sprintf("The annotation %q does not say to whom messages go: its value must be the %s.", annotation, s.recipients)
	}
	return notify, ""
}

func triggerNamed(name string, triggers []*Trigger) (*Trigger, string) {
	for _, trigger := range triggers {
		if trigger.Name == name {
			return trigger, ""
		}
	}
	builtIn, err := BuiltInTriggers()
	if err != nil {
		return nil, err.Error()
	}
	var names []string
	for _, trigger := range append(slices.Clone(triggers), builtIn...) {
		if trigger.Name == name {
			return trigger, ""
		}
		names = append(names, trigger.Name)
	}
	slices.Sort(names)
	return nil, fmt.Sprintf("There is no trigger %q. There are %s.", name, strings.Join(slices.Compact(names), ", "))
}

func notifierNamed(service string, notifiers []*Notifier) (*Notifier, string) {
	kind, name, named := strings.Cut(service, ".")
	if now, ok := map[string]string{"pagerdutyv2": "pagerduty", "teams-workflows": "teams"}[kind]; ok {
		kind = now
	}
	var found []*Notifier
	var names []string
	for _, notifier := range notifiers {
		names = append(names, notifier.Address.String())
		if notifier.Service == kind && (!named || notifier.Name == name) {
			found = append(found, notifier)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], ""
	case len(found) > 1:
		return nil, fmt.Sprintf("There are several notifiers of the type %q. Name one of them: %q.", kind, kind+"."+found[0].Name)
	case len(names) == 0:
		return nil, fmt.Sprintf("There is no notifier for %q: add a block notifier %q.", service, kind)
	}
	return nil, fmt.Sprintf("There is no notifier for %q. There are %s.", service, strings.Join(names, ", "))
}

// BuiltInTriggers returns the triggers that are there without a block.
func BuiltInTriggers() ([]*Trigger, error) {
	const name = "triggers.gantry.hcl"
	file, diags := hclsyntax.ParseConfig([]byte(builtInTriggers), name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	var out []*Trigger
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		trigger := &Trigger{
			Address: addr.Address{Kind: "trigger", Name: block.Labels[0]}, Name: block.Labels[0], BuiltIn: true, Range: block.DefRange(),
		}
		for argument, into := range map[string]*late.Expression{"when": &trigger.When, "once_per": &trigger.OncePer, "message": &trigger.Message} {
			attribute := block.Body.Attributes[argument]
			if attribute == nil {
				continue
			}
			at := attribute.Expr.Range()
			want := map[string]late.Want{"when": late.Condition, "once_per": late.Any, "message": late.Text}[argument]
			expression, _, diags := late.Compile(late.Trigger, want, late.Source{Text: at.SliceBytes([]byte(builtInTriggers)), At: at, Context: &hcl.EvalContext{}})
			if diags.HasErrors() {
				return nil, diags
			}
			*into = expression
		}
		out = append(out, trigger)
	}
	return out, nil
}
