package configtest

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/localdir"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/providers/tree"
	"github.com/gantrycd/gantry/state"
	statememory "github.com/gantrycd/gantry/state/memory"
)

// someone is the field manager of objects that fixtures put into a cluster.
const someone = "fixture"

// addedFile is the name of the file that declares the clusters which fixtures add.
const addedFile = "gantrytest-fixtures.gantry.hcl"

// session is what the runs of one file share: the clusters and the state, and the
// configuration as it was read.
type session struct {
	options  Options
	file     *testFile
	files    fs.FS // the configuration's directory
	local    *localdir.Source
	records  *state.Records
	stopped  string // the run that did not pass, and that the others build on
	modules  map[string]*loaded
	put      map[*fixture]bool // whose objects are in their cluster
	clusters clusters
}

// loaded is a configuration as it was read.
type loaded struct {
	module *lang.Module
	diags  hcl.Diagnostics
}

func newSession(options Options, file *testFile) (*session, error) {
	root, err := os.OpenRoot(options.Dir)
	if err != nil {
		return nil, err
	}
	records, err := state.Open(context.Background(), statememory.New())
	if err != nil {
		return nil, err
	}
	return &session{
		options: options, file: file, files: root.FS(), local: localdir.New(localdir.Options{Root: options.Dir}), records: records,
		modules: map[string]*loaded{}, put: map[*fixture]bool{}, clusters: clusters{apiVersions: options.APIVersions, byName: map[string]*memory.Cluster{}},
	}, nil
}

// sources are the files of all configurations that were read.
func (s *session) sources() map[string]*hcl.File {
	out := map[string]*hcl.File{}
	for _, l := range s.modules {
		maps.Copy(out, l.module.Files())
	}
	return out
}

// load reads the configuration, with the clusters that fixtures add.
func (s *session) load(f *fixtures) (*loaded, hcl.Diagnostics) {
	for _, name := range schema.SortedKeys(f.clusters) {
		if added := f.clusters[name]; added.added && !hclsyntax.ValidIdentifier(name) {
			return nil, hcl.Diagnostics{added.problem(added.label, "Invalid name", fmt.Sprintf("A cluster cannot be called %q: a name must start with a letter or \"_\" and have only letters, digits, \"_\" and \"-\".", name))}
		}
	}
	plain, err := s.read("")
	if err != nil {
		return nil, err
	}
	for _, node := range plain.module.Graph() {
		if added := f.clusters[node.Address.Name]; node.Address.Kind == "cluster" && added != nil && added.added {
			return nil, hcl.Diagnostics{added.problem(added.label, "Duplicate declaration", fmt.Sprintf("The configuration has a cluster %q already. Without added = true, the fixture is for that one.", added.name))}
		}
	}
	return s.read(f.addedClusters())
}

// read reads the configuration, and what is added to it, once.
func (s *session) read(added string) (*loaded, hcl.Diagnostics) {
	if s.modules[added] == nil {
		var files fs.FS
		if added != "" {
			content := &tree.Memory{}
			if err := content.AddFile(addedFile, []byte(added), false); err != nil {
				return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot run tests", Detail: err.Error()}}
			}
			files = overlay{over: tree.New(content, 0), base: s.files}
		}
		module, diags := s.options.Load(files)
		s.modules[added] = &loaded{module: module, diags: diags}
	}
	return s.modules[added], nil
}

// prepare puts what fixtures say into the clusters, once.
func (s *session) prepare(ctx context.Context, f *fixtures) hcl.Diagnostics {
	s.clusters.info = f.clusters
	var diags hcl.Diagnostics
	for _, name := range schema.SortedKeys(f.clusters) {
		fixture := f.clusters[name]
		if s.put[fixture.fixture] {
			continue
		}
		s.put[fixture.fixture] = true
		for _, o := range fixture.objects {
			o = o.DeepCopy()
			if engine.GuessResource(o.GVK()).Namespaced && o.Namespace() == "" {
				o.Metadata()["namespace"] = "default"
			}
			if err := s.clusters.of(name).Put(ctx, o, someone); err != nil {
				diags = append(diags, fixture.problem(fixture.header, "Invalid object", fmt.Sprintf("%s: %s.", o.ID(), err)))
			}
		}
	}
	return diags
}

// newEngine returns an engine for one run.
func (s *session) newEngine(f *fixtures) *engine.Engine {
	reading := &sources{local: s.local, fixtures: f.sources}
	return engine.New(engine.Options{
		Sources: reading.serve(), Renderers: s.options.Renderers, Clusters: &s.clusters, Records: s.records,
		Fingerprinter: s.records.Fingerprinter(), Version: s.options.Version, HealthTimeout: healthTimeout, Unsigned: true,
	})
}

// unused reports the fixtures that no run has used: most likely their name is not
// that of what they are for.
func (s *session) unused(runs []*Run) hcl.Diagnostics {
	var diags hcl.Diagnostics
	all := slices.Clone(s.file.fixtures)
	for i, run := range s.file.runs {
		if runs[i].Status != Errored { // it may have stopped before it came to them
			all = append(all, run.fixtures...)
		}
	}
	for _, f := range all {
		if f.used.Load() || s.stopped != "" {
			continue
		}
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "Fixture without effect",
			Detail:  fmt.Sprintf("No run has asked for the %s %q.%s", f.kind, f.name, s.near(f)),
			Subject: f.label.Ptr(),
		})
	}
	return diags
}

// near suggests what a fixture may be meant for.
func (s *session) near(f *fixture) string {
	var names []string
	for _, l := range s.modules {
		for _, node := range l.module.Graph() {
			switch {
			case f.kind == fixtureGenerator && node.Address.Kind == "generator":
				names = append(names, node.Address.Type+"."+node.Address.Name)
			case f.kind == fixtureCluster && node.Address.Kind == "cluster" && node.Address.Name != "":
				names = append(names, node.Address.Name)
			}
		}
	}
	if near := schema.Suggest(f.name, names); near != "" && near != f.name {
		return fmt.Sprintf(" Did you mean %q?", near)
	}
	return ""
}

// clusters are the clusters of a file by name. They implement providers.Clusters.
type clusters struct {
	info        map[string]*clusterFixture // of the present run
	apiVersions []string                   // of every cluster

	mu     sync.Mutex
	byName map[string]*memory.Cluster
}

// Connect implements providers.Clusters.
func (c *clusters) Connect(name string, _ target.Connection, _ target.Credentials) (providers.Cluster, error) {
	cluster := described{Cluster: c.of(name)}
	if f := c.info[name]; f != nil {
		cluster.version = f.version
		if len(f.apiVersions) > 0 {
			cluster.apiVersions = append(slices.Clone(c.apiVersions), f.apiVersions...)
			slices.Sort(cluster.apiVersions)
		}
	}
	return cluster, nil
}

func (c *clusters) of(name string) *memory.Cluster {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName[name] == nil {
		c.byName[name] = memory.New(memory.Options{Name: name, Resource: engine.GuessResource})
	}
	return c.byName[name]
}

// described is a cluster of which a fixture says what it is.
type described struct {
	*memory.Cluster
	version     string
	apiVersions []string
}

// Info implements providers.Cluster.
func (d described) Info(ctx context.Context) (providers.ClusterInfo, error) {
	info, err := d.Cluster.Info(ctx)
	info.Version, info.APIVersions = d.version, d.apiVersions
	return info, err
}

// overlay is a directory with another over it.
type overlay struct{ over, base fs.FS }

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	if name != "." {
		if file, err := o.over.Open(name); err == nil {
			return file, nil
		}
	}
	return o.base.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.base, name)
	if err != nil || name != "." {
		return entries, err
	}
	more, err := fs.ReadDir(o.over, name)
	entries = append(entries, more...)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// rendered collects what is rendered by application.
type rendered map[addr.Address][]object.Object
