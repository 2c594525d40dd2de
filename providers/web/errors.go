package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gantrycd/gantry/providers"
)

// Redact returns a URL without userinfo, query and fragment, which may hold
// credentials.
func Redact(u *url.URL) string {
	clean := *u
	clean.User, clean.RawQuery, clean.ForceQuery, clean.Fragment, clean.RawFragment = nil, "", false, "", ""
	return clean.String()
}

// RedactText is Redact for a URL that perhaps does not parse.
func RedactText(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return Redact(u)
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	// Up to the last @ everything may be userinfo: it perhaps held a slash that
	// was not escaped, which is why the URL does not parse.
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = rest[at+1:]
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest
}

// CheckURL refuses a URL that holds a password: it would be shown and stored
// wherever the URL is.
func CheckURL(u *url.URL) error {
	if _, has := u.User.Password(); has {
		return fmt.Errorf("the URL of %s holds a password, which would be written into plans; give it as the repository's username and password instead", Redact(u))
	}
	return nil
}

// Failed says why a request got no answer.
func Failed(ctx context.Context, address *url.URL, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("reading %s: %w", Redact(address), context.Cause(ctx))
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) { // its text holds a URL
		err = wrapped.Err
	}
	return fmt.Errorf("%s is %w: %w", Redact(address), providers.ErrUnreachable, Reason(err))
}

// Reason makes an error of a connection readable.
func Reason(err error) error {
	var (
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		hostname x509.HostnameError
		record   tls.RecordHeaderError
		op       *net.OpError
		dns      *net.DNSError
	)
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("its certificate is signed by an authority that is not known here (give its CA, if it is yours): %w", err)
	case errors.As(err, &invalid), errors.As(err, &hostname):
		return fmt.Errorf("its certificate is not valid: %w", err)
	case errors.As(err, &record):
		return errors.New("it does not speak TLS")
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return fmt.Errorf("there is no host %s", dns.Name)
		}
		return err
	case errors.As(err, &op) && op.Op == "dial":
		return op.Err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection was closed before the answer was complete")
	default:
		return err
	}
}

// Status turns a status that is not 200 into an error.
func Status(address *url.URL, status int) error {
	at := Redact(address)
	switch status {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized:
		return fmt.Errorf("%s: %w (status 401)", at, providers.ErrUnauthorized)
	case http.StatusForbidden:
		return fmt.Errorf("%s: %w (status 403)", at, providers.ErrForbidden)
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%s: %w (status %d)", at, providers.ErrNotFound, status)
	default:
		return fmt.Errorf("%s is %w: it answered with status %d %s", at, providers.ErrUnreachable, status, http.StatusText(status))
	}
}
