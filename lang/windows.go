package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schedule"
)

// windowed is applications for which the same windows of a project are.
type windowed struct {
	project      *Project
	windows      []int // of the project's
	applications []*Application
}

// checkWindows warns of applications that no sync window ever lets be synced.
func (f *finisher) checkWindows() {
	for _, w := range f.windowed() {
		times := make([]schedule.Window, len(w.windows))
		for i, n := range w.windows {
			times[i] = w.project.Rules.Windows[n].Time()
		}
		switch schedule.Judge(times) {
		case schedule.Sometimes:
		case schedule.Never:
			f.warnOfWindows(w, w.applications, "Sync that no window lets run",
				"There is no time at which %s let %s be synced: one that allows must be open, and none that denies. Change the schedules, or for which applications the windows are.")
		case schedule.ManualOnly:
			automated := slices.DeleteFunc(slices.Clone(w.applications), func(a *Application) bool {
				return a.Sync.Automated == nil || !a.Sync.Automated.Enabled
			})
			if len(automated) > 0 {
				f.warnOfWindows(w, automated, "Automated sync that no window lets run",
					"There is no time at which %s let %s be synced but by a person, so that \"automated\" has no effect. Change the schedules, or for which applications the windows are.")
			}
		}
	}
}

// windowed returns the applications for which there are windows, those with the
// same ones together.
func (f *finisher) windowed() []*windowed {
	var all []*windowed
	byKey := map[string]*windowed{}
	for _, application := range f.config.Applications {
		project := application.Project
		if project == nil {
			continue
		}
		subject := application.WindowSubject()
		var matching []int
		for i := range project.Rules.Windows {
			if project.Rules.Windows[i].Matches(subject) {
				matching = append(matching, i)
			}
		}
		if matching == nil {
			continue
		}
		key := fmt.Sprint(project.Address, matching)
		if byKey[key] == nil {
			byKey[key] = &windowed{project: project, windows: matching}
			all = append(all, byKey[key])
		}
		byKey[key].applications = append(byKey[key].applications, application)
	}
	return all
}

// WindowSubject is the application as sync windows are matched against it.
func (a *Application) WindowSubject() govern.Subject {
	subject := govern.Subject{Application: a.Name, Namespace: a.Destination.Namespace, Labels: a.Labels}
	if cluster := a.Destination.Cluster; cluster != nil {
		subject.Cluster, subject.Server = cluster.Name, cluster.Connection.Server
	}
	return subject
}

func (f *finisher) warnOfWindows(w *windowed, applications []*Application, summary, format string) {
	names := make([]string, len(applications))
	for i, application := range applications {
		names[i] = application.Address.String()
	}
	detail := fmt.Sprintf(format, fmt.Sprintf("the sync windows of %s", w.project.Address), few(names))
	f.diags = append(f.diags, &hcl.Diagnostic{
		Severity: hcl.DiagWarning,
		Summary:  summary,
		Detail:   detail,
		Subject:  w.project.Rules.Windows[w.windows[0]].Range.Ptr(),
	})
}

// maxNamed is how many blocks a warning names.
const maxNamed = 5

// few joins names for a sentence, and counts those that are too many.
func few(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	if len(names) > maxNamed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
