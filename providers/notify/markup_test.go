package notify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify"
	"github.com/gantrycd/gantry/providers/notify/mattermost"
	"github.com/gantrycd/gantry/providers/notify/post"
	"github.com/gantrycd/gantry/providers/notify/slack"
	"github.com/gantrycd/gantry/providers/notify/teams"
)

// markup is what who can have an application say something might have it say.
var markup = []string{
	// Slack
	"<!channel>", "<!here>", "<!everyone>", "<@U024BE7LH>", "<!subteam^S123>", "<#C024BE91L>", "<https://evil.example.com|your bank>", "<mailto:a@evil.example.com|mail us>",
	"<!date^1392734382^{date}^https://evil.example.com|now>", "&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;", "*bold* _italic_ ~gone~ `code`", "```\nblock\n```", ":rotating_light:", "> quoted",
	// Markdown, of Mattermost and of cards
	"[click](https://evil.example.com)", "[click][1]\n\n[1]: https://evil.example.com", "![beacon](https://evil.example.com/pixel.png)", "<https://evil.example.com>", "# heading", "heading\n===", "heading\n---",
	"**bold** __bold__ ***both***", "~~gone~~", "| a | b |\n|---|---|\n| c | d |", "- item\n- item", "* item", "+ item", "1. item\n2. item", "1) item", "- [x] done", "---", "***", "    code that is indented", "~~~\nblock\n~~~", "> quoted\n> on",
	"@all", "@channel", "@here", "@admin", "a@b.example.com", "$$\\frac{1}{2}$$", "\\[click](https://evil.example.com)", "\\\\[click](https://evil.example.com)", "[a\\](https://evil.example.com)", "`[click](https://evil.example.com)`",
	"<at>everyone</at>", "[^1]", "{color:red}red{color}", "</details></summary>", "&#91;click&#93;(https://evil.example.com)", "&lt;script&gt;",
	// HTML
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href=\"javascript:alert(1)\">x</a>", "\"><svg onload=alert(1)>", "' onmouseover='alert(1)", "<!-- comment -->", "<style>*{display:none}</style>", "<iframe src=//evil.example.com>", "</td></table>", "<![CDATA[x]]>", "<base href=//evil.example.com>",
	// headers of e-mail, and its end
	"x\r\nBcc: evil@example.com", "x\nBcc: evil@example.com", "x\rBcc: evil@example.com", "x\r\n\r\n<html>", "x\r\n.\r\nMAIL FROM:<evil@example.com>", "x\u2028Bcc: evil@example.com", "=?utf-8?q?x=0D=0ABcc=3A_evil=40example=2Ecom?=", "\r\n.\r\nQUIT\r\n",
	// JSON
	`","channel":"#general","x":"`, `"}],"text":"<!channel>"}`, `\u003c!channel\u003e`, `\",\"channel\":\"#general`, "\u0000", `{"a":1}`,
	// what turns, hides or colours text
	"\u202egnp.exe", "\u2066a\u2069", "a\u200bb\u200cc\ufeff", "\x1b[31mred\x1b[0m", "\x1b]8;;https://evil.example.com\x07click\x1b]8;;\x07", "\x07\x08", "\ue000", "\U000e0041",
}

// plainIn holds that a text is text and nothing else, by the Markdown that renders it.
func plainIn(t *testing.T, service, payload, rendered string) {
	t.Helper()
	source := []byte(rendered)
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Document, *ast.Paragraph, *ast.Text, *ast.String:
		case *ast.AutoLink:
			if !strings.Contains(string(n.Label(source)), string(n.URL(source))) {
				t.Errorf("%s: %q becomes a link to somewhere else in %q", service, payload, rendered)
			}
		default:
			t.Errorf("%s: %q becomes %s in %q", service, payload, n.Kind(), rendered)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// textOf holds that HTML has no elements but those that are expected, and returns its text.
func textOf(t *testing.T, payload, rendered string, elements ...string) string {
	t.Helper()
	var out strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(rendered))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			return out.String()
		case html.TextToken:
			out.WriteString(tokens.Token().Data)
		case html.StartTagToken, html.EndTagToken:
			token := tokens.Token()
			if len(token.Attr) > 0 || len(elements) == 0 || !strings.Contains(strings.Join(elements, " "), token.Data) {
				t.Errorf("%q becomes %s in %q", payload, token, rendered)
			}
		case html.SelfClosingTagToken, html.CommentToken, html.DoctypeToken:
			t.Errorf("%q becomes %s in %q", payload, tokens.Token(), rendered)
		}
	}
}

// mention is what has Mattermost call somebody.
var mention = regexp.MustCompile(`(?:^|[^A-Za-z0-9])@[A-Za-z0-9]`)

// strings collects the texts of a document.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, inner := range v {
			out = append(out, texts(inner)...)
		}
		return out
	case map[string]any:
		var out []string
		for _, inner := range v {
			out = append(out, texts(inner)...)
		}
		return out
	}
	return nil
}

// Whatever an application says, in the message or in what is shown beside it, is text to
// the service that it is sent to: no mention, no link under another name, no markup, no
// header, no part of the document.
func TestInjectedMarkup(t *testing.T) {
	if len(markup) < 80 {
		t.Fatalf("the corpus has %d payloads", len(markup))
	}
	server := serve(t, func(g *got) (int, string) {
		if strings.HasPrefix(g.path, "/chat.") {
			return 200, `{"ok":true,"channel":"C1","ts":"1.1"}`
		}
		return 200, `{"id":"1","requestId":"1","status":"success"}`
	})
	said := func(payload string) *providers.Notification {
		m := message()
		m.Text, m.Facts.Name, m.Facts.Project, m.Facts.Namespace, m.Trigger = payload, payload, payload, payload, "on_sync_failed"
		return m
	}
	sent := 0
	for service, n := range everyService(t, server.URL) {
		for _, payload := range markup {
			server.seen = nil
			receipt, err := n.Send(t.Context(), said(payload))
			if err != nil || len(server.seen) != 1 {
				t.Errorf("%s, %q: %v, %v, %d requests", service, payload, receipt, err, len(server.seen))
				continue
			}
			sent++
			var body map[string]any
			if err := json.Unmarshal(server.seen[0].body, &body); err != nil {
				t.Fatal(err)
			}
			for _, shown := range texts(body) {
				if service != "webhook" { // which is given what was said, as data
					harmless(t, shown)
				}
				switch service {
				case "slack":
					if strings.ContainsAny(shown, "<>") {
						t.Errorf("%q: %q", payload, shown)
					}
				case "mattermost":
					if mention.MatchString(shown) {
						t.Errorf("%q calls somebody in %q", payload, shown)
					}
				}
			}
			switch service {
			case "slack":
				if body["mrkdwn"] != false || body["parse"] != "none" || body["link_names"] != false {
					t.Errorf("%v", body)
				}
			case "mattermost":
				plainIn(t, service, payload, body["message"].(string))
				for _, field := range body["props"].(map[string]any)["attachments"].([]any)[0].(map[string]any)["fields"].([]any) {
					plainIn(t, service, payload, field.(map[string]any)["value"].(string))
				}
			case "teams":
				content := body["attachments"].([]any)[0].(map[string]any)["content"].(map[string]any)
				for _, element := range content["body"].([]any) {
					switch element := element.(map[string]any); element["type"] {
					case "RichTextBlock": // whose runs are no Markdown
					case "FactSet":
						for _, fact := range element["facts"].([]any) {
							plainIn(t, service, payload, fact.(map[string]any)["value"].(string))
						}
					default:
						t.Errorf("%v", element)
					}
				}
			case "grafana":
				textOf(t, payload, body["text"].(string))
			case "webhook":
				if body["text"] != strings.ToValidUTF8(payload, "\ufffd") {
					t.Errorf("%q became %q", payload, body["text"])
				}
			}
		}
	}
	if sent != len(markup)*9 {
		t.Errorf("%d were sent", sent)
	}
}

// Values in what triggers write for one service are text in it, too.
func TestInjectedMarkupInBodies(t *testing.T) {
	escape := notify.New(post.Options{}).Escape
	for _, payload := range markup {
		if in := escape("slack", "blocks", payload); strings.ContainsAny(in, "<>") || in != slack.Escape(payload) {
			t.Errorf("slack: %q", in)
		}
		plainIn(t, "teams", payload, "said: "+escape("teams", "card", payload))
		plainIn(t, "teams", payload, teams.Escape(payload))
		plainIn(t, "mattermost", payload, "said "+escape("mattermost", "attachments", payload))
		if in := mattermost.Escape(payload); mention.MatchString(in) {
			t.Errorf("mattermost: %q", in)
		}
		for _, around := range []string{"<p>%s</p>", "<p title=\"%s\">x</p>", "<p title='%s'>x</p>"} {
			page := fmt.Sprintf(around, escape("email", "html", payload))
			tokens := html.NewTokenizer(strings.NewReader(page))
			elements := 0
			for tokens.Next() != html.ErrorToken {
				if token := tokens.Token(); token.Type == html.StartTagToken || token.Type == html.CommentToken || token.Type == html.SelfClosingTagToken {
					if elements++; len(token.Attr) > 1 {
						t.Errorf("%q: %s", payload, page)
					}
				}
			}
			if elements != 1 {
				t.Errorf("%q: %d elements in %s", payload, elements, page)
			}
		}
	}
}

// No subject, name of an application or recipient adds a header to an e-mail, or ends it.
func TestInjectedHeaders(t *testing.T) {
	box := serveMail(t, "none")
	n := mailer(t, box, "none", "")
	for i, payload := range markup {
		m := message()
		m.ID, m.Text, m.Facts.Name, m.Recipient = fmt.Sprintf("id-%d", i), payload, payload, "team@example.com"
		m.Body = map[string]any{"subject": payload}
		if i%2 == 0 {
			m.Body = nil
		}
		send(t, n, m)
		if len(box.messages) != i+1 {
			t.Fatalf("%q: %d messages arrived, not %d", payload, len(box.messages), i+1)
		}
		got := box.messages[i]
		read, err := mail.ReadMessage(strings.NewReader(got.text))
		if err != nil {
			t.Fatalf("%q: %v", payload, err)
		}
		for name := range read.Header {
			switch name {
			case "From", "To", "Subject", "Date", "Message-Id", "Auto-Submitted", "Mime-Version", "Content-Type", "Content-Transfer-Encoding":
			default:
				t.Errorf("%q adds the header %s", payload, name)
			}
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
		if err != nil || strings.ContainsAny(subject, "\r\n") || got.to != "team@example.com" || got.from != "gantry@example.com" {
			t.Errorf("%q: %q, %v, from %s to %s", payload, subject, err, got.from, got.to)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(read.Body))
		if err != nil || !strings.Contains(string(text), "Repository:") {
			t.Errorf("%q ends the message: %q, %v", payload, text, err)
		}
		harmless(t, string(text))
	}
	for _, recipient := range []string{"a@example.com\r\nBcc: evil@example.com", "a@example.com, evil@example.com", "<a@example.com> <evil@example.com>", "a@example.com\nRCPT TO:<evil@example.com>", ""} {
		m := message()
		m.Recipient = recipient
		if _, err := n.Send(t.Context(), m); providers.VerdictOf(err) != providers.Refused {
			t.Errorf("%q: %v", recipient, err)
		}
	}
}
