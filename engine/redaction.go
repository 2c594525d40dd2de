package engine

import (
	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
	"github.com/gantrycd/gantry/plan/seal"
)

// redactions are the fields that a configuration names to be redacted. They hold for
// every object that matches: of an object that is shared, moved or only read, it must
// not depend on who looks.
type redactions []redaction

type redaction struct {
	matches  func(object.ID) bool
	pointers []string
}

// redactionsOf compiles the redact blocks of a configuration, which has checked them.
func redactionsOf(config *lang.Config) redactions {
	var out redactions
	for _, app := range config.Applications {
		for _, rule := range app.Redactions {
			matcher, err := diff.CompileIgnore(lang.IgnoreDifference{Group: rule.Group, Kind: rule.Kind, Namespace: rule.Namespace, Name: rule.Name})
			matches := func(object.ID) bool { return true } // of a pattern that is none: rather too much
			if err == nil {
				matches = matcher.Matches
			}
			out = append(out, redaction{matches, rule.JSONPointers})
		}
	}
	return out
}

// pointers are the fields of an object.
func (r redactions) pointers(id object.ID) []string {
	var out []string
	for _, rule := range r {
		if rule.matches(id) {
			out = append(out, rule.pointers...)
		}
	}
	return out
}

func (r redactions) paths(id object.ID) []redact.Path {
	return redact.Of(&plan.Change{Redacted: r.pointers(id)})
}

// planned are the fields that the changes of a plan name.
func planned(p *plan.Plan) func(object.ID) []redact.Path {
	byID := map[object.ID][]redact.Path{}
	for i := range p.Applications {
		for j := range p.Applications[i].Changes {
			if c := &p.Applications[i].Changes[j]; len(c.Redacted) > 0 {
				byID[c.ID] = redact.Of(c)
			}
		}
	}
	return func(id object.ID) []redact.Path { return byID[id] }
}

// Redactor returns what takes out of live objects what nobody must see: values of
// Secrets, and what the configuration names.
func Redactor(config *lang.Config, f seal.Fingerprinter) func(object.Object) object.Object {
	rules := redactionsOf(config)
	return func(o object.Object) object.Object {
		out, _ := redact.Object(o, f, rules.paths(o.ID())...)
		return out
	}
}

// scrubbed is an error whose text has been through redaction.
type scrubbed struct {
	error
	text string
}

// Error returns the text without what nobody must see.
func (s scrubbed) Error() string { return s.text }

// Unwrap returns the error, for its type.
func (s scrubbed) Unwrap() error { return s.error }

// scrub takes what is redacted of objects out of an error's text. Nil objects have none.
func scrub(differ *diff.Differ, err error, objects ...object.Object) error {
	if err == nil {
		return nil
	}
	if text := differ.Text(err.Error(), objects...); text != err.Error() {
		return scrubbed{err, text}
	}
	return err
}
