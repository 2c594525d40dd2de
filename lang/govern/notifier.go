package govern

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// Notifier is where messages go.
type Notifier struct {
	Address addr.Address
	Name    string
	Service string // "slack", "email" and so on
	// Settings are the arguments that were written and are no credentials, as text; a
	// list has a line for each element.
	Settings    map[string]string
	Credentials map[string]Credential // by the arguments
	Headers     []Header              // of a webhook's requests, in the order in which they are written
	Range       hcl.Range
}

// Header is a header of a request.
type Header struct {
	Name  string
	Value Credential
}

// service declares a type of notifier.
type service struct {
	name, doc, example string
	// recipients says what those of a notify block are: "channels"; empty where the
	// service has none.
	recipients string
	// optional says that a notify block need not name any.
	optional  bool
	arguments []schema.Argument
	blocks    []schema.Nested
	check     func(*eval.Instance) // what more must hold; may be nil
}

// services returns the types of notifiers.
func services() []service {
	apiURL := func(fallback string) schema.Argument {
		return schema.Argument{Name: "api_url", Type: schema.String, Default: strconv.Quote(fallback), Doc: "Where its API is."}
	}
	ownURL := schema.Argument{Name: "api_url", Type: schema.String, Required: true, Doc: "Where its API is."}
	report := schema.Argument{Name: "report", Type: schema.String, Default: `"status"`, OneOf: []string{"status", "deployment"}, Doc: "What a message becomes: a status of the commit, or a deployment of it."}
	return []service{
		{
			name: "slack", recipients: "channels", doc: "Messages to channels of Slack.",
			example: `notifier "slack" "operations" {
  token = secret.environment.slack
}`,
			arguments: []schema.Argument{
				credential("token", true, "The token of a bot."),
				{Name: "username", Type: schema.String, Default: "the bot's", Doc: "The name that messages come from."},
				{Name: "icon", Type: schema.String, Default: "the bot's", Doc: "An emoji such as `:rocket:`, or the URL of a picture."},
				apiURL("https://slack.com/api"),
			},
		},
		{
			name: "mattermost", recipients: "channels", doc: "Messages to channels of Mattermost, by their ids.",
			example: `notifier "mattermost" "operations" {
  api_url = "https://chat.example.com"
  token   = secret.environment.mattermost
}`,
			arguments: []schema.Argument{ownURL, credential("token", true, "The token of a bot.")},
		},
		{
			name: "teams", doc: "Messages to a channel of Microsoft Teams, by a workflow's webhook.",
			example: `notifier "teams" "operations" {
  url = secret.environment.teams
}`,
			arguments: []schema.Argument{credential("url", true, "The URL of the webhook, which is as good as a password.")},
		},
		{
			name: "email", recipients: "addresses", doc: "E-mail by an SMTP server.",
			example: `notifier "email" "operations" {
  host     = "mail.example.com"
  from     = "gantry@example.com"
  username = "gantry"
  password = secret.environment.mail
}`,
			arguments: []schema.Argument{
				{Name: "host", Type: schema.String, Required: true, Doc: "The server's name."},
				{Name: "port", Type: schema.Integer, Default: "587", Doc: "The server's port."},
				{Name: "from", Type: schema.String, Required: true, Doc: "The address that messages come from."},
				{Name: "tls", Type: schema.String, Default: `"starttls"`, OneOf: []string{"starttls", "tls", "none"}, Doc: "How the connection is encrypted: after a greeting, from the start, or not at all."},
				{Name: "username", Type: schema.String, Doc: "Who logs in."},
				credential("password", false, "The user's password."),
			},
			check: checkEmail,
		},
		{
			name: "webhook", doc: "Requests to an HTTP server.",
			example: `notifier "webhook" "audit" {
  url         = "https://audit.example.com/gantry"
  signing_key = secret.environment.audit

  header {
    name  = "X-Team"
    value = "delivery"
  }
}`,
			arguments: []schema.Argument{
				credential("url", true, "Where the requests go."),
				{Name: "method", Type: schema.String, Default: `"POST"`, OneOf: []string{"POST", "PUT", "PATCH"}, Doc: "The method of the requests."},
				{Name: "username", Type: schema.String, Doc: "Who logs in."},
				credential("password", false, "The user's password."),
				credential("token", false, "A bearer token."),
				credential("signing_key", false, "A key: requests carry an HMAC-SHA256 of their body with it."),
				{Name: "ca_certificate", Type: schema.String, Default: "the system's", Doc: "The authorities that the server's certificate must come from, in PEM."},
			},
			blocks: []schema.Nested{{Block: &schema.Block{
				Type: "header",
				Doc:  "A header that the requests have.",
				Arguments: []schema.Argument{
					{Name: "name", Type: schema.String, Required: true, Doc: "The header's name."},
					credential("value", true, "The header's value."),
				},
			}}},
			check: checkWebhook,
		},
		{
			name: "pagerduty", doc: "Events to PagerDuty, that open and resolve incidents.",
			example: `notifier "pagerduty" "on_call" {
  routing_key = secret.environment.pagerduty
  severity    = "critical"
}`,
			arguments: []schema.Argument{
				credential("routing_key", true, "The integration key of a service (Events API v2)."),
				{Name: "severity", Type: schema.String, Default: `"error"`, OneOf: []string{"critical", "error", "warning", "info"}, Doc: "How bad the events are."},
				apiURL("https://events.pagerduty.com"),
			},
		},
		{
			name: "opsgenie", recipients: "teams", optional: true, doc: "Alerts to Opsgenie.",
			example: `notifier "opsgenie" "on_call" {
  api_key  = secret.environment.opsgenie
  priority = "P2"
}`,
			arguments: []schema.Argument{
				credential("api_key", true, "The key of an API integration."),
				{Name: "priority", Type: schema.String, Default: `"P3"`, OneOf: []string{"P1", "P2", "P3", "P4", "P5"}, Doc: "The alerts' priority."},
				apiURL("https://api.opsgenie.com"),
			},
		},
		{
			name: "github", doc: "Statuses of commits and deployments on GitHub.",
			example: `notifier "github" "statuses" {
  app_id          = "12345"
  installation_id = "67890"
  private_key     = secret.file.github_app
}`,
			arguments: []schema.Argument{
				credential("token", false, "A token that may write statuses or deployments; instead of an app's key."),
				{Name: "app_id", Type: schema.String, Doc: "The id of a GitHub app."},
				{Name: "installation_id", Type: schema.String, Doc: "The id of the app's installation."},
				credential("private_key", false, "The app's private key, in PEM."),
				report, apiURL("https://api.github.com"),
			},
			check: checkGitHub,
		},
		{
			name: "gitlab", doc: "Statuses of commits and deployments on GitLab.",
			example: `notifier "gitlab" "statuses" {
  token = secret.environment.gitlab
}`,
			arguments: []schema.Argument{credential("token", true, "A token that may use the API."), report, apiURL("https://gitlab.com/api/v4")},
		},
		{
			name: "grafana", doc: "Annotations in Grafana.",
			example: `notifier "grafana" "annotations" {
  api_url = "https://grafana.example.com/api"
  token   = secret.environment.grafana
  tags    = ["delivery"]
}`,
			arguments: []schema.Argument{
				ownURL, credential("token", true, "The token of a service account."),
				{Name: "tags", Type: schema.Strings, Doc: "Tags that the annotations have."},
			},
		},
	}
}

// serviceOf returns the declaration of a type of notifier.
func serviceOf(name string) service {
	all := services()
	return all[slices.IndexFunc(all, func(s service) bool { return s.name == name })]
}

func notifierKind() *eval.Kind {
	k := &eval.Kind{Block: &schema.Block{Type: "notifier", Labels: []string{"type", "name"}}, Root: "notifier", Types: map[string]*eval.Kind{}, RootOnly: true}
	for _, s := range services() {
		k.Types[s.name] = &eval.Kind{
			Block: &schema.Block{
				Type: "notifier", Labels: []string{s.name, "name"}, Example: s.example, Blocks: s.blocks,
				Doc:       s.doc + " " + s.recipientsDoc() + " Elsewhere it is `notifier." + s.name + ".NAME`.",
				Arguments: append([]schema.Argument{eval.ForEachArgument(), eval.DependsOnArgument()}, s.arguments...),
			},
			Root:     "notifier",
			RootOnly: true,
			Decode:   func(_ *eval.Evaluation, in *eval.Instance) eval.Decoded { return decodeNotifier(s, in) },
		}
	}
	return k
}

func (s service) recipientsDoc() string {
	switch {
	case s.recipients == "":
		return "The `recipients` of a `notify` block are left out."
	case s.optional:
		return "The `recipients` of a `notify` block are " + s.recipients + ", and may be left out."
	}
	return "The `recipients` of a `notify` block are " + s.recipients + "."
}

func decodeNotifier(s service, in *eval.Instance) eval.Decoded {
	v := in.Values
	notifier := &Notifier{Address: in.Address, Name: in.Name(), Service: s.name, Settings: map[string]string{}, Credentials: map[string]Credential{}, Range: v.Range}
	for _, argument := range s.arguments {
		switch {
		case !v.IsKnown(argument.Name):
		case argument.Type.Name == schema.Credential.Name:
			notifier.Credentials[argument.Name] = credentialOf(v, argument.Name)
			checkFilled(in, v, argument.Name)
		default:
			notifier.Settings[argument.Name] = setting(v, argument)
		}
	}
	if hasArgument(s, "api_url") && v.IsKnown("api_url") {
		checkURL(in, v, "api_url", v.String("api_url"))
	}
	if len(s.blocks) > 0 {
		for _, b := range v.Blocks("header") {
			notifier.Headers = append(notifier.Headers, Header{Name: b.String("name"), Value: credentialOf(b, "value")})
			if b.IsKnown("name") && !isToken(b.String("name")) {
				in.ErrorAt(b, "name", "Invalid header", "%q is no name of a header: it must consist of letters, digits and \"-\".", b.String("name"))
			}
		}
	}
	if s.check != nil {
		s.check(in)
	}
	if !v.Known() {
		return eval.Decoded{Value: cty.DynamicVal}
	}
	return eval.Decoded{
		Value: value.Block(value.Reference{Address: in.Address, Target: notifier}, map[string]cty.Value{"name": cty.StringVal(notifier.Name)}),
		Made:  notifier,
	}
}

func hasArgument(s service, name string) bool {
	return slices.ContainsFunc(s.arguments, func(a schema.Argument) bool { return a.Name == name })
}

// setting renders an argument as text.
func setting(v *schema.Values, argument schema.Argument) string {
	switch argument.Type.Name {
	case schema.Integer.Name:
		return strconv.Itoa(v.Int(argument.Name, 0))
	case schema.Strings.Name:
		out := ""
		for i, element := range v.Strings(argument.Name) {
			if i > 0 {
				out += "\n"
			}
			out += element
		}
		return out
	}
	return v.String(argument.Name)
}

// checkFilled holds that a credential whose value is there is not empty.
func checkFilled(in *eval.Instance, v *schema.Values, name string) {
	if credentialOf(v, name).IsZero() {
		in.ErrorAt(v, name, "Unsuitable value", "The argument %q must not be empty.", name)
	}
}

// checkURL holds that a URL is one of the web, without credentials in it.
func checkURL(in *eval.Instance, v *schema.Values, name, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		in.ErrorAt(v, name, "Invalid URL", "The argument %q must be an https URL, such as \"https://service.example.com\".", name)
	case u.User != nil:
		in.ErrorAt(v, name, eval.CredentialsInURL, "The argument %q is shown, so that it cannot hold a password. Use the arguments for credentials.", name)
	}
}

// isToken reports whether a text can name a header.
func isToken(text string) bool {
	for _, r := range text {
		if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return text != ""
}
