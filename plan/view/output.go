package view

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/published"
)

type jsonRemote struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Digest string `json:"digest"`
}

func jsonRemotes(p *plan.Plan) []jsonRemote {
	out := []jsonRemote{}
	for _, r := range p.Remotes {
		out = append(out, jsonRemote{Name: r.Name, URL: withoutLogin(r.Pin.URL), Digest: r.Pin.Digest})
	}
	return out
}

type jsonOutput struct {
	Name      string          `json:"name"`
	Sensitive bool            `json:"sensitive"`
	Kind      *plan.FieldKind `json:"kind"`
	Before    any             `json:"before"`
	After     any             `json:"after"`
}

func jsonOutputs(p *plan.Plan) []jsonOutput {
	out := []jsonOutput{}
	for _, o := range p.Outputs() {
		made := jsonOutput{Name: o.Name, Sensitive: o.Sensitive, Before: decoded(o.Before), After: decoded(o.Value)}
		if o.Kind != "" {
			made.Kind = &o.Kind
		}
		out = append(out, made)
	}
	return out
}

// decoded is an output's value; what is no JSON is shown as the text that it is.
func decoded(value json.RawMessage) any {
	out, err := published.Decode(value)
	if err != nil {
		return string(value)
	}
	return out
}

// outputs tells which outputs change.
func (t *text) outputs() {
	if !t.p.ChangesOutputs() {
		return
	}
	t.line(0, span{bold, "Outputs:"})
	for _, o := range t.p.Outputs() {
		if o.Kind != "" {
			t.output(&o)
		}
	}
	t.blank()
}

// output tells what becomes of an output that changes.
func (t *text) output(o *plan.Output) {
	if o.Sensitive {
		t.outputName(o, "(sensitive)")
		return
	}
	t.field(detail, &plan.FieldChange{Path: o.Name, Kind: o.Kind, Before: decoded(o.Before), After: decoded(o.Value)})
}

// outputName tells that an output changes, without its values.
func (t *text) outputName(o *plan.Output, text string) {
	look := lookOfField(&plan.FieldChange{Kind: o.Kind})
	t.line(detail, span{look.style, look.symbol + " "}, span{normal, o.Name + ": " + text})
}

// Outputs writes outputs for people: a line for each, or several where a value is long.
func Outputs(w io.Writer, outputs []published.Output) error {
	p := &printer{w: w}
	for _, o := range outputs {
		value := decoded(o.Value)
		switch {
		case o.Sensitive:
			p.line(0, span{normal, o.Name + " = (sensitive)"})
		case isLong(value):
			p.line(0, span{normal, o.Name + " ="})
			for _, line := range lines(value) {
				p.line(2, span{normal, line})
			}
		default:
			p.line(0, span{normal, o.Name + " = " + scalar(value)})
		}
	}
	if p.err != nil {
		return fmt.Errorf("writing outputs: %w", p.err)
	}
	return nil
}
