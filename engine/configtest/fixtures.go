package configtest

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// fixtures are the fixtures of one run, evaluated.
type fixtures struct {
	sources    []*sourceFixture
	generators map[string]*generatorFixture // by type and name, or the whole address
	clusters   map[string]*clusterFixture   // by name
}

type generatorFixture struct {
	*fixture
	items cty.Value
}

type clusterFixture struct {
	*fixture
	added       bool
	arguments   map[string]cty.Value // labels and annotations
	version     string
	apiVersions []string
	objects     []object.Object
}

// evaluateFixtures evaluates a run's fixtures: its own, and those of the file that
// it has none for.
func evaluateFixtures(file, run []*fixture, ctx *hcl.EvalContext) (*fixtures, hcl.Diagnostics) {
	out := &fixtures{generators: map[string]*generatorFixture{}, clusters: map[string]*clusterFixture{}}
	var diags hcl.Diagnostics
	for _, f := range append(append([]*fixture{}, run...), file...) {
		values, more := f.parsed.Decode(ctx)
		diags = append(diags, more...)
		if more.HasErrors() {
			continue
		}
		if !values.Known() {
			diags = append(diags, f.problem(f.header, "Value not known", "The values of fixtures must be known."))
			continue
		}
		switch f.kind {
		case fixtureSource:
			made, more := decodeSource(f, values)
			out.sources, diags = append(out.sources, made), append(diags, more...)
		case fixtureGenerator:
			made, more := decodeGenerator(f, values)
			diags = append(diags, more...)
			if out.generators[f.name] == nil {
				out.generators[f.name] = made
			} else {
				f.used.Store(true) // the run has its own
			}
		case fixtureCluster:
			made, more := decodeCluster(f, values)
			diags = append(diags, more...)
			if out.clusters[f.name] == nil {
				out.clusters[f.name] = made
			} else {
				f.used.Store(true)
			}
		}
	}
	return out, diags
}

func (f *fixture) problem(at hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()}
}

func decodeSource(f *fixture, v *schema.Values) (*sourceFixture, hcl.Diagnostics) {
	made := &sourceFixture{fixture: f, revision: v.String("revision"), chart: v.String("chart"), path: v.String("path"), files: v.StringMap("files")}
	var diags hcl.Diagnostics
	switch {
	case v.Has("path") && v.Has("files"):
		diags = append(diags, f.problem(v.RangeOf("path"), "Conflicting arguments", "The files of a source are in a directory, or written in the fixture, not both. Remove path or files."))
	case !v.Has("path") && !v.Has("files"):
		diags = append(diags, f.problem(f.header, "Missing required argument", "It is not said what the source holds: set path to a directory, or files."))
	}
	return made, diags
}

func decodeGenerator(f *fixture, v *schema.Values) (*generatorFixture, hcl.Diagnostics) {
	items, _ := v.Get("items")
	made := &generatorFixture{fixture: f, items: items.Value}
	for it := items.ElementIterator(); it.Next(); {
		key, item := it.Element()
		if !item.Type().IsObjectType() && !item.Type().IsMapType() || item.IsNull() {
			return made, hcl.Diagnostics{f.problem(items.Range(), "Invalid generator element", fmt.Sprintf("The item %s must be an object, but is %s.", value.Text(key), value.Kind(item)))}
		}
	}
	return made, nil
}

func decodeCluster(f *fixture, v *schema.Values) (*clusterFixture, hcl.Diagnostics) {
	made := &clusterFixture{
		fixture: f, added: v.Bool("added", false), arguments: map[string]cty.Value{},
		version: v.String("version"), apiVersions: v.Strings("api_versions"),
	}
	for _, name := range []string{"labels", "annotations"} {
		if argument, ok := v.Get(name); ok {
			made.arguments[name] = argument.Value
		}
	}
	objects, ok := v.Get("objects")
	if !ok {
		return made, nil
	}
	var diags hcl.Diagnostics
	for it := objects.ElementIterator(); it.Next(); {
		index, item := it.Element()
		plain, _, err := value.ToJSON(item)
		content, isMap := plain.(map[string]any)
		o := object.Object(content)
		switch {
		case err != nil:
			diags = append(diags, f.problem(objects.Range(), "Invalid object", fmt.Sprintf("Object %s: %s.", value.Text(index), err)))
		case !isMap || o.Kind() == "" || o.APIVersion() == "" || o.Name() == "":
			diags = append(diags, f.problem(objects.Range(), "Invalid object", fmt.Sprintf("Object %s needs apiVersion, kind and metadata.name.", value.Text(index))))
		default:
			made.objects = append(made.objects, o)
		}
	}
	return made, diags
}

// items returns what a generator gives, if there is a fixture for it.
func (f *fixtures) items(address addr.Address) (cty.Value, bool) {
	if address.Kind != "generator" {
		return cty.NilVal, false
	}
	for _, name := range []string{address.String(), strings.TrimPrefix(address.String(), "generator."), strings.TrimPrefix(address.Block().String(), "generator.")} {
		if found := f.generators[name]; found != nil {
			found.used.Store(true)
			return found.items, true
		}
	}
	return cty.NilVal, false
}

// arguments returns what a cluster has in place of what its block says.
func (f *fixtures) arguments(address addr.Address) map[string]cty.Value {
	if address.Kind != "cluster" {
		return nil
	}
	name := address.Name
	if address.HasKey {
		name = address.Key
	}
	found := f.clusters[name]
	if found == nil {
		return nil
	}
	found.used.Store(true)
	return found.arguments
}

// addedClusters writes the blocks of the clusters that fixtures add, "" for none.
func (f *fixtures) addedClusters() string {
	var out strings.Builder
	for _, name := range schema.SortedKeys(f.clusters) {
		if f.clusters[name].added {
			fmt.Fprintf(&out, "cluster %q {\n  server = %q\n}\n", name, "https://"+strings.ReplaceAll(name, "_", "-")+".invalid")
		}
	}
	return out.String()
}
