package govern

import (
	"net/mail"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

// Notify says who hears of what about the applications of a project, or about one.
type Notify struct {
	Trigger    *Trigger
	To         *Notifier
	Recipients []string // what they are, the notifier's service says
	Range      hcl.Range
}

// NotifyBlock declares a notify block; doc says what it is about.
func NotifyBlock(doc string) *schema.Block {
	return &schema.Block{
		Type: "notify",
		Doc:  doc,
		Arguments: []schema.Argument{
			{Name: "trigger", Type: schema.Reference("trigger"), Required: true, Doc: "When a message goes, and what it says: a trigger block, or one of the built-in ones such as `trigger.on_sync_failed`."},
			{Name: "to", Type: schema.Reference("notifier"), Required: true, Doc: "Where it goes."},
			{Name: "recipients", Type: schema.Strings, Doc: "To whom, there: channels, addresses, teams."},
		},
	}
}

// DecodeNotify decodes a notify block.
func DecodeNotify(in *eval.Instance, v *schema.Values) Notify {
	notify := Notify{Recipients: v.Strings("recipients"), Range: v.Range}
	if ref, ok := v.Reference("trigger"); ok {
		notify.Trigger = ref.Target.(*Trigger)
	}
	ref, ok := v.Reference("to")
	if !ok {
		return notify
	}
	notify.To = ref.Target.(*Notifier)
	s := serviceOf(notify.To.Service)
	switch {
	case s.recipients == "" && len(notify.Recipients) > 0:
		in.ErrorAt(v, "recipients", "Conflicting arguments", "%s has one place where messages go, so that there are no recipients. Remove the argument.", ref.Address)
	case s.recipients != "" && !s.optional && (!v.Has("recipients") || v.IsKnown("recipients") && len(notify.Recipients) == 0):
		in.Errorf(v.RangeOf("recipients"), "Missing required argument", "It is not said to whom messages go. Set recipients, the %s.", s.recipients)
	}
	for _, recipient := range notify.Recipients {
		if strings.TrimSpace(recipient) == "" {
			in.ErrorAt(v, "recipients", "Unsuitable value", "A recipient is empty.")
		} else if _, err := mail.ParseAddress(recipient); s.recipients == "addresses" && err != nil {
			in.ErrorAt(v, "recipients", "Invalid address", "%q is no address of e-mail, such as \"team@example.com\".", recipient)
		}
	}
	return notify
}

// NeedsRecipients reports whether messages of a type of notifier go to somebody who must be
// named.
func NeedsRecipients(service string) bool {
	s := serviceOf(service)
	return s.recipients != "" && !s.optional
}
