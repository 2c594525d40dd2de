package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan"
)

// registerAllowDestroyed adds the flag that raises budgets for what is destroyed.
func (o *workOptions) registerAllowDestroyed(command *cobra.Command) {
	command.Flags().Var(&o.allowDestroyed, "allow-destroyed", "let up to this `number` of objects be destroyed, with what goes with them, where max_destroyed is less")
}

// optionalCount is the value of a flag that is a number of 0 or more, or not given.
type optionalCount struct{ value *int }

// Set reads the number.
func (c *optionalCount) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("must be a number of 0 or more")
	}
	c.value = &n
	return nil
}

// String is the number as it was given.
func (c *optionalCount) String() string {
	if c.value == nil {
		return ""
	}
	return strconv.Itoa(*c.value)
}

// Type is what usage calls the value where nothing else does.
func (c *optionalCount) Type() string { return "number" }

// withDestroyed puts what a plan destroys in front of the question whether to.
func withDestroyed(p *plan.Plan, question string) string {
	d := p.Destroys()
	if d.Objects == 0 {
		return question
	}
	text := count(d.Objects, "object") + " deleted or replaced"
	if d.With > 0 {
		text += fmt.Sprintf(", %d more gone with what is deleted", d.With)
	}
	if d.Data > 0 {
		text += fmt.Sprintf(" (%d of them with the data that they store)", d.Data)
	}
	if d.Transient > 0 {
		text += fmt.Sprintf(", and %d that come and go by themselves, such as Pods", d.Transient)
	}
	return fmt.Sprintf("This destroys: %s.\n%s", text, question)
}
