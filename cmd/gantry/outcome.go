package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/story"
	"github.com/gantrycd/gantry/plan/view/words"
)

// madeSoFar is what the message of an application ends with that was changed in part.
var madeSoFar = regexp.MustCompile(` \(\d+ of \d+ changes were made\)$`)

// lasted is how long a cause has been there, at the end of a message.
var lasted = regexp.MustCompile(`^, for [0-9hms]+$`)

// inShort is why an application failed, where that is the failure of one object alone that
// was told already: the object's name then.
func inShort(a *story.Application, message string) (short string, ok bool) {
	if a == nil || len(a.Failures) != 1 || a.Failures[0].Object == nil {
		return message, false
	}
	n := &a.Failures[0]
	end := madeSoFar.FindString(message)
	rest, ok := strings.CutPrefix(strings.TrimSuffix(message, end), n.Message)
	if n.Cause != "" {
		rest = strings.TrimPrefix(rest, "; "+n.Cause)
	}
	if !ok || rest != "" && !lasted.MatchString(rest) {
		return message, false
	}
	return n.Object.String() + end, true
}

// forPeople are the diagnostics of an apply as they are told to people, who have seen its
// lines: what was told in full is told by name, and what is alike once.
func forPeople(diags hcl.Diagnostics, result *engine.Result, told *story.Story) hcl.Diagnostics {
	if result == nil {
		return diags
	}
	apps := map[string]*story.Application{}
	if told != nil {
		for _, a := range told.Applications() {
			apps[a.Address.String()] = a
		}
	}
	outcomes := map[string]*engine.Outcome{}
	for i := range result.Applications {
		o := &result.Applications[i]
		outcomes[fmt.Sprintf("%s: %s", o.Address, o.Message)] = o
	}
	type alike struct{ summary, message string }
	names := map[alike][]string{}
	at := map[alike]int{}
	var out hcl.Diagnostics
	for _, d := range diags {
		o := outcomes[d.Detail]
		if o == nil {
			out = append(out, d)
			continue
		}
		key, shown := alike{d.Summary, o.Message}, *d
		if short, ok := inShort(apps[o.Address.String()], o.Message); ok {
			key.message = "failed, as told above: " + short
		}
		if _, before := at[key]; !before {
			at[key] = len(out)
			out = append(out, &shown)
		}
		names[key] = append(names[key], o.Address.String())
	}
	for key, i := range at {
		who := names[key]
		if more := len(who) - mostAlike; more > 0 {
			who = append(who[:mostAlike], fmt.Sprintf("%d more", more))
		}
		out[i].Detail = words.Join(who) + ": " + key.message
	}
	return out
}
