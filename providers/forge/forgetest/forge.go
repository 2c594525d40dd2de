// Package forgetest is a forge in memory for tests, and the suite of the contract
// providers.Forge, which it and every client passes. It does not speak to anything. Only
// tests import it.
package forgetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// Account is the login that a Forge writes comments as, unless Account says otherwise.
const Account = "gantry-bot"

// Forge is a repository in memory. It is a providers.Forge, with setters for what people and
// git do and getters for what was written. It is safe for concurrent use. The zero value is
// not usable; New makes one.
type Forge struct {
	// Fail, where set, is asked before each call of the interface with the name of its
	// method, and its error is returned. It must be set before the forge is used.
	Fail func(method string) error
	// Account is who writes comments.
	Account string
	// Strict has it refuse what real forges do: ids of commits that are not whole, and
	// groups that are not well written.
	Strict bool
	// Longest is how many characters a comment may have.
	Longest int

	mu       sync.Mutex
	pulls    map[int64]*providers.PullRequest
	reviews  map[int64][]providers.Review
	comments map[int64][]Written
	checks   map[string][]providers.Check
	groups   map[string][]string
	branches map[string][]string
	versions map[int64][]Version
	brought  map[string]int64
	calls    []string
	last     int64
	ticks    int
}

// Version is a head of a pull request, and since when it is that.
type Version struct {
	Head string
	At   time.Time
}

// Written is a comment of a pull request.
type Written struct {
	ID     string
	Author string
	Body   string
	Edits  int // how often it was replaced
}

// New returns an empty repository with the branch main, which has no commits.
func New() *Forge {
	return &Forge{
		Account: Account, Longest: 65536,
		pulls: map[int64]*providers.PullRequest{}, reviews: map[int64][]providers.Review{}, comments: map[int64][]Written{},
		checks: map[string][]providers.Check{}, groups: map[string][]string{}, branches: map[string][]string{"main": nil},
		versions: map[int64][]Version{}, brought: map[string]int64{},
	}
}

var _ providers.Forge = (*Forge)(nil)

// SetPull adds a pull request, or replaces the one of its number. One without a number gets
// the next. What is not said is filled in: an open pull request from a branch of its own to
// main. It returns the number.
func (f *Forge) SetPull(p providers.PullRequest) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.set(p)
}

func (f *Forge) set(p providers.PullRequest) int64 {
	if p.Number == 0 {
		p.Number = f.last + 1
	}
	f.last = max(f.last, p.Number)
	number := strconv.FormatInt(p.Number, 10)
	p.Title = cmp.Or(p.Title, "change "+number)
	p.Author = cmp.Or(p.Author, "author")
	p.URL = cmp.Or(p.URL, "https://forge.example.com/example/repository/pulls/"+number)
	p.Branch = cmp.Or(p.Branch, "change-"+number)
	p.Base = cmp.Or(p.Base, "main")
	if p.CreatedAt.IsZero() {
		p.CreatedAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(p.Number) * time.Minute)
	}
	p.Merged = p.Merged || p.MergedAs != ""
	if before := f.pulls[p.Number]; before == nil && !p.Merged {
		p.Open = true
	}
	p.Open = p.Open && !p.Merged
	p.Labels = slices.Sorted(slices.Values(p.Labels))
	if before := f.pulls[p.Number]; before == nil || before.Head != p.Head {
		f.versions[p.Number] = append(f.versions[p.Number], Version{Head: p.Head, At: f.tick()})
	}
	f.pulls[p.Number] = &p
	return p.Number
}

// tick is the time of what happens now: each thing is a minute after the one before.
func (f *Forge) tick() time.Time {
	f.ticks++
	return time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(f.ticks) * time.Minute)
}

// Versions returns which heads a pull request had, the oldest first.
func (f *Forge) Versions(number int64) []Version {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.versions[number])
}

// Push moves the head of a pull request, as a push to its branch does. Reviews of other
// commits stay, and are stale.
func (f *Forge) Push(number int64, commit string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulls[number].Head = commit
	f.versions[number] = append(f.versions[number], Version{Head: commit, At: f.tick()})
	for i := range f.reviews[number] {
		f.reviews[number][i].Stale = f.reviews[number][i].Commit != commit
	}
}

// Merge merges a pull request as a commit, which its base gets.
func (f *Forge) Merge(number int64, as string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pulls[number]
	p.Open, p.Merged, p.MergedAs = false, true, as
	if !slices.Contains(f.branches[p.Base], as) {
		f.branches[p.Base] = append(f.branches[p.Base], as)
	}
}

// Bring says which commits a pull request came with, beside the one that it was merged as.
func (f *Forge) Bring(number int64, commits ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, commit := range commits {
		f.brought[commit] = number
	}
}

// Brought returns the merged pull request that a commit came with, as Bring has it.
func (f *Forge) Brought(ctx context.Context, commit string) ([]providers.PullRequest, error) {
	if err := f.enter(ctx, "Brought"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return f.list(func(p *providers.PullRequest) bool { return p.Merged && p.Number == f.brought[commit] }), nil
}

// Close closes a pull request without merging it.
func (f *Forge) Close(number int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulls[number].Open = false
}

// Review adds what a person said of a pull request. One without a commit is of the head, and
// one without a time is a minute after whatever happened before.
func (f *Forge) Review(number int64, r providers.Review) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Commit = cmp.Or(r.Commit, f.pulls[number].Head)
	if r.At.IsZero() {
		r.At = f.tick()
	}
	r.Stale = r.Stale || r.Commit != f.pulls[number].Head
	f.reviews[number] = append(f.reviews[number], r)
}

// SetReviews says what was said of a pull request, exactly.
func (f *Forge) SetReviews(number int64, reviews ...providers.Review) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reviews[number] = slices.Clone(reviews)
}

// SetGroup says who belongs to a group: "team" or "organization:team".
func (f *Forge) SetGroup(group string, logins ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.groups[group] = slices.Clone(logins)
}

// Commit adds commits to a branch, which is made if there is none.
func (f *Forge) Commit(branch string, commits ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.branches[branch] = append(f.branches[branch], commits...)
}

// AddComment adds a comment of somebody.
func (f *Forge) AddComment(number int64, author, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addComment(number, author, body)
}

func (f *Forge) addComment(number int64, author, body string) Written {
	made := Written{ID: strconv.FormatInt(number*1000+int64(len(f.comments[number]))+1, 10), Author: author, Body: body}
	f.comments[number] = append(f.comments[number], made)
	return made
}

// Comments returns the comments of a pull request, the oldest first.
func (f *Forge) Comments(number int64) []Written {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.comments[number])
}

// Checks returns what is shown on a commit, by name.
func (f *Forge) Checks(commit string) map[string]providers.Check {
	f.mu.Lock()
	defer f.mu.Unlock()
	shown := map[string]providers.Check{}
	for _, check := range f.checks[commit] {
		shown[check.Name] = check
	}
	return shown
}

// Calls returns the names of the methods that were called, in order.
func (f *Forge) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// enter locks, and notes the call. The caller unlocks where there is no error.
func (f *Forge) enter(ctx context.Context, method string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.Fail != nil {
		if err := f.Fail(method); err != nil {
			return err
		}
	}
	f.mu.Lock()
	f.calls = append(f.calls, method)
	return nil
}

// whole refuses, where it is strict, what is not the whole id of a commit.
func (f *Forge) whole(commit string) error {
	if !f.Strict {
		return nil
	}
	return shape.CheckCommit(commit)
}

// Pulls implements providers.Forge.
func (f *Forge) Pulls(ctx context.Context, commit string) ([]providers.PullRequest, error) {
	if err := f.enter(ctx, "Pulls"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	if err := f.whole(commit); err != nil {
		return nil, err
	}
	return f.list(func(p *providers.PullRequest) bool {
		return p.Open && p.Head == commit || p.Merged && (p.Head == commit || p.MergedAs == commit)
	}), nil
}

// list returns pull requests, the newest first.
func (f *Forge) list(wanted func(*providers.PullRequest) bool) []providers.PullRequest {
	var found []providers.PullRequest
	for _, number := range slices.Backward(slices.Sorted(maps.Keys(f.pulls))) {
		if p := f.pulls[number]; wanted(p) {
			found = append(found, clone(p))
		}
	}
	return found
}

func clone(p *providers.PullRequest) providers.PullRequest {
	c := *p
	c.Labels = slices.Clone(p.Labels)
	return c
}

// pull returns a pull request that must be there.
func (f *Forge) pull(number int64) (*providers.PullRequest, error) {
	p, ok := f.pulls[number]
	if !ok {
		return nil, fmt.Errorf("pull request %d: %w", number, providers.ErrNotFound)
	}
	return p, nil
}

// Pull implements providers.Forge.
func (f *Forge) Pull(ctx context.Context, number int64) (*providers.PullRequest, error) {
	if err := f.enter(ctx, "Pull"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	p, err := f.pull(number)
	if err != nil {
		return nil, err
	}
	c := clone(p)
	return &c, nil
}

// OpenPulls implements providers.Forge.
func (f *Forge) OpenPulls(ctx context.Context) ([]providers.PullRequest, error) {
	if err := f.enter(ctx, "OpenPulls"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return f.list(func(p *providers.PullRequest) bool { return p.Open }), nil
}

// Reviews implements providers.Forge.
func (f *Forge) Reviews(ctx context.Context, number int64) ([]providers.Review, error) {
	if err := f.enter(ctx, "Reviews"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	if _, err := f.pull(number); err != nil {
		return nil, err
	}
	return slices.Clone(f.reviews[number]), nil
}

// Member implements providers.Forge.
func (f *Forge) Member(ctx context.Context, group, login string) (bool, error) {
	if err := f.enter(ctx, "Member"); err != nil {
		return false, err
	}
	defer f.mu.Unlock()
	if f.Strict {
		if _, _, err := shape.SplitGroup(group, "owner"); err != nil {
			return false, err
		}
	}
	logins, ok := f.groups[group]
	if !ok {
		return false, fmt.Errorf("group %q: %w", group, providers.ErrNotFound)
	}
	return slices.ContainsFunc(logins, func(l string) bool { return strings.EqualFold(l, login) }), nil
}

// Contains implements providers.Forge.
func (f *Forge) Contains(ctx context.Context, branch, commit string) (bool, error) {
	if err := f.enter(ctx, "Contains"); err != nil {
		return false, err
	}
	defer f.mu.Unlock()
	if err := f.whole(commit); err != nil {
		return false, err
	}
	commits, ok := f.branches[branch]
	if !ok {
		return false, fmt.Errorf("branch %q: %w", branch, providers.ErrNotFound)
	}
	return slices.Contains(commits, commit), nil
}

// Comment implements providers.Forge.
func (f *Forge) Comment(ctx context.Context, number int64, marker, body string) (providers.Comment, error) {
	if err := f.enter(ctx, "Comment"); err != nil {
		return providers.Comment{}, err
	}
	defer f.mu.Unlock()
	p, err := f.pull(number)
	if err != nil {
		return providers.Comment{}, err
	}
	text := marker + "\n" + body
	if n := utf8.RuneCountInString(text); n > f.Longest {
		return providers.Comment{}, fmt.Errorf("the comment has %d characters, and %d are allowed: %w", n, f.Longest, providers.ErrInvalid)
	}
	for i, written := range f.comments[number] {
		first, _, _ := strings.Cut(written.Body, "\n")
		if written.Author == f.Account && strings.TrimSpace(first) == marker {
			f.comments[number][i].Body = text
			f.comments[number][i].Edits++
			return providers.Comment{ID: written.ID, URL: p.URL + "#" + written.ID}, nil
		}
	}
	made := f.addComment(number, f.Account, text)
	return providers.Comment{ID: made.ID, URL: p.URL + "#" + made.ID, Created: true}, nil
}

// MaxComment implements providers.Forge.
func (f *Forge) MaxComment() int { return f.Longest }

// Check implements providers.Forge.
func (f *Forge) Check(ctx context.Context, commit string, check providers.Check) error {
	if err := f.enter(ctx, "Check"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if err := f.whole(commit); err != nil {
		return err
	}
	f.checks[commit] = append(f.checks[commit], check)
	return nil
}

// Label implements providers.Forge.
func (f *Forge) Label(ctx context.Context, number int64, add, remove []string) error {
	if err := f.enter(ctx, "Label"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	p, err := f.pull(number)
	if err != nil {
		return err
	}
	p.Labels = slices.DeleteFunc(p.Labels, func(l string) bool { return slices.Contains(remove, l) })
	p.Labels = slices.Compact(slices.Sorted(slices.Values(append(p.Labels, add...))))
	return nil
}

// Propose implements providers.Forge.
func (f *Forge) Propose(ctx context.Context, proposal providers.Proposal) (*providers.PullRequest, error) {
	if err := f.enter(ctx, "Propose"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	for _, p := range f.pulls {
		if p.Open && !p.Fork && p.Branch == proposal.Branch && p.Base == proposal.Base {
			c := clone(p)
			return &c, nil
		}
	}
	commits, ok := f.branches[proposal.Branch]
	if !ok {
		return nil, fmt.Errorf("branch %q: %w", proposal.Branch, providers.ErrNotFound)
	}
	made := providers.PullRequest{
		Title: proposal.Title, Branch: proposal.Branch, Base: proposal.Base, Labels: proposal.Labels, Draft: proposal.Draft, Author: f.Account,
	}
	if len(commits) > 0 {
		made.Head = commits[len(commits)-1]
	}
	number := f.set(made)
	c := clone(f.pulls[number])
	return &c, nil
}
