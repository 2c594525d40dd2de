package giteatest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"testing"
)

// API asks the API as a user, which must succeed. in is sent as JSON, unless it is nil; what
// comes back is decoded into out, unless that is nil.
func (s *Server) API(t testing.TB, as User, method, path string, in, out any) {
	t.Helper()
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/api/v1"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if as.Token != "" {
		request.Header.Set("Authorization", "token "+as.Token)
	} else {
		request.SetBasicAuth(as.Name, as.Password)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
}

// token makes a token for everything.
func (s *Server) token(t testing.TB, of User) string {
	t.Helper()
	var made struct {
		Text string `json:"sha1"`
	}
	of.Token = ""
	s.API(t, of, http.MethodPost, "/users/"+of.Name+"/tokens", map[string]any{"name": "tests", "scopes": []string{"all"}}, &made)
	return made.Text
}

// User makes an account.
func (s *Server) User(t testing.TB, name string) User {
	t.Helper()
	made := User{Name: name, Password: rand.Text()}
	s.API(t, s.Admin, http.MethodPost, "/admin/users", map[string]any{
		"username": name, "password": made.Password, "email": name + "@example.com", "must_change_password": false,
	}, nil)
	made.Token = s.token(t, made)
	return made
}

// Team makes a team in an organization, which is made too if there is none, and adds members.
// In tokens they have the groups "organization" and "organization:team".
func (s *Server) Team(t testing.TB, organization, team string, members ...User) {
	t.Helper()
	var existing []struct {
		Name string `json:"name"`
	}
	s.API(t, s.Admin, http.MethodGet, "/admin/orgs", nil, &existing)
	found := false
	for _, one := range existing {
		found = found || one.Name == organization
	}
	if !found {
		s.API(t, s.Admin, http.MethodPost, "/orgs", map[string]any{"username": organization}, nil)
	}
	var made struct {
		ID json.Number `json:"id"`
	}
	s.API(t, s.Admin, http.MethodPost, "/orgs/"+organization+"/teams", map[string]any{
		"name": team, "permission": "write", "units": []string{"repo.code", "repo.pulls"},
	}, &made)
	for _, member := range members {
		s.API(t, s.Admin, http.MethodPut, "/teams/"+made.ID.String()+"/members/"+member.Name, nil, nil)
	}
}

// Application registers a public OAuth client of the administrator's, and returns its ID. A
// redirect to a loopback address, without a port, is one to any port.
func (s *Server) Application(t testing.TB, name string, redirects ...string) string {
	t.Helper()
	var made struct {
		ID string `json:"client_id"`
	}
	s.API(t, s.Admin, http.MethodPost, "/user/applications/oauth2", map[string]any{
		"name": name, "redirect_uris": redirects, "confidential_client": false,
	}, &made)
	return made.ID
}

// csrf is the field of a form that says that it is the server's own.
var csrf = regexp.MustCompile(`name="_csrf" value="([^"]+)"`)

// Browser returns a browser in which a user has logged in.
func (s *Server) Browser(t testing.TB, as User) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	page := visit(t, browser, s.URL+"/user/login", nil)
	page = visit(t, browser, s.URL+"/user/login", url.Values{"_csrf": {csrfIn(t, page)}, "user_name": {as.Name}, "password": {as.Password}})
	if bytes.Contains([]byte(page), []byte(`name="password"`)) {
		t.Fatalf("%s could not log in", as.Name)
	}
	return browser
}

// Agree opens the address of an authorization request, and agrees, as somebody does who clicks
// on the button. It returns the page that the browser is sent to at the end.
func (s *Server) Agree(t testing.TB, browser *http.Client, address string) string {
	t.Helper()
	asked, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	page := visit(t, browser, address, nil)
	form := url.Values{"_csrf": {csrfIn(t, page)}, "granted": {"true"}}
	for _, name := range []string{"client_id", "redirect_uri", "state", "scope", "nonce"} {
		form.Set(name, asked.Query().Get(name))
	}
	return visit(t, browser, s.URL+"/login/oauth/grant", form)
}

func csrfIn(t testing.TB, page string) string {
	t.Helper()
	found := csrf.FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("the page has no form:\n%s", page)
	}
	return found[1]
}

// visit opens an address, or sends a form to it.
func visit(t testing.TB, browser *http.Client, address string, form url.Values) string {
	t.Helper()
	var answer *http.Response
	var err error
	if form == nil {
		answer, err = browser.Get(address)
	} else {
		answer, err = browser.PostForm(address, form)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s: %s\n%s", address, answer.Status, page)
	}
	return string(page)
}
