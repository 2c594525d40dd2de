package argocd

import (
	"regexp"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// notifications turns the notifications ConfigMap into notifiers and triggers.
func (im *importer) notifications(o *object) {
	meta, _ := o.header()
	meta.Get("labels").Use()
	w := &writer{object: o}
	data := o.root.Get("data")
	if field := data.Get("context"); field != nil {
		w.im.context = map[string]string{}
		if root := w.embedded(field, manifest.Map); root != nil {
			for _, value := range root.Fields() {
				w.im.context[value.Key()] = value.Text()
			}
			w.embeddedRest(field, root, nil)
		}
	}
	templates := map[string]*messageTemplate{}
	for _, field := range data.Fields() {
		if name, ok := strings.CutPrefix(field.Key(), "template."); ok {
			templates[name] = w.template(field)
		}
	}
	for _, field := range data.Fields() {
		if name, ok := strings.CutPrefix(field.Key(), "service."); ok {
			w.service(name, field)
		}
	}
	for _, field := range data.Fields() {
		if name, ok := strings.CutPrefix(field.Key(), "trigger."); ok {
			w.trigger(name, field, templates)
		}
	}
	for name, t := range templates {
		if !t.used {
			o.finding(LeftOut, t.node, "No trigger sends the template %s.", name)
		}
	}
	for _, field := range data.Fields() {
		switch field.Key() {
		case "subscriptions":
			w.leave(field, "Subscriptions for all applications have no counterpart: add a notify block to every project.")
		case "defaultTriggers":
			w.leave(field, "A subscription names its trigger.")
		}
	}
}

// embedded reads YAML that a ConfigMap's field holds as text.
func (w *writer) embedded(n *manifest.Node, want manifest.Kind) *manifest.Node {
	documents, problems := manifest.ReadText(w.file, n)
	n.Text()
	if len(problems) > 0 {
		w.findingAt(NotRead, problems[0].Line, n.Path(), "It cannot be read as YAML: %s.", problems[0].Text)
		return nil
	}
	if len(documents) != 1 || documents[0].Root.Kind() != want {
		w.finding(LeftOut, n, "It is not what Argo CD expects here.")
		return nil
	}
	return documents[0].Root
}

// embeddedRest reports what of an embedded text nobody has read.
func (w *writer) embeddedRest(n, root *manifest.Node, block *draft.Block) {
	for _, unused := range root.Unused() {
		w.findingAt(LeftOut, unused.Line(), n.Path()+" "+unused.Path(), "This has no counterpart.")
	}
	for _, at := range root.Untaken() {
		comments := at.Take()
		lines := append(append(comments.Lead, nonEmpty(comments.Trail)...), comments.Foot...)
		if block != nil {
			block.Comment(lines...)
		}
	}
}

// secretKey is a reference to a key of argocd-notifications-secret.
var secretKey = regexp.MustCompile(`\$([A-Za-z0-9_][A-Za-z0-9_.-]*)`)

func (w *writer) service(name string, n *manifest.Node) {
	root := w.embedded(n, manifest.Map)
	if root == nil {
		return
	}
	kind, label, named := strings.Cut(name, ".")
	if !named {
		label = kind
	}
	block := &draft.Block{Type: "notifier", Labels: []string{kind, w.im.label("notifier."+kind, label)}}
	w.at(n, block)
	w.im.notifiers[name] = "notifier." + kind + "." + block.Labels[1]
	for _, field := range root.Fields() {
		argument := snake(field.Key())
		match := secretKey.FindStringSubmatch(field.Peek())
		switch {
		case match != nil && match[0] == field.Peek():
			field.Text()
			reference := w.im.kept(match[1], w.root.Find("metadata", "namespace").Peek(), "argocd-notifications-secret", match[1])
			block.Set(argument, draft.Raw(reference), field.Take())
			w.findingAt(Differs, field.Line(), n.Path(), "The credential is not copied: it is read from the Secret argocd-notifications-secret, where Argo CD runs, when it is used. Keep it when Argo CD goes, or move it.")
		case confidential.MatchString(field.Key()):
			field.Use()
			field.Take()
			reference := w.im.variable(block.Labels[1]+"_"+argument, "The "+strings.ReplaceAll(argument, "_", " ")+" of the notifier "+name+".", true)
			block.Set(argument, draft.Raw(reference), draft.None())
			w.findingAt(ToDo, field.Line(), n.Path(), "A credential that is written in a ConfigMap is not copied: give %s its value, and change the credential, which others have read.", reference)
		default:
			block.Set(argument, w.withSecrets(n, field), field.Take())
		}
	}
	w.embeddedRest(n, root, block)
	if w.main == nil {
		w.main = block
	}
	w.im.add(notificationsFile, block)
	w.im.imported["Notifier"]++
}

// withSecrets is value, with variables for the credentials that texts refer to.
func (w *writer) withSecrets(n, field *manifest.Node) draft.Value {
	if field.Kind() == manifest.Map || field.Kind() == manifest.List {
		var items []draft.Item
		for _, inner := range append(field.Fields(), field.Items()...) {
			item := draft.Item{Value: w.withSecrets(n, inner), Comments: w.comments(inner)}
			if field.Kind() == manifest.Map {
				item.Key = inner.Key()
			}
			items = append(items, item)
		}
		if field.Kind() == manifest.List {
			return draft.List(items...)
		}
		return draft.Object(items...)
	}
	text := field.Peek()
	matches := secretKey.FindAllStringSubmatchIndex(text, -1)
	if matches == nil || field.Kind() != manifest.String {
		return w.value(field)
	}
	field.Text()
	var parts template.Text
	end := 0
	for _, match := range matches {
		key := text[match[2]:match[3]]
		reference := w.im.variable(identifier("secret", key), "What the Secret argocd-notifications-secret holds as "+key+".", true)
		parts = append(parts, template.Part{Literal: text[end:match[0]]}, template.Part{Expression: reference})
		end = match[1]
		w.findingAt(ToDo, field.Line(), n.Path(), "The credential is not copied: give %s its value, such as with GANTRY_VAR_%s.", reference, strings.TrimPrefix(reference, "var."))
	}
	return append(parts, template.Part{Literal: text[end:]}).Value()
}

// snake writes a name as arguments are: apiURL is api_url.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 && !(name[i-1] >= 'A' && name[i-1] <= 'Z') {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return identifier("argument", b.String())
}

// messageTemplate is a template of messages.
type messageTemplate struct {
	node     *manifest.Node // the field of the ConfigMap
	message  *manifest.Node
	comments manifest.Comments
	used     bool
}

func (w *writer) template(n *manifest.Node) *messageTemplate {
	t := &messageTemplate{node: n, comments: n.Take()}
	root := w.embedded(n, manifest.Map)
	if root == nil {
		return t
	}
	t.message = root.Get("message")
	t.message.Text()
	for _, field := range root.Fields() {
		if field.Key() != "message" {
			w.leaveAt(n, field, "A trigger has one message for all services; what is of %s alone has no counterpart.", field.Key())
		}
	}
	return t
}

// leaveAt reports what of an embedded text has no counterpart.
func (w *writer) leaveAt(n, inner *manifest.Node, format string, args ...any) {
	inner.Use()
	w.findingAt(LeftOut, inner.Line(), strings.TrimSpace(n.Path()+" "+inner.Path()), format, args...)
}

func (w *writer) trigger(name string, n *manifest.Node, templates map[string]*messageTemplate) {
	root := w.embedded(n, manifest.List)
	if root == nil {
		return
	}
	for i, condition := range root.Items() {
		label := identifier("trigger", name)
		if i > 0 {
			w.findingAt(Differs, condition.Line(), n.Path(), "A trigger has one condition. The others are triggers of their own, with a number: subscribe to them, too.")
		}
		block := &draft.Block{Type: "trigger", Labels: []string{w.im.unique("trigger", label)}}
		if i == 0 {
			w.im.triggers[name] = "trigger." + block.Labels[0]
			w.at(n, block)
		}
		w.at(condition, block)
		if description := condition.Get("description"); description != nil {
			block.Comment(strings.Split(strings.TrimSpace(description.Text()), "\n")...)
		}
		w.expression(block, "when", n, condition.Get("when"))
		w.expression(block, "once_per", n, condition.Get("oncePer"))
		w.message(block, n, condition.Get("send"), templates)
		w.embeddedRest(n, condition, block)
		if w.main == nil {
			w.main = block
		}
		w.im.add(notificationsFile, block)
		w.im.imported["Trigger"]++
	}
}

func (w *writer) expression(block *draft.Block, argument string, n, expression *manifest.Node) {
	if expression == nil {
		return
	}
	text, err := condition(expression.Text())
	if err != nil {
		text = map[string]string{"when": "false", "once_per": "app.sync.revision"}[argument]
		w.findingAt(LeftOut, expression.Line(), n.Path(), "The expression %q cannot be translated: %s. In its place there is %s.", expression.Peek(), err, text)
	}
	block.Set(argument, draft.Raw(text), expression.Take())
}

// message sets the message: that of the first template that has one.
func (w *writer) message(block *draft.Block, n, send *manifest.Node, templates map[string]*messageTemplate) {
	set := false
	for _, item := range send.Items() {
		t := templates[item.Text()]
		if t == nil {
			w.findingAt(LeftOut, item.Line(), n.Path(), "There is no template %s.", item.Peek())
			continue
		}
		t.used = true
		if t.message == nil {
			continue
		}
		if set {
			w.findingAt(LeftOut, item.Line(), n.Path(), "A trigger has one message. That of the template %s is left out.", item.Peek())
			continue
		}
		set = true
		m := &writer{object: w.object, scope: appScope{w.im.context}, goes: true}
		block.Set("message", trimmed(m.text(t.message)).Value(), t.comments)
	}
	if !set {
		w.findingAt(ToDo, send.Line(), n.Path(), "The trigger has no message. Set the argument \"message\".")
		block.Set("message", draft.Template(draft.Part{Literal: "Application "}, draft.Part{Expression: "app.name"}), draft.None())
	}
}

// trimmed removes the line break at the end of a text of one line.
func trimmed(text template.Text) template.Text {
	if strings.Count(text.Plain(), "\n") > 1 || len(text) == 0 {
		return text
	}
	last := &text[len(text)-1]
	last.Literal = strings.TrimRight(last.Literal, "\n")
	if last.Literal == "" && last.Expression == "" {
		text = text[:len(text)-1]
	}
	return text
}

// subscription reports what an annotation subscribes to: applications have no
// subscriptions of their own.
func (w *writer) subscription(b *draft.Block, n *manifest.Node) {
	parts := strings.Split(strings.TrimPrefix(n.Key(), "notifications.argoproj.io/subscribe."), ".")
	if len(parts) < 2 {
		w.leave(n, "It names no trigger and service.")
		return
	}
	trigger, service := parts[0], strings.Join(parts[1:], ".")
	notifier := w.im.notifiers[service]
	if b.Type != "project" {
		w.leave(n, "Subscriptions are of projects: add a notify block to the project, with trigger.%s and the notifier for %s.", identifier("trigger", trigger), service)
		return
	}
	if notifier == "" {
		w.leave(n, "The notifications ConfigMap with the service %s is not among the files. Import it, too.", service)
		return
	}
	n.Text()
	reference := w.im.triggers[trigger]
	if reference == "" {
		reference = "trigger." + identifier("trigger", trigger) // one of those that are built in
	}
	block := &draft.Block{Type: "notify"}
	w.at(n, block)
	block.Set("trigger", draft.Raw(reference), draft.None())
	block.Set("to", draft.Raw(notifier), draft.None())
	var recipients []string
	for _, recipient := range strings.Split(n.Text(), ";") {
		if recipient = strings.TrimSpace(recipient); recipient != "" {
			if service == "slack" && !strings.HasPrefix(recipient, "#") {
				recipient = "#" + recipient
			}
			recipients = append(recipients, recipient)
		}
	}
	if len(recipients) > 0 {
		block.Set("recipients", draft.Strings(recipients...), draft.None())
	}
	b.Add(block)
}
