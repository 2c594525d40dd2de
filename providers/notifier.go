package providers

import (
	"context"
	"errors"
	"time"

	"github.com/gantrycd/gantry/plan/object"
)

// Notifier delivers messages to one service, for one notifier of the configuration. It is
// safe for concurrent use. Its errors never hold a credential.
type Notifier interface {
	// Send delivers a message and returns what the service calls it. An error that is a
	// *DeliveryError says whether to try again; any other is one after which nothing is
	// known. A Receipt beside an error is what was made so far: the Root of the next try.
	Send(ctx context.Context, m *Notification) (Receipt, error)
	// Repeatable reports whether sending the message again, after an answer was lost, has no
	// further effect: the service knows it by its ID or Key, or it replaces itself.
	Repeatable(m *Notification) bool
}

// Notification is one message to one recipient. Texts are as people wrote them or as
// clusters said them: the notifier escapes them for its service. It is immutable once
// given to a Notifier.
type Notification struct {
	// ID is of the message: the same each time that it is tried, and no other's.
	ID string `json:"id"`
	// Key is of what the message is about, for services that open something and close it:
	// the same for every message of a trigger about an application.
	Key string `json:"key"`
	// Resolves: what an earlier message with the Key opened is over.
	Resolves  bool   `json:"resolves,omitempty"`
	Recipient string `json:"recipient,omitempty"` // as the service has them; empty where it has none
	Trigger   string `json:"trigger"`
	Text      string `json:"text"`
	Level     Level  `json:"level"`
	Facts     Facts  `json:"facts"`
	// Thread is of the messages that belong together; empty for one that stands alone.
	// Root is what the service called the first of them, empty where this is the first.
	Thread string `json:"thread,omitempty"`
	Root   string `json:"-"`
	// Body is what the trigger says for this service: JSON-shaped values by argument, in
	// which values of the application are escaped already.
	Body map[string]any `json:"body,omitempty"`
}

// Level is how bad what a message tells is.
type Level string

// The levels.
const (
	LevelInfo    Level = "info"
	LevelSuccess Level = "success"
	LevelWarning Level = "warning"
	LevelError   Level = "error"
)

// Facts are what a message is about, for services that show more than a text. What is not
// known is empty.
type Facts struct {
	Address    string    `json:"address"`
	Name       string    `json:"name"`
	Project    string    `json:"project,omitempty"`
	Cluster    string    `json:"cluster,omitempty"`
	Namespace  string    `json:"namespace,omitempty"`
	Repository string    `json:"repository,omitempty"` // the URL of the first source
	Tracks     string    `json:"tracks,omitempty"`     // the branch, tag or version that it asks for
	Revision   string    `json:"revision,omitempty"`   // what that came to
	Sync       string    `json:"sync,omitempty"`
	Health     string    `json:"health,omitempty"`
	Phase      string    `json:"phase,omitempty"`
	At         time.Time `json:"at"`
}

// Receipt is what a service calls a message that it took, for those that follow it.
type Receipt struct {
	Ref string `json:"ref,omitempty"`
}

// Verdict is what is known of a message that was not delivered.
type Verdict string

// The verdicts.
const (
	// Refused: the service will not take it, however often it is tried.
	Refused Verdict = "refused"
	// Undelivered: it was not taken, and may be later.
	Undelivered Verdict = "undelivered"
	// Unanswered: the request was sent and the answer lost, so that nobody knows.
	Unanswered Verdict = "unanswered"
)

// DeliveryError is why a message was not delivered, or is not known to be.
type DeliveryError struct {
	Verdict Verdict
	// After is how long the service wants to be left alone; 0 where it does not say.
	After time.Duration
	Err   error
}

// Error implements error.
func (e *DeliveryError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *DeliveryError) Unwrap() error { return e.Err }

// VerdictOf tells what an error of Send means.
func VerdictOf(err error) Verdict {
	var failed *DeliveryError
	if errors.As(err, &failed) {
		return failed.Verdict
	}
	return Unanswered
}

// NotifierConfig is what a Notifier is made of: what the configuration says of it, with
// its credentials read.
type NotifierConfig struct {
	Service     string // "slack", "email" and so on
	Settings    map[string]string
	Credentials map[string]object.Sensitive
	Headers     []NotifierHeader
}

// NotifierHeader is a header that a webhook's requests have.
type NotifierHeader struct {
	Name  string
	Value object.Sensitive
}

// Setting returns a setting, or what counts where it is not there.
func (c *NotifierConfig) Setting(name, fallback string) string {
	if text := c.Settings[name]; text != "" {
		return text
	}
	return fallback
}

// Secret returns a credential in clear; empty where it is not there.
func (c *NotifierConfig) Secret(name string) string { return c.Credentials[name].Reveal() }

// Notifiers makes notifiers.
type Notifiers interface {
	// Open returns the notifier of a configuration. It connects to nothing; its errors say
	// what of the configuration cannot be used.
	Open(config NotifierConfig) (Notifier, error)
	// Escape makes a value of an application harmless in an argument of a trigger's body
	// for a service: in its markup.
	Escape(service, argument, value string) string
}
