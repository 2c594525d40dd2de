package argocd

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/schema"
)

// The kinds of objects that are told by their names and labels.
const (
	clusterSecret     = "cluster Secret"
	repositorySecret  = "repository Secret"
	credentialsSecret = "repo-creds Secret"
	rbacMap           = "RBAC ConfigMap"
	notificationsMap  = "notifications ConfigMap"
)

// mentions tells whether a text that is no YAML, as a Helm template is none, would
// be of interest once it is.
var mentions = regexp.MustCompile(`argoproj\.io/|argocd-`)

func (im *importer) read(file File) {
	documents, problems := manifest.Read(file.Name, file.Data)
	if len(problems) > 0 && isHelmTemplate(file) {
		if mentions.Match(file.Data) {
			im.findings = append(im.findings, Finding{
				Level: LeftOut, File: file.Name, Line: 1,
				Text: "This is a template of a Helm chart, not YAML. To import what the chart makes, render it: helm template " + path.Dir(path.Dir(file.Name)) + " | gantry import argocd -",
			})
		}
		return
	}
	for _, problem := range problems {
		im.findings = append(im.findings, Finding{
			Level: NotRead, File: file.Name, Line: problem.Line,
			Text: "It cannot be read: " + problem.Text + ".",
		})
	}
	for _, document := range documents {
		im.document(document)
	}
}

func isHelmTemplate(file File) bool {
	return slices.Contains(strings.Split(path.Dir(file.Name), "/"), "templates") && strings.Contains(string(file.Data), "{{")
}

func (im *importer) document(document *manifest.Document) {
	root := document.Root
	apiVersion, kind := root.Find("apiVersion").Peek(), root.Find("kind").Peek()
	if items := root.Find("items"); strings.HasSuffix(kind, "List") && items != nil {
		for _, item := range items.Items() {
			im.document(&manifest.Document{File: document.File, Root: item})
		}
		return
	}
	o := &object{im: im, file: document.File, root: root, name: root.Find("metadata", "name").Peek()}
	o.kind = kindOf(apiVersion, kind, root)
	if near := schema.Suggest(kind, crdKinds[:]); o.kind == "" && strings.HasPrefix(apiVersion, "argoproj.io/") && near != "" {
		im.findings = append(im.findings, Finding{
			Level: NotRead, File: document.File, Line: max(root.Line(), 1),
			Text: fmt.Sprintf("Argo CD has no kind %s. Did you mean %q?", kind, near),
		})
		return
	}
	if o.kind == "" {
		im.passOver(document, apiVersion, kind)
		return
	}
	if o.name == "" {
		o.name = root.Find("metadata", "generateName").Peek()
	}
	o.secret = strings.HasSuffix(o.kind, "Secret")
	key := strings.Join([]string{o.kind, root.Find("metadata", "namespace").Peek(), o.name}, "/")
	if other := im.known[key]; other != nil && o.name != "" {
		o.findingAt(NotRead, root.Line(), "metadata.name", "There is another of that name in %s, line %d. In a cluster one replaces the other, so that only the first is imported.", other.file, other.root.Line())
		return
	}
	im.known[key] = o
	im.objects = append(im.objects, o)
}

// crdKinds are the kinds that Argo CD defines.
var crdKinds = [...]string{"AppProject", "Application", "ApplicationSet"}

// kindOf returns what a document is, or "" where it is not Argo CD's.
func kindOf(apiVersion, kind string, root *manifest.Node) string {
	switch {
	case strings.HasPrefix(apiVersion, "argoproj.io/") && slices.Contains(crdKinds[:], kind):
		return kind
	case apiVersion == "v1" && kind == "Secret":
		switch root.Find("metadata", "labels", "argocd.argoproj.io/secret-type").Peek() {
		case "cluster":
			return clusterSecret
		case "repository", "repository-write":
			return repositorySecret
		case "repo-creds":
			return credentialsSecret
		}
	case kind == "ConfigMap" && (apiVersion == "v1" || apiVersion == ""):
		switch root.Find("metadata", "name").Peek() {
		case "argocd-rbac-cm":
			return rbacMap
		case "argocd-notifications-cm":
			return notificationsMap
		}
	}
	return ""
}

func (im *importer) passOver(document *manifest.Document, apiVersion, kind string) {
	group, _, grouped := strings.Cut(apiVersion, "/")
	switch {
	case kind == "" && document.Root.Kind() == manifest.Map && document.Root.Find("apiVersion") == nil:
		kind = "none (values, parameters)"
	case kind == "":
		kind = "none"
	case kind == "ConfigMap" || kind == "Secret":
		if kind == "ConfigMap" {
			im.configMaps[document.Root.Find("metadata", "name").Peek()] = document.Root
		}
		if kind == "ConfigMap" && document.Root.Find("metadata", "name").Peek() == gpgKeysMap {
			return // its keys are where they are named
		}
		if name := document.Root.Find("metadata", "name").Peek(); strings.HasPrefix(name, "argocd-") {
			kind += " " + name // settings of Argo CD itself: each is worth a line
		}
	case grouped:
		kind = group + "/" + kind
	}
	im.others = append(im.others, document.File)
	p := im.passed[kind]
	if p == nil {
		p = &passedOver{file: document.File, line: max(document.Root.Line(), 1)}
		im.passed[kind] = p
	}
	p.count++
}

// serverFields are the fields of metadata that a cluster sets, and that are in what
// is exported from one.
var serverFields = []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences"}

// runtimeAnnotations are requests and records of Argo CD and kubectl, not
// configuration.
var runtimeAnnotations = []string{
	"kubectl.kubernetes.io/last-applied-configuration", "argocd.argoproj.io/refresh", "argocd.argoproj.io/hydrate",
	"argocd.argoproj.io/application-set-refresh", "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id", "notified.notifications.argoproj.io",
	"meta.helm.sh/release-name", "meta.helm.sh/release-namespace",
}

// header reads what every object has, and what a cluster adds to it.
func (o *object) header() (meta, spec *manifest.Node) {
	o.root.Get("apiVersion").Text()
	o.root.Get("kind").Text()
	o.root.Get("status").Use()
	o.root.Get("operation").Use()
	meta = o.root.Get("metadata")
	o.metadata(meta)
	meta.Get("name").Text()
	meta.Get("generateName").Text()
	meta.Get("namespace").Text()
	return meta, o.root.Get("spec")
}

func (o *object) metadata(meta *manifest.Node) {
	for _, field := range serverFields {
		meta.Get(field).Use()
	}
	for _, annotation := range runtimeAnnotations {
		meta.Get("annotations").Get(annotation).Text()
	}
}

// finish reports what of the object nobody has read, and finds a place for the
// comments that have none yet.
func (o *object) finish() {
	for _, n := range o.root.Unused() {
		o.unread(n)
	}
	for _, n := range o.root.Untaken() {
		if o.secret && (o.root.Find("data").Has(n) || o.root.Find("stringData").Has(n)) {
			n.Take()
			o.finding(LeftOut, n, "A comment beside a credential is not copied.")
			continue
		}
		o.comment(n, n.Take())
	}
}

// unread reports a part of the object that nobody has read.
func (o *object) unread(n *manifest.Node) {
	switch near := schema.Suggest(n.Key(), n.Missed()); {
	case n.Asked() && n.Kind() == manifest.Map && len(n.Fields()) > 0: // it is what is in it
		for _, field := range n.Fields() {
			o.unread(field)
		}
	case near != "" && !n.Asked():
		o.finding(LeftOut, n, "This is no field that is known. Did you mean %q?", near)
	default:
		o.finding(LeftOut, n, "This has no counterpart.")
	}
}

// comment adds comments of a node to the block that is nearest to it.
func (o *object) comment(n *manifest.Node, comments manifest.Comments) {
	if comments.Empty() {
		return
	}
	var block *draft.Block
	for at := n; at != nil && block == nil; at = at.Parent() {
		block = o.blocks[at]
	}
	if block == nil {
		block = o.main
	}
	if block == nil {
		o.finding(LeftOut, n, "A comment goes with what it is about: %q.", strings.Join(append(append(comments.Lead, nonEmpty(comments.Trail)...), comments.Foot...), " "))
		return
	}
	block.Comment(comments.Lead...)
	if comments.Trail != "" {
		text := comments.Trail
		if n.Kind() != manifest.Map && n.Kind() != manifest.List && !strings.Contains(n.Peek(), "\n") && n.Parent() != nil {
			what := n.Key() + ": " + n.Peek()
			if n.Parent().Kind() == manifest.List {
				what = n.Peek()
			}
			text += " (" + what + ")"
		}
		block.Comment(text)
	}
	block.Comment(comments.Foot...)
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// at remembers what a part of the object became.
func (o *object) at(n *manifest.Node, block *draft.Block) {
	if n == nil {
		return
	}
	if o.blocks == nil {
		o.blocks = map[*manifest.Node]*draft.Block{}
	}
	o.blocks[n] = block
	comments := n.Take()
	block.Comments.Lead = append(block.Comments.Lead, comments.Lead...)
	block.Comments.Foot = append(block.Comments.Foot, comments.Foot...)
	block.Comments.Trail = strings.TrimSpace(block.Comments.Trail + " " + comments.Trail)
}
