package email

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// maxSubject keeps subjects readable.
const maxSubject = 200

// compose writes a message as RFC 5322 and MIME have it. The same message is always the
// same but for the boundary of its parts.
func compose(m *providers.Notification, from, to *mail.Address) ([]byte, error) {
	var out bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&out, "%s: %s\r\n", name, value) }
	header("From", from.String())
	header("To", to.String())
	header("Subject", mime.QEncoding.Encode("utf-8", post.Cut(subject(m), maxSubject)))
	header("Date", m.Facts.At.Format(time.RFC1123Z))
	header("Message-ID", messageID(m.ID, from))
	if m.Root != "" {
		header("In-Reply-To", m.Root)
		header("References", m.Root)
	}
	header("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	header("MIME-Version", "1.0")
	text := text(m)
	html, both := post.Text(m, "html")
	if !both {
		header("Content-Type", "text/plain; charset=utf-8")
		header("Content-Transfer-Encoding", "quoted-printable")
		out.WriteString("\r\n")
		err := quoted(&out, text)
		return out.Bytes(), err
	}
	parts := multipart.NewWriter(&out)
	if err := parts.SetBoundary(rand.Text()); err != nil {
		return nil, err
	}
	header("Content-Type", `multipart/alternative; boundary="`+parts.Boundary()+`"`)
	out.WriteString("\r\n")
	for _, part := range [][2]string{{"text/plain", text}, {"text/html", html}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type": {part[0] + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, err
		}
		q := quotedprintable.NewWriter(w)
		if _, err := q.Write([]byte(part[1])); err != nil {
			return nil, err
		}
		if err := q.Close(); err != nil {
			return nil, err
		}
	}
	err := parts.Close()
	return out.Bytes(), err
}

// subject is one line, in which nothing is taken for a word that is encoded already.
func subject(m *providers.Notification) string {
	return strings.ReplaceAll(post.Line(post.Or(m, "subject", post.Title(m))), "=?", "= ?")
}

func quoted(out *bytes.Buffer, text string) error {
	q := quotedprintable.NewWriter(out)
	if _, err := q.Write([]byte(text)); err != nil {
		return err
	}
	return q.Close()
}

// text is the body of a message that is plain text.
func text(m *providers.Notification) string {
	if own, ok := post.Text(m, "body"); ok {
		return post.Plain(own) + "\n"
	}
	var b strings.Builder
	b.WriteString(post.Plain(m.Text) + "\n\n")
	for _, fact := range post.Shown(m.Facts) {
		fmt.Fprintf(&b, "%-11s %s\n", fact.Name+":", fact.Value)
	}
	return b.String()
}

func messageID(id string, from *mail.Address) string {
	_, host, _ := strings.Cut(from.Address, "@")
	return "<" + id + "@" + host + ">"
}
