package github_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
)

type object = map[string]any

// serve speaks GitHub's REST API as an Enterprise Server, as its documentation shows it. app
// has the token be that of an app, which GET /user refuses; checks says that it may make
// check runs.
func serve(t *testing.T, app, checks bool) *forgetest.Server {
	s := forgetest.Serve(t, func(r *http.Request) bool {
		return r.Header.Get("Authorization") == "Bearer "+forgetest.Token && r.Header.Get("X-Github-Api-Version") == "2022-11-28"
	})
	const repository = "/api/v3/repos/example/repository"
	user := func(login string) object { return object{"login": login, "id": 1, "type": "User"} }
	repo := object{"id": 7, "full_name": "example/repository"}
	pull := func(p providers.PullRequest) object {
		state := "open"
		if !p.Open {
			state = "closed"
		}
		out := object{
			"number": p.Number, "title": p.Title, "user": user(p.Author), "html_url": p.URL, "state": state, "draft": p.Draft,
			"head": object{"ref": p.Branch, "sha": p.Head, "repo": repo}, "base": object{"ref": p.Base, "sha": strings.Repeat("b", 40), "repo": repo},
			"created_at": p.CreatedAt, "merged_at": nil, "merge_commit_sha": strings.Repeat("e", 40), // the trial merge
		}
		labels := []object{}
		for _, label := range p.Labels {
			labels = append(labels, object{"name": label})
		}
		out["labels"] = labels
		if p.Merged {
			out["merged_at"], out["merge_commit_sha"] = p.CreatedAt, p.MergedAs
		}
		return out
	}
	pulls := func(w http.ResponseWriter, r *http.Request, all []providers.PullRequest) {
		page, _ := strconv.Atoi(r.FormValue("page"))
		size, _ := strconv.Atoi(r.FormValue("per_page"))
		if page*size < len(all) {
			w.Header().Set("Link", fmt.Sprintf(`<%s%s?page=%d>; rel="next", <%s>; rel="last"`, s.URL, r.URL.Path, page+1, s.URL))
		}
		out := []object{}
		for _, p := range all[min(len(all), (page-1)*size):min(len(all), page*size)] {
			out = append(out, pull(p))
		}
		forgetest.Answer(w, http.StatusOK, out)
	}
	s.HandleFunc("GET "+repository+"/pulls", func(w http.ResponseWriter, r *http.Request) {
		pulls(w, r, s.Find(func(p *providers.PullRequest) bool {
			head := r.FormValue("head")
			return p.Open && (head == "" || head == "example:"+p.Branch) && (r.FormValue("base") == "" || r.FormValue("base") == p.Base)
		}))
	})
	s.HandleFunc("GET "+repository+"/pulls/{number}", func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			forgetest.Answer(w, http.StatusOK, pull(s.Get(number)))
		}
	})
	s.HandleFunc("POST "+repository+"/pulls", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Title, Head, Base string }
		forgetest.Read(r, &in)
		p, err := s.Propose(r.Context(), providers.Proposal{Title: in.Title, Branch: in.Head, Base: in.Base})
		if err != nil {
			forgetest.Answer(w, http.StatusUnprocessableEntity, object{"message": "Validation Failed", "errors": []object{{"resource": "PullRequest", "field": "head", "code": "invalid"}}})
			return
		}
		forgetest.Answer(w, http.StatusCreated, pull(*p))
	})
	s.HandleFunc("GET "+repository+"/commits/{sha}/pulls", func(w http.ResponseWriter, r *http.Request) {
		sha := r.PathValue("sha")
		if !s.Has(sha) {
			forgetest.Answer(w, http.StatusUnprocessableEntity, object{"message": "No commit found for SHA: " + sha})
			return
		}
		// All that have it, closed ones too.
		brought, err := s.Brought(r.Context(), sha)
		if err != nil {
			s.T.Error(err)
		}
		pulls(w, r, s.Find(func(p *providers.PullRequest) bool {
			return p.Head == sha || p.MergedAs == sha || slices.ContainsFunc(brought, func(b providers.PullRequest) bool { return b.Number == p.Number })
		}))
	})
	s.HandleFunc("GET "+repository+"/pulls/{number}/reviews", func(w http.ResponseWriter, r *http.Request) {
		number, ok := s.Number(w, r)
		if !ok {
			return
		}
		states := map[providers.ReviewVerdict]string{providers.Approved: "APPROVED", providers.ChangesRequested: "CHANGES_REQUESTED", providers.Dismissed: "DISMISSED", providers.Commented: "COMMENTED"}
		out := []object{{"id": 1, "user": user("draft"), "state": "PENDING", "commit_id": s.Get(number).Head}}
		for _, one := range s.Said(number) {
			out = append(out, object{"user": user(one.Login), "state": states[one.Verdict], "commit_id": one.Commit, "submitted_at": one.At})
		}
		forgetest.Answer(w, http.StatusOK, out)
	})
	s.HandleFunc("GET /api/v3/orgs/{org}/teams/{team}/memberships/{login}", func(w http.ResponseWriter, r *http.Request) {
		members, _ := s.Members(r.PathValue("team"))
		if !slices.Contains(members, r.PathValue("login")) {
			forgetest.NotFound(w)
			return
		}
		forgetest.Answer(w, http.StatusOK, object{"role": "member", "state": "active"})
	})
	s.HandleFunc("GET /api/v3/orgs/{org}/teams/{team}", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.Members(r.PathValue("team")); !ok || r.PathValue("org") != "example" {
			forgetest.NotFound(w)
			return
		}
		forgetest.Answer(w, http.StatusOK, object{"slug": r.PathValue("team")})
	})
	s.HandleFunc("GET "+repository+"/branches/{name...}", func(w http.ResponseWriter, r *http.Request) {
		tip, ok := s.Tip(r.PathValue("name"))
		if !ok {
			forgetest.Answer(w, http.StatusNotFound, object{"message": "Branch not found"})
			return
		}
		forgetest.Answer(w, http.StatusOK, object{"name": r.PathValue("name"), "commit": object{"sha": tip}})
	})
	s.HandleFunc("GET "+repository+"/compare/{both}", func(w http.ResponseWriter, r *http.Request) {
		base, head, _ := strings.Cut(r.PathValue("both"), "...")
		switch {
		case !s.Has(base) || !s.Has(head):
			forgetest.NotFound(w)
		case s.Precedes(base, head):
			forgetest.Answer(w, http.StatusOK, object{"status": "ahead", "ahead_by": 1, "behind_by": 0})
		default:
			forgetest.Answer(w, http.StatusOK, object{"status": "diverged", "ahead_by": 1, "behind_by": 1})
		}
	})
	s.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, _ *http.Request) {
		if app {
			forgetest.Answer(w, http.StatusForbidden, object{"message": "Resource not accessible by integration"})
			return
		}
		forgetest.Answer(w, http.StatusOK, user(s.Account))
	})
	s.HandleFunc("POST /api/graphql", func(w http.ResponseWriter, _ *http.Request) {
		forgetest.Answer(w, http.StatusOK, object{"data": object{"viewer": user(s.Account)}})
	})
	comments(s, repository, user)
	statuses(s, repository, checks)
	return s
}

// comments are the routes of comments and labels.
func comments(s *forgetest.Server, repository string, user func(string) object) {
	shape := func(c forgetest.Written) object {
		id, _ := strconv.ParseInt(c.ID, 10, 64)
		return object{"id": id, "html_url": s.URL + "/comment/" + c.ID, "user": user(c.Author), "body": c.Body}
	}
	s.HandleFunc("GET "+repository+"/issues/{number}/comments", func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			out := []object{}
			for _, c := range s.Comments(number) {
				out = append(out, shape(c))
			}
			forgetest.Answer(w, http.StatusOK, out)
		}
	})
	s.HandleFunc("POST "+repository+"/issues/{number}/comments", func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			var in struct{ Body string }
			forgetest.Read(r, &in)
			forgetest.Answer(w, http.StatusCreated, shape(s.Write(number, in.Body)))
		}
	})
	s.HandleFunc("PATCH "+repository+"/issues/comments/{id}", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Body string }
		forgetest.Read(r, &in)
		if c, ok := s.Edit(r.PathValue("id"), in.Body); ok {
			forgetest.Answer(w, http.StatusOK, shape(c))
			return
		}
		forgetest.NotFound(w)
	})
	s.HandleFunc("POST "+repository+"/issues/{number}/labels", func(w http.ResponseWriter, r *http.Request) {
		if number, ok := s.Number(w, r); ok {
			var in struct{ Labels []string }
			forgetest.Read(r, &in)
			if err := s.Label(r.Context(), number, in.Labels, nil); err != nil {
				s.T.Error(err)
			}
			forgetest.Answer(w, http.StatusOK, []object{})
		}
	})
	s.HandleFunc("DELETE "+repository+"/issues/{number}/labels/{name}", func(w http.ResponseWriter, r *http.Request) {
		number, ok := s.Number(w, r)
		switch name := r.PathValue("name"); {
		case !ok:
		case !slices.Contains(s.Get(number).Labels, name):
			forgetest.Answer(w, http.StatusNotFound, object{"message": "Label does not exist"})
		default:
			if err := s.Label(r.Context(), number, nil, []string{name}); err != nil {
				s.T.Error(err)
			}
			forgetest.Answer(w, http.StatusOK, []object{})
		}
	})
}

// statuses are the routes of check runs and statuses.
func statuses(s *forgetest.Server, repository string, checks bool) {
	type output struct {
		Title, Summary string
		Annotations    []struct {
			Path            string
			StartLine       int    `json:"start_line"`
			AnnotationLevel string `json:"annotation_level"`
		}
	}
	annotations := func(o output) []providers.Annotation {
		if len(o.Annotations) > 50 {
			s.T.Errorf("%d annotations in one request", len(o.Annotations))
		}
		var out []providers.Annotation
		for _, a := range o.Annotations {
			out = append(out, providers.Annotation{Path: a.Path, Line: a.StartLine, Level: a.AnnotationLevel})
		}
		return out
	}
	var last providers.Check
	var on string
	s.HandleFunc("POST "+repository+"/check-runs", func(w http.ResponseWriter, r *http.Request) {
		if !checks {
			forgetest.Answer(w, http.StatusForbidden, object{"message": "You must authenticate via a GitHub App."})
			return
		}
		var in struct {
			Name, Status, Conclusion string
			HeadSHA                  string `json:"head_sha"`
			Output                   output
		}
		forgetest.Read(r, &in)
		state := providers.CheckPending
		if in.Status == "completed" {
			state = providers.CheckState(in.Conclusion)
		}
		last, on = providers.Check{Name: in.Name, State: state, Title: in.Output.Title, Annotations: annotations(in.Output)}, in.HeadSHA
		s.Show(on, last)
		forgetest.Answer(w, http.StatusCreated, object{"id": 4})
	})
	s.HandleFunc("PATCH "+repository+"/check-runs/4", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Output output }
		forgetest.Read(r, &in)
		last.Annotations = append(last.Annotations, annotations(in.Output)...)
		s.Show(on, last)
		forgetest.Answer(w, http.StatusOK, object{"id": 4})
	})
	s.HandleFunc("POST "+repository+"/statuses/{sha}", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ State, Context, Description string }
		forgetest.Read(r, &in)
		if len(in.Description) > 140 {
			forgetest.Answer(w, http.StatusUnprocessableEntity, object{"message": "description is too long (maximum is 140 characters)"})
			return
		}
		s.Show(r.PathValue("sha"), providers.Check{Name: in.Context, State: providers.CheckState(in.State), Title: in.Description})
		forgetest.Answer(w, http.StatusCreated, object{})
	})
}
