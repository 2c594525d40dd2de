package view_test

import (
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// windowsExample has an application that may be applied, one that may be later, or at once
// by a person, and one that never may.
func windowsExample() *plan.Plan {
	recolour := func(instance string) plan.Application {
		a := web(change(plan.Update, "ConfigMap", "settings", changed("data.colour", "blue", "red")))
		a.Address = addr.Application("web").Instance(instance)
		return a
	}
	office := plan.Window{Schedule: "0 9 * * 1-5", Duration: 8 * time.Hour, TimeZone: "Europe/Berlin", Description: "office hours", ManualSync: true, At: "project.gantry.hcl:12"}
	never := plan.Window{Deny: true, Schedule: "* * * * *", Duration: time.Hour, TimeZone: "UTC"}
	berlin := time.FixedZone("CET", 3600)
	open, later, closed := recolour("eu"), recolour("production"), recolour("staging")
	open.Opening = &plan.Opening{Now: true, From: noon, To: noon.Add(3 * time.Hour).In(berlin), TimeZone: "Europe/Berlin", Window: &office}
	from := time.Date(2026, 11, 23, 9, 0, 0, 0, berlin)
	later.Opening = &plan.Opening{From: from, To: from.Add(8 * time.Hour), TimeZone: "Europe/Berlin", Manual: true, Window: &office}
	closed.Opening = &plan.Opening{TimeZone: "UTC", Window: &never}
	return base(open, later, closed)
}
