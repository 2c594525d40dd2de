package lang

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
)

// pluginTimeout is how long a plugin may take, as in Argo CD.
const pluginTimeout = 30 * time.Second

func pluginGenerator() *eval.Kind {
	return generatorType("plugin",
		"Asks a service, which speaks the protocol of Argo CD's plugin generators: a POST to `/api/v1/getparams.execute` below its URL. An item is what it returned, and its key the attribute that `key` names. A service that does not answer, or not as it should, is an error. It is asked once for every plan, and not again when it fails.",
		`generator "plugin" "previews" {
  url   = "https://previews.example.com"
  token = secret.environment.previews
  input = { label = "preview" }
}`,
		[]schema.Argument{
			{Name: "url", Type: schema.String, Required: true, Doc: "Where the service is, such as `\"https://previews.example.com\"`."},
			{Name: "token", Type: schema.Credential, Sensitive: true, Doc: "What the service knows us by; it is sent as a bearer token."},
			{Name: "ca_certificate", Type: schema.String, Default: "the system's", Doc: "The certificates, in PEM, that the service's must come from."},
			{Name: "input", Type: schema.Object, Default: "{}", Doc: "What is sent to the service as `input.parameters`."},
			{Name: "key", Type: schema.String, Default: `"key"`, Doc: "The attribute of what it returns that names an item."},
			{Name: "timeout", Type: schema.Duration, Default: `"30s"`, Doc: "How long it may take to answer."},
		}, nil, generatePlugin)
}

func generatePlugin(e *eval.Evaluation, in *eval.Instance) (generated, bool) {
	v := in.Values
	at := pluginURL(in)
	input := cty.NilVal
	if argument, ok := v.Get("input"); ok {
		input, _ = argument.Unmark()
	}
	if in.Failed || !v.Known() {
		return generated{}, false
	}
	body, err := generate.PluginRequest(in.Address.Name, input)
	if err != nil {
		in.ErrorAt(v, "input", "Unsuitable value", "The argument \"input\" cannot be sent: %s.", err)
		return generated{}, false
	}
	if e.Offline() {
		in.Deferred = true
		return generated{}, false
	}
	auth := &source.Auth{
		Token: credentialOf(v, "token"), CAData: v.String("ca_certificate"), Secrets: target.Secrets{Token: secretOf(v, "token")},
	}
	answer, err := e.CallPlugin(eval.PluginCall{URL: at, Auth: auth, Body: body, Timeout: v.Duration("timeout", pluginTimeout)})
	if err != nil {
		in.ErrorAt(v, "url", "Cannot ask plugin", "What the generator gives cannot be told: %s.", err)
		return generated{}, false
	}
	key := "key"
	if v.Has("key") {
		key = v.String("key")
	}
	items, err := generate.PluginItems(answer, key)
	if err != nil {
		in.ErrorAt(v, "url", "Invalid answer of a plugin", "What the service answers %s.", err)
		return generated{}, false
	}
	sum := sha256.Sum256(body)
	pin := source.Pin{
		Location: source.Location{Type: source.Plugin, URL: at, Revision: "sha256:" + hex.EncodeToString(sum[:])},
		Digest:   generate.Digest(items),
	}
	e.Pin(pin)
	return generated{items: items, reads: []source.Pin{pin}}, true
}

// pluginURL returns what is posted to.
func pluginURL(in *eval.Instance) string {
	if !in.Values.IsKnown("url") {
		return ""
	}
	text := in.Values.String("url")
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		in.ErrorAt(in.Values, "url", "Invalid URL", "It must be an http or https URL, such as \"https://plugin.example.com\".")
	case u.User != nil:
		in.ErrorAt(in.Values, "url", eval.CredentialsInURL, "The URL is shown in plans, so that it cannot hold a password. Use the argument \"token\".")
	case u.RawQuery != "" || u.Fragment != "":
		in.ErrorAt(in.Values, "url", "Invalid URL", "The URL of a plugin can have neither a query nor a fragment. What the service should know goes into the argument \"input\".")
	}
	text = strings.TrimRight(text, "/")
	if !strings.HasSuffix(text, generate.PluginPath) {
		text += generate.PluginPath
	}
	return text
}
