package notify_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// mailbox is an SMTP server on the loopback address.
type mailbox struct {
	port, ca string
	refuse   error // what recipients are answered with

	mu       sync.Mutex
	messages []letter
	users    []string
}

type letter struct {
	from, to, text string
	encrypted      bool
}

// NewSession implements smtp.Backend.
func (m *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &session{mailbox: m, letter: letter{encrypted: encrypted}}, nil
}

type session struct {
	*mailbox
	letter
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.to = to; return s.refuse }
func (s *session) Reset()                                      {}
func (s *session) Logout() error                               { return nil }
func (s *session) AuthMechanisms() []string                    { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "secret" {
			return errors.New("no: canary " + password)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.users = append(s.users, user)
		return nil
	}), nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.text = string(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, s.letter)
	return err
}

// serveMail starts a server: with TLS from the start, after STARTTLS, or never.
func serveMail(t *testing.T, mode string) *mailbox {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{ca: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server := smtp.NewServer(m)
	server.Domain = "localhost"
	server.ErrorLog = discard{}
	if mode == "starttls" {
		server.TLSConfig = config
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, m.port, _ = net.SplitHostPort(listener.Addr().String())
	if mode == "tls" {
		listener = tls.NewListener(listener, config)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return m
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

// mailer is a notifier of a mailbox.
func mailer(t *testing.T, m *mailbox, mode, password string) providers.Notifier {
	t.Helper()
	config := providers.NotifierConfig{
		Service:     "email",
		Settings:    map[string]string{"host": "127.0.0.1", "port": m.port, "from": "Gantry <gantry@example.com>", "tls": mode},
		Credentials: map[string]object.Sensitive{},
	}
	if password != "" {
		config.Settings["username"] = "gantry"
		config.Credentials["password"] = object.Sensitive(password)
	}
	n, err := notify.New(post.Options{CAData: m.ca, Timeout: 5 * time.Second}).Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEmail(t *testing.T) {
	for _, mode := range []string{"starttls", "tls", "none"} {
		t.Run(mode, func(t *testing.T) {
			box := serveMail(t, mode)
			password := "secret"
			if mode == "none" {
				password = ""
			}
			n := mailer(t, box, mode, password)
			m := message()
			m.Recipient = "Team <team@example.com>"
			m.Body = map[string]any{"subject": "Grüße\r\nBcc: evil@example.com", "html": "<b>failed</b>"}
			receipt := send(t, n, m)
			if receipt.Ref != "<id-1@example.com>" || len(box.messages) != 1 {
				t.Fatalf("%+v, %+v", receipt, box.messages)
			}
			got := box.messages[0]
			if got.from != "gantry@example.com" || got.to != "team@example.com" || got.encrypted != (mode != "none") {
				t.Errorf("%+v", got)
			}
			if password != "" && (len(box.users) != 1 || box.users[0] != "gantry") {
				t.Errorf("%v", box.users)
			}
			read, err := mail.ReadMessage(strings.NewReader(got.text))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
			if err != nil || subject != "Grüße Bcc: evil@example.com" || read.Header.Get("Bcc") != "" || read.Header.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("%q, %v, %v", subject, read.Header, err)
			}
			_, params, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
			if err != nil {
				t.Fatal(err)
			}
			parts := multipart.NewReader(read.Body, params["boundary"])
			for _, want := range []string{"The sync of application web has failed", "<b>failed</b>"} {
				part, err := parts.NextRawPart()
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(quotedprintable.NewReader(part))
				if err != nil || !strings.Contains(string(text), want) {
					t.Errorf("%q, %v", text, err)
				}
				harmless(t, string(text))
			}
			m.Root, m.ID, m.Body = receipt.Ref, "id-2", nil
			send(t, n, m)
			if read, err = mail.ReadMessage(strings.NewReader(box.messages[1].text)); err != nil || read.Header.Get("In-Reply-To") != receipt.Ref {
				t.Errorf("%v, %v", read.Header, err)
			}
		})
	}
}

func TestEmailThatIsNotTaken(t *testing.T) {
	box := serveMail(t, "starttls")
	m := message()
	m.Recipient = "team@example.com"
	verdict := func(n providers.Notifier, want providers.Verdict) {
		t.Helper()
		_, err := n.Send(t.Context(), m)
		if providers.VerdictOf(err) != want || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	verdict(mailer(t, box, "starttls", "canary"), providers.Undelivered)
	box.refuse = &smtp.SMTPError{Code: 451, Message: "later"}
	verdict(mailer(t, box, "starttls", "secret"), providers.Undelivered)
	box.refuse = &smtp.SMTPError{Code: 550, Message: "nobody of that name"}
	verdict(mailer(t, box, "starttls", "secret"), providers.Refused)
	box.refuse = nil
	m.Recipient = "team@example.com\r\nRCPT TO:<evil@example.com>"
	verdict(mailer(t, box, "starttls", "secret"), providers.Refused)
	m.Recipient = "team@example.com"
	// Nothing is sent in clear where encryption is asked for, and no password ever.
	plain := serveMail(t, "none")
	verdict(mailer(t, plain, "starttls", "secret"), providers.Undelivered)
	verdict(mailer(t, plain, "none", "secret"), providers.Refused)
	// A certificate of nobody known.
	stranger := mailer(t, &mailbox{port: box.port, ca: serveMail(t, "tls").ca}, "starttls", "")
	verdict(stranger, providers.Undelivered)
	if len(box.messages)+len(plain.messages) != 0 {
		t.Errorf("%+v %+v", box.messages, plain.messages)
	}
}

func TestAMailServerThatHangs(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	n, err := notify.New(post.Options{Timeout: 50 * time.Millisecond}).Open(providers.NotifierConfig{
		Service: "email", Settings: map[string]string{"host": "127.0.0.1", "port": port, "from": "gantry@example.com", "tls": "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := message()
	m.Recipient = "team@example.com"
	if _, err := n.Send(t.Context(), m); providers.VerdictOf(err) != providers.Undelivered {
		t.Errorf("%v", err)
	}
}
