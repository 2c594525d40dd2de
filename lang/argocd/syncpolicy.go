package argocd

import (
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/schema"
)

func (w *writer) syncPolicy(b *draft.Block, n *manifest.Node) {
	if n == nil {
		return
	}
	block := &draft.Block{Type: "sync"}
	for _, option := range n.Get("syncOptions").Items() {
		w.syncOption(b, block, option)
	}
	if metadata := n.Get("managedNamespaceMetadata"); metadata != nil {
		inner := w.nested(block, "managed_namespace_metadata", metadata)
		w.setStrings(inner, "labels", metadata.Get("labels"))
		w.setStrings(inner, "annotations", metadata.Get("annotations"))
		if !block.Has("create_namespace") {
			w.finding(Differs, metadata, "It has an effect only together with the option CreateNamespace=true, also in Argo CD.")
		}
	}
	if automated := n.Get("automated"); automated != nil {
		inner := w.nested(block, "automated", automated)
		w.set(inner, "enabled", w.unless(automated.Get("enabled"), "true"))
		w.set(inner, "prune", w.unless(automated.Get("prune"), "false"))
		w.set(inner, "self_heal", w.unless(automated.Get("selfHeal"), "false"))
		w.set(inner, "allow_empty", w.unless(automated.Get("allowEmpty"), "false"))
	}
	if retry := n.Get("retry"); retry != nil {
		w.retry(block, retry)
	}
	if !block.Empty() {
		w.at(n, block)
		b.Add(block)
	}
}

func (w *writer) retry(block *draft.Block, n *manifest.Node) {
	inner := w.nested(block, "retry", n)
	limit := n.Get("limit")
	switch {
	case limit == nil:
		inner.Set("limit", draft.Raw("0"), draft.None()) // what Argo CD takes it for
	case strings.HasPrefix(limit.Peek(), "-"):
		inner.Set("limit", draft.Raw("100"), w.comments(limit))
		w.leave(limit, "A sync is not tried for ever: limit is 100.")
	default:
		w.set(inner, "limit", limit)
	}
	backoff := n.Get("backoff")
	w.duration(inner, "backoff", w.unless(backoff.Get("duration"), "5s", "5"))
	w.set(inner, "factor", w.unless(backoff.Get("factor"), "2"))
	w.duration(inner, "max_duration", w.unless(backoff.Get("maxDuration"), "3m", "3m0s", "180s", "180"))
	w.leave(w.unless(n.Get("refresh"), "false"), "What is applied is pinned in the plan. A new revision needs a new plan.")
}

// duration writes a duration; a number alone is of seconds.
func (w *writer) duration(block *draft.Block, name string, n *manifest.Node) {
	if n == nil {
		return
	}
	if text := n.Peek(); text != "" && strings.Trim(text, "0123456789") == "" {
		n.Text()
		block.Set(name, draft.String(text+"s"), w.comments(n))
		return
	}
	w.set(block, name, n)
}

// knownOptions are Argo CD's sync options.
var knownOptions = []string{
	"CreateNamespace", "Validate", "SkipDryRunOnMissingResource", "Prune", "PruneLast", "PrunePropagationPolicy", "Delete", "ApplyOutOfSyncOnly",
	"Replace", "Force", "ServerSideApply", "ClientSideApplyMigration", "FailOnSharedResource", "RespectIgnoreDifferences",
}

func (w *writer) syncOption(application, sync *draft.Block, n *manifest.Node) {
	name, setting, _ := strings.Cut(n.Text(), "=")
	set := func(argument, value string) { sync.Set(argument, draft.Raw(value), w.comments(n)) }
	switch name + "=" + setting {
	case "CreateNamespace=true":
		set("create_namespace", "true")
	case "Prune=false":
		set("prune", "false")
	case "Prune=confirm":
		set("prune", draft.Quote(setting))
	case "PruneLast=false":
		set("prune_last", "false")
	case "PrunePropagationPolicy=background", "PrunePropagationPolicy=orphan":
		set("prune_propagation_policy", draft.Quote(setting))
	case "Replace=true":
		set("replace", "true")
	case "Force=true":
		set("force", "true")
		w.finding(Differs, n, "An object is deleted and made anew only where fields change that cannot be changed; otherwise it is changed.")
	case "Validate=false":
		set("validate", "false")
		w.finding(Differs, n, "Fields that the API server does not know are left out; what else it finds wrong is still an error.")
	case "SkipDryRunOnMissingResource=true":
		set("skip_dry_run_on_missing_resource", "true")
	case "FailOnSharedResource=true":
		set("fail_on_shared_resource", "true")
	case "Delete=false":
		application.Set("on_destroy", draft.String("orphan"), w.comments(n))
	case "Delete=confirm":
		application.Set("on_destroy", draft.String(setting), w.comments(n))
	case "ServerSideApply=false", "ClientSideApplyMigration=false":
		w.leave(n, "Everything is applied by the server.")
	case "RespectIgnoreDifferences=false":
		w.leave(n, "Fields of ignore_differences are left as they are, also when their object is changed for other reasons.")
	case "ServerSideApply=true", "PrunePropagationPolicy=foreground", "ClientSideApplyMigration=true", "ApplyOutOfSyncOnly=true", "ApplyOutOfSyncOnly=false",
		"RespectIgnoreDifferences=true", "Prune=true", "Validate=true", "Delete=true", "CreateNamespace=false", "PruneLast=true",
		"Replace=false", "Force=false", "FailOnSharedResource=false", "SkipDryRunOnMissingResource=false":
		// Always so, or so unless something else is said.
	default:
		text := "There is no such option; Argo CD passes over it, too."
		if suggestion := schema.Suggest(name, knownOptions); suggestion != "" && suggestion != name {
			text += " " + suggestion + " may be meant."
		}
		w.leave(n, "%s", text)
	}
}

func (w *writer) ignoreDifferences(b *draft.Block, n *manifest.Node) {
	for _, entry := range n.Items() {
		block := w.nested(b, "ignore_differences", entry)
		for _, field := range []string{"group", "kind", "name", "namespace"} {
			w.set(block, field, w.unless(entry.Get(field), ""))
		}
		w.setStrings(block, "json_pointers", entry.Get("jsonPointers"))
		w.setStrings(block, "jq_path_expressions", entry.Get("jqPathExpressions"))
		w.setStrings(block, "field_managers", entry.Get("managedFieldsManagers"))
	}
}
