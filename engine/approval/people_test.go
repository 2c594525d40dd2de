package approval_test

import (
	"testing"

	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
)

// Who reviews is called in roles as the forge calls them: the issuer is the forge as pull
// requests there are addressed, the subject what the forge tells people by. The same name
// elsewhere is somebody else.
func TestPeopleOfEachForge(t *testing.T) {
	for kind, c := range map[string]struct{ pull, issuer, subject string }{
		"github":                {"https://github.com/example/infra/pull/1", "https://github.com", "octocat"},
		"gitlab":                {"https://gitlab.com/example/group/infra/-/merge_requests/1", "https://gitlab.com", "jane.doe"},
		"gitea":                 {"https://git.example.com:3000/example/infra/pulls/1", "https://git.example.com:3000", "alice"},
		"forgejo":               {"https://codeberg.org/example/infra/pulls/1", "https://codeberg.org", "alice"},
		"bitbucket":             {"https://bitbucket.org/example/infra/pull-requests/1", "https://bitbucket.org", "557058:c0b72ad0-1cb5-4018-9cdc-0cde8492c443"},
		"bitbucket_data_center": {"https://git.example.com/bitbucket/projects/OPS/repos/infra/pull-requests/1", "https://git.example.com", "alice"},
	} {
		t.Run(kind, func(t *testing.T) {
			for name, test := range map[string]struct {
				issuers, subjects []string
				want              approval.Reason
			}{
				"of this forge":         {[]string{c.issuer}, []string{c.subject}, approval.OK},
				"of any":                {nil, []string{c.subject}, approval.OK},
				"of another forge":      {[]string{"https://forge.example.net"}, []string{c.subject}, approval.NotApproved},
				"of its issuer of jobs": {[]string{"https://token.example.com"}, []string{c.subject}, approval.NotApproved},
				"with a slash":          {[]string{c.issuer + "/"}, []string{c.subject}, approval.NotApproved},
				"somebody else":         {[]string{c.issuer}, []string{"mallory"}, approval.NotApproved},
			} {
				s := approvedScene()
				s.Protection.Approvals.Count, s.Protection.Approvals.Groups = 1, nil
				s.change().Pull.URL = c.pull
				s.roles(plan.Role{Name: "approver", Subjects: test.subjects, Issuers: test.issuers, Allow: []plan.Grant{{Actions: []string{"approve"}, Applications: []string{"*/*"}}}})
				s.reviews(said(c.subject, providers.Approved, head, 10))
				if got := s.Decide(s.app, s.candidates); got.Reason != test.want {
					t.Errorf("%s: %q: %s", name, got.Reason, got.Detail)
				}
			}
		})
	}
}
