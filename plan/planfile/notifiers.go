package planfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/target"
)

// notifierSecrets is what of a notifier is sealed.
type notifierSecrets struct {
	Credentials map[string]sealedCredential `json:"credentials,omitempty"`
	Headers     []sealedHeader              `json:"headers,omitempty"`
}

// sealedCredential is a value, or where it is.
type sealedCredential struct {
	Value  string  `json:"value,omitempty"`
	Secret *secret `json:"secret,omitempty"`
}

type sealedHeader struct {
	Name string `json:"name"`
	sealedCredential
}

func sealableCredential(c target.Credential) sealedCredential {
	return sealedCredential{Value: c.Value.Reveal(), Secret: sealableSecret(c.Secret)}
}

func (c sealedCredential) open() target.Credential {
	return target.Credential{Value: object.Sensitive(c.Value), Secret: c.Secret.open()}
}

// SealNotifier returns a notifier as it may be written at a place: with its credentials
// sealed. It is ErrNoRecipient where there are some and the recipient is nil.
func SealNotifier(place string, n *plan.Notifier, recipient *seal.Recipient) (plan.Notifier, error) {
	out := *n
	if !n.HasSecrets() {
		return out, nil
	}
	if recipient == nil {
		return plan.Notifier{}, ErrNoRecipient
	}
	in := notifierSecrets{Credentials: map[string]sealedCredential{}}
	for name, credential := range n.Credentials {
		in.Credentials[name] = sealableCredential(credential)
	}
	for _, header := range n.Headers {
		in.Headers = append(in.Headers, sealedHeader{header.Name, sealableCredential(header.Value)})
	}
	text, err := json.Marshal(in)
	if err != nil {
		return plan.Notifier{}, fmt.Errorf("credentials of %s: they cannot be encoded", n.Address)
	}
	if out.Sealed, err = seal.Seal(recipient, notifierPlace(place, n), text); err != nil {
		return plan.Notifier{}, err
	}
	out.Credentials, out.Headers = nil, nil
	return out, nil
}

// UnsealNotifier returns a notifier that SealNotifier sealed with its credentials open.
// Without an identity it is ErrSealed, where there is something to open.
func UnsealNotifier(place string, n *plan.Notifier, identity *seal.Identity) (plan.Notifier, error) {
	out := *n
	if n.Sealed == nil || n.HasSecrets() {
		return out, nil
	}
	if identity == nil {
		return plan.Notifier{}, ErrSealed
	}
	text, err := identity.Open(notifierPlace(place, n), n.Sealed)
	if err != nil {
		return plan.Notifier{}, fmt.Errorf("credentials of %s: %w", n.Address, err)
	}
	var in notifierSecrets
	if json.Unmarshal(text, &in) != nil {
		return plan.Notifier{}, errors.New("what is sealed are not credentials") // the error could quote it
	}
	out.Credentials = make(map[string]target.Credential, len(in.Credentials))
	for name, credential := range in.Credentials {
		out.Credentials[name] = credential.open()
	}
	for _, header := range in.Headers {
		out.Headers = append(out.Headers, plan.NotifierHeader{Name: header.Name, Value: header.open()})
	}
	return out, nil
}

// notifierPlace is where sealed credentials belong: to a notifier whose messages go where
// its settings say, so that nobody can have them sent elsewhere.
func notifierPlace(place string, n *plan.Notifier) string {
	parts := []string{"notifier", place, n.Address.String(), n.Service}
	for _, name := range slices.Sorted(maps.Keys(n.Settings)) {
		parts = append(parts, name, n.Settings[name])
	}
	return strings.Join(parts, "\x00")
}

// sealNotifiers seals what the notifiers of a plan log in with.
func sealNotifiers(p *plan.Plan, recipient *seal.Recipient) error {
	return eachNotifier(p, func(n *plan.Notifier) (err error) {
		*n, err = SealNotifier(p.ID, n, recipient)
		return err
	})
}

// unsealNotifiers opens it.
func unsealNotifiers(p *plan.Plan, identity *seal.Identity) error {
	return eachNotifier(p, func(n *plan.Notifier) (err error) {
		*n, err = UnsealNotifier(p.ID, n, identity)
		return err
	})
}

// eachNotifier changes copies of the notifiers of a plan, which it then has.
func eachNotifier(p *plan.Plan, change func(*plan.Notifier) error) error {
	if p.Notify == nil {
		return nil
	}
	notify := *p.Notify
	notify.Notifiers = slices.Clone(notify.Notifiers)
	for i := range notify.Notifiers {
		if err := change(&notify.Notifiers[i]); err != nil {
			return err
		}
	}
	p.Notify = &notify
	return nil
}

// hasSealedNotifiers reports whether there is something of notifiers to open. Whether it
// can be opened decides nothing about the plan: without it messages wait.
func hasSealedNotifiers(p *plan.Plan) bool {
	return p.Notify != nil && slices.ContainsFunc(p.Notify.Notifiers, func(n plan.Notifier) bool { return n.Sealed != nil && !n.HasSecrets() })
}

// validateNotify holds what a plan says of messages to what its type promises.
func validateNotify(p *plan.Plan) error {
	if p.Notify == nil {
		return nil
	}
	known := map[string]bool{}
	for i := range p.Notify.Notifiers {
		known[p.Notify.Notifiers[i].Address.String()] = true
	}
	for i := range p.Notify.Triggers {
		trigger := &p.Notify.Triggers[i]
		if trigger.Name == "" || len(trigger.When) == 0 || len(trigger.Message) == 0 {
			return invalid("trigger %d, %q, is not whole", i, trigger.Address)
		}
		known[trigger.Address.String()] = true
	}
	for i, subscription := range p.Notify.Subscriptions {
		if !known[subscription.Trigger.String()] || !known[subscription.Notifier.String()] {
			return invalid("subscription %d is of a trigger or to a notifier that is not there", i)
		}
	}
	return nil
}
