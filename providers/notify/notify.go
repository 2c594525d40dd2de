// Package notify makes notifiers: one for each service, from the packages below it. What a
// message is, package providers says; which there are, and to whom, engine/notify.
package notify

import (
	"fmt"
	"html"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/email"
	"github.com/gantrycd/gantry/providers/notify/github"
	"github.com/gantrycd/gantry/providers/notify/gitlab"
	"github.com/gantrycd/gantry/providers/notify/grafana"
	"github.com/gantrycd/gantry/providers/notify/mattermost"
	"github.com/gantrycd/gantry/providers/notify/opsgenie"
	"github.com/gantrycd/gantry/providers/notify/pagerduty"
	"github.com/gantrycd/gantry/providers/notify/post"
	"github.com/gantrycd/gantry/providers/notify/slack"
	"github.com/gantrycd/gantry/providers/notify/teams"
	"github.com/gantrycd/gantry/providers/notify/webhook"
)

// Services makes notifiers of all services.
type Services struct{ options post.Options }

// New returns Services that reach their services as the options say.
func New(options post.Options) *Services {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Services{options: options}
}

// Open implements providers.Notifiers.
func (s *Services) Open(config providers.NotifierConfig) (providers.Notifier, error) {
	if config.Service == "email" {
		return email.New(config, s.options.CAData, s.options.Timeout)
	}
	options := s.options
	if config.Service == "webhook" && config.Settings["ca_certificate"] != "" {
		options.CAData = config.Settings["ca_certificate"]
	}
	client, err := post.New(options)
	if err != nil {
		return nil, err
	}
	switch config.Service {
	case "slack":
		return slack.New(config, client), nil
	case "mattermost":
		return mattermost.New(config, client), nil
	case "teams":
		return teams.New(config, client), nil
	case "webhook":
		return webhook.New(config, client), nil
	case "pagerduty":
		return pagerduty.New(config, client), nil
	case "opsgenie":
		return opsgenie.New(config, client), nil
	case "github":
		return github.New(config, client, s.options.Now), nil
	case "gitlab":
		return gitlab.New(config, client), nil
	case "grafana":
		return grafana.New(config, client), nil
	}
	return nil, fmt.Errorf("there is no service %q", config.Service)
}

// Escape implements providers.Notifiers: in what is markup, a value of an application is
// text and nothing more. Elsewhere the notifier escapes the whole, or encodes it.
func (*Services) Escape(service, argument, value string) string {
	switch service + "." + argument {
	case "slack.blocks", "slack.attachments":
		return slack.Escape(value)
	case "mattermost.attachments":
		return mattermost.Escape(value)
	case "teams.card":
		return teams.Escape(value)
	case "email.html":
		return html.EscapeString(post.Plain(value))
	}
	return value
}

var _ providers.Notifiers = (*Services)(nil)
