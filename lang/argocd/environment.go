package argocd

import (
	"os"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// environment is Argo CD's build environment of a source: what the variables in some
// texts stand for. They are read where the source is, and written down.
// See https://argo-cd.readthedocs.io/en/stable/user-guide/build-environment/
type environment map[string]template.Text

// renderTime are the variables that are known only where something is rendered.
var renderTime = []string{"ARGOCD_APP_REVISION", "ARGOCD_APP_REVISION_SHORT", "ARGOCD_APP_REVISION_SHORT_8", "KUBE_VERSION", "KUBE_API_VERSIONS"}

func (w *writer) environmentOf(meta, spec, source *manifest.Node) environment {
	out := environment{}
	for name, n := range map[string]*manifest.Node{
		"ARGOCD_APP_NAME":                   meta.Find("name"),
		"ARGOCD_APP_NAMESPACE":              spec.Find("destination", "namespace"),
		"ARGOCD_APP_PROJECT_NAME":           spec.Find("project"),
		"ARGOCD_APP_SOURCE_PATH":            source.Find("path"),
		"ARGOCD_APP_SOURCE_REPO_URL":        source.Find("repoURL"),
		"ARGOCD_APP_SOURCE_TARGET_REVISION": source.Find("targetRevision"),
	} {
		text := n.Peek()
		if w.scope == nil || !template.Has(text) {
			out[name] = template.Literal(text)
			continue
		}
		out[name] = w.translate(text).Text // what cannot be translated is told of at its own place
	}
	for _, other := range sourcesOf(spec) {
		if ref := other.Find("ref").Peek(); ref != "" {
			out["$"+ref+"/"] = nil // stays: it is the folder of that source
		}
	}
	return out
}

// substituted translates a text in which Argo CD puts variables of its build
// environment.
func (w *writer) substituted(n *manifest.Node) draft.Value {
	if n.Kind() != manifest.String || !strings.Contains(n.Peek(), "$") {
		return w.strings(n)
	}
	var out template.Text
	for _, part := range w.text(n) {
		if part.Expression != "" {
			out = out.Add(part)
			continue
		}
		out = out.Add(w.expand(n, part.Literal)...)
	}
	return out.Value()
}

// expand replaces $NAME and ${NAME} as Argo CD does: by nothing where there is no such
// variable, and $$ by a dollar.
func (w *writer) expand(n *manifest.Node, text string) template.Text {
	folder, rest, found := strings.Cut(text, "/")
	if folder += "/"; found && strings.HasPrefix(folder, "$") {
		if _, isSource := w.environment[folder]; isSource {
			return template.Literal(folder).Add(w.expand(n, rest)...)
		}
	}
	var out template.Text
	// os.Expand gives texts only: an expression stands between two of what no text has.
	const mark = "\x00"
	var expressions []template.Text
	expanded := os.Expand(text, func(name string) string {
		value, known := w.environment[name]
		switch {
		case name == "$":
			return "$"
		case known && value.IsLiteral():
			return value.Plain()
		case known:
			expressions = append(expressions, value)
			return mark
		case slices.Contains(renderTime, name):
			w.finding(ToDo, n, "The variable %s is known to Argo CD when it renders. In the HCL it stands with TODO before it: write what it stands for.", name)
			return template.Untranslated + "${" + name + "}"
		}
		w.finding(Differs, n, "Argo CD has no variable %q, and puts nothing in its place; so it is in the HCL. Where a dollar sign is meant, write it there.", name)
		return ""
	})
	for i, piece := range strings.Split(expanded, mark) {
		if i > 0 && i <= len(expressions) {
			out = out.Add(expressions[i-1]...)
		}
		out = out.Add(template.Part{Literal: piece})
	}
	return out
}

// setSubstituted sets an argument to a map or a list of such texts.
func (w *writer) setSubstituted(block *draft.Block, name string, n *manifest.Node) {
	var items []draft.Item
	for _, entry := range append(slices.Clone(n.Fields()), n.Items()...) {
		item := draft.Item{Value: w.substituted(entry), Comments: w.comments(entry)}
		if n.Kind() == manifest.Map {
			item.Key = entry.Key()
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return
	}
	value := draft.List(items...)
	if n.Kind() == manifest.Map {
		value = draft.Object(items...)
	}
	block.Set(name, value, w.comments(n))
}
