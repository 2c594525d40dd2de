package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view/words"
)

// The rules of what is not a risk.
const (
	ruleBlocked    = "blocked"
	ruleNotPlanned = "not-planned"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
	ColumnKind  string            `json:"columnKind"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID      string       `json:"id"`
	Short   sarifMessage `json:"shortDescription"`
	Default struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifInvocation struct {
	Successful bool `json:"executionSuccessful"`
}

type sarifResult struct {
	Rule         string             `json:"ruleId"`
	Index        int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifMessage       `json:"message"`
	Locations    []sarifLocation    `json:"locations,omitempty"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region *sarifRegion `json:"region,omitempty"`
}

type sarifRegion struct {
	Line   int `json:"startLine"`
	Column int `json:"startColumn,omitempty"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification"`
}

// SARIF writes the risks of a plan, and why parts of it cannot be applied, as SARIF
// 2.1.0. A rule is a code of risks; a risk that is accepted is suppressed. What a
// result is recognised by in the next run is its rule, application, object and fields.
func SARIF(w io.Writer, p *plan.Plan) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "gantry", Version: p.ToolVersion, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{Successful: p.IsWhole()}},
		Results:     []sarifResult{}, ColumnKind: "unicodeCodePoints",
	}
	for i := range p.Applications {
		a := &p.Applications[i]
		for _, r := range a.Risks {
			result := run.result(r.Code, levelOf(r.Severity), r.Detail, a.Address.String(), r.Object, r.Range, r.Paths...)
			if r.Accepted != "" {
				result.Suppressions = []sarifSuppression{{Kind: "inSource", Justification: clean(r.Accepted)}}
			}
			run.Results = append(run.Results, result)
		}
		run.policies(a)
		for _, problem := range a.Blocked {
			if problem.IsOfPolicy() {
				continue // a result of its own
			}
			run.Results = append(run.Results, run.result(ruleBlocked, "error", problemText(problem), a.Address.String(), problem.Object, problem.Range, problem.Summary))
		}
	}
	for _, problem := range p.Problems {
		run.Results = append(run.Results, run.result(ruleNotPlanned, "error", problemText(problem), problem.Address.String(), problem.Object, problem.Range, problem.Summary))
	}
	encoder := json.NewEncoder(words.EscapeJSON(w))
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}}); err != nil {
		return fmt.Errorf("writing SARIF: %w", err)
	}
	return nil
}

func levelOf(s plan.Severity) string {
	switch s {
	case plan.Low:
		return "note"
	case plan.Medium:
		return "warning"
	case plan.High:
	}
	return "error"
}

func problemText(problem plan.Problem) string {
	return strings.TrimSuffix(problem.Summary+". "+problem.Detail, ". ")
}

// result makes a result, and the rule that it is of where that is new. What tells it
// apart from others of the same rule, application and object is in apart.
func (r *sarifRun) result(rule, level, text, application string, of *object.ID, where string, apart ...string) sarifResult {
	rules := &r.Tool.Driver.Rules
	index := slices.IndexFunc(*rules, func(known sarifRule) bool { return known.ID == rule })
	if index < 0 {
		index = len(*rules)
		made := sarifRule{ID: clean(rule), Short: sarifMessage{describe(rule)}}
		made.Default.Level = level
		*rules = append(*rules, made)
	}
	name, kind := application, "module"
	if of != nil {
		name, kind = application+" "+of.String(), "object"
	}
	sum := sha256.Sum256([]byte(strings.Join(append([]string{rule, application, subject(of)}, apart...), "\x00")))
	out := sarifResult{
		Rule: clean(rule), Index: index, Level: level, Message: sarifMessage{clean(text)},
		Fingerprints: map[string]string{"gantry/v1": hex.EncodeToString(sum[:])},
	}
	location := sarifLocation{Physical: physical(where)}
	if name != "" {
		location.Logical = []sarifLogical{{clean(name), kind}}
	}
	if location.Physical != nil || location.Logical != nil {
		out.Locations = []sarifLocation{location}
	}
	return out
}

// describe says what a rule is about, in words of its code.
func describe(rule string) string {
	switch rule {
	case ruleBlocked:
		return "The application cannot be applied"
	case ruleNotPlanned:
		return "A part of the configuration could not be planned"
	}
	if policy, ok := strings.CutPrefix(rule, rulePolicy); ok {
		return "Policy: " + clean(policy)
	}
	return "Risk: " + clean(strings.ReplaceAll(rule, "-", " "))
}

// physical is where something was written, relative to the configuration's directory.
func physical(where string) *sarifPhysical {
	if where == "" {
		return nil
	}
	at := placeOf(where)
	out := &sarifPhysical{}
	file := filepath.ToSlash(clean(at.file))
	out.Artifact.URI = (&url.URL{Path: file}).String()
	if strings.HasPrefix(file, "/") {
		out.Artifact.URI = (&url.URL{Scheme: "file", Path: file}).String()
	}
	if at.line > 0 {
		out.Region = &sarifRegion{at.line, max(at.column, 0)}
	}
	return out
}
