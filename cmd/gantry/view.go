package main

import (
	"time"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
)

// showPlan writes a plan as the command's result.
func (c *cli) showPlan(p *plan.Plan) error {
	if c.json {
		return view.JSON(c.out, p)
	}
	return view.Text(c.out, p, view.Options{Color: c.colour(c.out), Width: width(c.out), Now: time.Now()})
}
