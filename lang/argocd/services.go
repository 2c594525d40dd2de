package argocd

import (
	"regexp"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// service says what a service of Argo CD's notifications is in Gantry.
type service struct {
	kind      string            // the type of notifier
	arguments map[string]string // by Argo CD's names
	// keyed is a field that holds a credential for every recipient: each becomes a
	// notifier, with the credential as the argument.
	keyed, argument string
}

// services are those that have a counterpart.
var services = map[string]service{
	"slack":           {kind: "slack", arguments: map[string]string{"token": "token", "username": "username", "icon": "icon", "apiURL": "api_url"}},
	"mattermost":      {kind: "mattermost", arguments: map[string]string{"apiURL": "api_url", "token": "token"}},
	"teams":           {kind: "teams", keyed: "recipientUrls", argument: "url"},
	"teams-workflows": {kind: "teams", keyed: "recipientUrls", argument: "url"},
	"email":           {kind: "email", arguments: map[string]string{"host": "host", "port": "port", "from": "from", "username": "username", "password": "password"}},
	"webhook":         {kind: "webhook", arguments: map[string]string{"url": "url"}},
	"pagerdutyv2":     {kind: "pagerduty", keyed: "serviceKeys", argument: "routing_key"},
	"opsgenie":        {kind: "opsgenie", arguments: map[string]string{"apiUrl": "api_url"}, keyed: "apiKeys", argument: "api_key"},
	"github":          {kind: "github", arguments: map[string]string{"appID": "app_id", "installationID": "installation_id", "privateKey": "private_key", "enterpriseBaseURL": "api_url"}},
	"grafana":         {kind: "grafana", arguments: map[string]string{"apiUrl": "api_url", "apiKey": "token", "tags": "tags"}},
}

// secretArguments are the arguments that hold credentials.
var secretArguments = map[string]bool{
	"token": true, "password": true, "private_key": true, "routing_key": true, "api_key": true, "signing_key": true,
}

// service turns a service into a notifier, or one for every recipient that has a
// credential of its own.
func (w *writer) service(name string, n *manifest.Node) {
	root := w.embedded(n, manifest.Map)
	if root == nil {
		return
	}
	kind, label, named := strings.Cut(name, ".")
	known, ok := services[kind]
	if !ok {
		w.finding(LeftOut, n, "There is no notifier for %s. A notifier \"webhook\" may do.", kind)
		root.Use()
		return
	}
	if !named {
		label = known.kind
	}
	if keys := root.Get(known.keyed); known.keyed != "" && len(keys.Fields()) > 0 {
		for _, key := range keys.Fields() {
			block := w.notifier(known.kind, key.Key())
			w.im.notifiers[name+"/"+key.Key()] = "notifier." + known.kind + "." + block.Labels[1]
			w.setCredential(block, known.argument, n, key)
			w.serviceArguments(block, known, n, root)
		}
		w.embeddedRest(n, root, w.main)
		return
	}
	block := w.notifier(known.kind, label)
	w.at(n, block)
	w.im.notifiers[name] = "notifier." + known.kind + "." + block.Labels[1]
	w.serviceArguments(block, known, n, root)
	if kind == "webhook" {
		for _, header := range root.Get("headers").Items() {
			inner := w.nested(block, "header", header)
			w.set(inner, "name", header.Get("name"))
			w.setCredential(inner, "value", n, header.Get("value"))
		}
		for _, field := range []string{"username", "password"} {
			w.setCredential(block, field, n, root.Get("basicAuth").Get(field))
		}
	}
	w.embeddedRest(n, root, block)
}

// keyed reports whether a service has a notifier for every recipient.
func (im *importer) keyed(service string) bool {
	for name := range im.notifiers {
		if strings.HasPrefix(name, service+"/") {
			return true
		}
	}
	return false
}

func (w *writer) notifier(kind, label string) *draft.Block {
	block := &draft.Block{Type: "notifier", Labels: []string{kind, w.im.label("notifier."+kind, label)}}
	if w.main == nil {
		w.main = block
	}
	w.im.add(notificationsFile, block)
	w.im.imported["Notifier"]++
	return block
}

// serviceArguments sets the arguments of a notifier, in the order of the YAML.
func (w *writer) serviceArguments(block *draft.Block, known service, n, root *manifest.Node) {
	for _, field := range root.Fields() {
		argument, ok := known.arguments[field.Key()]
		if !ok {
			continue
		}
		switch plain := field.Peek(); {
		case argument == "port" && plain == "587":
			field.Text()
		case argument == "port" && plain == "465": // which is encrypted from the start
			w.set(block, argument, field)
			block.Set("tls", draft.String("tls"), draft.None())
		case argument == "tags":
			block.Set(argument, draft.Strings(strings.FieldsFunc(field.Text(), func(r rune) bool { return r == ',' || r == ' ' })...), w.comments(field))
		case argument == "app_id" || argument == "installation_id":
			w.setStrings(block, argument, field)
		case argument == "api_url" && !strings.Contains(plain, "://") && !hasUser("https://"+plain) && !secretKey.MatchString(plain):
			block.Set(argument, draft.String("https://"+field.Text()), w.comments(field))
		default:
			w.setCredential(block, argument, n, field)
		}
	}
}

// secretKey is a reference to a key of argocd-notifications-secret.
var secretKey = regexp.MustCompile(`\$([A-Za-z0-9_][A-Za-z0-9_.-]*)`)

// setCredential sets an argument that may refer to a key of the Secret of
// notifications, or hold a credential that is written there.
func (w *writer) setCredential(block *draft.Block, argument string, n, field *manifest.Node) {
	if field == nil {
		return
	}
	comments := field.Take()
	text := field.Peek()
	matches := secretKey.FindAllStringSubmatchIndex(text, -1)
	if field.Kind() != manifest.String || matches == nil {
		header := block.Type == "header" && argument == "value" && (confidential.MatchString(field.Parent().Find("name").Peek()) || strings.EqualFold(field.Parent().Find("name").Peek(), "Authorization"))
		isKey := field.Parent().Kind() == manifest.Map && field.Parent().Key() != "" && services[strings.TrimPrefix(n.Key(), "service.")].keyed == field.Parent().Key()
		if !secretArguments[argument] && !header && !isKey && !hasUser(text) && (argument != "url" || !strings.Contains(text, "?")) {
			block.Set(argument, w.value(field), comments)
			return
		}
		field.Use()
		name := identifier("notifier", strings.Join(append(block.Labels[min(1, len(block.Labels)):], argument), "_"))
		reference := w.im.variable(w.im.unique("var", name), "What was written in argocd-notifications-cm, "+n.Key()+".", true)
		block.Set(argument, draft.Raw(reference), draft.None())
		w.findingAt(ToDo, field.Line(), n.Path(), "A credential that is written in a ConfigMap is not copied: give %s its value, and change the credential, which others have read.", reference)
		return
	}
	field.Text()
	var parts template.Text
	end := 0
	for _, match := range matches {
		key := text[match[2]:match[3]]
		if match[0] == 0 && match[1] == len(text) && (secretArguments[argument] || argument == "url" || argument == "value") {
			reference := w.im.kept(key, w.root.Find("metadata", "namespace").Peek(), "argocd-notifications-secret", key)
			block.Set(argument, draft.Raw(reference), comments)
			w.findingAt(Differs, field.Line(), n.Path(), "The credential is not copied: it is read from the Secret argocd-notifications-secret, where Argo CD runs, when it is used. Keep it when Argo CD goes, or move it.")
			return
		}
		name, secret := identifier("secret", key), secretArguments[argument] || argument == "url" || argument == "value"
		if !secret { // such as who logs in, which may be shown
			name = identifier("notifier", block.Labels[1]+"_"+argument)
		}
		reference := w.im.variable(name, "What the Secret argocd-notifications-secret holds as "+key+".", secret)
		parts = parts.Add(template.Part{Literal: text[end:match[0]]}, template.Part{Expression: reference})
		end = match[1]
		w.findingAt(ToDo, field.Line(), n.Path(), "The credential is not copied: give %s its value, such as with GANTRY_VAR_%s.", reference, strings.TrimPrefix(reference, "var."))
	}
	block.Set(argument, parts.Add(template.Part{Literal: text[end:]}).Value(), comments)
}

// hasUser reports whether a URL holds what may be a credential.
func hasUser(text string) bool { return withoutUser(text) != text }
