// Package teams sends adaptive cards to a channel of Microsoft Teams, by the webhook of a
// workflow.
package teams

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// maxText keeps a card below the 28 KiB that Teams takes.
const maxText = 5000

// Notifier sends to one workflow.
type Notifier struct {
	client *post.Client
	config providers.NotifierConfig
}

// New returns a Notifier.
func New(config providers.NotifierConfig, client *post.Client) *Notifier {
	return &Notifier{client: client, config: config}
}

// Repeatable implements providers.Notifier.
func (*Notifier) Repeatable(*providers.Notification) bool { return false }

// Escape makes a text plain in the Markdown of cards.
func Escape(text string) string {
	return post.Inline(strings.NewReplacer(
		`\`, `\\`, `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `(`, `\(`, `)`, `\)`, "`", "\\`", `#`, `\#`, `>`, `\>`, `<`, `&lt;`, `~`, `\~`, `|`, `\|`, `!`, `\!`,
	).Replace(post.Plain(text)))
}

// Send implements providers.Notifier.
func (n *Notifier) Send(ctx context.Context, m *providers.Notification) (providers.Receipt, error) {
	content := m.Body["card"]
	if content == nil {
		content = card(m)
	}
	answer, err := n.client.Do(ctx, post.Request{
		URL: n.config.Secret("url"), Secret: true,
		Body: map[string]any{"type": "message", "attachments": []any{map[string]any{
			"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": content,
		}}},
	})
	if err != nil {
		return providers.Receipt{}, err
	}
	if text := answer.Body; bytes.Contains(text, []byte("Webhook message delivery failed")) { // said with status 200
		err := errors.New("teams answered that the delivery failed")
		if bytes.Contains(text, []byte("429")) {
			return providers.Receipt{}, post.Later(0, err)
		}
		return providers.Receipt{}, post.Refuse(err)
	}
	return providers.Receipt{}, nil
}

// card shows a message; the runs of a RichTextBlock are no Markdown.
func card(m *providers.Notification) map[string]any {
	colour := map[providers.Level]string{
		providers.LevelInfo: "Accent", providers.LevelSuccess: "Good", providers.LevelWarning: "Warning", providers.LevelError: "Attention",
	}[m.Level]
	body := []any{
		map[string]any{"type": "RichTextBlock", "inlines": []any{map[string]any{
			"type": "TextRun", "text": post.Title(m), "weight": "Bolder", "size": "Medium", "color": colour,
		}}},
		map[string]any{"type": "RichTextBlock", "inlines": []any{map[string]any{"type": "TextRun", "text": post.Cut(post.Plain(m.Text), maxText)}}},
	}
	var facts []any
	for _, fact := range post.Shown(m.Facts) {
		facts = append(facts, map[string]any{"title": fact.Name, "value": Escape(post.Cut(fact.Value, 500))})
	}
	if facts != nil {
		body = append(body, map[string]any{"type": "FactSet", "facts": facts})
	}
	return map[string]any{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"msteams": map[string]any{"width": "Full"}, "body": body,
	}
}

var _ providers.Notifier = (*Notifier)(nil)
