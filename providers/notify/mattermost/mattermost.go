// Package mattermost sends messages to channels of Mattermost, in threads where messages
// belong together.
package mattermost

import (
	"context"
	"errors"
	"strings"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// maxText is what Mattermost takes, with room for what is escaped.
const maxText = 8000

// Notifier sends to one server.
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

// Escape makes a text plain in Markdown, and has it mention nobody: a character that is not
// seen keeps @ from what follows.
func Escape(text string) string {
	return post.Inline(strings.NewReplacer(
		`\`, `\\`, `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `(`, `\(`, `)`, `\)`, "`", "\\`", `#`, `\#`, `>`, `\>`, `<`, `\<`, `~`, `\~`, `|`, `\|`, `!`, `\!`,
		`:`, `\:`, `$`, `\$`, `-`, `\-`, "@", "@\u200b",
	).Replace(post.Plain(text)))
}

// Send implements providers.Notifier. The Ref of a receipt is the id of the thread's first
// post.
func (n *Notifier) Send(ctx context.Context, m *providers.Notification) (providers.Receipt, error) {
	attachments := m.Body["attachments"]
	if attachments == nil {
		attachments = facts(m)
	}
	body := map[string]any{
		"channel_id": m.Recipient, "message": Escape(post.Cut(post.Plain(m.Text), maxText)),
		"props": map[string]any{"attachments": attachments, "disable_group_highlight": true, "mentionHighlightDisabled": true},
	}
	if m.Root != "" {
		body["root_id"] = m.Root
	}
	answer, err := n.client.Do(ctx, post.Request{
		URL: post.Join(n.config.Setting("api_url", ""), "api/v4/posts"), Header: post.Bearer(n.config.Secret("token")), Body: body,
	})
	if err != nil {
		return providers.Receipt{Ref: m.Root}, err
	}
	var said struct {
		ID string `json:"id"`
	}
	if err := answer.JSON(&said); err != nil {
		return providers.Receipt{Ref: m.Root}, err
	}
	if said.ID == "" {
		return providers.Receipt{Ref: m.Root}, &providers.DeliveryError{Verdict: providers.Unanswered, Err: errors.New("mattermost did not say which post it made")}
	}
	if m.Root != "" {
		said.ID = m.Root
	}
	return providers.Receipt{Ref: said.ID}, nil
}

func facts(m *providers.Notification) []any {
	var fields []any
	for _, fact := range post.Shown(m.Facts) {
		fields = append(fields, map[string]any{"title": fact.Name, "value": Escape(post.Cut(fact.Value, 500)), "short": len(fact.Value) < 40})
	}
	colour := map[providers.Level]string{
		providers.LevelInfo: "#0dadea", providers.LevelSuccess: "#18be52", providers.LevelWarning: "#f4c030", providers.LevelError: "#e96d76",
	}[m.Level]
	return []any{map[string]any{"color": colour, "fallback": Escape(post.Title(m)), "fields": fields}}
}

var _ providers.Notifier = (*Notifier)(nil)
