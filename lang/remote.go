package lang

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/source"
)

// Remote is what was read of another configuration.
type Remote struct {
	Address addr.Address
	Name    string
	Backend Backend
	Pin     source.Pin // its digest is that of what the configuration published
	Range   hcl.Range
}

func remoteKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "remote",
			Labels: []string{"name"},
			Doc: "What another configuration gave when it was last applied, read from its state; nothing is changed there. " +
				"`remote.NAME.outputs` are its outputs but for the sensitive ones, `remote.NAME.clusters` its clusters by name, which can be used like one's own, without their credentials, and `remote.NAME.projects` the names and descriptions of its projects. " +
				"The plan records what was read. Only the root module has such blocks.",
			Example: `remote "network" {
  backend "local" {
    path = "../network/.gantry"
  }
}

locals {
  zone = remote.network.outputs.zone
}`,
			Blocks: remoteBackends(),
		},
		Root:     "remote",
		RootOnly: true,
		Decode:   decodeRemote,
	}
}

// remoteBackends are the backend blocks of a gantry block, one of which there must be.
func remoteBackends() []schema.Nested {
	blocks := backendBlocks()
	blocks[0].Min = 1
	return blocks
}

func decodeRemote(e *eval.Evaluation, in *eval.Instance) eval.Decoded {
	unknown := eval.Decoded{Value: cty.DynamicVal}
	backend := in.Values.One("backend")
	if backend == nil {
		return unknown
	}
	from := decodeBackend(in, backend)
	if from.Type == "local" && !backend.Has("path") {
		in.Errorf(backend.Range, "Missing required argument", "It is not said which state is meant: set path to the directory of the other configuration's state, such as \"../network/.gantry\". Without it, the state would be this configuration's own.")
	}
	switch {
	case in.Failed:
		return unknown
	case e.Offline():
		in.Deferred = true
		return unknown
	case !in.Values.Known():
		return unknown
	}
	document, err := e.ReadRemote(eval.RemoteState{Type: from.Type, Arguments: from.Arguments, Credentials: from.Credentials})
	switch {
	case errors.Is(err, eval.ErrNotRead):
		in.Deferred = true
		in.Report(&hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "State is not read", Subject: backend.Range.Ptr(),
			Detail: fmt.Sprintf("Offline no state is asked, so that it is not known what %s gives. Applications that depend on it are left out.", in.Address),
		})
		return unknown
	case err != nil:
		in.Errorf(backend.Range, "Cannot read state", "What %s gives cannot be told: %s.", in.Address, err)
		return unknown
	case document == nil:
		in.Errorf(backend.Range, "Configuration not applied yet", "The configuration that %s reads has given nothing to others: it was not applied yet, or has been destroyed since. Apply it first.", in.Address)
		return unknown
	}
	checkSensitiveOutputs(in, document)
	remote := &Remote{
		Address: in.Address, Name: in.Name(), Backend: from, Range: in.Values.Range,
		Pin: source.Pin{Location: source.Location{Type: source.Remote, URL: placeOf(from)}, Digest: document.Digest()},
	}
	e.Pin(remote.Pin)
	v, err := remoteValue(in, document)
	if err != nil {
		in.Errorf(backend.Range, "Cannot read state", "What %s gives cannot be told: %s.", in.Address, err)
		return unknown
	}
	return eval.Decoded{Value: v, Made: remote}
}

// placeOf names where a state is kept, for people.
func placeOf(backend Backend) string { return PlaceOf(backend.Type, backend.Arguments) }

// checkSensitiveOutputs reports the references to outputs that are not given because
// they are sensitive, which would otherwise look as if they were not there.
func checkSensitiveOutputs(in *eval.Instance, document *published.Document) {
	for _, reference := range in.ReferredTo() {
		if len(reference) < 4 || stepText(reference[2]) != "outputs" {
			continue
		}
		name := stepText(reference[3])
		if slices.ContainsFunc(document.Outputs, func(o published.Output) bool { return o.Sensitive && o.Name == name }) {
			in.Errorf(reference.SourceRange(), "Sensitive output", "The output %q of the configuration that %s reads is sensitive: it is in no state, so that it cannot be read from there. Read the secret from where it is kept, with a secret block.", name, in.Address)
		}
	}
}

// stepText returns the name that a step selects, or "".
func stepText(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}

// remoteValue is what expressions see of a document.
func remoteValue(in *eval.Instance, document *published.Document) (cty.Value, error) {
	outputs, clusters, projects := map[string]cty.Value{}, map[string]cty.Value{}, map[string]cty.Value{}
	for _, output := range document.Outputs {
		if output.Sensitive {
			continue
		}
		v, err := outputValue(output.Value)
		if err != nil {
			return cty.NilVal, fmt.Errorf("its output %q is broken: %w", output.Name, err)
		}
		outputs[output.Name] = v
	}
	for _, one := range document.Clusters {
		clusters[one.Name] = remoteCluster(in, one)
	}
	for _, project := range document.Projects {
		projects[project.Name] = cty.ObjectVal(map[string]cty.Value{
			"name": cty.StringVal(project.Name), "description": textOrNull(project.Description),
		})
	}
	return cty.ObjectVal(map[string]cty.Value{
		"outputs": cty.ObjectVal(outputs), "clusters": cty.ObjectVal(clusters), "projects": cty.ObjectVal(projects),
	}), nil
}

func outputValue(text json.RawMessage) (cty.Value, error) {
	ty, err := ctyjson.ImpliedType(text)
	if err != nil {
		return cty.NilVal, err
	}
	return ctyjson.Unmarshal(text, ty)
}

// remoteCluster is a cluster of another configuration. It is a cluster like one's
// own, and told apart by its address.
func remoteCluster(in *eval.Instance, one published.Cluster) cty.Value {
	cluster := &Cluster{
		Address: addr.Remote(in.Address, "cluster", one.Name), Name: one.Name, Connection: one.Connection,
		Labels: one.Labels, Annotations: one.Annotations, Range: in.Values.Range, Withheld: one.LogsIn,
	}
	return value.Block(value.Reference{Address: cluster.Address, Target: cluster}, map[string]cty.Value{
		"name": cty.StringVal(one.Name), "server": textOrNull(one.Connection.Server),
		"labels": textsValue(one.Labels), "annotations": textsValue(one.Annotations),
	})
}

func textOrNull(text string) cty.Value {
	if text == "" {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(text)
}

func textsValue(texts map[string]string) cty.Value {
	attributes := make(map[string]cty.Value, len(texts))
	for name, text := range texts {
		attributes[name] = cty.StringVal(text)
	}
	return cty.ObjectVal(attributes)
}

// withheldSummary is the summary of diagnostics about a cluster that cannot be logged
// in to.
const withheldSummary = "Cluster without credentials"

// withheldDetail says why a cluster of another configuration cannot be used.
func (c *Cluster) withheldDetail() string {
	return fmt.Sprintf("The configuration that declares %s logs in to it with credentials, which are given to nobody. Declare a cluster block here, with the server %q and an auth block, and use that.", c.Address, c.Connection.Server)
}

// checkRemoteClusters holds that applications can use the clusters of other
// configurations that they name: that these need no credentials which are not given,
// and that no other cluster in use has the same name, by which the state knows them.
func (f *finisher) checkRemoteClusters() {
	used := map[string]*Cluster{}
	for _, cluster := range f.config.Clusters {
		used[cluster.Name] = cluster
	}
	broken := map[addr.Address]bool{}
	for _, application := range f.config.Applications {
		cluster := application.Destination.Cluster
		if cluster == nil || !cluster.Address.InRemote() {
			continue
		}
		summary, detail := "", ""
		if other := used[cluster.Name]; other != nil && other.Address != cluster.Address {
			summary = "Duplicate cluster name"
			detail = fmt.Sprintf("%s and %s are both called %q, and clusters are known by their names. Give one of them another name where it is declared.", cluster.Address, other.Address, cluster.Name)
		} else if used[cluster.Name] = cluster; cluster.Withheld {
			summary, detail = withheldSummary, cluster.withheldDetail()
		}
		if summary == "" {
			continue
		}
		f.diags = append(f.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: application.Destination.Range.Ptr()})
		f.config.Broken = append(f.config.Broken, Broken{Address: application.Address, Range: application.Range})
		broken[application.Address] = true
	}
	if len(broken) > 0 {
		f.config.Applications = slices.DeleteFunc(f.config.Applications, func(a *Application) bool { return broken[a.Address] })
	}
}
