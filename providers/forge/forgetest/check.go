package forgetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers"
)

// Site is a repository at a forge that the suite prepares, as people and git do. Its main
// branch has at least one commit, and its owner the groups that Member is told of.
type Site interface {
	// Open opens a pull request from a new branch to main, and returns its number.
	Open(t *testing.T, title string) int64
	// Push adds a commit to the branch of a pull request.
	Push(t *testing.T, number int64)
	// Review has somebody who is not the author say something of the head, and returns who.
	Review(t *testing.T, number int64, verdict providers.ReviewVerdict) string
	// Merge merges a pull request, and Close closes it without.
	Merge(t *testing.T, number int64)
	Close(t *testing.T, number int64)
	// Say has somebody else than the client's account write a comment.
	Say(t *testing.T, number int64, body string)
	// Bodies returns the comments of a pull request.
	Bodies(t *testing.T, number int64) []string
	// Shown returns what is shown on a commit under a name; empty for nothing.
	Shown(t *testing.T, commit, name string) providers.CheckState
	// Branch makes a branch with a commit of its own.
	Branch(t *testing.T, name string)
	// Group returns a group, somebody in it, and somebody who is not.
	Group(t *testing.T) (group, member, other string)
	// Labels reports whether the forge has labels.
	Labels() bool
}

// Check holds a client to the contract of providers.Forge: to all of it, or to some of its
// behaviours alone. open returns a client, and the repository that it is for, which may be the
// same each time.
func Check(t *testing.T, open func(t *testing.T) (providers.Forge, Site), only ...string) {
	t.Helper()
	for _, behaviour := range []struct {
		name string
		run  func(*testing.T, providers.Forge, Site)
	}{
		{"pull", checkPull},
		{"pulls of a commit", checkPulls},
		{"reviews", checkReviews},
		{"members", checkMembers},
		{"contains", checkContains},
		{"comment", checkComment},
		{"check", checkCheck},
		{"labels", checkLabels},
		{"propose", checkPropose},
		{"cancelled", checkCancelled},
	} {
		if len(only) > 0 && !slices.Contains(only, behaviour.name) {
			continue
		}
		t.Run(behaviour.name, func(t *testing.T) {
			forge, site := open(t)
			behaviour.run(t, forge, site)
		})
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func isNot(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: the error is %v, and must be %v", what, err, want)
	}
}

// unknownCommit is the id of no commit.
const unknownCommit = "0123456789abcdef0123456789abcdef01234567"

func numbers(pulls []providers.PullRequest) []int64 {
	var out []int64
	for _, p := range pulls {
		out = append(out, p.Number)
	}
	return out
}

func checkPull(t *testing.T, f providers.Forge, site Site) {
	first := site.Open(t, "The first <b>&amp; \"only\"")
	second := site.Open(t, "The second")
	third := site.Open(t, "The third")
	site.Close(t, third)
	p := must[*providers.PullRequest](t)(f.Pull(t.Context(), first))
	switch {
	case p.Number != first, p.Title != "The first <b>&amp; \"only\"", p.Author == "", !strings.HasPrefix(p.URL, "http"):
		t.Errorf("%+v", p)
	case len(p.Head) != 40, p.Branch == "", p.Base != "main", p.Fork, p.HeadRepository == "", p.CreatedAt.IsZero():
		t.Errorf("%+v", p)
	case !p.Open, p.Merged, p.MergedAs != "", p.Draft:
		t.Errorf("%+v", p)
	}
	_, err := f.Pull(t.Context(), 9999)
	isNot(t, "a pull request that there is not", err, providers.ErrNotFound)
	open := must[[]providers.PullRequest](t)(f.OpenPulls(t.Context()))
	got := slices.DeleteFunc(numbers(open), func(n int64) bool { return n < first })
	if !slices.Equal(got, []int64{second, first}) {
		t.Errorf("open: %v", got)
	}
	closed := must[*providers.PullRequest](t)(f.Pull(t.Context(), third))
	if closed.Open || closed.Merged || closed.MergedAs != "" {
		t.Errorf("closed: %+v", closed)
	}
}

func checkPulls(t *testing.T, f providers.Forge, site Site) {
	open, merged, closed := site.Open(t, "open"), site.Open(t, "merged"), site.Open(t, "closed")
	site.Merge(t, merged)
	site.Close(t, closed)
	pull := func(n int64) *providers.PullRequest {
		return must[*providers.PullRequest](t)(f.Pull(t.Context(), n))
	}
	done := pull(merged)
	if !done.Merged || done.Open || len(done.MergedAs) != 40 {
		t.Fatalf("merged: %+v", done)
	}
	for _, test := range []struct {
		name, commit string
		want         []int64
	}{
		{"head of an open one", pull(open).Head, []int64{open}},
		{"head of a merged one", done.Head, []int64{merged}},
		{"what it was merged as", done.MergedAs, []int64{merged}},
		{"head of a closed one", pull(closed).Head, nil},
		{"no commit", unknownCommit, nil},
	} {
		if got := numbers(must[[]providers.PullRequest](t)(f.Pulls(t.Context(), test.commit))); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	for _, text := range []string{"main", "", "-x", "abc", strings.Repeat("g", 40)} {
		_, err := f.Pulls(t.Context(), text)
		isNot(t, text, err, providers.ErrInvalid)
	}
}

func checkReviews(t *testing.T, f providers.Forge, site Site) {
	number := site.Open(t, "reviewed")
	first := must[*providers.PullRequest](t)(f.Pull(t.Context(), number)).Head
	if got := must[[]providers.Review](t)(f.Reviews(t.Context(), number)); len(got) != 0 {
		t.Errorf("before anybody said anything: %+v", got)
	}
	one := site.Review(t, number, providers.Approved)
	site.Push(t, number)
	second := must[*providers.PullRequest](t)(f.Pull(t.Context(), number)).Head
	if second == first {
		t.Fatal("a push does not change the head")
	}
	for _, r := range must[[]providers.Review](t)(f.Reviews(t.Context(), number)) {
		if r.Commit != first || r.Login != one {
			t.Errorf("after the push: %+v", r)
		}
	}
	two := site.Review(t, number, providers.Approved)
	three := site.Review(t, number, providers.ChangesRequested)
	got := must[[]providers.Review](t)(f.Reviews(t.Context(), number))
	if !slices.IsSortedFunc(got, func(a, b providers.Review) int { return a.At.Compare(b.At) }) {
		t.Errorf("not in order: %+v", got)
	}
	has := func(login, commit string, verdict providers.ReviewVerdict) bool {
		return slices.ContainsFunc(got, func(r providers.Review) bool {
			return r.Login == login && r.Commit == commit && r.Verdict == verdict && !r.At.IsZero()
		})
	}
	if !has(two, second, providers.Approved) || !has(three, second, providers.ChangesRequested) {
		t.Errorf("of the second head: %+v", got)
	}
	for _, r := range got {
		if r.Login == one && r.Commit == second {
			t.Errorf("an approval counts for a commit that it was not of: %+v", r)
		}
	}
	_, err := f.Reviews(t.Context(), 9999)
	isNot(t, "reviews of no pull request", err, providers.ErrNotFound)
}

func checkMembers(t *testing.T, f providers.Forge, site Site) {
	group, member, other := site.Group(t)
	if !must[bool](t)(f.Member(t.Context(), group, member)) {
		t.Errorf("%s is not in %s", member, group)
	}
	for _, login := range []string{other, "nobody-of-that-name", "../" + member} {
		if must[bool](t)(f.Member(t.Context(), group, login)) {
			t.Errorf("%s is in %s", login, group)
		}
	}
	_, err := f.Member(t.Context(), "no-such-team", member)
	isNot(t, "a group that there is not", err, providers.ErrNotFound)
	for _, group := range []string{"", ":", "a:", ":b", "a:b:c"} {
		_, err := f.Member(t.Context(), group, member)
		isNot(t, group, err, providers.ErrInvalid)
	}
}

func checkContains(t *testing.T, f providers.Forge, site Site) {
	number := site.Open(t, "to be merged")
	p := must[*providers.PullRequest](t)(f.Pull(t.Context(), number))
	if must[bool](t)(f.Contains(t.Context(), "main", p.Head)) {
		t.Error("main has what was not merged")
	}
	if !must[bool](t)(f.Contains(t.Context(), p.Branch, p.Head)) {
		t.Error("its own branch does not have it")
	}
	site.Merge(t, number)
	as := must[*providers.PullRequest](t)(f.Pull(t.Context(), number)).MergedAs
	if !must[bool](t)(f.Contains(t.Context(), "main", as)) {
		t.Error("main does not have what was merged")
	}
	later := site.Open(t, "later")
	site.Merge(t, later)
	if !must[bool](t)(f.Contains(t.Context(), "main", as)) {
		t.Error("main does not have what it had before")
	}
	if must[bool](t)(f.Contains(t.Context(), "main", unknownCommit)) {
		t.Error("main has a commit that there is not")
	}
	for _, name := range []string{"no-such-branch", "-x", "a/../main"} {
		_, err := f.Contains(t.Context(), name, as)
		isNot(t, name, err, providers.ErrNotFound)
	}
	_, err := f.Contains(t.Context(), "main", "main")
	isNot(t, "a branch for a commit", err, providers.ErrInvalid)
	odd := "feature/a#b%20c+d"
	site.Branch(t, odd)
	if !must[bool](t)(f.Contains(t.Context(), odd, as)) {
		t.Error("a branch of an odd name does not have what main has")
	}
}

func checkComment(t *testing.T, f providers.Forge, site Site) {
	number := site.Open(t, "commented")
	const marker = "<!-- gantry:test -->"
	site.Say(t, number, marker+"\nnothing changes, trust me")
	first := must[providers.Comment](t)(f.Comment(t.Context(), number, marker, "one\n\n**two**"))
	second := must[providers.Comment](t)(f.Comment(t.Context(), number, marker, "three"))
	if !first.Created || second.Created || first.ID == "" || first.ID != second.ID || !strings.HasPrefix(second.URL, "http") {
		t.Errorf("%+v, %+v", first, second)
	}
	other := must[providers.Comment](t)(f.Comment(t.Context(), number, "<!-- another -->", "four"))
	if !other.Created || other.ID == first.ID {
		t.Errorf("with another marker: %+v", other)
	}
	want := []string{marker + "\nnothing changes, trust me", marker + "\nthree", "<!-- another -->\nfour"}
	if got := site.Bodies(t, number); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	_, err := f.Comment(t.Context(), number, marker, strings.Repeat("x", f.MaxComment()))
	isNot(t, "one that is too long", err, providers.ErrInvalid)
	_, err = f.Comment(t.Context(), 9999, marker, "x")
	isNot(t, "of no pull request", err, providers.ErrNotFound)
}

func checkCheck(t *testing.T, f providers.Forge, site Site) {
	number := site.Open(t, "checked")
	head := must[*providers.PullRequest](t)(f.Pull(t.Context(), number)).Head
	const name = "gantry/plan"
	for _, state := range []providers.CheckState{providers.CheckPending, providers.CheckFailure, providers.CheckSuccess, providers.CheckSuccess} {
		check := providers.Check{
			Name: name, State: state, Title: "3 changes " + strings.Repeat("é", 300), Summary: "**3** changes", URL: "https://ci.example.com/1",
			Annotations: []providers.Annotation{{Path: "main.gantry.hcl", Line: 3, Level: "warning", Title: "Risk", Message: "look"}},
		}
		if err := f.Check(t.Context(), head, check); err != nil {
			t.Fatalf("%s: %v", state, err)
		}
		if got := site.Shown(t, head, name); got != state {
			t.Errorf("shown is %q, and not %q", got, state)
		}
	}
	isNot(t, "on a branch", f.Check(t.Context(), "main", providers.Check{Name: name, State: providers.CheckSuccess}), providers.ErrInvalid)
}

func checkLabels(t *testing.T, f providers.Forge, site Site) {
	number := site.Open(t, "labelled")
	if !site.Labels() {
		isNot(t, "labels", f.Label(t.Context(), number, []string{"a"}, nil), providers.ErrUnsupported)
		return
	}
	for _, step := range []struct{ add, remove, want []string }{
		{[]string{"gantry: plan", "a/b?c"}, nil, []string{"a/b?c", "gantry: plan"}},
		{[]string{"third"}, []string{"gantry: plan", "never there"}, []string{"a/b?c", "third"}},
		{nil, nil, []string{"a/b?c", "third"}},
	} {
		if err := f.Label(t.Context(), number, step.add, step.remove); err != nil {
			t.Fatal(err)
		}
		got := must[*providers.PullRequest](t)(f.Pull(t.Context(), number)).Labels
		if slices.Sort(got); !slices.Equal(got, step.want) {
			t.Errorf("after %v and %v: %q", step.add, step.remove, got)
		}
	}
}

func checkPropose(t *testing.T, f providers.Forge, site Site) {
	site.Branch(t, "promote/web")
	proposal := providers.Proposal{Title: "Promote web", Body: "evidence", Branch: "promote/web", Base: "main"}
	if site.Labels() {
		proposal.Labels = []string{"promotion"}
	}
	made := must[*providers.PullRequest](t)(f.Propose(t.Context(), proposal))
	if !made.Open || made.Title != "Promote web" || made.Branch != "promote/web" || made.Base != "main" || len(made.Head) != 40 || made.Fork {
		t.Errorf("%+v", made)
	}
	again := must[*providers.PullRequest](t)(f.Propose(t.Context(), proposal))
	if again.Number != made.Number {
		t.Errorf("a second one was opened: %+v", again)
	}
	if got := must[*providers.PullRequest](t)(f.Pull(t.Context(), made.Number)); site.Labels() && !slices.Equal(got.Labels, proposal.Labels) {
		t.Errorf("its labels: %q", got.Labels)
	}
	proposal.Branch = "no-such-branch"
	if got, err := f.Propose(t.Context(), proposal); err == nil {
		t.Errorf("from a branch that there is not: %+v", got)
	}
}

func checkCancelled(t *testing.T, f providers.Forge, _ Site) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.OpenPulls(ctx)
	isNot(t, "cancelled", err, context.Canceled)
}
