package view

import (
	"github.com/gantrycd/gantry/plan"
)

// riskCounts are the risks that are not accepted, by severity, and those that are.
type riskCounts struct {
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
	Accepted int `json:"accepted"`
}

func riskCountsOf(p *plan.Plan) riskCounts {
	var out riskCounts
	for i := range p.Applications {
		for _, r := range p.Applications[i].Risks {
			switch {
			case r.Accepted != "":
				out.Accepted++
			case r.Severity == plan.Low:
				out.Low++
			case r.Severity == plan.Medium:
				out.Medium++
			default:
				out.High++
			}
		}
	}
	return out
}

type jsonRisk struct {
	Code     string        `json:"code"`
	Severity plan.Severity `json:"severity"`
	Object   *jsonObject   `json:"object"`
	Paths    []string      `json:"paths"`
	Detail   string        `json:"detail"`
	Accepted string        `json:"accepted"`
	Range    string        `json:"range"`
}

func jsonRisks(a *plan.Application) []jsonRisk {
	out := []jsonRisk{}
	for _, r := range a.Risks {
		risk := jsonRisk{Code: r.Code, Severity: r.Severity, Paths: notNil(r.Paths), Detail: r.Detail, Accepted: r.Accepted, Range: r.Range}
		if r.Object != nil {
			id := jsonObjectOf(*r.Object, "")
			risk.Object = &id
		}
		out = append(out, risk)
	}
	return out
}

type jsonTaken struct {
	Group   string         `json:"group"`
	Kind    string         `json:"kind"`
	Why     plan.TakenWhy  `json:"why"`
	Count   int            `json:"count"`
	Data    bool           `json:"data"`
	Of      string         `json:"of"`
	Objects []jsonTakenRef `json:"objects"`
}

type jsonTakenRef struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func jsonTakes(c *plan.Change) []jsonTaken {
	out := []jsonTaken{}
	for _, t := range c.Takes {
		taken := jsonTaken{Group: t.Group, Kind: t.Kind, Why: t.Why, Count: t.Count, Data: t.Data, Of: t.Of, Objects: []jsonTakenRef{}}
		for _, id := range t.IDs {
			taken.Objects = append(taken.Objects, jsonTakenRef{id.Namespace, id.Name})
		}
		out = append(out, taken)
	}
	return out
}

type jsonMove struct {
	Manager     string   `json:"manager"`
	Operation   string   `json:"operation"`
	Subresource string   `json:"subresource"`
	Fields      []string `json:"fields"`
}

func jsonMoves(c *plan.Change) []jsonMove {
	out := []jsonMove{}
	for _, m := range c.Moves {
		out = append(out, jsonMove{m.Manager, m.Operation, m.Subresource, notNil(m.Fields)})
	}
	return out
}
