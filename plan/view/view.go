// Package view shows a plan to people and programs: as text for a terminal, as
// Markdown for a comment, as JSON of a documented shape.
//
// It shows what the plan says and reads nothing else. What comes from clusters
// and sources cannot reach the terminal as an escape sequence, and values of
// Secrets are not shown even where a plan should hold them.
package view

import (
	"bufio"
	"io"
	"math"
	"time"

	"github.com/gantrycd/gantry/plan"
)

// Options are how Text shows a plan. The zero value is ready to use.
type Options struct {
	Color bool
	// Width of the terminal, in columns; 0 means that it is not known. It decides
	// where a change of a value takes two lines instead of one.
	Width int
	// Verbose shows every field of what is created, and every field of which only
	// the owner changes.
	Verbose bool
	// ShowUnchanged lists what does not change, which is only counted otherwise.
	ShowUnchanged bool
	// Full leaves nothing out: it is Verbose and ShowUnchanged, folds nothing, and
	// shows texts with all their lines.
	Full bool
	// Summary shows, in place of what happens to each object, a table of how many have
	// which action.
	Summary bool
	// Context is how many lines are shown around a changed line of a text; 2 where 0.
	Context int
	// Errors says that there are errors and that they are told beside the plan: the
	// text names what they keep out of it and what they block, but not why.
	Errors bool
	// Now is what "3 minutes ago" is reckoned from; when the plan was made where zero.
	Now time.Time
}

// Text writes a plan for a terminal: what is deleted, the risks, then what changes
// alike in many applications, then each application with its changes, then one line
// that sums it up. Equal plans and options give equal bytes.
func Text(w io.Writer, p *plan.Plan, options Options) error {
	buffered := bufio.NewWriter(w)
	t := newText(buffered, p, options)
	if err := t.plan(); err != nil {
		return err
	}
	return buffered.Flush()
}

// newText returns a renderer with the options' defaults in place.
func newText(w io.Writer, p *plan.Plan, options Options) *text {
	if options.Context <= 0 {
		options.Context = 2
	}
	if options.Full {
		options.Verbose, options.ShowUnchanged, options.Context = true, true, math.MaxInt32
	}
	if options.Now.IsZero() {
		options.Now = p.CreatedAt
	}
	if options.Width <= 0 {
		options.Width = 120
	}
	return &text{printer: printer{w: w, color: options.Color}, p: p, options: options}
}
