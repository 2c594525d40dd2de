package plan

import (
	"fmt"
	"time"
)

// Imagined says in sentences what a plan is of, that was made without asking the
// clusters; it is empty for all others.
func (p *Plan) Imagined() string {
	switch {
	case p.Against != nil:
		commit := ""
		if len(p.Against.Commit) >= shortCommit && p.Against.Commit[:shortCommit] != p.Against.Ref {
			commit = fmt.Sprintf(" (%s)", p.Against.Commit[:shortCommit])
		}
		return fmt.Sprintf("Planned against %s%s: what the change of the configuration does by itself. No cluster was asked, and the plan cannot be applied.", p.Against.Ref, commit)
	case p.Between != nil:
		return fmt.Sprintf("What changed from revision %d to %d, by the history. No cluster was asked, and it cannot be applied.", p.Between.From, p.Between.To)
	case !p.AsOf.IsZero():
		return fmt.Sprintf("Planned with a snapshot of the clusters as of %s, %s: what changes is predicted, and the plan cannot be applied.",
			p.AsOf.UTC().Format("2006-01-02 15:04:05 UTC"), age(p.CreatedAt.Sub(p.AsOf)))
	case p.Offline:
		return "Planned offline, without asking a cluster: everything is predicted, and the plan cannot be applied."
	}
	return ""
}

// shortCommit is how much of a commit tells it from others for people.
const shortCommit = 12

// age is how old something is, in its greatest unit.
func age(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / unit.length); n == 1 {
			return fmt.Sprintf("1 %s old", unit.name)
		} else if n > 1 {
			return fmt.Sprintf("%d %ss old", n, unit.name)
		}
	}
	return "less than a minute old"
}
