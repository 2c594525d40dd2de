package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gantrycd/gantry/state"
)

// auditedCommand runs a program and requires that it leaves exactly the entries of some
// kinds in the audit log, oldest first: each of them says who did it and by which command,
// and what is about a plan, with which digest. `gantry log --json` tells them.
func auditedCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: audited KIND,KIND... PROGRAM [ARGUMENT]...")
	}
	before := auditLog(ts)
	ts.Check(ts.Exec(args[1], args[2:]...))
	news := auditLog(ts)[len(before):]
	var want, kinds []string
	if args[0] != "nothing" {
		want = strings.Split(args[0], ",")
	}
	for _, entry := range news {
		kinds = append(kinds, string(entry.Kind))
		if entry.By.Who == "" || entry.By.Host == "" || entry.By.Command == "" || entry.At.IsZero() || entry.ID == "" {
			ts.Fatalf("the entry does not say who did what, where and when: %+v", entry)
		}
		if entry.Kind == state.EventPlanSaved || entry.Kind == state.EventApplyBegun {
			if entry.Plan == "" || len(entry.Applications) == 0 {
				ts.Fatalf("the entry does not say what plan of what applications: %+v", entry)
			}
			for _, app := range entry.Applications {
				if !strings.HasPrefix(app.Digest, "sha256:") {
					ts.Fatalf("the entry does not say with what digest: %+v", entry)
				}
			}
		}
		if entry.Kind == state.EventApplyEnded && (entry.Plan == "" || entry.Outcome == "" || entry.Plan != news[0].Plan) {
			ts.Fatalf("the entry does not say how which plan ended: %+v", entry)
		}
	}
	if !slices.Equal(want, kinds) {
		ts.Fatalf("%s leaves %q in the log, want %q", strings.Join(args[1:], " "), kinds, want)
	}
}

// auditLog is the log, oldest first, as it is exported; nothing where there is no state.
func auditLog(ts *testscript.TestScript) []state.Event {
	if err := ts.Exec("gantry", "log", "--json", "--limit", "0"); err != nil {
		return nil
	}
	var all []state.Event
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		var entry state.Event
		ts.Check(json.Unmarshal([]byte(line), &entry))
		all = append(all, entry)
	}
	slices.Reverse(all)
	for i, entry := range all {
		if entry.Number != all[0].Number+int64(i) {
			ts.Fatalf("entry %d comes after %d", entry.Number, all[0].Number+int64(i)-1)
		}
	}
	return all
}
