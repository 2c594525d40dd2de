package engine

import (
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// Guards are the rules of the configuration that stands where a plan is applied: the
// protected branch, say. Apply refuses what they do not allow, whatever rules the plan
// itself has. They are evaluated without reading a source.
type Guards struct {
	// Projects are the rules of projects, sorted by name.
	Projects []plan.Project
	// Applications are the names of the projects of the applications that the configuration
	// has, by address; "" for one in none. Those that generators make of what they read are
	// not among them.
	Applications map[addr.Address]string
}
