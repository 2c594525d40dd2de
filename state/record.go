// Package state is what Gantry remembers: per application a Record of what it
// owns, what it was about to do and what it did, in a Store that any backend
// can be.
//
// State is an inventory with history, not a copy of the world: what a cluster can
// tell is asked of the cluster. Nothing in it is a secret in clear. The package
// imports neither the engine nor the plan's views.
package state

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
)

// Record is what is known of one application. Serial grows by one with every
// write; a writer that holds an older one loses.
type Record struct {
	// FormatVersion is of the record's form; Records.Put sets it.
	FormatVersion int `json:"formatVersion"`

	Address addr.Address `json:"address"`
	// UID is random: a later record of the same address has another.
	UID string `json:"uid,omitempty"`
	// MovedFrom is the address that the application had, while there may be a record
	// under it that is this one as it was.
	MovedFrom addr.Address   `json:"movedFrom,omitzero"`
	Lineage   string         `json:"lineage"` // of the installation
	Serial    int64          `json:"serial"`
	Name      string         `json:"name"`
	Project   string         `json:"project,omitempty"`
	Cluster   Cluster        `json:"cluster"`
	Namespace string         `json:"namespace,omitempty"`
	Settings  plan.Settings  `json:"settings"` // as last applied
	DependsOn []addr.Address `json:"dependsOn,omitempty"`
	// Plan is the ID of the plan that was applied to the application last, where it has
	// one, and Acted that of the act that was done last.
	Plan  string `json:"plan,omitempty"`
	Acted string `json:"acted,omitempty"`
	// Hooks are those that the application has: with what they were when they last ran, and
	// what is to run when it leaves. nil where no apply has noted them.
	Hooks []Hook `json:"hooks,omitzero"`
	// Objects are what the application owns, sorted by ID: deletion is only ever
	// of these.
	Objects []Owned `json:"objects"`
	// Journal holds what was begun and not known to be finished, oldest first. It
	// is written before a request leaves and emptied when its outcome is known.
	Journal []Intent `json:"journal,omitempty"`
	// Claim is the apply that is at work on the application; nil where none is, or none
	// that ended by itself.
	Claim *Claim `json:"claim,omitempty"`
	// Parent is the object on the cluster that stands for the application; nil where
	// there is none.
	Parent *Parent `json:"parent,omitempty"`
	// History is of finished and failed applies, newest last.
	History   []Entry   `json:"history,omitempty"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Cluster is where an application was applied.
type Cluster struct {
	Name       string            `json:"name"`
	UID        string            `json:"uid"`
	Connection target.Connection `json:"connection"`
}

// Claim is an apply at work on an application. It is written into the record before
// anything is sent, so that a holder before it can no longer write the record, and counts
// as long as its lease lives.
type Claim struct {
	Lease  string    `json:"lease"` // the name of the lease that keeps it alive
	Holder Holder    `json:"holder"`
	Plan   string    `json:"plan,omitempty"` // the ID of the plan that is applied
	Since  time.Time `json:"since"`
}

// Parent is the object on a cluster that stands for an application (KEP-3659), from
// which a lost state is rebuilt and a restored one is noticed.
type Parent struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
}

// Owned is one object that an application owns.
type Owned struct {
	ID         object.ID `json:"id"`
	Version    string    `json:"version"`
	Plural     string    `json:"plural,omitempty"`
	Namespaced bool      `json:"namespaced,omitempty"`
	UID        string    `json:"uid,omitempty"` // empty while its creation is not confirmed
	Wave       int       `json:"wave,omitempty"`
	// Fields is the set of fields that we last applied, in the encoding of
	// managedFields (FieldsV1), as the server recorded it.
	Fields json.RawMessage `json:"fields,omitempty"`
	// Desired is a keyed digest of the object as rendered, and Values of the live
	// values of Fields right after it was applied. Where all three are as they
	// were, the object is unchanged.
	Desired   string    `json:"desired,omitempty"`
	Values    string    `json:"values,omitempty"`
	AppliedAt time.Time `json:"appliedAt,omitzero"`
	// Adopted tells that the object existed before it was ours.
	Adopted bool `json:"adopted,omitempty"`
	// Keep tells that the object stays when the application leaves.
	Keep bool `json:"keep,omitempty"`
	// Hook tells that the object is what a run of a hook left behind: it goes with
	// the application, and not when its name is no longer desired.
	Hook bool `json:"hook,omitempty"`
}

// Hook is what is known of one of an application's hooks in one phase.
type Hook struct {
	Phase plan.Phase `json:"phase"`
	// ID is the object's; its name is empty where GenerateName has the beginning of it.
	ID           object.ID `json:"id"`
	GenerateName string    `json:"generateName,omitempty"`
	// Desired is a keyed digest of it as it last ran with success; of one that is to run
	// when the application leaves, as it is kept.
	Desired string `json:"desired,omitempty"`
	// Run is the key of the last run that succeeded.
	Run string `json:"run,omitempty"`
	// Plan is, for PreDelete and PostDelete, the change that runs it: a plan.Application as
	// JSON with that change alone. Secrets in it are sealed.
	Plan json.RawMessage `json:"plan,omitempty"`
}

// Intent is a change to a cluster that was about to be made.
type Intent struct {
	ID         object.ID   `json:"id"`
	Version    string      `json:"version"`
	Plural     string      `json:"plural,omitempty"`
	Namespaced bool        `json:"namespaced,omitempty"`
	Action     plan.Action `json:"action"`
	UID        string      `json:"uid,omitempty"` // of the object it would change
	Wave       int         `json:"wave,omitempty"`
	Keep       bool        `json:"keep,omitempty"` // as Owned has them, for the object that it makes
	Hook       bool        `json:"hook,omitempty"`
	At         time.Time   `json:"at"`
}

// Entry is one apply in an application's history.
type Entry struct {
	// ID names the entry within the application: 1 and upwards; 0 in entries that an
	// older gantry wrote.
	ID         int64        `json:"id,omitempty"`
	Serial     int64        `json:"serial"`
	StartedAt  time.Time    `json:"startedAt"`
	FinishedAt time.Time    `json:"finishedAt"`
	Outcome    string       `json:"outcome"` // "succeeded", "failed" or "cancelled"
	Message    string       `json:"message,omitempty"`
	Digest     string       `json:"digest"` // change digest that was applied
	Sources    []source.Pin `json:"sources,omitempty"`
	Counts     plan.Counts  `json:"counts,omitempty"`
	By         string       `json:"by,omitempty"` // who ran it: user@host, or what CI says
	// Partial: some objects of the application were left out, so that it is not as its
	// sources say.
	Partial bool `json:"partial,omitempty"`
	// Act is what was done, where it was no apply of what the configuration says; nil is that.
	Act *plan.Act `json:"act,omitempty"`
	// Objects are what such an entry changed, sorted by ID; Managers is who had changed
	// them before, sorted, where drift was corrected.
	Objects  []object.ID `json:"objects,omitempty"`
	Managers []string    `json:"managers,omitempty"`
	// Plan is the application as it was applied (a plan.Application as JSON), for the
	// newest entry that has one only: the newest apply that succeeded. It has the bodies
	// of all objects that are known, of those that this apply found unchanged too.
	// Secrets in it are sealed.
	Plan json.RawMessage `json:"plan,omitempty"`
	// Rendered is a keyed digest of all that the application was to have.
	Rendered string `json:"rendered,omitempty"`
	// Rollback tells from which entry to which the apply went back; nil where it did not.
	Rollback *plan.Rollback `json:"rollback,omitempty"`
	// Revision is the key of what was applied, where it is stored beside the record; see
	// engine/revision. Incomplete: bodies of some objects are not known there.
	Revision   string `json:"revision,omitempty"`
	Incomplete bool   `json:"incomplete,omitempty"`
}

// Find returns the owned object with an ID, or nil. What it returns is part of r.
func (r *Record) Find(id object.ID) *Owned {
	if r == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(r.Objects, id, func(o Owned, id object.ID) int { return o.ID.Compare(id) })
	if !found {
		return nil
	}
	return &r.Objects[i]
}

// Owns returns what the application owns: its objects, and those that an
// interrupted apply was about to create, whose UID is empty until the cluster
// confirms them. A nil record owns nothing.
func (r *Record) Owns() []Owned {
	if r == nil {
		return nil
	}
	owned := slices.Clone(r.Objects)
	for _, intent := range r.Journal {
		if !intent.Action.Deletes() && r.Find(intent.ID) == nil {
			owned = append(owned, Owned{
				ID: intent.ID, Version: intent.Version, Plural: intent.Plural, Namespaced: intent.Namespaced,
				Wave: intent.Wave, Keep: intent.Keep, Hook: intent.Hook,
			})
		}
	}
	return owned
}

// LastSources returns the sources of the newest apply that succeeded, of all of the
// application; nil where there is none.
func (r *Record) LastSources() []source.Pin {
	if r == nil {
		return nil
	}
	for _, entry := range slices.Backward(r.History) {
		if entry.Outcome == "succeeded" && !entry.Partial {
			return entry.Sources
		}
	}
	return nil
}

// LastApply returns the newest entry of an apply of the configuration, whatever its
// outcome; nil where there is none. What it returns is part of r.
func (r *Record) LastApply() *Entry { return r.last(func(e *Entry) bool { return e.Act == nil }) }

// LastAct returns the newest entry of an act, whatever its outcome; nil where there is
// none. What it returns is part of r.
func (r *Record) LastAct() *Entry { return r.last(func(e *Entry) bool { return e.Act != nil }) }

func (r *Record) last(is func(*Entry) bool) *Entry {
	if r == nil {
		return nil
	}
	for i := range slices.Backward(r.History) {
		if is(&r.History[i]) {
			return &r.History[i]
		}
	}
	return nil
}

// Lasted returns how long the newest apply that succeeded took; 0 where there is none.
func (r *Record) Lasted() time.Duration {
	if r == nil {
		return 0
	}
	for _, entry := range slices.Backward(r.History) {
		if entry.Act == nil && entry.Outcome == "succeeded" && !entry.Partial {
			return entry.FinishedAt.Sub(entry.StartedAt).Round(time.Millisecond)
		}
	}
	return 0
}

// ClusterUID returns the identity of the cluster that the application was applied
// to, empty for a nil record.
func (r *Record) ClusterUID() string {
	if r == nil {
		return ""
	}
	return r.Cluster.UID
}
