package gitlab_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
	"github.com/gantrycd/gantry/providers/forge/gitlab"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

func open(t *testing.T, s *forgetest.Server, repository string) *gitlab.Forge {
	t.Helper()
	f, err := gitlab.New(shape.Account{URL: s.URL, Token: forgetest.Token}, repository)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestGitLab(t *testing.T) {
	for name, dated := range map[string]bool{"approvals with a date": true, "approvals without": false} {
		t.Run(name, func(t *testing.T) {
			forgetest.Check(t, func(t *testing.T) (providers.Forge, forgetest.Site) {
				s := serve(t, dated)
				return open(t, s, "example/repository"), s.Memory
			})
		})
	}
}

// An approval that nobody knows the time of is one of no commit.
func TestApprovalWithoutTime(t *testing.T) {
	s := serve(t, false)
	const at = "/api/v4/projects/example%2Fother/merge_requests/1"
	s.HandleFunc("GET "+at+"/approvals", func(w http.ResponseWriter, _ *http.Request) {
		forgetest.Answer(w, http.StatusOK, object{"approved_by": []object{{"user": object{"id": 9, "username": "one"}}}})
	})
	for _, list := range []string{"/notes", "/versions"} {
		s.HandleFunc("GET "+at+list, func(w http.ResponseWriter, _ *http.Request) {
			// A note that is no system's, whatever it says, is no approval.
			forgetest.Answer(w, http.StatusOK, []object{{
				"system": false, "body": "approved this merge request", "author": object{"id": 9, "username": "one"}, "created_at": "2026-01-02T00:00:00Z",
				"head_commit_sha": "0123456789abcdef0123456789abcdef01234567",
			}})
		})
	}
	got, err := open(t, s, "example/other").Reviews(t.Context(), 1)
	if err != nil || len(got) != 1 || got[0].Commit != "" || got[0].Verdict != providers.Approved {
		t.Errorf("%+v, %v", got, err)
	}
}

// A fast-forward merge has no commit of its own.
func TestFastForward(t *testing.T) {
	s := serve(t, true)
	const head = "0123456789abcdef0123456789abcdef01234567"
	s.HandleFunc("GET /api/v4/projects/example%2Fother/repository/commits/"+head+"/merge_requests", func(w http.ResponseWriter, _ *http.Request) {
		forgetest.Answer(w, http.StatusOK, []object{
			{"iid": 1, "state": "merged", "sha": head}, {"iid": 2, "state": "closed", "sha": head}, {"iid": 3, "state": "opened", "sha": "another"},
		})
	})
	got, err := open(t, s, "example/other").Pulls(t.Context(), head)
	if err != nil || len(got) != 1 || got[0].Number != 1 || got[0].MergedAs != head {
		t.Errorf("%+v, %v", got, err)
	}
	if err := open(t, s, "example/other").Label(t.Context(), 1, []string{"a,b"}, nil); !errors.Is(err, providers.ErrInvalid) {
		t.Error(err)
	}
}
