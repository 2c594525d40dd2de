package approval_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

const (
	head   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	older  = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	merge  = "cccccccccccccccccccccccccccccccccccccccc"
	issuer = "https://token.example.com"
	forge  = "https://forge.example.com"
)

var (
	web = addr.Address{Kind: "application", Name: "web"}
	db  = addr.Address{Kind: "application", Name: "db"}
	now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// scene is all that decides: what is approved unless a case changes it.
type scene struct {
	approval.Requirement
	app        approval.Application
	candidates []approval.Candidate
}

func (s *scene) record() *state.Recorded  { return s.candidates[0].Recorded }
func (s *scene) change() *approval.Change { return &s.candidates[0].Changes[0] }

func said(login string, verdict providers.ReviewVerdict, commit string, minute int) providers.Review {
	return providers.Review{Login: login, Verdict: verdict, Commit: commit, At: now.Add(time.Duration(minute-60) * time.Minute)}
}

func (s *scene) reviews(reviews ...providers.Review) { s.change().Reviews = reviews }

// roles has the members of a group approve.
func (s *scene) roles(roles ...plan.Role) { s.Roles = roles }

func approver(issuers ...string) plan.Role {
	return plan.Role{Name: "approver", Groups: []string{"example:sre"}, Issuers: issuers, Allow: []plan.Grant{{Actions: []string{"approve"}, Applications: []string{"shop/*"}}}}
}

func approvedScene() *scene {
	s := &scene{app: approval.Application{Address: web, Digest: "sha256:one", Names: [][2]string{{"shop", "web"}}}}
	s.Branch, s.Now = "main", now
	s.Trust = &identity.Trust{Issuers: []identity.Issuer{{URL: issuer}}, Clusters: []identity.Cluster{{Name: "cluster.management"}}, Keys: []identity.Key{{Name: "ci"}}}
	s.Protection = state.Protection{
		Branches: []string{"main"}, Planners: []string{issuer + " repo:example/infra:environment:plan"},
		Approvals: &state.ApprovalsNeeded{Count: 2, Groups: []string{"example:sre"}, NotAuthor: true},
	}
	s.candidates = []approval.Candidate{{
		Recorded: &state.Recorded{
			Pull: 7, Head: head, Plan: "p", RecordedAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour),
			By:           identity.Identity{Name: "plan", Subject: "repo:example/infra:environment:plan", Issuer: issuer, Means: identity.OIDC, Verified: true},
			Applications: []state.RecordedApplication{{Address: web, Digest: "sha256:one"}},
		},
		Changes: []approval.Change{{
			Pull: providers.PullRequest{Number: 7, Author: "dave", URL: forge + "/example/infra/pulls/7", Head: head, Base: "main", Merged: true, MergedAs: merge}, Here: true,
			Reviews: []providers.Review{said("alice", providers.Approved, head, 1), said("bob", providers.Approved, head, 2)},
			Members: map[string]map[string]bool{"example:sre": {"alice": true, "bob": true, "carol": true, "dave": true}},
		}},
	}}
	return s
}

// combined makes of a scene one of a merge queue with two pull requests.
func (s *scene) combined() {
	second := s.candidates[0].Changes[0]
	second.Pull.Number, second.Pull.Head, second.Pull.MergedAs = 8, older, head
	second.Reviews = []providers.Review{said("alice", providers.Approved, older, 1), said("carol", providers.Approved, older, 2)}
	s.candidates[0].Pull, s.candidates[0].Head, s.candidates[0].OnBranch = 0, merge, true
	s.candidates[0].Changes = append(s.candidates[0].Changes, second)
}

func TestDecide(t *testing.T) {
	const OK, planner = approval.OK, approval.Planner
	cases := []struct {
		name   string
		change func(s *scene)
		want   approval.Reason
		says   string
	}{
		{"two have approved what a planner recorded", func(*scene) {}, OK, ""},
		{"more than enough", func(s *scene) {
			s.reviews(append(s.change().Reviews, said("carol", providers.Approved, head, 3))...)
		}, OK, ""},

		// Who records.
		{"attack: a pull request's own job records a digest", func(s *scene) { s.record().By.Subject = "repo:example/infra:pull_request" }, planner, "none of the planners"},
		{"attack: a job of another repository records", func(s *scene) { s.record().By.Subject = "repo:mallory/infra:environment:plan" }, planner, "none of the planners"},
		{"attack: the same subject of another issuer", func(s *scene) { s.record().By.Issuer = "https://token.example.net" }, planner, "may vouch"},
		{"attack: an issuer that the pull request added vouches", func(s *scene) {
			s.Protection.Planners = []string{"repo:example/infra:environment:plan"}
			s.record().By.Issuer = "https://token.example.net"
		}, planner, "may vouch"},
		{"attack: a planner's name that nobody vouches for", func(s *scene) { s.record().By.Verified = false }, planner, "nobody vouches"},
		{"attack: a record without anybody", func(s *scene) { s.record().By = identity.Identity{} }, planner, "nobody vouches"},
		{"attack: somebody with a login at the forge of a planner's subject", func(s *scene) { s.record().By.Means = identity.Forge }, planner, "may vouch"},
		{"attack: a subject that begins as a planner's", func(s *scene) { s.record().By.Subject += "-evil" }, planner, "none of the planners"},
		{"attack: an empty subject", func(s *scene) { s.record().By.Subject = ""; s.Protection.Planners = []string{"*"} }, planner, "nobody vouches"},
		{"attack: a pattern of an issuer is no pattern", func(s *scene) { s.Protection.Planners = []string{"https://* repo:example/infra:environment:plan"} }, planner, "none of the planners"},
		{"a pattern of subjects", func(s *scene) { s.Protection.Planners = []string{"repo:example/infra:environment:*"} }, OK, ""},
		{"a service account", func(s *scene) {
			s.Protection.Planners = []string{"cluster.management system:serviceaccount:gantry:planner"}
			s.record().By = identity.Identity{Subject: "system:serviceaccount:gantry:planner", Issuer: "cluster.management", Means: identity.Kubernetes, Verified: true}
		}, OK, ""},
		{"attack: a service account of another cluster", func(s *scene) {
			s.Protection.Planners = []string{"system:serviceaccount:gantry:planner"}
			s.record().By = identity.Identity{Subject: "system:serviceaccount:gantry:planner", Issuer: "cluster.mine", Means: identity.Kubernetes, Verified: true}
		}, planner, "may vouch"},
		{"an SSH key", func(s *scene) {
			s.Protection.Planners = []string{"ci"}
			s.record().By = identity.Identity{Subject: "ci", Issuer: "ssh", Means: identity.SSH, Verified: true}
		}, OK, ""},
		{"attack: an SSH key that the pull request added", func(s *scene) {
			s.Protection.Planners = []string{"*"}
			s.record().By = identity.Identity{Subject: "mallory", Issuer: "ssh", Means: identity.SSH, Verified: true}
		}, planner, "may vouch"},
		{"nobody is trusted any more", func(s *scene) { s.Trust = nil }, planner, "may vouch"},
		{"no planners are asked for", func(s *scene) { s.Protection.Planners = nil; s.record().By = identity.Identity{} }, OK, ""},

		// Who signs.
		{"attack: a record without the signature that is asked for", func(s *scene) { s.Protection.Signers = []string{"SHA256:abc"} }, approval.Unsigned, "not signed"},
		{"attack: a record signed with another key", func(s *scene) {
			s.Protection.Signers = []string{"SHA256:abc"}
			s.candidates[0].SignedBy = []approval.Speaker{{KeyID: "SHA256:def"}}
		}, approval.Unsigned, "not signed"},
		{"a record that is signed", func(s *scene) {
			s.Protection.Signers = []string{"SHA256:abc"}
			s.candidates[0].SignedBy = []approval.Speaker{{KeyID: "SHA256:def"}, {KeyID: "SHA256:abc"}}
		}, OK, ""},
		{"attack: a key's ID as a certificate's identity", func(s *scene) {
			s.Protection.Signers = []string{"SHA256:abc"}
			s.candidates[0].SignedBy = []approval.Speaker{{KeyID: "*"}}
		}, approval.Unsigned, "not signed"},

		// What was recorded.
		{"attack: an approval of one digest used for another", func(s *scene) { s.app.Digest = "sha256:two" }, approval.Another, "not what was recorded"},
		{"attack: an approval of one application used for another", func(s *scene) { s.app.Address = db }, approval.NotRecorded, "no plan"},
		{"attack: a plan made for another cluster", func(s *scene) { s.app.Digest = "sha256:the cluster's uid is in it" }, approval.Another, "not what was recorded"},
		{"nothing is recorded", func(s *scene) { s.candidates = nil }, approval.NotRecorded, "gantry plan --record"},
		{"attack: an expired record", func(s *scene) { s.record().ExpiresAt = now }, approval.Expired, "expired"},
		{"a record without an end", func(s *scene) { s.record().ExpiresAt = time.Time{} }, OK, ""},
		{"attack: replay of what was applied", func(s *scene) {
			s.record().Applications[0].Use = &state.Use{Plan: "x", At: now.Add(-time.Minute), DoneAt: now}
		}, approval.Used, "applied once"},
		{"an apply that did not come to its end goes on", func(s *scene) {
			s.record().Applications[0].Use = &state.Use{Plan: "x", At: now.Add(-time.Minute)}
		}, OK, ""},

		// What was merged.
		{"attack: applied before it is merged", func(s *scene) { s.change().Pull.Merged = false }, approval.NotMerged, "not merged"},
		{"attack: a force-push between plan and approval", func(s *scene) {
			s.record().Head = older // planned, then pushed to, and what is new was approved
		}, approval.Moved, "pushed to in between"},
		{"attack: a force-push between approval and merge", func(s *scene) {
			s.change().Pull.Head = older
		}, approval.Moved, "pushed to in between"},
		{"attack: a force-push between approval and merge, planned again", func(s *scene) {
			s.change().Pull.Head, s.record().Head = older, older
		}, approval.NotApproved, "that is of aaaaaaaa"},
		{"attack: merged into a branch that is not protected", func(s *scene) { s.change().Pull.Base = "playground" }, approval.OtherBranch, "playground"},
		{"stale base: the merge is not in what is applied", func(s *scene) { s.change().Here = false }, approval.NotHere, "not in what is applied"},
		{"the forge has lost the pull request", func(s *scene) { s.change().Missing = true }, approval.NoPull, "has no pull request"},
		{"the forge knows nothing", func(s *scene) { s.candidates[0].Changes = nil }, approval.NoPull, "knows nothing"},

		// Who approves.
		{"too few", func(s *scene) { s.reviews(said("alice", providers.Approved, head, 1)) }, approval.NotApproved, "1 of 2"},
		{"nobody", func(s *scene) { s.reviews() }, approval.NotApproved, "0 of 2"},
		{"attack: one person twice", func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("alice", providers.Approved, head, 2))
		}, approval.NotApproved, "1 of 2"},
		{"attack: one person in two spellings", func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("ALICE", providers.Approved, head, 2))
		}, approval.NotApproved, "1 of 2"},
		{"attack: the author approves", func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("dave", providers.Approved, head, 2))
		}, approval.NotApproved, "the author's own"},
		{"attack: the author approves in capitals", func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("Dave", providers.Approved, head, 2))
		}, approval.NotApproved, "the author's own"},
		{"the author may where that is not asked for", func(s *scene) {
			s.Protection.Approvals.NotAuthor = false
			s.reviews(said("alice", providers.Approved, head, 1), said("dave", providers.Approved, head, 2))
		}, OK, ""},
		{"attack: the author's second account", func(s *scene) {
			s.change().Members["example:sre"]["dave2"] = false
			s.reviews(said("alice", providers.Approved, head, 1), said("dave2", providers.Approved, head, 2))
		}, approval.NotApproved, "none of the groups"},
		{"attack: the author's second account in a group that excludes them", func(s *scene) {
			s.Protection.Approvals.Groups = []string{"example:sre", "!example:payments"}
			s.change().Members["example:sre"]["dave2"] = true
			s.change().Members["example:payments"] = map[string]bool{"alice": false, "dave2": true}
			s.reviews(said("alice", providers.Approved, head, 1), said("dave2", providers.Approved, head, 2))
		}, approval.NotApproved, "members of \"example:payments\" do not count"},
		{"attack: a group that excludes, and that the forge does not know", func(s *scene) {
			s.Protection.Approvals.Groups = []string{"example:sre", "!example:payments"}
		}, approval.NotApproved, "not known who"},
		{"attack: a stranger approves", func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("mallory", providers.Approved, head, 2))
		}, approval.NotApproved, "none of the groups"},
		{"attack: strangers approve where nothing says who may", func(s *scene) { s.Protection.Approvals.Groups = nil }, approval.NotApproved, "neither groups"},
		{"a group that the forge does not know", func(s *scene) { s.change().Members = nil }, approval.NotApproved, "none of the groups"},
		{"attack: an approval of an older commit", func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("bob", providers.Approved, older, 2))
		}, approval.NotApproved, "that is of bbbbbbbb"},
		{"attack: an approval of no commit", func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("bob", providers.Approved, "", 2))
		}, approval.NotApproved, "does not say which commit"},
		{"attack: an approval that the forge calls stale", func(s *scene) {
			s.change().Reviews[1].Stale = true
		}, approval.NotApproved, "out of date"},
		{"attack: an approval that was dismissed", func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("bob", providers.Dismissed, head, 2))
		}, approval.NotApproved, "1 of 2"},
		{"attack: an approval that was taken back later", func(s *scene) {
			s.reviews(append(s.change().Reviews, said("bob", providers.Dismissed, head, 3))...)
		}, approval.NotApproved, "1 of 2"},
		{"who counts asks for changes", func(s *scene) {
			s.reviews(append(s.change().Reviews, said("carol", providers.ChangesRequested, head, 3))...)
		}, approval.Opposed, "carol"},
		{"who approved asks for changes later", func(s *scene) {
			s.reviews(append(s.change().Reviews, said("bob", providers.ChangesRequested, head, 3))...)
		}, approval.Opposed, "bob"},
		{"who asked for changes approves later", func(s *scene) {
			s.reviews(append([]providers.Review{said("bob", providers.ChangesRequested, older, 0)}, s.change().Reviews...)...)
		}, OK, ""},
		{"verdicts that come in no order", func(s *scene) {
			slices.Reverse(s.change().Reviews)
			s.reviews(append(s.change().Reviews, said("bob", providers.ChangesRequested, older, 0))...)
		}, OK, ""},
		{"a stranger asks for changes", func(s *scene) {
			s.reviews(append(s.change().Reviews, said("mallory", providers.ChangesRequested, head, 3))...)
		}, OK, ""},
		{"a remark takes nothing back", func(s *scene) {
			s.reviews(append(s.change().Reviews, said("bob", providers.Commented, head, 3))...)
		}, OK, ""},
		{"attack: a remark is no approval", func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("bob", providers.Commented, head, 2))
		}, approval.NotApproved, "1 of 2"},
		{"attack: a review of nobody", func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("", providers.Approved, head, 2))
		}, approval.NotApproved, "1 of 2"},

		// Roles.
		{"a role lets them approve", func(s *scene) { s.roles(approver()) }, OK, ""},
		{"a role of the forge's people lets them approve", func(s *scene) { s.roles(approver(forge)) }, OK, ""},
		{"a role without the right to approve", func(s *scene) {
			role := approver()
			role.Allow[0].Actions = []string{"apply"}
			s.roles(role)
		}, approval.NotApproved, "nothing allows"},
		{"what roles call it does not matter where there are none", func(s *scene) { s.app.Names = [][2]string{{"bank", "web"}} }, OK, ""},
		{"attack: a role for other applications is used", func(s *scene) {
			s.roles(approver())
			s.app.Names = [][2]string{{"bank", "web"}}
		}, approval.NotApproved, "nothing allows"},
		{"attack: an application that the change renames into a role's", func(s *scene) {
			s.roles(approver())
			s.app.Names = [][2]string{{"shop", "web"}, {"bank", "web"}}
		}, approval.NotApproved, "nothing allows"},
		{"attack: a login that is a subject of another issuer's", func(s *scene) {
			s.roles(approver("https://login.example.com"))
		}, approval.NotApproved, "nothing allows"},
		{"a role denies them", func(s *scene) {
			role := approver()
			role.Deny = []plan.Grant{{Actions: []string{"approve"}, Applications: []string{"*/*"}}}
			s.roles(role)
		}, approval.NotApproved, "denies"},
		{"roles without groups of the approvals", func(s *scene) {
			s.Protection.Approvals.Groups = nil
			s.roles(approver())
		}, OK, ""},

		// Merge queues, and several at once.
		{"a merge queue's combined plan", func(s *scene) { s.combined() }, OK, ""},
		{"attack: one of a merge queue's is not approved", func(s *scene) {
			s.combined()
			s.candidates[0].Changes[1].Reviews = nil
		}, approval.NotApproved, "#8"},
		{"attack: a merge queue's commit that was not merged", func(s *scene) { s.combined(); s.candidates[0].OnBranch = false }, approval.NotMerged, "not in the history"},
		{"attack: a commit that came past pull requests", func(s *scene) { s.combined(); s.candidates[0].Unowned = []string{older} }, approval.Direct, "no pull request: bbbbbbbb"},
		{"a merge queue of nothing", func(s *scene) { s.combined(); s.candidates[0].Changes = nil }, approval.NoPull, "knows no pull request"},
		{"stale: two pull requests of one application without a combined plan", func(s *scene) {
			s.app.Digest = "sha256:both" // what both do together was recorded by nobody
			second := s.candidates[0]
			second.Recorded = &state.Recorded{Pull: 8, Head: older, By: s.record().By, Applications: []state.RecordedApplication{{Address: web, Digest: "sha256:two"}}}
			s.candidates = append(s.candidates, second)
		}, approval.Another, "not what was recorded"},
		{"several merged at once: each by its own record", func(s *scene) {
			second := s.candidates[0]
			second.Recorded = &state.Recorded{Pull: 8, Head: older, By: s.record().By, Applications: []state.RecordedApplication{{Address: db, Digest: "sha256:two"}}}
			s.candidates = append([]approval.Candidate{second}, s.candidates...)
		}, OK, ""},
		{"only the base moved: the digest is the same", func(s *scene) { s.record().Base = older }, OK, ""},
		{"the one that came furthest says why", func(s *scene) {
			far := s.candidates[0]
			s.reviews()
			near := far
			near.Recorded = &state.Recorded{Pull: 6, Head: older, Applications: far.Applications}
			s.candidates = append([]approval.Candidate{near}, s.candidates...)
		}, approval.NotApproved, "0 of 2"},

		// Without approvals.
		{"signed only", func(s *scene) {
			s.Protection = state.Protection{Signers: []string{"SHA256:abc"}}
			s.candidates[0].SignedBy = []approval.Speaker{{KeyID: "SHA256:abc"}}
			s.reviews()
		}, OK, ""},
		{"recorded only", func(s *scene) { s.Protection.Approvals = nil; s.reviews() }, OK, ""},
	}
	names := map[string]bool{}
	for _, c := range cases {
		if names[c.name] {
			t.Errorf("two cases are called %q", c.name)
		}
		names[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			s := approvedScene()
			c.change(s)
			got := s.Decide(s.app, s.candidates)
			if got.Reason != c.want || !strings.Contains(got.Detail, c.says) {
				t.Errorf("%q: %s", got.Reason, got.Detail)
			}
			if got.Allowed() != (c.want == OK) || got.Allowed() != (got.Detail == "") {
				t.Errorf("%+v", got)
			}
		})
	}
	if len(cases) < 60 {
		t.Errorf("%d cases", len(cases))
	}
	s := approvedScene()
	if got := s.Decide(s.app, s.candidates); !slices.Equal(got.Approvers, []string{"alice", "bob"}) || got.Record != s.record() {
		t.Errorf("%+v", got)
	}
}

// Rules come into force as changes do, and by the rules before them.
func TestRulesApproved(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *scene)
		says   string // "" where they are
	}{
		"approved": {func(*scene) {}, ""},
		"attack: a pull request edits protection, unapproved":            {func(s *scene) { s.reviews() }, "0 of 2"},
		"attack: other rules than those that were approved":              {func(s *scene) { s.record().Rules = "sha256:other" }, "no plan with these rules"},
		"attack: its own job records them":                               {func(s *scene) { s.record().By.Subject = "repo:example/infra:pull_request" }, "none of the planners"},
		"attack: an edit of protection that is not merged":               {func(s *scene) { s.change().Pull.Merged = false }, "not merged"},
		"attack: pushed between approval and merge":                      {func(s *scene) { s.change().Pull.Head = older }, "pushed to"},
		"attack: approved, and too long ago":                             {func(s *scene) { s.record().ExpiresAt = now }, "expired"},
		"attack: a change that begins at rules that nobody has approved": {func(s *scene) { s.record().RulesBefore = "sha256:slack" }, "changes other rules than those in force"},
		"attack: a record that does not say which rules it begins at":    {func(s *scene) { s.record().RulesBefore = "" }, "changes other rules"},
		"attack: a role that approves one project changes them":          {func(s *scene) { s.roles(approver()) }, "nothing allows"},
	} {
		t.Run(name, func(t *testing.T) {
			s := approvedScene()
			s.Rules = "sha256:before"
			s.record().Rules, s.record().RulesBefore = "sha256:rules", "sha256:before"
			c.change(s)
			record, why := s.RulesApproved("sha256:rules", s.candidates)
			if (record != nil) != (c.says == "") || !strings.Contains(why, c.says) {
				t.Errorf("%v %q", record, why)
			}
		})
	}
}

func TestSigns(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7PXTF5zkRRL1SIUYwjv5FRzTTQlhbbHxSKmQkN1lmY ci"
	const id = "SHA256:x"
	for _, c := range []struct {
		signer  string
		speaker approval.Speaker
		want    bool
	}{
		{id, approval.Speaker{KeyID: id}, true},
		{key, approval.Speaker{KeyID: id}, false},
		{"https://ci.example.com/plan.yml@refs/heads/main", approval.Speaker{Identity: "https://ci.example.com/plan.yml@refs/heads/main", Issuer: issuer}, true},
		{issuer + " https://ci.example.com/plan.yml@refs/heads/*", approval.Speaker{Identity: "https://ci.example.com/plan.yml@refs/heads/main", Issuer: issuer}, true},
		{"https://token.example.net https://ci.example.com/*", approval.Speaker{Identity: "https://ci.example.com/plan.yml", Issuer: issuer}, false},
		{"https://ci.example.com/*", approval.Speaker{}, false},
		{"*", approval.Speaker{KeyID: id}, false},
	} {
		if got := approval.Signs([]string{c.signer}, c.speaker); got != c.want {
			t.Errorf("%q of %+v: %v", c.signer, c.speaker, got)
		}
	}
}
