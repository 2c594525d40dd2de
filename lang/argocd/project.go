package argocd

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

func (im *importer) project(o *object) {
	meta, spec := o.header()
	w := &writer{object: o}
	b := &draft.Block{Type: "project", Labels: []string{im.projects[o.name]}}
	o.main = b
	w.at(meta, b)
	w.at(spec, b)
	w.set(b, "description", w.unless(spec.Get("description"), ""))
	w.sourceRepos(b, spec.Get("sourceRepos"))
	w.destinations(b, spec.Get("destinations"))
	w.resources(b, "cluster_resources", spec.Get("clusterResourceWhitelist"), spec.Get("clusterResourceBlacklist"), true)
	w.resources(b, "namespace_resources", spec.Get("namespaceResourceWhitelist"), spec.Get("namespaceResourceBlacklist"), false)
	w.projectRoles(b, spec.Get("roles"))
	for _, window := range spec.Get("syncWindows").Items() {
		if window.Kind() == manifest.Null { // Argo CD passes over it, too
			window.Use()
			continue
		}
		w.syncWindow(b, window)
	}
	w.orphans(b, spec.Get("orphanedResources"))
	w.signatures(b, spec)
	w.leave(spec.Get("sourceNamespaces"), "Applications are in files, not in namespaces. Who may change a file is up to the repository.")
	w.leave(w.unless(spec.Get("permitOnlyProjectScopedClusters"), "false"), "Clusters belong to no project: destination blocks list those that are allowed.")
	for _, account := range spec.Get("destinationServiceAccounts").Items() {
		w.identity(b, account)
	}
	for _, annotation := range meta.Get("annotations").Fields() {
		if strings.HasPrefix(annotation.Key(), "notifications.argoproj.io/subscribe") {
			w.subscription(b, annotation)
		}
	}
	for _, finalizer := range meta.Get("finalizers").Items() {
		finalizer.Text() // Argo CD's own: a project that is used cannot be deleted
	}
	b.Order("description", "repositories", "destination", "cluster_resources", "namespace_resources", "signature", "identity", "orphaned_resources", "role", "sync_window", "notify")
	im.add(projectsFile, b)
	im.imported["AppProject"]++
}

func (w *writer) sourceRepos(b *draft.Block, n *manifest.Node) {
	if len(n.Items()) == 0 {
		b.Set("repositories", draft.Strings("!**"), draft.None())
		w.finding(Differs, n, "A project without sourceRepos allows no repository in Argo CD. It is written as a denial of all; without the argument, all would be allowed.")
		return
	}
	if items := n.Items(); len(items) == 1 && items[0].Peek() == "*" {
		items[0].Text()
		return
	}
	w.setStrings(b, "repositories", n)
}

// destinations writes a block for every cluster, with its namespaces.
func (w *writer) destinations(b *draft.Block, n *manifest.Node) {
	if len(n.Items()) == 0 {
		w.noDestination(b, n)
		w.finding(Differs, n, "A project without destinations allows none in Argo CD. It is written as a denial of all; without the block, all would be allowed.")
		return
	}
	if items := n.Items(); len(items) == 1 && slices.Contains([]string{"", "*"}, items[0].Find("server").Peek()) &&
		slices.Contains([]string{"", "*"}, items[0].Find("name").Peek()) && items[0].Find("namespace").Peek() == "*" {
		n.Use()
		return
	}
	type destination struct {
		block      *draft.Block
		namespaces []draft.Item
	}
	byCluster := map[string]*destination{}
	var order []*destination
	for _, entry := range n.Items() {
		server, name, namespace := entry.Get("server"), entry.Get("name"), entry.Get("namespace")
		if namespace.Peek() == "" {
			w.leave(entry, "A destination without a namespace allows nothing but applications that have none. Add \"*\" if it should be all.")
			continue
		}
		key := server.Peek() + "\x00" + name.Peek()
		d := byCluster[key]
		if d == nil {
			d = &destination{block: w.nested(b, "destination", entry)}
			byCluster[key] = d
			order = append(order, d)
			if value, ok := w.clusterPattern(server, name); ok {
				d.block.Set("clusters", draft.List(draft.Item{Value: value}), joinComments(w.comments(server), w.comments(name)))
			}
		} else {
			w.at(entry, d.block)
		}
		server.Text()
		name.Text()
		d.namespaces = append(d.namespaces, draft.Item{Value: draft.String(namespace.Text()), Comments: w.comments(namespace)})
	}
	for _, d := range order {
		d.block.Set("namespaces", draft.List(d.namespaces...), draft.None())
	}
	if len(order) == 0 { // without a block all would be allowed
		w.noDestination(b, n)
	}
}

// noDestination says that a project's applications may go nowhere.
func (w *writer) noDestination(b *draft.Block, n *manifest.Node) {
	w.nested(b, "destination", n).Set("clusters", draft.Strings("!*"), draft.None())
}

func joinComments(a, b manifest.Comments) manifest.Comments {
	return manifest.Comments{Lead: append(a.Lead, b.Lead...), Trail: strings.TrimSpace(a.Trail + " " + b.Trail), Foot: append(a.Foot, b.Foot...)}
}

// clusterPattern returns a cluster, or a pattern of clusters; false stands for all
// of them.
func (w *writer) clusterPattern(server, name *manifest.Node) (draft.Value, bool) {
	isPattern := func(text string) bool { return strings.ContainsAny(text, "*?[{!\\") }
	switch {
	case server.Peek() != "" && !isPattern(server.Peek()):
		return draft.Raw(w.im.clusters.atServer(w.object, server).reference()), true
	case server.Peek() != "" && server.Peek() != "*":
		if server.Peek() == "!*" {
			return draft.String("!*"), true
		}
		return draft.String(server.Text()), true
	case name.Peek() != "" && !isPattern(name.Peek()):
		return draft.Raw(w.im.clusters.named(w.object, name).reference()), true
	case name.Peek() != "" && name.Peek() != "*":
		text := name.Text()
		if !w.im.exact.clusters {
			text = strings.ReplaceAll(text, "-", "_") // as the names are now
		}
		return draft.String(text), true
	}
	return draft.Value{}, false
}

// unambiguous are kinds of the core group that are of no other.
var unambiguous = []string{
	"ConfigMap", "Endpoints", "LimitRange", "Namespace", "Node", "PersistentVolume", "PersistentVolumeClaim", "Pod",
	"ReplicationController", "ResourceQuota", "Secret", "ServiceAccount",
}

func (w *writer) resources(b *draft.Block, blockType string, allow, deny *manifest.Node, listed bool) {
	block := &draft.Block{Type: blockType}
	w.at(allow, block)
	w.at(deny, block)
	if items := w.kinds(allow); len(items) > 0 || allow != nil && !listed {
		block.Set("allow", draft.List(items...), draft.None())
	}
	if items := w.kinds(deny); len(items) > 0 {
		block.Set("deny", draft.List(items...), draft.None())
	}
	if !block.Empty() {
		b.Add(block)
		return
	}
	b.Comment(block.Comments.Lead...)
}

func (w *writer) kinds(n *manifest.Node) []draft.Item {
	var items []draft.Item
	for _, entry := range n.Items() {
		group, kind, name := entry.Get("group").Text(), entry.Get("kind").Text(), entry.Get("name").Text()
		text := group + "/" + kind
		switch {
		case group == "*" && kind == "*":
			text = "*"
		case group == "" && slices.Contains(unambiguous, kind), group == "*":
			text = kind
		}
		if name != "" {
			text += ":" + name
		}
		comments := w.comments(entry)
		for _, field := range entry.Fields() {
			comments = joinComments(comments, w.comments(field))
		}
		items = append(items, draft.Item{Value: draft.String(text), Comments: comments})
	}
	return items
}

func (w *writer) syncWindow(b *draft.Block, n *manifest.Node) {
	block := w.nested(b, "sync_window", n)
	w.set(block, "description", w.unless(n.Get("description"), ""))
	w.set(block, "kind", n.Get("kind"))
	w.set(block, "schedule", n.Get("schedule"))
	w.set(block, "duration", n.Get("duration"))
	w.set(block, "time_zone", w.unless(n.Get("timeZone"), "", "UTC"))
	w.setStrings(block, "applications", n.Get("applications"))
	w.setStrings(block, "namespaces", n.Get("namespaces"))
	w.windowClusters(block, n.Get("clusters"))
	w.set(block, "manual_sync", w.unless(n.Get("manualSync"), "false"))
	if and := w.unless(n.Get("andOperator"), "false"); and != nil {
		and.Text()
		block.Set("match", draft.String("all"), w.comments(and))
	}
	w.set(block, "overrun", w.unless(n.Get("syncOverrun"), "false"))
}

func (w *writer) windowClusters(block *draft.Block, n *manifest.Node) {
	var items []draft.Item
	for _, entry := range n.Items() {
		var server, name *manifest.Node
		if strings.Contains(entry.Peek(), "://") {
			server = entry
		} else {
			name = entry
		}
		value, ok := w.clusterPattern(server, name)
		if !ok {
			value = draft.String("*")
			if entry.Peek() != "*" {
				w.finding(Differs, entry, "It is no name, URL or pattern of a cluster, and matches none in Argo CD. It is written as a pattern of all: the window holds for every cluster, until you name those that are meant.")
			}
		}
		entry.Text()
		items = append(items, draft.Item{Value: value, Comments: w.comments(entry)})
	}
	if len(items) > 0 {
		block.Set("clusters", draft.List(items...), w.comments(n))
	}
}

func (w *writer) orphans(b *draft.Block, n *manifest.Node) {
	if n == nil {
		return
	}
	block := w.nested(b, "orphaned_resources", n)
	n.Get("warn").Text() // they are reported always
	for _, entry := range n.Get("ignore").Items() {
		inner := w.nested(block, "ignore", entry)
		w.set(inner, "group", w.unless(entry.Get("group"), ""))
		w.set(inner, "kind", w.unless(entry.Get("kind"), "", "*"))
		w.set(inner, "name", w.unless(entry.Get("name"), "", "*"))
	}
}

// identity says as whom requests are made at a destination.
func (w *writer) identity(b *draft.Block, n *manifest.Node) {
	block := w.nested(b, "identity", n)
	server := n.Get("server")
	if value, ok := w.clusterPattern(server, nil); ok {
		block.Set("clusters", draft.List(draft.Item{Value: value}), w.comments(server))
	}
	server.Text()
	if namespace := w.unless(n.Get("namespace"), "", "*"); namespace != nil {
		block.Set("namespaces", draft.Strings(namespace.Text()), w.comments(namespace))
	}
	w.set(block, "service_account", n.Get("defaultServiceAccount"))
}

// signatures says whose signatures commits must have: by the keys of the project,
// or by the policies that came after them.
func (w *writer) signatures(b *draft.Block, spec *manifest.Node) {
	if keys := spec.Get("signatureKeys"); len(keys.Items()) > 0 {
		block := w.nested(b, "signature", keys)
		var ids []draft.Item
		for _, key := range keys.Items() {
			ids = append(ids, draft.Item{Value: w.gpgKey(key.Get("keyID")), Comments: w.comments(key)})
		}
		block.Set("gpg_keys", draft.List(ids...), draft.None())
		w.leave(spec.Get("sourceIntegrity"), "Argo CD passes over it, as there are signatureKeys.")
		return
	}
	for _, policy := range spec.Get("sourceIntegrity").Get("git").Get("policies").Items() {
		gpg := policy.Get("gpg")
		mode := gpg.Get("mode").Text()
		var urls []draft.Item
		for _, repo := range policy.Get("repos").Items() {
			urls = append(urls, draft.Item{Value: draft.String(repo.Get("url").Text()), Comments: w.comments(repo)})
		}
		if mode == "none" {
			w.leave(policy, "Signatures are asked of repositories that a signature block names; of others none are.")
			continue
		}
		block := w.nested(b, "signature", policy)
		if len(urls) > 0 {
			block.Set("repositories", draft.List(urls...), draft.None())
		}
		if mode == "strict" {
			block.Set("mode", draft.String("strict"), draft.None())
		}
		var keys []draft.Item
		for _, key := range gpg.Get("keys").Items() {
			keys = append(keys, draft.Item{Value: w.gpgKey(key), Comments: w.comments(key)})
		}
		block.Set("gpg_keys", draft.List(keys...), w.comments(gpg.Get("keys")))
	}
}

// gpgKeysMap is the ConfigMap that has the public keys.
const gpgKeysMap = "argocd-gpg-keys-cm"

// gpgKey is the public key of an id: Argo CD has them in a ConfigMap, which may be among
// the files.
func (w *writer) gpgKey(n *manifest.Node) draft.Value {
	id := strings.ToUpper(n.Text())
	for _, key := range w.im.configMaps[gpgKeysMap].Find("data").Fields() {
		if known := strings.ToUpper(key.Key()); len(id) >= 16 && len(known) >= 16 && (strings.HasSuffix(known, id) || strings.HasSuffix(id, known)) {
			return draft.String(key.Peek())
		}
	}
	w.finding(ToDo, n, "The public key is in the ConfigMap argocd-gpg-keys-cm, which is not among the files or does not have it: give the variable what \"gpg --export --armor %s\" prints.", id)
	return draft.Raw(w.im.variable(identifier("gpg_key", "gpg_key_"+strings.ToLower(id)), "The OpenPGP public key "+id+", whose signatures are good: what gpg --export --armor prints.", false))
}
