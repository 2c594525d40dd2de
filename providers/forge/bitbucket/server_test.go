package bitbucket_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
)

type object = map[string]any

func short(hash string) object { return object{"type": "commit", "hash": hash[:12]} }

func values(all []object) object {
	if all == nil {
		all = []object{}
	}
	return object{"values": all, "pagelen": 50}
}

func account(id string) object {
	return object{"account_id": id, "uuid": "{" + id + "}", "display_name": "Somebody", "nickname": "member"}
}

// serve speaks Bitbucket Cloud's REST API as its documentation shows it.
func serve(t *testing.T) *forgetest.Server {
	s := forgetest.Serve(t, func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+forgetest.Token })
	s.NoLabels = true
	const repository = "/2.0/repositories/example/repository"
	pull := func(p providers.PullRequest) object {
		state := map[bool]string{true: "OPEN", false: "DECLINED"}[p.Open]
		repo := object{"full_name": "example/repository"}
		out := object{
			"id": p.Number, "title": p.Title, "author": account(p.Author), "links": object{"html": object{"href": p.URL}}, "created_on": p.CreatedAt,
			"source":      object{"branch": object{"name": p.Branch}, "commit": short(p.Head), "repository": repo},
			"destination": object{"branch": object{"name": p.Base}, "commit": short(strings.Repeat("b", 40)), "repository": repo},
		}
		if p.Merged {
			state, out["merge_commit"] = "MERGED", short(p.MergedAs)
		}
		out["state"] = state
		participants := []object{}
		for _, one := range s.Said(p.Number) {
			participants = append(participants, object{
				"user": account(one.Login), "approved": one.Verdict == providers.Approved, "participated_on": one.At,
				"state": map[providers.ReviewVerdict]string{providers.Approved: "approved", providers.ChangesRequested: "changes_requested"}[one.Verdict],
			})
		}
		out["participants"] = participants
		return out
	}
	s.HandleFunc("GET "+repository+"/pullrequests", func(w http.ResponseWriter, r *http.Request) {
		// One on a page, to have several.
		page, _ := strconv.Atoi(r.FormValue("page"))
		all := s.Find(func(p *providers.PullRequest) bool {
			return r.FormValue("state") == "OPEN" && p.Open || r.FormValue("state") == "MERGED" && p.Merged
		})
		if page >= len(all) {
			forgetest.Answer(w, http.StatusOK, values(nil))
			return
		}
		out := values([]object{pull(all[page])})
		query := r.URL.Query()
		query.Set("page", strconv.Itoa(page+1))
		out["next"] = "https://api.example.com" + r.URL.Path + "?" + query.Encode() // what a proxy may make of it
		forgetest.Answer(w, http.StatusOK, out)
	})
	s.HandleFunc("POST "+repository+"/pullrequests", func(w http.ResponseWriter, r *http.Request) {
		type end struct{ Branch struct{ Name string } }
		var in struct {
			Title               string
			Source, Destination end
		}
		forgetest.Read(r, &in)
		p, err := s.Propose(r.Context(), providers.Proposal{Title: in.Title, Branch: in.Source.Branch.Name, Base: in.Destination.Branch.Name})
		if err != nil {
			forgetest.Answer(w, http.StatusBadRequest, object{"type": "error", "error": object{"message": "branch not found: source"}})
			return
		}
		forgetest.Answer(w, http.StatusCreated, pull(*p))
	})
	at := repository + "/pullrequests/{number}"
	s.HandleFunc("GET "+at, func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			forgetest.Answer(w, http.StatusOK, pull(s.Get(number)))
		}
	})
	s.HandleFunc("GET "+at+"/activity", func(w http.ResponseWriter, r *http.Request) {
		number, ok := s.Number(w, r)
		if !ok {
			return
		}
		var all []object
		for _, one := range s.Said(number) {
			kind := map[providers.ReviewVerdict]string{providers.Approved: "approval", providers.ChangesRequested: "changes_requested"}[one.Verdict]
			all = append(all, object{kind: object{"date": one.At, "user": account(one.Login)}})
		}
		for _, v := range s.Versions(number) {
			all = append(all, object{"update": object{"date": v.At, "source": object{"commit": short(v.Head), "branch": object{"name": "x"}}}})
		}
		forgetest.Answer(w, http.StatusOK, values(all))
	})
	s.HandleFunc("GET "+repository+"/commit/{hash}", func(w http.ResponseWriter, r *http.Request) {
		for _, branch := range []string{"main", "change-1", "change-2", "change-3", "promote/web"} {
			for _, commit := range s.On(branch) {
				if strings.HasPrefix(commit, r.PathValue("hash")) {
					forgetest.Answer(w, http.StatusOK, object{"hash": commit})
					return
				}
			}
		}
		forgetest.NotFound(w)
	})
	s.HandleFunc("GET "+repository+"/refs/branches/{name...}", func(w http.ResponseWriter, r *http.Request) {
		tip, ok := s.Tip(r.PathValue("name"))
		if !ok {
			forgetest.Answer(w, http.StatusNotFound, object{"type": "error", "error": object{"message": "Branch not found"}})
			return
		}
		forgetest.Answer(w, http.StatusOK, object{"name": r.PathValue("name"), "target": object{"hash": tip}})
	})
	s.HandleFunc("GET "+repository+"/merge-base/{both}", func(w http.ResponseWriter, r *http.Request) {
		one, tip, _ := strings.Cut(r.PathValue("both"), "..")
		switch {
		case !s.Has(one):
			forgetest.NotFound(w)
		case s.Precedes(one, tip):
			forgetest.Answer(w, http.StatusOK, object{"hash": one})
		default:
			forgetest.Answer(w, http.StatusOK, object{"hash": s.On("main")[0]})
		}
	})
	s.HandleFunc("GET /1.0/groups/{workspace}/{group}/members", func(w http.ResponseWriter, r *http.Request) {
		members, ok := s.Members(r.PathValue("group"))
		if !ok || r.PathValue("workspace") != "example" {
			forgetest.NotFound(w)
			return
		}
		out := []object{}
		for _, one := range members {
			out = append(out, account(one))
		}
		forgetest.Answer(w, http.StatusOK, out)
	})
	s.HandleFunc("GET /2.0/user", func(w http.ResponseWriter, _ *http.Request) { forgetest.Answer(w, http.StatusOK, account(s.Account)) })
	writes(s, repository, at)
	return s
}

// writes are the routes of comments and checks.
func writes(s *forgetest.Server, repository, at string) {
	comment := func(c forgetest.Written) object {
		id, _ := strconv.ParseInt(c.ID, 10, 64)
		return object{"id": id, "user": account(c.Author), "content": object{"raw": c.Body}, "links": object{"html": object{"href": s.URL + "/" + c.ID}}}
	}
	type content struct{ Content struct{ Raw string } }
	s.HandleFunc("GET "+at+"/comments", func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			var out []object
			for _, c := range s.Comments(number) {
				out = append(out, comment(c))
			}
			forgetest.Answer(w, http.StatusOK, values(out))
		}
	})
	s.HandleFunc("POST "+at+"/comments", func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			var in content
			forgetest.Read(r, &in)
			forgetest.Answer(w, http.StatusCreated, comment(s.Write(number, in.Content.Raw)))
		}
	})
	s.HandleFunc("PUT "+at+"/comments/{id}", func(w http.ResponseWriter, r *http.Request) {
		var in content
		forgetest.Read(r, &in)
		if c, ok := s.Edit(r.PathValue("id"), in.Content.Raw); ok {
			forgetest.Answer(w, http.StatusOK, comment(c))
			return
		}
		forgetest.NotFound(w)
	})
	s.HandleFunc("POST "+repository+"/commit/{sha}/statuses/build", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Key, State, Description, URL string }
		forgetest.Read(r, &in)
		if len(in.Key) > 40 || in.URL == "" || len(in.Description) > 255 {
			forgetest.Answer(w, http.StatusBadRequest, object{"type": "error", "error": object{"message": "Bad request"}})
			return
		}
		states := map[string]providers.CheckState{"INPROGRESS": providers.CheckPending, "SUCCESSFUL": providers.CheckSuccess, "FAILED": providers.CheckFailure}
		s.Show(r.PathValue("sha"), providers.Check{Name: in.Key, State: states[in.State]})
		forgetest.Answer(w, http.StatusCreated, object{})
	})
	var reports []string
	report := repository + "/commit/{sha}/reports/{id}"
	s.HandleFunc("DELETE "+report, func(w http.ResponseWriter, r *http.Request) {
		reports = slices.DeleteFunc(reports, func(id string) bool { return id == r.PathValue("id") })
		w.WriteHeader(http.StatusNoContent)
	})
	s.HandleFunc("PUT "+report, func(w http.ResponseWriter, r *http.Request) {
		reports = append(reports, r.PathValue("id"))
		forgetest.Answer(w, http.StatusOK, object{})
	})
	s.HandleFunc("POST "+report+"/annotations", func(w http.ResponseWriter, r *http.Request) {
		var in []struct{ Path, Summary string }
		forgetest.Read(r, &in)
		if !slices.Contains(reports, r.PathValue("id")) || len(in) == 0 || in[0].Path != "main.gantry.hcl" {
			s.T.Errorf("annotations of %q: %+v", r.PathValue("id"), in)
		}
		forgetest.Answer(w, http.StatusOK, []object{})
	})
}
