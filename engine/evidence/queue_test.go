package evidence_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/identity"
)

// A merge queue that rebases makes several commits of one pull request. Where the forge tells
// which pull request each came with they are let in; where it does not, or tells of another,
// they are refused.
func TestMergeQueueThatRebases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bring func(s *story, one, two int64, commits []string)
		want  string
	}{
		"the forge tells": {func(s *story, one, two int64, commits []string) {
			s.forge.Bring(one, commits[0])
			s.forge.Bring(two, commits[2])
		}, "applied"},
		"the forge does not tell":                {func(*story, int64, int64, []string) {}, "without review"},
		"it tells of one that is merged later":   {func(s *story, _, two int64, commits []string) { s.forge.Bring(two, commits[0], commits[2]) }, "without review"},
		"it tells of one that was merged before": {func(s *story, one, _ int64, commits []string) { s.forge.Bring(one, commits[0], commits[2]) }, "without review"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			one := s.open(map[string]string{"README.md": "one"}, file("web", application("web", "2")))
			two := s.open(map[string]string{"MORE.md": "two"}, file("db", application("db", "2")))
			for _, number := range []int64{one, two} {
				s.mustRecord(number)
				s.approve(number, "alice", "bob")
			}
			// The queue's plan alone lets it be applied: those of each are spoilt.
			s.spoil()
			s.git("checkout", "--quiet", "--detach", s.head(one))
			s.git("rebase", "--quiet", "--force-rebase", "main")
			first := s.git("rev-parse", "HEAD")
			s.git("checkout", "--quiet", "--detach", s.head(two))
			s.git("rebase", "--quiet", "--force-rebase", first)
			second := s.git("rev-parse", "HEAD")
			s.mustRecord(0)
			commits := strings.Fields(s.git("rev-list", "--reverse", "main.."+second)) // one, one, two, two
			if len(commits) != 4 {
				t.Fatal(commits)
			}
			s.merge(one, first)
			s.merge(two, second)
			c.bring(s, one, two, commits)
			s.expect(map[string]string{"web": c.want, "db": c.want})
		})
	}
}

// spoil has the records that there are be nobody's who counts.
func (s *story) spoil() {
	s.Helper()
	recorded, err := s.bench.Records.Recorded(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, record := range recorded {
		record.By = identity.Identity{Subject: "nobody", Means: identity.OIDC, Issuer: "https://token.example.com", Verified: true}
		if err := s.bench.Records.PutRecorded(s.Context(), record); err != nil {
			s.Fatal(err)
		}
	}
}
