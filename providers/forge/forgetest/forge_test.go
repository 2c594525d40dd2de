package forgetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers"
)

func TestPullsOfACommit(t *testing.T) {
	f := New()
	open := f.SetPull(providers.PullRequest{Head: "a"})
	merged := f.SetPull(providers.PullRequest{Head: "b"})
	f.Merge(merged, "m")
	closed := f.SetPull(providers.PullRequest{Head: "c"})
	f.Close(closed)
	for commit, want := range map[string]int64{"a": open, "b": merged, "m": merged, "c": 0} {
		got, err := f.Pulls(t.Context(), commit)
		if err != nil {
			t.Fatal(err)
		}
		if want == 0 && len(got) != 0 || want != 0 && (len(got) != 1 || got[0].Number != want) {
			t.Errorf("%s: %+v", commit, got)
		}
	}
	if has, err := f.Contains(t.Context(), "main", "m"); err != nil || !has {
		t.Error(has, err)
	}
}

func TestCommentIsReplacedInPlace(t *testing.T) {
	f := New()
	n := f.SetPull(providers.PullRequest{})
	f.AddComment(n, "somebody", "<!-- m -->\nspoofed")
	first, err := f.Comment(t.Context(), n, "<!-- m -->", "one")
	if err != nil || !first.Created {
		t.Fatal(first, err)
	}
	second, err := f.Comment(t.Context(), n, "<!-- m -->", "two")
	if err != nil || second.Created || second.ID != first.ID {
		t.Fatal(second, err)
	}
	written := f.Comments(n)
	if len(written) != 2 || written[0].Body != "<!-- m -->\nspoofed" || !strings.HasSuffix(written[1].Body, "two") {
		t.Errorf("%+v", written)
	}
	if _, err := f.Comment(t.Context(), n, "m", strings.Repeat("x", f.Longest)); !errors.Is(err, providers.ErrInvalid) {
		t.Error(err)
	}
}

func TestReviewsGoStale(t *testing.T) {
	f := New()
	n := f.SetPull(providers.PullRequest{Head: "a"})
	f.Review(n, providers.Review{Login: "one", Verdict: providers.Approved})
	f.Push(n, "b")
	got, err := f.Reviews(t.Context(), n)
	if err != nil || len(got) != 1 || !got[0].Stale || got[0].Commit != "a" {
		t.Error(got, err)
	}
}

func TestMemory(t *testing.T) {
	Check(t, func(*testing.T) (providers.Forge, Site) {
		m := NewMemory()
		return m.Forge, m
	})
}
