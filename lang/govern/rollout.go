package govern

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// Rollout is in which order, and how carefully, many applications move.
type Rollout struct {
	Address      addr.Address
	Name         string
	Applications []addr.Address // instances, sorted
	Steps        []Step
	Range        hcl.Range
}

// Step is applications that move together. An application belongs to the first step
// that it matches.
type Step struct {
	Match     late.Expression // zero: all that are left
	Bake      time.Duration   // how long they must have been healthy before the next step
	MaxUpdate Share           // how many move at once; zero: all
	// Applications are those of the rollout that belong to the step, sorted. Package lang
	// finds them.
	Applications []addr.Address
	Range        hcl.Range
}

// Share is a number, or a part in percent.
type Share struct {
	Number  int
	Percent int // 1 to 100, where it is a part
}

func rolloutKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "rollout",
			Labels: []string{"name"},
			Doc:    "In which order, and how carefully, many applications move. A step starts when the applications of the one before are synced and healthy at this change, and have baked.",
			Example: `rollout "payments" {
  applications = application.payments

  step {
    match = app.labels.tier == "canary"
    bake  = "10m"
  }
  step {
    max_update = "25%"
  }
}`,
			Arguments: []schema.Argument{
				eval.ForEachArgument(),
				eval.DependsOnArgument(),
				{Name: "applications", Type: schema.Instances("application"), Required: true, Doc: "The applications: a block with `for_each`, or a list of blocks and instances."},
			},
			Blocks: []schema.Nested{{Min: 1, Block: &schema.Block{
				Type: "step",
				Doc:  "Applications that move together; the steps come in the order in which they are written.",
				Arguments: []schema.Argument{
					{Name: "match", Type: late.Rollout.Type(late.Condition), Default: "all that are left", Doc: "Whether an application belongs to the step, if it belongs to none before. It is evaluated for each; in it [`app`](late.md) is the application."},
					{Name: "bake", Type: schema.Duration, Default: `"0s"`, Doc: "How long the step's applications must be healthy before the next step starts."},
					{Name: "max_update", Type: schema.String, Default: "all", Doc: "How many of them move at once: a number, or a part such as `\"25%\"`."},
				},
			}}},
		},
		Decode: decodeRollout,
	}
}

func decodeRollout(e *eval.Evaluation, in *eval.Instance) eval.Decoded {
	v := in.Values
	rollout := &Rollout{Address: in.Address, Name: in.Name(), Range: v.Range}
	if v.IsKnown("applications") {
		argument, _ := v.Get("applications")
		list, _ := argument.Unmark()
		for it := list.ElementIterator(); it.Next(); {
			_, item := it.Element()
			if ref, ok := value.ReferenceOf(item); ok {
				rollout.Applications = append(rollout.Applications, ref.Address)
			}
		}
		slices.SortFunc(rollout.Applications, addr.Address.Compare)
		rollout.Applications = slices.Compact(rollout.Applications)
	}
	steps := v.Blocks("step")
	for i, b := range steps {
		step := Step{Match: lateOf(e, in, b, "match", late.Rollout, late.Condition), Bake: b.Duration("bake", 0), Range: b.Range}
		if b.IsKnown("max_update") {
			var ok bool
			if step.MaxUpdate, ok = parseShare(b.String("max_update")); !ok {
				in.ErrorAt(b, "max_update", "Unsuitable value", "The argument \"max_update\" must be a whole number from 1, or a part from \"1%%\" to \"100%%\", but is %q.", b.String("max_update"))
			}
		}
		if !b.Has("match") && i < len(steps)-1 {
			in.Errorf(b.Range, "Step without match", "Without match a step takes all applications that are left, so that the steps after it would have none. Set match, or put the step last.")
		}
		rollout.Steps = append(rollout.Steps, step)
	}
	return eval.Decoded{Value: cty.EmptyObjectVal, Made: rollout}
}

// Of returns how many of a number the share is: at least one, and a part is rounded up; 0
// where all of them is meant.
func (s Share) Of(n int) int {
	if s.Percent > 0 {
		return max(1, (n*s.Percent+99)/100)
	}
	return s.Number
}

// parseShare reads "5" and "25%".
func parseShare(text string) (Share, bool) {
	digits, isPart := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || strings.HasPrefix(digits, "+") || isPart && n > 100 {
		return Share{}, false
	}
	if isPart {
		return Share{Percent: n}, true
	}
	return Share{Number: n}, true
}
