package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Refusal is an answer that the forge refuses what it was asked. It is one of the typed
// errors of package providers, by its status.
type Refusal struct {
	Status  int
	Message string // what the forge says, without control characters; may be empty
	at      string
	is      error
}

// Error says what was asked, and why it was refused.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("%s: %v (status %d)", r.at, r.is, r.Status)
	if r.Message != "" {
		text += ": " + r.Message
	}
	return text
}

// Unwrap returns the error of package providers that it is.
func (r *Refusal) Unwrap() error { return r.is }

// secondary is how long to wait where a forge says that there were too many requests and
// not until when: GitHub asks for at least a minute.
const secondary = time.Minute

// refused is the error of an answer that is no success, and how long to wait before the
// request may be repeated: never; 0 where it failed, so that it may have been done.
func (c *Client) refused(at string, response *http.Response, answer []byte, secrets []object.Sensitive) (time.Duration, error) {
	message := message(response, answer, secrets)
	if limited(response, message) {
		after := c.after(response.Header)
		until := ""
		if after > c.patience {
			until = fmt.Sprintf("; it may be asked again in %s", after.Round(time.Second))
		}
		text := fmt.Sprintf("%s: there were too many requests%s (status %d)", at, until, response.StatusCode)
		return after, &providers.TransientError{Message: text, After: after}
	}
	refusal := &Refusal{Status: response.StatusCode, Message: message, at: at}
	switch status := response.StatusCode; {
	case status == http.StatusUnauthorized:
		refusal.is = providers.ErrUnauthorized
	case status == http.StatusForbidden:
		refusal.is = providers.ErrForbidden
	case status == http.StatusNotFound, status == http.StatusGone:
		refusal.is = providers.ErrNotFound
	case status >= 300 && status < 400:
		refusal.is = providers.ErrUnreachable
		refusal.Message = "it redirects, to nowhere that is followed"
	case status == http.StatusRequestTimeout, status >= 500:
		text := fmt.Sprintf("%s: it answered with status %d %s", at, status, http.StatusText(status))
		if message != "" {
			text += ": " + message
		}
		after := time.Duration(0)
		if status == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != "" {
			after = c.after(response.Header) // it says that it did not do it
		}
		return after, &providers.TransientError{Message: text, After: after, Failed: status == http.StatusInternalServerError}
	default:
		refusal.is = providers.ErrInvalid
	}
	return never, refusal
}

// limited reports whether an answer says that there were too many requests: by its status,
// or in GitHub's ways.
func limited(response *http.Response, message string) bool {
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return response.Header.Get("X-RateLimit-Remaining") == "0" || response.Header.Get("Retry-After") != "" ||
			strings.Contains(strings.ToLower(message), "rate limit")
	default:
		return false
	}
}

// after is how long the forge asks to be left alone, and at least a second.
func (c *Client) after(header http.Header) time.Duration {
	const least = time.Second
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return max(least, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(least, at.Sub(c.now()))
	}
	// GitHub's, and GitLab's. Where something is left, another limit was reached.
	for prefix, remaining := range map[string]string{"X-RateLimit-": header.Get("X-RateLimit-Remaining"), "RateLimit-": header.Get("RateLimit-Remaining")} {
		if remaining != "0" {
			continue
		}
		if seconds, err := strconv.ParseInt(header.Get(prefix+"Reset"), 10, 64); err == nil && seconds > 0 && seconds < 1<<33 {
			return max(least, time.Unix(seconds, 0).Add(time.Second).Sub(c.now()))
		}
	}
	return secondary
}

// message is what a forge says of a refusal.
func message(response *http.Response, answer []byte, secrets []object.Sensitive) string {
	if strings.Contains(response.Header.Get("Content-Type"), "html") {
		return ""
	}
	var said struct {
		Message any `json:"message"` // of GitLab a text, or texts by argument
		Errors  any `json:"errors"`
		Error   any `json:"error"`
	}
	if json.Unmarshal(answer, &said) != nil {
		return ""
	}
	var parts []string
	for _, part := range []any{said.Message, said.Error, said.Errors} {
		if text := words(part); text != "" {
			parts = append(parts, text)
		}
	}
	text := strings.Join(parts, ": ")
	for _, secret := range secrets {
		if s := secret.Reveal(); s != "" {
			text = strings.ReplaceAll(text, s, "(a credential)")
		}
	}
	return Plain(text, maxMessage)
}

// words turns a part of an answer into text.
func words(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		if text, ok := v["message"].(string); ok { // Bitbucket's error
			return text
		}
	}
	text, err := json.Marshal(v)
	if err != nil || len(text) <= 2 {
		return ""
	}
	return string(text)
}

// Plain is a text on one line, without control characters and those that change the
// direction of writing, of so many bytes at most.
func Plain(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
	if len(text) <= most {
		return text
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// notJSON is the error of an answer that should be JSON.
func notJSON(at string, response *http.Response, answer []byte) error {
	what := "it answered with something that is not the JSON that was expected"
	start := strings.ToLower(string(answer[:min(len(answer), 200)]))
	if strings.Contains(response.Header.Get("Content-Type"), "html") || strings.HasPrefix(strings.TrimSpace(start), "<") {
		what = "it answered with a page and not with JSON: the URL may not be that of the API, or a login page or proxy may be before it"
	}
	return fmt.Errorf("%s is %w: %s", at, providers.ErrUnreachable, what)
}

// notSent reports whether a request surely did not leave.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
