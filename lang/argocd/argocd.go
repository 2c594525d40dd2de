// Package argocd turns Argo CD's configuration into Gantry's: Applications,
// AppProjects and ApplicationSets, declarative clusters and repositories, and the
// ConfigMaps of RBAC and notifications, as YAML, into HCL as a person would have
// written it.
//
// Nothing is lost in silence: comments move along, and every field that has no
// counterpart, or one that works differently, is reported with its file and line.
// Credentials are never written out. The package does no I/O, and asks nothing of
// Argo CD or a cluster; cmd imports it.
package argocd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

// File is a file, read or to be written.
type File struct {
	Name string
	Data []byte
}

// Level says what a finding asks of people.
type Level string

// The levels of findings.
const (
	// NotRead: the file, or a document of it, could not be read.
	NotRead Level = "not_read"
	// LeftOut: it has no counterpart, or is none of Gantry's business.
	LeftOut Level = "left_out"
	// Differs: it was turned into something that works differently.
	Differs Level = "differs"
	// ToDo: something must be added by hand, such as a credential.
	ToDo Level = "to_do"
)

// Finding is one line of the report.
type Finding struct {
	Level  Level  `json:"level"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Object string `json:"object,omitempty"` // "Application guestbook"
	Path   string `json:"path,omitempty"`   // "spec.source.plugin"
	Text   string `json:"text"`             // sentences
}

// Result is what was made. Both lists are sorted, and the same for the same input.
type Result struct {
	Files    []File // *.gantry.hcl, by name
	Findings []Finding
	// Imported counts what was turned into configuration, by kind: "Application".
	Imported map[string]int
}

// Count returns how many findings there are of a level.
func (r *Result) Count(level Level) int {
	n := 0
	for _, finding := range r.Findings {
		if finding.Level == level {
			n++
		}
	}
	return n
}

// Import turns files of YAML or JSON into configuration. Their names are for the
// report, and tell which Applications a directory of Applications is made of.
func Import(files []File) *Result {
	im := newImporter()
	for _, file := range files {
		im.read(file)
	}
	im.index()
	im.convert()
	return &Result{Files: im.files(), Findings: im.report(), Imported: im.imported}
}

// importer is one run.
type importer struct {
	findings []Finding
	imported map[string]int

	passed     map[string]*passedOver    // documents that are not Argo CD's, by kind
	others     []string                  // the files that they are in
	configMaps map[string]*manifest.Node // those among them, by name

	objects     []*object
	known       map[string]*object // by kind, namespace and name
	parents     map[*object]bool   // Applications that only make configuration of Argo CD
	mixed       map[*object]bool   // those that make something else, too
	directories []*directory
	endings     map[string][]*directory // by the ends of their paths

	names map[string]map[string]bool        // the labels that are taken, by kind
	exact struct{ clusters, projects bool } // whether names keep their dashes
	// selectsSecretType: a generator asks for the label that all cluster Secrets have.
	selectsSecretType bool

	clusters  *clusters
	repos     *repositories
	projects  map[string]string // labels, by name
	variables map[string]bool
	secrets   map[string]string       // references, by where the credential is
	generated map[string]*draft.Block // generators, by what they say
	context   map[string]string       // what messages know besides the application
	notifiers map[string]string       // references, by service
	triggers  map[string]string       // references, by name
	ruled     *object                 // the first that says what somebody may do
	roles     int                     // how many are written

	outputs map[string][]*draft.Block // by file
}

func newImporter() *importer {
	im := &importer{
		imported: map[string]int{}, passed: map[string]*passedOver{}, configMaps: map[string]*manifest.Node{},
		known: map[string]*object{}, parents: map[*object]bool{}, mixed: map[*object]bool{}, endings: map[string][]*directory{}, names: map[string]map[string]bool{},
		projects: map[string]string{}, variables: map[string]bool{}, secrets: map[string]string{}, generated: map[string]*draft.Block{},
		notifiers: map[string]string{}, triggers: map[string]string{}, outputs: map[string][]*draft.Block{},
	}
	im.clusters = newClusters(im)
	im.repos = newRepositories(im)
	return im
}

// The files that are written, one for each concern.
const (
	clustersFile      = "clusters"
	repositoriesFile  = "repositories"
	projectsFile      = "projects"
	generatorsFile    = "generators"
	applicationsFile  = "applications"
	rolloutsFile      = "rollouts"
	accessFile        = "access"
	notificationsFile = "notifications"
	secretsFile       = "secrets"
	variablesFile     = "variables"
)

// convert turns every object into blocks: what others refer to first.
func (im *importer) convert() {
	for _, kind := range []string{clusterSecret, repositorySecret, credentialsSecret, notificationsMap, "AppProject", "Application", "ApplicationSet", rbacMap} {
		for _, o := range im.objects {
			if o.kind != kind {
				continue
			}
			switch kind {
			case clusterSecret:
				im.clusterSecret(o)
			case repositorySecret, credentialsSecret:
				im.repositorySecret(o)
			case "AppProject":
				im.project(o)
			case notificationsMap:
				im.notifications(o)
			case "Application":
				im.application(o)
			case "ApplicationSet":
				im.applicationSet(o)
			case rbacMap:
				im.access(o)
			}
			o.finish()
		}
	}
	if im.ruled != nil && im.roles == 0 {
		im.ruled.finding(ToDo, im.ruled.root, "Of all that is said of what people may do nothing is left, so that there is no role. Where there is none, everybody may do everything: write one.")
	}
	im.clusters.write()
	im.repos.write()
}

// add puts a block into a file.
func (im *importer) add(file string, block *draft.Block) {
	im.outputs[file] = append(im.outputs[file], block)
}

func (im *importer) files() []File {
	var out []File
	for name, blocks := range im.outputs {
		if len(blocks) > 0 {
			out = append(out, File{Name: name + ".gantry.hcl", Data: draft.Render(blocks)})
		}
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// report sorts the findings, and drops those that are there twice.
func (im *importer) report() []Finding {
	for _, kind := range slices.Sorted(maps.Keys(im.passed)) {
		p := im.passed[kind]
		im.findings = append(im.findings, Finding{
			Level: LeftOut, File: p.file, Line: p.line,
			Text: fmt.Sprintf("Passed over: %s. It is no configuration of Argo CD; if an Application makes it, its source does so still.", p.text(kind)),
		})
	}
	slices.SortStableFunc(im.findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Path, b.Path))
	})
	seen := map[Finding]bool{}
	return slices.DeleteFunc(im.findings, func(f Finding) bool {
		again := seen[f]
		seen[f] = true
		return again
	})
}

// passedOver counts the documents of a kind that are not Argo CD's.
type passedOver struct {
	file  string
	line  int
	count int
}

func (p *passedOver) text(kind string) string {
	if p.count == 1 {
		return "1 document of kind " + kind
	}
	return fmt.Sprintf("%d documents of kind %s, of which this is the first", p.count, kind)
}

// object is one document of Argo CD's.
type object struct {
	im   *importer
	file string
	root *manifest.Node
	kind string
	name string

	main   *draft.Block                    // what it became
	blocks map[*manifest.Node]*draft.Block // what parts of it became, for comments
	secret bool                            // it holds credentials, which comments may show
}

func (o *object) finding(level Level, n *manifest.Node, format string, args ...any) {
	o.findingAt(level, n.Line(), n.Path(), format, args...)
}

func (o *object) findingAt(level Level, line int, path, format string, args ...any) {
	if line == 0 {
		line = o.root.Line()
	}
	o.im.findings = append(o.im.findings, Finding{
		Level: level, File: o.file, Line: line, Object: strings.TrimSpace(o.title() + " " + o.name), Path: path,
		Text: fmt.Sprintf(format, args...),
	})
}

// leave reports what has no counterpart, and counts it as read.
func (o *object) leave(n *manifest.Node, format string, args ...any) {
	if n != nil {
		n.Use()
		o.finding(LeftOut, n, format, args...)
	}
}

func (o *object) title() string {
	switch o.kind {
	case clusterSecret, repositorySecret, credentialsSecret:
		return "Secret"
	case rbacMap, notificationsMap:
		return "ConfigMap"
	}
	return o.kind
}
