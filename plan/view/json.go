package view

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/view/words"
)

// JSONVersion is of the shape that JSON writes, described in docs/plan-json.md.
// Its second part grows with what is added, its first with anything else.
const JSONVersion = "1.4"

// JSON writes a plan for programs.
func JSON(w io.Writer, p *plan.Plan) error {
	encoder := json.NewEncoder(words.EscapeJSON(w))
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(jsonPlanOf(p)); err != nil {
		return fmt.Errorf("writing a plan as JSON: %w", err)
	}
	return nil
}

type jsonPlan struct {
	FormatVersion string            `json:"formatVersion"`
	ToolVersion   string            `json:"toolVersion"`
	CreatedAt     time.Time         `json:"createdAt"`
	ExpiresAt     *time.Time        `json:"expiresAt"`
	ID            string            `json:"id"`
	Destroy       bool              `json:"destroy"`
	Offline       bool              `json:"offline"`
	Against       *plan.Against     `json:"against"`
	AsOf          *time.Time        `json:"asOf"`
	Between       *plan.Between     `json:"between,omitempty"`
	Act           *plan.Act         `json:"act"`
	Targets       []string          `json:"targets"`
	Affected      *plan.Affected    `json:"affected,omitempty"`
	Lineage       string            `json:"lineage"`
	InputDigest   string            `json:"inputDigest"`
	HasChanges    bool              `json:"hasChanges"`
	Blocked       bool              `json:"blocked"`
	NeedsApproval bool              `json:"needsApproval,omitempty"`
	Counts        plan.Counts       `json:"counts"`
	RiskCounts    riskCounts        `json:"riskCounts"`
	Clusters      []jsonCluster     `json:"clusters"`
	Generators    []jsonGenerator   `json:"generators"`
	Remotes       []jsonRemote      `json:"remotes"`
	Outputs       []jsonOutput      `json:"outputs"`
	Applications  []jsonApplication `json:"applications"`
	Rollouts      []jsonRollout     `json:"rollouts,omitempty"`
	Steps         []jsonStep        `json:"steps"`
	Problems      []jsonProblem     `json:"problems"`
	Orphans       []jsonOrphan      `json:"orphans,omitempty"`
}

type jsonCluster struct {
	Name    string `json:"name"`
	UID     string `json:"uid"`
	Server  string `json:"server"`
	Version string `json:"version"`
}

type jsonGenerator struct {
	Address addr.Address `json:"address"`
	Keys    []string     `json:"keys"`
	Removed []string     `json:"removed"`
	Blocked bool         `json:"blocked"`
	Leaves  bool         `json:"leaves"`
	Reads   []jsonSource `json:"reads"`
}

type jsonApplication struct {
	Address    addr.Address      `json:"address"`
	Name       string            `json:"name"`
	Project    string            `json:"project"`
	Cluster    string            `json:"cluster"`
	Namespace  string            `json:"namespace"`
	Labels     map[string]string `json:"labels"`
	Sources    []jsonSource      `json:"sources"`
	DependsOn  []addr.Address    `json:"dependsOn"`
	Leaves     bool              `json:"leaves"`
	MovedFrom  addr.Address      `json:"movedFrom,omitzero"`
	HasChanges bool              `json:"hasChanges"`
	Digest     string            `json:"digest"`
	Counts     plan.Counts       `json:"counts"`
	Blocked    []jsonProblem     `json:"blocked"`
	// NeedsApproval are the approvals without which it is not applied, that policies want.
	NeedsApproval []jsonNeed     `json:"needsApproval,omitempty"`
	Warnings      []string       `json:"warnings"`
	Held          *plan.Hold     `json:"held,omitempty"`
	Lifts         *plan.Hold     `json:"lifts,omitempty"`
	Rollback      *plan.Rollback `json:"rollback,omitempty"`
	Opening       *plan.Opening  `json:"opening,omitempty"` // by its sync windows
	Risks         []jsonRisk     `json:"risks"`
	// Policies are the violations of policies, those that are exempt too.
	Policies  []jsonPolicyResult `json:"policies,omitempty"`
	Changes   []jsonChange       `json:"changes"`
	LastApply *jsonLastApply     `json:"lastApply,omitempty"` // where it did not succeed
}

type jsonLastApply struct {
	At        time.Time `json:"at"`
	Outcome   string    `json:"outcome"`
	Message   string    `json:"message"`
	Resumable bool      `json:"resumable"`
}

type jsonSource struct {
	Type     source.Type `json:"type"`
	URL      string      `json:"url"`
	Chart    string      `json:"chart"`
	Path     string      `json:"path"`
	Revision string      `json:"revision"`
	Resolved string      `json:"resolved"`
	Digest   string      `json:"digest"`
	Was      *jsonWas    `json:"was"`
	// Signatures are those that were asked for and verified.
	Signatures []source.Signature `json:"signatures,omitempty"`
}

type jsonWas struct {
	Revision string `json:"revision"`
	Resolved string `json:"resolved"`
	Digest   string `json:"digest"`
}

type jsonObject struct {
	Group     string `json:"group"`
	Version   string `json:"version"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type jsonChange struct {
	Object     jsonObject      `json:"object"`
	Action     plan.Action     `json:"action"`
	Deletes    bool            `json:"deletes"`
	Reason     string          `json:"reason"`
	Origin     string          `json:"origin"`
	Phase      plan.Phase      `json:"phase"`
	Wave       int             `json:"wave"`
	Predicted  bool            `json:"predicted"`
	Confirm    bool            `json:"confirm"`
	Fields     []jsonField     `json:"fields"`
	Body       object.Object   `json:"body"`
	Conflicts  []jsonConflict  `json:"conflicts"`
	Warnings   []string        `json:"warnings"`
	Takes      []jsonTaken     `json:"takes"`
	Moves      []jsonMove      `json:"moves"`
	Validation plan.Validation `json:"validation"`
}

type jsonField struct {
	Path      string         `json:"path"`
	Kind      plan.FieldKind `json:"kind"`
	Before    any            `json:"before"`
	After     any            `json:"after"`
	Sensitive bool           `json:"sensitive"`
	Drift     *jsonWriter    `json:"drift"`
	Server    bool           `json:"server"`
	Owned     bool           `json:"owned"`
}

type jsonWriter struct {
	Manager   string     `json:"manager"`
	Operation string     `json:"operation"`
	At        *time.Time `json:"at"`
}

type jsonConflict struct {
	Path string `json:"path"`
	jsonWriter
	Before    any  `json:"before"`
	After     any  `json:"after"`
	Sensitive bool `json:"sensitive"`
}

type jsonProblem struct {
	Address string      `json:"address"`
	Object  *jsonObject `json:"object"`
	Summary string      `json:"summary"`
	Detail  string      `json:"detail"`
	Range   string      `json:"range"`
	Rule    string      `json:"rule,omitempty"`
}

func jsonPlanOf(p *plan.Plan) jsonPlan {
	out := jsonPlan{
		FormatVersion: JSONVersion, ToolVersion: p.ToolVersion, CreatedAt: p.CreatedAt, ID: p.ID, RiskCounts: riskCountsOf(p), Destroy: p.Destroy, Offline: p.Offline,
		Targets: notNil(p.Targets), Lineage: p.Lineage, InputDigest: p.InputDigest,
		HasChanges: p.HasChanges(), Blocked: p.IsBlocked(), NeedsApproval: p.NeedsApproval(), Counts: everyAction(p.Counts()), Problems: jsonProblems(p.Problems),
		Clusters: []jsonCluster{}, Generators: []jsonGenerator{}, Remotes: jsonRemotes(p), Outputs: jsonOutputs(p), Applications: []jsonApplication{}, Steps: jsonSteps(p), Rollouts: jsonRollouts(p),
	}
	if !p.ExpiresAt.IsZero() {
		out.ExpiresAt = &p.ExpiresAt
	}
	out.Against, out.Between, out.Act, out.Affected = p.Against, p.Between, p.Act, p.Affected
	out.Orphans = jsonOrphans(p)
	if !p.AsOf.IsZero() {
		out.AsOf = &p.AsOf
	}
	for _, c := range p.Clusters {
		out.Clusters = append(out.Clusters, jsonCluster{Name: c.Name, UID: c.UID, Server: c.Server, Version: c.Version})
	}
	for _, g := range p.Generators {
		out.Generators = append(out.Generators, jsonGeneratorOf(g))
	}
	for i := range p.Applications {
		out.Applications = append(out.Applications, jsonApplicationOf(&p.Applications[i]))
	}
	return out
}

func jsonGeneratorOf(g plan.Generator) jsonGenerator {
	out := jsonGenerator{
		Address: g.Address, Keys: notNil(g.Keys), Removed: notNil(g.Removed), Blocked: g.Blocked, Leaves: g.Leaves, Reads: []jsonSource{},
	}
	for _, pin := range g.Reads {
		out.Reads = append(out.Reads, jsonSourceOf(pin))
	}
	return out
}

func jsonSourceOf(pin source.Pin) jsonSource {
	return jsonSource{
		Type: pin.Type, URL: withoutLogin(pin.URL), Chart: pin.Chart, Path: pin.Path,
		Revision: pin.Revision, Resolved: pin.Resolved, Digest: pin.Digest, Signatures: pin.Signatures,
	}
}

func jsonApplicationOf(a *plan.Application) jsonApplication {
	out := jsonApplication{
		Address: a.Address, Name: a.Name, Project: a.Project, Cluster: a.Cluster, Namespace: a.Namespace, Labels: a.Labels,
		Sources: []jsonSource{}, DependsOn: notNil(a.DependsOn), Leaves: a.Leaves, MovedFrom: a.MovedFrom, HasChanges: a.HasChanges(), Digest: a.Digest,
		Counts: everyAction(a.Counts()), Blocked: jsonProblems(a.Blocked), NeedsApproval: jsonNeeds(a), Warnings: notNil(a.Warnings), Risks: jsonRisks(a), Policies: jsonPolicies(a), Changes: []jsonChange{},
		Held: a.Held, Lifts: a.Lifts, Rollback: a.Rollback, Opening: a.Opening,
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	for _, pin := range a.Sources {
		source := jsonSourceOf(pin)
		if was := prior(a, pin); was != nil {
			source.Was = &jsonWas{Revision: was.Revision, Resolved: was.Resolved, Digest: was.Digest}
		}
		out.Sources = append(out.Sources, source)
	}
	for i := range a.Changes {
		out.Changes = append(out.Changes, jsonChangeOf(&a.Changes[i]))
	}
	if last := a.Failed; last != nil {
		out.LastApply = &jsonLastApply{At: last.At.UTC(), Outcome: last.Outcome, Message: last.Message, Resumable: last.Resumable}
	}
	return out
}

func jsonChangeOf(c *plan.Change) jsonChange {
	out := jsonChange{
		Object: jsonObjectOf(c.ID, c.Version), Action: c.Action, Deletes: c.Action.Deletes(), Reason: c.Reason, Origin: c.Origin,
		Phase: c.Phase, Wave: c.Wave, Predicted: c.Predicted, Confirm: c.Confirm, Warnings: notNil(c.Warnings),
		Fields: []jsonField{}, Conflicts: []jsonConflict{},
		Takes: jsonTakes(c), Moves: jsonMoves(c), Validation: c.Validation,
	}
	if out.Phase == "" {
		out.Phase = plan.PhaseSync
	}
	if c.Body != nil {
		out.Body, _ = redact.Hide(c.Body, redact.Of(c)...)
	}
	for _, f := range c.Fields {
		f, _ = redact.HideField(c.GVK(), f, redact.Of(c)...)
		field := jsonField{
			Path: f.Path, Kind: f.Kind, Before: f.Before, After: f.After, Sensitive: f.Sensitive, Server: f.Server, Owned: f.Owned,
		}
		if f.Drift != nil {
			writer := jsonWriterOf(*f.Drift)
			field.Drift = &writer
		}
		out.Fields = append(out.Fields, field)
	}
	for _, conflict := range c.Conflicts {
		f := shownConflict(c, conflict)
		out.Conflicts = append(out.Conflicts, jsonConflict{
			Path: conflict.Path, jsonWriter: jsonWriterOf(conflict.Writer), Before: f.Before, After: f.After, Sensitive: f.Sensitive,
		})
	}
	return out
}

func jsonObjectOf(id object.ID, version string) jsonObject {
	return jsonObject{Group: id.Group, Version: version, Kind: id.Kind, Namespace: id.Namespace, Name: id.Name}
}

func jsonWriterOf(w plan.Writer) jsonWriter {
	out := jsonWriter{Manager: w.Manager, Operation: w.Operation}
	if !w.At.IsZero() {
		out.At = &w.At
	}
	return out
}

func jsonProblems(problems []plan.Problem) []jsonProblem {
	out := []jsonProblem{}
	for _, p := range problems {
		problem := jsonProblem{Address: p.Address.String(), Summary: p.Summary, Detail: p.Detail, Range: p.Range, Rule: p.Rule}
		if p.Object != nil {
			id := jsonObjectOf(*p.Object, "")
			problem.Object = &id
		}
		out = append(out, problem)
	}
	return out
}

// everyAction has a count for every action, 0 too.
func everyAction(counts plan.Counts) plan.Counts {
	out := plan.Counts{}
	for _, action := range plan.Actions() {
		out[action] = counts[action]
	}
	return out
}

// notNil makes an empty list [] rather than null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
