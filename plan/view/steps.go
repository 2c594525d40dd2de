package view

import (
	"fmt"
	"io"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// jsonStep is one step of a plan as it is shown: what it is about, rather than where that is
// in the plan.
type jsonStep struct {
	Number      int           `json:"number"` // from 1
	Application addr.Address  `json:"application"`
	Phase       plan.Phase    `json:"phase"` // empty for deletions, and for the end of an application
	Wave        int           `json:"wave"`
	Kind        plan.StepKind `json:"kind"`
	Action      plan.Action   `json:"action"` // of Object
	Object      *jsonObject   `json:"object"` // nil for waits and records
	Waits       []jsonObject  `json:"waits"`  // what a wait is for
	Needs       []int         `json:"needs"`  // numbers of the steps that must be done before
	On          plan.StepOn   `json:"on"`
}

// jsonSteps returns the steps of a plan in their order, never nil.
func jsonSteps(p *plan.Plan) []jsonStep {
	out := make([]jsonStep, 0, len(p.Steps))
	for i := range p.Steps {
		s := &p.Steps[i]
		a := &p.Applications[s.Application]
		step := jsonStep{
			Number: i + 1, Application: a.Address, Phase: s.Phase, Wave: s.Wave, Kind: s.Kind, On: s.On,
			Waits: []jsonObject{}, Needs: make([]int, 0, len(s.Needs)),
		}
		if c := changeOf(a, s); c != nil {
			id := jsonObjectOf(c.ID, c.Version)
			step.Object, step.Action = &id, c.Action
		}
		for _, j := range s.Changes {
			step.Waits = append(step.Waits, jsonObjectOf(a.Changes[j].ID, a.Changes[j].Version))
		}
		for _, need := range s.Needs {
			step.Needs = append(step.Needs, need+1)
		}
		out = append(out, step)
	}
	return out
}

// changeOf is the change that a step carries out, nil for none.
func changeOf(a *plan.Application, s *plan.Step) *plan.Change {
	switch s.Kind {
	case plan.StepWrite, plan.StepDelete:
		return &a.Changes[s.Change]
	case plan.StepWait, plan.StepRecord:
	}
	return nil
}

// TextSteps writes the steps of a plan for people: which applications come after which, and
// in which steps of a rollout; then the steps by application, in the order in which
// they are taken. Steps of one phase, wave and turn are taken at once; what stands below
// a line that waits starts when that is over.
func TextSteps(w io.Writer, p *plan.Plan, options Options) error {
	t := newText(w, p, options)
	t.order()
	last, place, wide := -1, "", 0
	for i := range p.Steps {
		wide = max(wide, columns(stepPlace(&p.Steps[i])))
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Application != last {
			if last >= 0 {
				t.blank()
			}
			last, place = s.Application, ""
			t.header(&p.Applications[s.Application])
			t.blank()
		}
		if !isPassed(p.Steps, i) {
			t.step(s, &place, wide)
		}
	}
	if len(p.Steps) == 0 {
		t.line(0, span{bold, "No steps: "}, span{normal, "there is nothing to do."})
	}
	return t.err
}

// isPassed reports whether a step waits for nothing, and another wait follows at once.
func isPassed(steps []plan.Step, i int) bool {
	if s := &steps[i]; s.Kind != plan.StepWait || len(s.Changes) > 0 || i+1 == len(steps) {
		return false
	}
	next := &steps[i+1]
	return next.Kind == plan.StepWait && next.Application == steps[i].Application && next.On == steps[i].On && len(next.Changes) > 0
}

// step writes one step; place is what the line before said of phase and wave.
func (t *text) step(s *plan.Step, place *string, wide int) {
	a := &t.p.Applications[s.Application]
	at := stepPlace(s)
	shown := at
	if at == *place {
		shown = ""
	}
	*place = at
	lead := span{faint, pad(shown, wide) + "  "}
	switch c := changeOf(a, s); {
	case c != nil:
		spans := []span{lead, t.action(c.Action), {normal, objectName(c)}}
		if c.Confirm {
			spans = append(spans, span{loud, "  " + needsConfirmation})
		}
		t.line(2, spans...)
	case s.Kind == plan.StepRecord:
		t.line(2, lead, span{faint, "    done"})
	case len(s.Changes) == 0:
		t.line(2, lead, span{faint, "    then"})
	default:
		head := "    wait for "
		var objects []string
		for _, j := range s.Changes {
			objects = append(objects, objectName(&a.Changes[j]))
		}
		const most = 5
		if more := len(objects) - most; more > 0 && !t.options.Full {
			objects = append(objects[:most:most], words.Counted(more, "more object"))
		}
		t.list(2, span{faint, lead.text + head}, objects, false)
	}
}

// stepPlace tells the part of a sync that a step belongs to.
func stepPlace(s *plan.Step) string {
	switch {
	case s.On == plan.OnFailure && s.Wave == 0:
		return "on failure"
	case s.On == plan.OnFailure:
		return fmt.Sprintf("on failure, wave %d", s.Wave)
	case s.Phase == "" && s.Kind == plan.StepDelete:
		return "deletions"
	case s.Phase == "":
		return ""
	case s.Wave == 0:
		return string(s.Phase)
	}
	return fmt.Sprintf("%s, wave %d", s.Phase, s.Wave)
}

// objectName names an object, one whose name is yet to be made by the beginning of it.
func objectName(c *plan.Change) string {
	if c.ID.Name == "" {
		return c.ID.String() + c.Body.GenerateName() + "*"
	}
	return c.ID.String()
}
