package plan

import "github.com/gantrycd/gantry/plan/object"

// Severity is how much a risk matters.
type Severity string

// The severities, from the least.
const (
	Low    Severity = "low"    // worth a look
	Medium Severity = "medium" // may be felt by those who use what changes
	High   Severity = "high"   // may lose data, or take something down
)

// Severities lists all severities, the greatest first.
func Severities() []Severity { return []Severity{High, Medium, Low} }

// Risk is something that a reviewer should know of what an application's changes do:
// a fact, told from the plan and from what the cluster was seen to have. Risks are
// no part of the change digest.
type Risk struct {
	// Code names the kind of risk for people and programs: "pods-restart". The codes
	// are listed in docs/risks.md.
	Code     string     `json:"code"`
	Severity Severity   `json:"severity"`
	Object   *object.ID `json:"object,omitempty"` // nil: it concerns the application as a whole
	// Paths are the fields that it follows from, in the form of FieldChange.Path, sorted.
	Paths []string `json:"paths,omitempty"`
	// Detail says what will happen, with its numbers and names, in sentences.
	Detail string `json:"detail"`
	// Accepted is the reason that the configuration gives for accepting the risk:
	// it is counted and listed, and no longer stands out. Empty: it is not accepted.
	Accepted string `json:"accepted,omitempty"`
	// Range is where it was accepted, or else the application's block: file:line,column.
	Range string `json:"range,omitempty"`
}

// Taken is what goes with a deletion without being an item of the plan: objects of
// one kind, for one reason.
type Taken struct {
	Group string   `json:"group,omitempty"`
	Kind  string   `json:"kind"`
	Why   TakenWhy `json:"why"`
	Count int      `json:"count"`
	Data  bool     `json:"data,omitempty"` // stored data is lost with it
	// Transient: objects that come and go by themselves, such as the Pods of a Deployment.
	// They are no part of the change digest, and of no budget.
	Transient bool      `json:"transient,omitempty"`
	Of        string    `json:"of,omitempty"` // the application that wants it, where one of this installation does
	IDs       []TakenID `json:"ids"`          // all of them, sorted
}

// TakenWhy is why an object goes with another.
type TakenWhy string

// The reasons why objects go with another.
const (
	TakenOwned    TakenWhy = "owned"    // its owner references lead to the deleted object
	TakenInside   TakenWhy = "inside"   // it is in the namespace that goes
	TakenInstance TakenWhy = "instance" // it is of the kind whose definition goes
	TakenVolume   TakenWhy = "volume"   // the volume of a claim that goes, by its reclaim policy
)

// TakenID names one object that goes with another.
type TakenID struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// ManagerMove says that the fields of another manager become gantry's, so that one
// of them which is dropped later really goes.
type ManagerMove struct {
	Manager     string `json:"manager"`
	Operation   string `json:"operation"` // "Apply" or "Update"
	Subresource string `json:"subresource,omitempty"`
	// Fields are the paths that only become ours because of the move, sorted.
	Fields []string `json:"fields,omitempty"`
}

// Validation is how thoroughly an object was checked when it was planned.
type Validation string

// The levels of validation, from the least.
const (
	NotValidated   Validation = "none"   // nothing knows its kind
	SchemaOnly     Validation = "schema" // by structure: types, required and unknown fields
	SchemaAndRules Validation = "rules"  // by structure, and the definition's rules
	ServerDryRun   Validation = "server" // the server was asked: admission, quota, defaults
)
