package argocd

import (
	"slices"
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

// messageTemplate is a template of messages.
type messageTemplate struct {
	node     *manifest.Node // the field of the ConfigMap
	root     *manifest.Node // what is in it; nil where that cannot be read
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
	t.root, t.message = root, root.Get("message")
	t.message.Text()
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

// message sets the message: that of the first template that has one, and what templates say
// for single services.
func (w *writer) message(block *draft.Block, n, send *manifest.Node, templates map[string]*messageTemplate) {
	set := false
	var sent []*messageTemplate
	m := &writer{object: w.object, scope: appScope{w.im.context}, goes: true}
	for _, item := range send.Items() {
		t := templates[item.Text()]
		if t == nil {
			w.findingAt(LeftOut, item.Line(), n.Path(), "There is no template %s.", item.Peek())
			continue
		}
		t.used = true
		if t.root != nil {
			sent = append(sent, t)
		}
		if t.message == nil {
			continue
		}
		if set {
			w.findingAt(LeftOut, item.Line(), n.Path(), "A trigger has one message. That of the template %s is left out.", item.Peek())
			continue
		}
		set = true
		block.Set("message", trimmed(m.text(t.message)).Value(), t.comments)
	}
	if !set {
		w.findingAt(ToDo, send.Line(), n.Path(), "The trigger has no message. Set the argument \"message\".")
		block.Set("message", draft.Template(draft.Part{Literal: "Application "}, draft.Part{Expression: "app.name"}), draft.None())
	}
	for _, t := range sent {
		m.bodies(block, t)
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

// subscription turns what an annotation subscribes to into a notify block of a project or
// an application.
func (w *writer) subscription(b *draft.Block, n *manifest.Node) {
	parts := strings.Split(strings.TrimPrefix(n.Key(), "notifications.argoproj.io/subscribe."), ".")
	if len(parts) < 2 {
		w.leave(n, "It names no trigger and service.")
		return
	}
	trigger, service := parts[0], strings.Join(parts[1:], ".")
	notifier := w.im.notifiers[service]
	if w.scope != nil && template.Has(n.Peek()) {
		w.leave(n, "Its recipients differ from application to application: add a notify block, with trigger.%s and the notifier for %s.", identifier("trigger", trigger), service)
		return
	}
	if notifier == "" && !w.im.keyed(service) {
		w.leave(n, "The notifications ConfigMap with the service %s is not among the files. Import it, too.", service)
		return
	}
	n.Text()
	reference := w.im.triggers[trigger]
	if reference == "" {
		if !slices.Contains(builtIn, identifier("trigger", trigger)) {
			w.finding(LeftOut, n, "The trigger %s is neither among the files nor built in.", trigger)
			return
		}
		reference = "trigger." + identifier("trigger", trigger)
	}
	block := &draft.Block{Type: "notify"}
	w.at(n, block)
	block.Set("trigger", draft.Raw(reference), draft.None())
	block.Set("to", draft.Raw(notifier), draft.None())
	kind, _, _ := strings.Cut(service, ".")
	var recipients []string
	for _, recipient := range strings.Split(n.Text(), ";") {
		if recipient = strings.TrimSpace(recipient); recipient == "" {
			continue
		}
		if one, ok := w.im.notifiers[service+"/"+recipient]; ok { // it has a credential of its own
			other := &draft.Block{Type: "notify"}
			other.Set("trigger", draft.Raw(reference), draft.None())
			other.Set("to", draft.Raw(one), draft.None())
			b.Add(other)
			continue
		}
		if kind == "slack" && !strings.HasPrefix(recipient, "#") {
			recipient = "#" + recipient
		}
		recipients = append(recipients, recipient)
	}
	if notifier == "" {
		return
	}
	if addressed := slices.Contains([]string{"slack", "mattermost", "email", "opsgenie"}, kind); addressed && len(recipients) > 0 {
		block.Set("recipients", draft.Strings(recipients...), draft.None())
	}
	b.Add(block)
}

// builtIn are the triggers that Gantry brings, which are those of Argo CD's
// catalogue.
var builtIn = []string{
	"on_created", "on_deleted", "on_deployed", "on_health_degraded", "on_sync_failed", "on_sync_running", "on_sync_status_unknown", "on_sync_succeeded",
}
