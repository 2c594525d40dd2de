package gitlab_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
)

type object = map[string]any

// serve speaks GitLab's REST API as its documentation shows it. dated says that approvals tell
// when they were given, as newer versions do.
func serve(t *testing.T, dated bool) *forgetest.Server {
	s := forgetest.Serve(t, func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+forgetest.Token })
	const project = "/api/v4/projects/example%2Frepository"
	ids := map[string]int64{}
	user := func(login string) object {
		if ids[login] == 0 {
			ids[login] = int64(len(ids) + 1)
		}
		return object{"id": ids[login], "username": login, "state": "active"}
	}
	user(s.Account)
	request := func(p providers.PullRequest) object {
		state := map[bool]string{true: "opened", false: "closed"}[p.Open]
		out := object{
			"iid": p.Number, "title": p.Title, "author": user(p.Author), "web_url": p.URL, "draft": p.Draft, "sha": p.Head,
			"source_branch": p.Branch, "target_branch": p.Base, "source_project_id": 3, "target_project_id": 3, "labels": p.Labels,
			"merge_commit_sha": nil, "squash_commit_sha": nil, "created_at": p.CreatedAt,
		}
		if p.Merged {
			state, out["squash_commit_sha"], out["merge_commit_sha"] = "merged", strings.Repeat("5", 40), p.MergedAs
		}
		out["state"] = state
		return out
	}
	requests := func(w http.ResponseWriter, all []providers.PullRequest) {
		out := []object{}
		for _, p := range all {
			out = append(out, request(p))
		}
		forgetest.Answer(w, http.StatusOK, out)
	}
	s.HandleFunc("GET "+project, func(w http.ResponseWriter, _ *http.Request) { forgetest.Answer(w, http.StatusOK, object{"id": 3}) })
	s.HandleFunc("GET "+project+"/merge_requests", func(w http.ResponseWriter, r *http.Request) {
		branch := r.FormValue("source_branch")
		requests(w, s.Find(func(p *providers.PullRequest) bool { return p.Open && (branch == "" || branch == p.Branch) }))
	})
	s.HandleFunc("POST "+project+"/merge_requests", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Title, Labels string
			Source        string `json:"source_branch"`
			Target        string `json:"target_branch"`
		}
		forgetest.Read(r, &in)
		p, err := s.Propose(r.Context(), providers.Proposal{Title: in.Title, Branch: in.Source, Base: in.Target, Labels: strings.Split(in.Labels, ",")})
		if err != nil {
			forgetest.Answer(w, http.StatusBadRequest, object{"message": object{"source_branch": []string{"does not exist"}}})
			return
		}
		forgetest.Answer(w, http.StatusCreated, request(*p))
	})
	at := project + "/merge_requests/{number}"
	s.HandleFunc("GET "+at, func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			forgetest.Answer(w, http.StatusOK, request(s.Get(number)))
		}
	})
	s.HandleFunc("PUT "+at, func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			var in struct {
				Add    string `json:"add_labels"`
				Remove string `json:"remove_labels"`
			}
			forgetest.Read(r, &in)
			split := func(text string) []string {
				return slices.DeleteFunc(strings.Split(text, ","), func(one string) bool { return one == "" })
			}
			if err := s.Label(r.Context(), number, split(in.Add), split(in.Remove)); err != nil {
				t.Error(err)
			}
			forgetest.Answer(w, http.StatusOK, request(s.Get(number)))
		}
	})
	s.HandleFunc("GET "+project+"/repository/commits/{sha}/merge_requests", func(w http.ResponseWriter, r *http.Request) {
		sha := r.PathValue("sha")
		if !s.Has(sha) {
			forgetest.Answer(w, http.StatusNotFound, object{"message": "404 Commit Not Found"})
			return
		}
		requests(w, s.Find(func(p *providers.PullRequest) bool { return p.Head == sha || p.MergedAs == sha }))
	})
	s.HandleFunc("GET "+at+"/approvals", func(w http.ResponseWriter, r *http.Request) {
		number, ok := s.Number(w, r)
		if !ok {
			return
		}
		by := []object{}
		for _, one := range s.Said(number) {
			if one.Verdict != providers.Approved {
				continue
			}
			approval := object{"user": user(one.Login)}
			if dated {
				approval["approved_at"] = one.At
			}
			by = append(by, approval)
		}
		forgetest.Answer(w, http.StatusOK, object{"approved": len(by) > 0, "approved_by": by})
	})
	s.HandleFunc("GET "+at+"/versions", func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			out := []object{}
			for i, v := range slices.Backward(s.Versions(number)) {
				out = append(out, object{"id": i + 1, "head_commit_sha": v.Head, "created_at": v.At, "state": "collected"})
			}
			forgetest.Answer(w, http.StatusOK, out)
		}
	})
	note := func(c forgetest.Written) object {
		id, _ := strconv.ParseInt(c.ID, 10, 64)
		return object{"id": id, "system": false, "body": c.Body, "author": user(c.Author), "created_at": time.Unix(1_800_000_000+id, 0).UTC()}
	}
	s.HandleFunc("GET "+at+"/notes", func(w http.ResponseWriter, r *http.Request) {
		number, ok := s.Number(w, r)
		if !ok {
			return
		}
		out := []object{}
		for _, one := range s.Said(number) {
			body := map[providers.ReviewVerdict]string{providers.Approved: "approved this merge request", providers.ChangesRequested: "requested changes"}[one.Verdict]
			out = append(out, object{"id": 1, "system": true, "body": body, "author": user(one.Login), "created_at": one.At})
		}
		for _, c := range s.Comments(number) {
			out = append(out, note(c))
		}
		forgetest.Answer(w, http.StatusOK, out)
	})
	s.HandleFunc("POST "+at+"/notes", func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			var in struct{ Body string }
			forgetest.Read(r, &in)
			forgetest.Answer(w, http.StatusCreated, note(s.Write(number, in.Body)))
		}
	})
	s.HandleFunc("PUT "+at+"/notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Body string }
		forgetest.Read(r, &in)
		if c, ok := s.Edit(r.PathValue("id"), in.Body); ok {
			forgetest.Answer(w, http.StatusOK, note(c))
			return
		}
		forgetest.Answer(w, http.StatusForbidden, object{"message": "403 Forbidden"})
	})
	s.HandleFunc("GET /api/v4/user", func(w http.ResponseWriter, _ *http.Request) { forgetest.Answer(w, http.StatusOK, user(s.Account)) })
	s.HandleFunc("GET /api/v4/users", func(w http.ResponseWriter, r *http.Request) {
		login := r.FormValue("username")
		if login != "member" && login != "stranger" {
			forgetest.Answer(w, http.StatusOK, []object{})
			return
		}
		forgetest.Answer(w, http.StatusOK, []object{user(login)})
	})
	s.HandleFunc("GET /api/v4/groups/{group}", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.Members(strings.TrimPrefix(r.PathValue("group"), "example/")); !ok {
			forgetest.Answer(w, http.StatusNotFound, object{"message": "404 Group Not Found"})
			return
		}
		forgetest.Answer(w, http.StatusOK, object{"full_path": r.PathValue("group")})
	})
	s.HandleFunc("GET /api/v4/groups/{group}/members/{id}", func(w http.ResponseWriter, r *http.Request) {
		members, _ := s.Members(strings.TrimPrefix(r.PathValue("group"), "example/"))
		for _, login := range members {
			if fmt.Sprint(user(login)["id"]) == r.PathValue("id") {
				forgetest.Answer(w, http.StatusOK, object{"id": ids[login], "username": login, "access_level": 30, "membership_state": "active"})
				return
			}
		}
		forgetest.Answer(w, http.StatusNotFound, object{"message": "404 Not found"})
	})
	repository(s, project)
	return s
}

// repository are the routes of branches, commits and their statuses.
func repository(s *forgetest.Server, project string) {
	s.HandleFunc("GET "+project+"/repository/branches/{name}", func(w http.ResponseWriter, r *http.Request) {
		tip, ok := s.Tip(r.PathValue("name"))
		if !ok {
			forgetest.Answer(w, http.StatusNotFound, object{"message": "404 Branch Not Found"})
			return
		}
		forgetest.Answer(w, http.StatusOK, object{"name": r.PathValue("name"), "commit": object{"id": tip}})
	})
	s.HandleFunc("GET "+project+"/repository/merge_base", func(w http.ResponseWriter, r *http.Request) {
		refs := r.URL.Query()["refs[]"]
		switch {
		case len(refs) != 2:
			forgetest.Answer(w, http.StatusBadRequest, object{"message": "Provide exactly 2 refs"})
		case !s.Has(refs[0]):
			forgetest.Answer(w, http.StatusBadRequest, object{"message": "Could not find ref: " + refs[0]})
		case s.Precedes(refs[0], refs[1]):
			forgetest.Answer(w, http.StatusOK, object{"id": refs[0]})
		default:
			forgetest.Answer(w, http.StatusOK, object{"id": s.On("main")[0]})
		}
	})
	words := map[string]providers.CheckState{"running": providers.CheckPending, "success": providers.CheckSuccess, "failed": providers.CheckFailure}
	s.HandleFunc("POST "+project+"/statuses/{sha}", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ State, Name, Description string }
		forgetest.Read(r, &in)
		sha, state := r.PathValue("sha"), words[in.State]
		if s.Checks(sha)[in.Name].State == state {
			forgetest.Answer(w, http.StatusBadRequest, object{"message": fmt.Sprintf("Cannot transition status via :%s from :%s", in.State, in.State)})
			return
		}
		s.Show(sha, providers.Check{Name: in.Name, State: state, Title: in.Description})
		forgetest.Answer(w, http.StatusCreated, object{"status": in.State})
	})
	s.HandleFunc("GET "+project+"/repository/commits/{sha}/statuses", func(w http.ResponseWriter, r *http.Request) {
		out := []object{}
		for name, check := range s.Checks(r.PathValue("sha")) {
			for word, state := range words {
				if state == check.State {
					out = append(out, object{"name": name, "status": word})
				}
			}
		}
		forgetest.Answer(w, http.StatusOK, out)
	})
}
