package bitbucketdc_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
)

type object = map[string]any

const project = "/rest/api/1.0/projects/example"

// page is a part of a list, of two elements at most.
func page[T any](w http.ResponseWriter, r *http.Request, all []T) {
	start, _ := strconv.Atoi(r.FormValue("start"))
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	end := min(len(all), start+min(2, limit))
	out := object{"size": end - start, "limit": limit, "start": start, "values": append([]T{}, all[min(start, end):end]...), "isLastPage": end == len(all)}
	if end < len(all) {
		out["nextPageStart"] = end
	}
	forgetest.Answer(w, http.StatusOK, out)
}

func failed(w http.ResponseWriter, status int, message string) {
	forgetest.Answer(w, status, object{"errors": []object{{"context": nil, "message": message, "exceptionName": "com.atlassian.bitbucket.NoSuchException"}}})
}

func user(name string) object {
	return object{"name": name, "slug": strings.ToLower(name), "id": 7, "displayName": "Somebody", "type": "NORMAL", "active": true}
}

// server speaks Bitbucket Data Center's REST API as its documentation shows it.
type server struct {
	*forgetest.Server
	unmergedInPull bool // an older version, that tells what was merged among what happened only
	edits          map[string]int64
}

func serve(t *testing.T) *server {
	s := &server{edits: map[string]int64{}}
	s.Server = forgetest.Serve(t, func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+forgetest.Token })
	s.NoLabels = true
	const repository = project + "/repos/repository"
	s.HandleFunc("GET "+repository, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-AUSERNAME", url.QueryEscape(s.Account))
		forgetest.Answer(w, http.StatusOK, object{"slug": "repository"})
	})
	s.pulls(repository)
	s.HandleFunc("GET "+repository+"/branches", func(w http.ResponseWriter, r *http.Request) {
		var out []object
		for _, name := range []string{"main", "main-2", "change-1", "change-2", "change-3", "promote/web", "feature/a#b%20c+d"} {
			if tip, ok := s.Tip(name); ok && strings.Contains(name, r.FormValue("filterText")) {
				out = append(out, object{"id": "refs/heads/" + name, "displayId": name, "type": "BRANCH", "latestCommit": tip, "isDefault": name == "main"})
			}
		}
		slices.Reverse(out)
		page(w, r, out)
	})
	s.HandleFunc("GET "+repository+"/compare/commits", func(w http.ResponseWriter, r *http.Request) {
		from, to := r.FormValue("from"), r.FormValue("to")
		switch {
		case !s.Has(from):
			failed(w, http.StatusNotFound, "Commit '"+from+"' does not exist in repository 'repository'.")
		case s.Precedes(from, to):
			page(w, r, []object{})
		default:
			page(w, r, []object{{"id": from}, {"id": from}})
		}
	})
	s.HandleFunc("GET /rest/api/1.0/admin/groups/more-members", func(w http.ResponseWriter, r *http.Request) {
		members, ok := s.Members(r.FormValue("context"))
		if !ok {
			failed(w, http.StatusNotFound, "The group does not exist.")
			return
		}
		out := []object{user("one-before"), user("another-" + r.FormValue("filter"))}
		for _, one := range members {
			if strings.Contains(one, r.FormValue("filter")) {
				out = append(out, user(one))
			}
		}
		page(w, r, out)
	})
	s.writes(repository)
	return s
}

func (s *server) pull(p providers.PullRequest) object {
	state := map[bool]string{true: "OPEN", false: "DECLINED"}[p.Open]
	repo := object{"id": 1, "slug": "repository", "project": object{"key": "example"}}
	out := object{
		"id": p.Number, "version": 1, "title": p.Title, "createdDate": p.CreatedAt.UnixMilli(), "draft": p.Draft,
		"author":  object{"user": user(p.Author), "role": "AUTHOR", "status": "UNAPPROVED"},
		"fromRef": object{"id": "refs/heads/" + p.Branch, "displayId": p.Branch, "latestCommit": p.Head, "repository": repo},
		"toRef":   object{"id": "refs/heads/" + p.Base, "displayId": p.Base, "latestCommit": strings.Repeat("b", 40), "repository": repo},
		"links":   object{"self": []object{{"href": p.URL}}},
	}
	if p.Merged {
		state = "MERGED"
		if !s.unmergedInPull {
			out["properties"] = object{"mergeCommit": object{"id": p.MergedAs, "displayId": p.MergedAs[:11]}}
		}
	}
	out["state"] = state
	reviewers := []object{}
	for _, one := range s.Said(p.Number) {
		reviewers = append(reviewers, object{
			"user": user(one.Login), "role": "REVIEWER", "approved": one.Verdict == providers.Approved, "lastReviewedCommit": one.Commit,
			"status": map[providers.ReviewVerdict]string{providers.Approved: "APPROVED", providers.ChangesRequested: "NEEDS_WORK", providers.Dismissed: "UNAPPROVED"}[one.Verdict],
		})
	}
	out["reviewers"] = reviewers
	return out
}

func (s *server) pulls(repository string) {
	s.HandleFunc("GET "+repository+"/pull-requests", func(w http.ResponseWriter, r *http.Request) {
		var out []object
		for _, p := range s.Find(func(p *providers.PullRequest) bool {
			return r.FormValue("state") == "OPEN" && p.Open || r.FormValue("state") == "MERGED" && p.Merged
		}) {
			out = append(out, s.pull(p))
		}
		page(w, r, out)
	})
	s.HandleFunc("POST "+repository+"/pull-requests", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Title          string
			FromRef, ToRef struct {
				ID         string
				Repository struct {
					Slug    string
					Project struct{ Key string }
				}
			}
		}
		forgetest.Read(r, &in)
		p, err := s.Propose(r.Context(), providers.Proposal{Title: in.Title, Branch: strings.TrimPrefix(in.FromRef.ID, "refs/heads/"), Base: strings.TrimPrefix(in.ToRef.ID, "refs/heads/")})
		if err != nil || in.FromRef.Repository.Slug != "repository" || in.ToRef.Repository.Project.Key != "example" {
			failed(w, http.StatusNotFound, "Repository or branch does not exist.")
			return
		}
		forgetest.Answer(w, http.StatusCreated, s.pull(*p))
	})
	s.HandleFunc("GET "+repository+"/pull-requests/{number}", func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			forgetest.Answer(w, http.StatusOK, s.pull(s.Get(number)))
		}
	})
	s.HandleFunc("GET "+repository+"/pull-requests/{number}/activities", func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			page(w, r, s.activities(number))
		}
	})
}

// activities are what happened to a pull request, the newest first.
func (s *server) activities(number int64) []object {
	var all []object
	add := func(at time.Time, action string, more object) {
		more["id"], more["createdDate"], more["action"] = len(all)+1, at.UnixMilli(), action
		all = append(all, more)
	}
	p := s.Get(number)
	add(p.CreatedAt, "OPENED", object{"user": user(p.Author)})
	for _, one := range s.Said(number) {
		action := map[providers.ReviewVerdict]string{providers.Approved: "APPROVED", providers.ChangesRequested: "REVIEWED", providers.Dismissed: "APPROVED"}[one.Verdict]
		add(one.At, action, object{"user": user(one.Login)})
	}
	versions := s.Versions(number)
	for i, v := range versions[1:] {
		add(v.At, "RESCOPED", object{"user": user(p.Author), "fromHash": v.Head, "previousFromHash": versions[i].Head, "toHash": "x", "previousToHash": "x"})
		add(v.At.Add(time.Second), "RESCOPED", object{"user": user(p.Author), "fromHash": v.Head, "previousFromHash": v.Head, "toHash": "y", "previousToHash": "x"})
	}
	for i, c := range s.Comments(number) {
		at := p.CreatedAt.Add(time.Duration(i) * time.Millisecond)
		add(at, "COMMENTED", object{"user": user(c.Author), "commentAction": "ADDED", "comment": s.comment(c)})
	}
	if p.Merged {
		add(p.CreatedAt.Add(48*time.Hour), "MERGED", object{"user": user(p.Author), "commit": object{"id": p.MergedAs}})
	}
	slices.SortStableFunc(all, func(a, b object) int { return int(b["createdDate"].(int64) - a["createdDate"].(int64)) })
	return all
}

func (s *server) comment(c forgetest.Written) object {
	id, _ := strconv.ParseInt(c.ID, 10, 64)
	return object{"id": id, "version": s.edits[c.ID], "text": c.Body, "author": user(c.Author)}
}

// writes are the routes of comments and checks.
func (s *server) writes(repository string) {
	at := repository + "/pull-requests/{number}/comments"
	s.HandleFunc("POST "+at, func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			var in struct{ Text string }
			forgetest.Read(r, &in)
			forgetest.Answer(w, http.StatusCreated, s.comment(s.Write(number, in.Text)))
		}
	})
	s.HandleFunc("PUT "+at+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Text    string
			Version *int64
		}
		forgetest.Read(r, &in)
		id := r.PathValue("id")
		if in.Version == nil || *in.Version != s.edits[id] {
			failed(w, http.StatusConflict, "You are attempting to modify a comment based on out-of-date information.")
			return
		}
		c, ok := s.Edit(id, in.Text)
		if !ok {
			failed(w, http.StatusNotFound, "The comment does not exist.")
			return
		}
		s.edits[id]++
		forgetest.Answer(w, http.StatusOK, s.comment(c))
	})
	s.HandleFunc("POST "+repository+"/commits/{sha}/builds", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Key, State, Description, URL string }
		forgetest.Read(r, &in)
		if in.Key == "" || len(in.Key) > 255 || in.URL == "" || len(in.Description) > 255 {
			failed(w, http.StatusBadRequest, "The build status is not valid.")
			return
		}
		states := map[string]providers.CheckState{"INPROGRESS": providers.CheckPending, "SUCCESSFUL": providers.CheckSuccess, "FAILED": providers.CheckFailure}
		s.Show(r.PathValue("sha"), providers.Check{Name: in.Key, State: states[in.State]})
		w.WriteHeader(http.StatusNoContent)
	})
	var reports, annotated []string
	report := "/rest/insights/1.0/projects/example/repos/repository/commits/{sha}/reports/{id}"
	s.HandleFunc("PUT "+report, func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Title, Result string }
		forgetest.Read(r, &in)
		if in.Title == "" || in.Result != "PASS" && in.Result != "FAIL" {
			s.T.Errorf("the report is %+v", in)
		}
		reports = append(reports, r.PathValue("id"))
		forgetest.Answer(w, http.StatusOK, object{})
	})
	s.HandleFunc("DELETE "+report+"/annotations", func(w http.ResponseWriter, _ *http.Request) {
		annotated = nil
		w.WriteHeader(http.StatusNoContent)
	})
	s.HandleFunc("POST "+report+"/annotations", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Annotations []struct{ Path, Message, ExternalID, Severity string }
		}
		forgetest.Read(r, &in)
		if !slices.Contains(reports, r.PathValue("id")) || len(in.Annotations) != 1 || in.Annotations[0].Path != "main.gantry.hcl" || in.Annotations[0].Severity != "MEDIUM" || len(annotated) > 0 {
			s.T.Errorf("annotations of %q: %+v", r.PathValue("id"), in)
		}
		annotated = append(annotated, in.Annotations[0].ExternalID)
		w.WriteHeader(http.StatusNoContent)
	})
}
