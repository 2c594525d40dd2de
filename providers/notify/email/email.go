// Package email sends e-mail by an SMTP server: with TLS from the start, after a greeting
// (STARTTLS) or not at all, and a login where there is one. A password is never sent in
// clear.
package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
	"github.com/gantrycd/gantry/providers/web"
)

// Notifier sends by one server.
type Notifier struct {
	config  providers.NotifierConfig
	roots   *x509.CertPool // nil for the system's
	timeout time.Duration
	from    *mail.Address
}

// New returns a Notifier. caData are the authorities of the server's certificate, in PEM;
// empty for the system's.
func New(config providers.NotifierConfig, caData string, timeout time.Duration) (*Notifier, error) {
	from, err := mail.ParseAddress(config.Setting("from", ""))
	if err != nil {
		return nil, errors.New("the address that messages come from is none")
	}
	n := &Notifier{config: config, from: from, timeout: timeout}
	if n.timeout <= 0 {
		n.timeout = post.DefaultTimeout
	}
	if caData != "" {
		n.roots = x509.NewCertPool()
		if !n.roots.AppendCertsFromPEM([]byte(caData)) {
			return nil, errors.New("the CA data hold no PEM certificate")
		}
	}
	return n, nil
}

// Repeatable implements providers.Notifier. The Message-ID is the same, by which many
// servers tell, and not all.
func (*Notifier) Repeatable(*providers.Notification) bool { return false }

// Send implements providers.Notifier. The Ref of a receipt is the Message-ID of the
// thread's first message.
func (n *Notifier) Send(ctx context.Context, m *providers.Notification) (providers.Receipt, error) {
	to, err := mail.ParseAddress(m.Recipient)
	if err != nil {
		return providers.Receipt{}, post.Refuse(errors.New("the recipient is no address of e-mail"))
	}
	message, err := compose(m, n.from, to)
	if err != nil {
		return providers.Receipt{}, post.Refuse(fmt.Errorf("the message cannot be written: %w", err))
	}
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	if err := n.deliver(ctx, to.Address, message); err != nil {
		return providers.Receipt{Ref: m.Root}, err
	}
	if m.Root != "" {
		return providers.Receipt{Ref: m.Root}, nil
	}
	return providers.Receipt{Ref: messageID(m.ID, n.from)}, nil
}

// deliver speaks SMTP.
func (n *Notifier) deliver(ctx context.Context, to string, message []byte) error {
	client, err := n.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if err := n.login(client); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return client.Mail(n.from.Address) },
		func() error { return client.Rcpt(to) },
	} {
		if err := step(); err != nil {
			return n.failed(ctx, err, providers.Undelivered)
		}
	}
	w, err := client.Data()
	if err != nil {
		return n.failed(ctx, err, providers.Undelivered)
	}
	if _, err := w.Write(message); err != nil {
		return n.failed(ctx, err, providers.Undelivered) // without its end nothing of it counts
	}
	if err := w.Close(); err != nil {
		return n.failed(ctx, err, providers.Unanswered)
	}
	_ = client.Quit() // it was taken, whatever comes of that
	return nil
}

// connect returns a connection that is as encrypted as the configuration says.
func (n *Notifier) connect(ctx context.Context) (*smtp.Client, error) {
	host := n.config.Setting("host", "")
	at := net.JoinHostPort(host, n.config.Setting("port", "587"))
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, n.failed(ctx, err, providers.Undelivered)
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			_ = conn.Close()
			return nil, n.failed(ctx, err, providers.Undelivered)
		}
	}
	context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	secure := &tls.Config{ServerName: host, RootCAs: n.roots, MinVersion: tls.VersionTLS12}
	mode := n.config.Setting("tls", "starttls")
	if mode == "tls" {
		conn = tls.Client(conn, secure)
	}
	client, err := smtp.NewClient(conn, host)
	if err == nil && mode == "starttls" {
		if ok, _ := client.Extension("STARTTLS"); !ok {
			_ = client.Close()
			return nil, post.Later(0, fmt.Errorf("%s does not offer STARTTLS; nothing was sent in clear", host))
		}
		err = client.StartTLS(secure)
	}
	if err != nil {
		_ = conn.Close()
		return nil, n.failed(ctx, err, providers.Undelivered)
	}
	return client, nil
}

// login logs in by what the server offers.
func (n *Notifier) login(client *smtp.Client) error {
	user := n.config.Setting("username", "")
	if user == "" {
		return nil
	}
	if _, encrypted := client.TLSConnectionState(); !encrypted {
		return post.Refuse(errors.New("the connection is not encrypted, so that no password is sent"))
	}
	_, offered := client.Extension("AUTH")
	password := n.config.Secret("password")
	var auth smtp.Auth
	switch kinds := strings.Fields(strings.ToUpper(offered)); {
	case slices.Contains(kinds, "PLAIN"):
		auth = smtp.PlainAuth("", user, password, n.config.Setting("host", ""))
	case slices.Contains(kinds, "LOGIN"):
		auth = &loginAuth{user: user, password: password}
	default:
		return post.Later(0, errors.New("the server offers no way to log in that is known here (PLAIN, LOGIN)"))
	}
	if err := client.Auth(auth); err != nil {
		// What the server says may repeat what it was sent.
		return post.Later(0, errors.New("the server did not let the user in"))
	}
	return nil
}

// loginAuth is the login that servers of Microsoft offer.
type loginAuth struct{ user, password string }

// Start implements smtp.Auth.
func (*loginAuth) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }

// Next implements smtp.Auth.
func (a *loginAuth) Next(asked []byte, more bool) ([]byte, error) {
	switch text := strings.ToLower(string(asked)); {
	case !more:
		return nil, nil
	case strings.HasPrefix(text, "user"):
		return []byte(a.user), nil
	case strings.HasPrefix(text, "pass"):
		return []byte(a.password), nil
	}
	return nil, errors.New("the server asks for something else than a name and a password")
}

// failed says what an error of the conversation means: an answer of the server says it by
// its code; without one, lost is what is known.
func (n *Notifier) failed(ctx context.Context, err error, lost providers.Verdict) error {
	at := n.config.Setting("host", "")
	var said *textproto.Error
	if errors.As(err, &said) {
		verdict := providers.Undelivered
		if said.Code >= 500 {
			verdict = providers.Refused
		}
		return &providers.DeliveryError{Verdict: verdict, Err: fmt.Errorf("%s answered with %d %s", at, said.Code, post.Cut(post.Line(said.Msg), 200))}
	}
	if ctx.Err() != nil {
		err = errors.New("it did not answer in time")
	} else if errors.Is(err, io.EOF) {
		err = errors.New("the connection was closed")
	}
	return &providers.DeliveryError{Verdict: lost, Err: fmt.Errorf("%s: %w", at, web.Reason(err))}
}

var _ providers.Notifier = (*Notifier)(nil)
