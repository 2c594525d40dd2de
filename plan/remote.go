package plan

import "github.com/gantrycd/gantry/plan/source"

// Remote is what a remote block of the configuration read.
type Remote struct {
	Name string     `json:"name"`
	Pin  source.Pin `json:"pin"`
}
