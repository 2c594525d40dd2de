package risk

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/riskcode"
	"github.com/gantrycd/gantry/plan/source"
)

// Source is one source of an application, as it was read.
type Source struct {
	Pin source.Pin
	// Ref is the full name in git that the revision came to, empty where it has none.
	Ref string
	// Locked says that the lock file holds it to what it is.
	Locked bool
}

// sources tells of sources whose revision may come to something else next time. Where
// nothing of the application changes, that is no matter of this plan.
func (a *assessment) sources() {
	if len(a.app.Items) == 0 {
		return
	}
	var moving []string
	for _, s := range a.app.Sources {
		if text := s.moves(); text != "" {
			moving = append(moving, text)
		}
	}
	if len(moving) == 0 {
		return
	}
	a.risks = append(a.risks, plan.Risk{Code: riskcode.SourceUnpinned, Severity: plan.Low, Detail: strings.Join(unique(moving), " ")})
}

var (
	commit = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	digest = regexp.MustCompile(`^(.*@)?sha256:[0-9a-f]{64}$`)
)

// moves says how a source may come to something else, empty where it cannot. Tags of
// git and whole versions of charts are taken for fixed, as they are meant to be.
func (s Source) moves() string {
	pin := s.Pin
	if s.Locked {
		return ""
	}
	switch pin.Type {
	case source.Git:
		switch {
		case s.Ref == "" || commit.MatchString(pin.Revision), strings.HasPrefix(s.Ref, "refs/tags/") && s.Ref == "refs/tags/"+strings.TrimPrefix(pin.Revision, "refs/tags/"):
			return ""
		case strings.HasPrefix(s.Ref, "refs/tags/"):
			return fmt.Sprintf("%s is read at %q, which is %s now: another tag when there is a newer one.", pin.URL, pin.Revision, strings.TrimPrefix(s.Ref, "refs/tags/"))
		case pin.Revision == "", s.Ref == "HEAD":
			return fmt.Sprintf("%s is read at its default branch: another commit whenever that moves.", pin.URL)
		}
		return fmt.Sprintf("%s is read at branch %s: another commit whenever that moves.", pin.URL, strings.TrimPrefix(pin.Revision, "refs/heads/"))
	case source.Helm:
		if exact(pin.Revision) {
			return ""
		}
		return fmt.Sprintf("Chart %s of %s is asked for %s, which is %s now: another one when there is a newer one.", pin.Chart, pin.URL, versions(pin.Revision), pin.Resolved)
	case source.OCI:
		if exact(pin.Revision) || digest.MatchString(pin.Revision) || digest.MatchString(pin.URL) {
			return ""
		}
		return fmt.Sprintf("%s is asked for %s: what that is can change.", pin.URL, versions(pin.Revision))
	case source.Directory, source.Inline, source.Plugin, source.Forge, source.Resource, source.Remote:
	}
	return ""
}

// exact reports whether a revision is one whole version, and no range of them.
func exact(revision string) bool {
	_, err := semver.StrictNewVersion(strings.TrimPrefix(revision, "v"))
	return err == nil
}

func versions(revision string) string {
	if revision == "" {
		return "in its newest version"
	}
	return fmt.Sprintf("at %q", revision)
}

// varying tells of objects that a chart renders differently every time.
func (a *assessment) varying() {
	for _, v := range a.app.Varying {
		detail := fmt.Sprintf("Rendered twice from %s, it is not the same: a random value, a generated certificate or the time is in it. Every plan changes it, and what is applied is what this plan has. Charts that look for an earlier value with lookup find none here.", v.Origin)
		if len(v.Paths) == 0 {
			detail = fmt.Sprintf("Rendered twice from %s, it is in one of the results only: its name is random or made of the time. Every plan makes another one.", v.Origin)
		}
		a.addOf(riskcode.ChartNotDeterministic, plan.Medium, v.Object, v.Paths, detail)
	}
}
