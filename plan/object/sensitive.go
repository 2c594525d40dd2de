package object

import (
	"errors"
	"log/slog"
)

// Redacted is what a sensitive value shows as, everywhere.
const Redacted = "(sensitive)"

// Sensitive is a string that no format, log or encoding shows. Reveal gives it
// to the one place that needs it: a request to a server.
type Sensitive string

// Reveal returns the value itself.
func (s Sensitive) Reveal() string { return string(s) }

// String returns Redacted, or "" for an empty value.
func (s Sensitive) String() string {
	if s == "" {
		return ""
	}
	return Redacted
}

// GoString returns what String returns, so that %#v shows nothing either.
func (s Sensitive) GoString() string { return s.String() }

// LogValue keeps the value out of structured logs.
func (s Sensitive) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText refuses: a sensitive value is written sealed or not at all.
func (s Sensitive) MarshalText() ([]byte, error) {
	return nil, errors.New("a sensitive value cannot be encoded")
}
