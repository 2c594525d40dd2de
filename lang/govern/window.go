package govern

import (
	"time"

	"github.com/gobwas/glob"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schedule"
	"github.com/gantrycd/gantry/lang/schema"
)

// Window is a time that comes again, in which applications of a project may be
// synced, or may not.
type Window struct {
	Description string
	Deny        bool // wins over every window that allows
	Schedule    schedule.Schedule
	Duration    time.Duration // more than 0
	TimeZone    string        // of the IANA database; "UTC" where none was written
	// Applications, Namespaces and Clusters are globs of names, Labels must all be
	// there. A window that names none of these is for all of the project.
	Applications []string
	Namespaces   []string
	Clusters     []string
	Labels       map[string]string
	MatchAll     bool // each of the four that is given must match; otherwise one is enough
	ManualSync   bool // what a person starts passes
	Overrun      bool // what was running when it began, or ended, may go on
	Range        hcl.Range
}

func windowBlock() *schema.Block {
	return &schema.Block{
		Type: "sync_window",
		Doc:  "When applications may be synced, or may not. A window that denies wins. Where there is one that allows, syncing is allowed only while one is open.",
		Arguments: []schema.Argument{
			{Name: "kind", Type: schema.String, Required: true, OneOf: []string{"allow", "deny"}, Doc: "Whether the window allows or denies."},
			{Name: "schedule", Type: schema.String, Required: true, Doc: "When it opens, as cron has it: minute, hour, day of the month, month and day of the week, such as `0 9 * * 1-5`. Where both days are given, either is enough."},
			{Name: "duration", Type: schema.Duration, Required: true, Doc: "How long it is open."},
			{Name: "time_zone", Type: schema.String, Default: `"UTC"`, Doc: "The zone of the schedule, as the IANA database calls it: `Europe/Berlin`."},
			{Name: "applications", Type: schema.Strings, Doc: "Patterns of names of applications that it is for."},
			{Name: "namespaces", Type: schema.Strings, Doc: "Patterns of the namespaces of their destinations."},
			{Name: "clusters", Type: schema.ReferencesOrGlobs("cluster"), Doc: "The clusters of their destinations, or patterns of their names."},
			{Name: "labels", Type: schema.StringMap, Doc: "Labels that they have, all of them."},
			{Name: "match", Type: schema.String, Default: `"any"`, OneOf: []string{"any", "all"}, Doc: "Whether one of applications, namespaces, clusters and labels is enough, or all that are given must match."},
			{Name: "manual_sync", Type: schema.Bool, Default: "false", Doc: "Whether it does not hold for what a person starts."},
			{Name: "overrun", Type: schema.Bool, Default: "false", Doc: "Whether a sync that runs when the time is over may go on."},
			{Name: "description", Type: schema.String, Doc: "What it is for."},
		},
	}
}

func decodeWindow(in *eval.Instance, v *schema.Values) Window {
	window := Window{
		Description: v.String("description"), Deny: v.String("kind") == "deny", Duration: v.Duration("duration", 0), TimeZone: "UTC",
		Applications: v.Strings("applications"), Namespaces: v.Strings("namespaces"), Clusters: v.Strings("clusters"), Labels: v.StringMap("labels"),
		MatchAll: v.String("match") == "all", ManualSync: v.Bool("manual_sync", false), Overrun: v.Bool("overrun", false), Range: v.Range,
	}
	for _, name := range []string{"applications", "namespaces", "clusters"} {
		CheckPatterns(in, v, name, false)
		checkNotEmpty(in, v, name, "The window would be for none; without the argument it is not asked.")
	}
	if v.IsKnown("duration") && window.Duration <= 0 {
		in.ErrorAt(v, "duration", "Unsuitable value", "A window that is open for no time has no effect. Set how long it is open, such as \"8h\".")
	}
	if v.IsKnown("time_zone") {
		window.TimeZone = v.String("time_zone")
		checkZone(in, v)
	}
	if v.IsKnown("schedule") {
		var err error
		if window.Schedule, err = schedule.Parse(v.String("schedule")); err != nil {
			in.ErrorAt(v, "schedule", "Invalid schedule", "%q is no schedule: %s.", v.String("schedule"), err)
		} else if window.Duration > 0 && !window.Time().Opens() {
			in.Report(&hcl.Diagnostic{
				Severity: hcl.DiagWarning,
				Summary:  "Sync window without effect",
				Detail:   "The window never opens: there is no day on which the schedule comes, such as a 30th of February.",
				Subject:  v.RangeOf("schedule").Ptr(),
			})
		}
	}
	return window
}

func checkZone(in *eval.Instance, v *schema.Values) {
	name := v.String("time_zone")
	if schedule.IsZone(name) {
		return
	}
	mend := "Write it as the IANA database has it, such as \"Europe/Berlin\" or \"UTC\"."
	if suggestion := schema.Suggest(name, schedule.Zones()); suggestion != "" && name != "" {
		mend = "Did you mean " + quote(suggestion) + "?"
	}
	in.ErrorAt(v, "time_zone", "Unknown time zone", "There is no time zone called %q. %s", name, mend)
}

// Time returns when the window is open.
func (w *Window) Time() schedule.Window {
	return schedule.Window{Schedule: w.Schedule, Duration: w.Duration, Zone: w.TimeZone, Deny: w.Deny, Manual: w.ManualSync}
}

// Subject is what windows are matched against.
type Subject struct {
	Application string // its name
	Namespace   string // of its destination
	Cluster     string // the name
	Server      string // the cluster's URL
	Labels      map[string]string
}

// Matches reports whether the window is for an application.
func (w *Window) Matches(s Subject) bool {
	type question struct{ asked, matches bool }
	labelled := true
	for name, value := range w.Labels {
		have, ok := s.Labels[name]
		labelled = labelled && ok && have == value
	}
	one, all, asked := false, true, false
	for _, q := range []question{
		{len(w.Applications) > 0, matchesOne(w.Applications, s.Application)},
		{len(w.Namespaces) > 0, matchesOne(w.Namespaces, s.Namespace)},
		{len(w.Clusters) > 0, matchesOne(w.Clusters, s.Cluster) || s.Server != "" && matchesOne(w.Clusters, s.Server)},
		{len(w.Labels) > 0, labelled},
	} {
		asked = asked || q.asked
		one = one || q.asked && q.matches
		all = all && (!q.asked || q.matches)
	}
	if w.MatchAll || !asked {
		return all
	}
	return one
}

// matchesOne reports whether a value matches one of several patterns.
func matchesOne(patterns []string, value string) bool {
	for _, pattern := range patterns {
		if compiled, err := glob.Compile(pattern); err == nil && compiled.Match(value) {
			return true
		}
	}
	return false
}
