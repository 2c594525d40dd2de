package forgetest

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/providers"
)

// Memory is the Site of a Forge in memory. Servers that speak the documented shape of another
// forge's API keep their data in it.
type Memory struct {
	*Forge
	// NoLabels says that the forge has none.
	NoLabels bool

	mu      sync.Mutex
	commits int
}

// NewMemory returns a repository whose main branch has a commit, with the team "sre" that
// "member" is in.
func NewMemory() *Memory {
	m := &Memory{Forge: New()}
	m.Strict = true
	m.Commit("main", m.newCommit())
	m.SetGroup("sre", "member")
	return m
}

var _ Site = (*Memory)(nil)

// newCommit returns the id of a commit that there was not.
func (m *Memory) newCommit() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commits++
	sum := sha1.Sum(fmt.Append(nil, m.commits))
	return hex.EncodeToString(sum[:])
}

// Open implements Site.
func (m *Memory) Open(_ *testing.T, title string) int64 {
	head := m.newCommit()
	number := m.SetPull(providers.PullRequest{Title: title, Head: head, HeadRepository: "example/repository"})
	p := m.must(number)
	m.Commit(p.Branch, m.On("main")...)
	m.Commit(p.Branch, head)
	return number
}

// On returns the commits of a branch, the oldest first; nil where there is no such branch.
func (m *Memory) On(branch string) []string {
	m.Forge.mu.Lock()
	defer m.Forge.mu.Unlock()
	return slices.Clone(m.branches[branch])
}

// must returns a pull request that is there.
func (m *Memory) must(number int64) providers.PullRequest {
	m.Forge.mu.Lock()
	defer m.Forge.mu.Unlock()
	return clone(m.pulls[number])
}

// Push implements Site.
func (m *Memory) Push(_ *testing.T, number int64) {
	head := m.newCommit()
	m.Commit(m.must(number).Branch, head)
	m.Forge.Push(number, head)
}

// Review implements Site.
func (m *Memory) Review(_ *testing.T, number int64, verdict providers.ReviewVerdict) string {
	m.Forge.mu.Lock()
	login := fmt.Sprintf("reviewer-%d", len(m.reviews[number])+1)
	m.Forge.mu.Unlock()
	m.Forge.Review(number, providers.Review{Login: login, Verdict: verdict})
	return login
}

// Merge implements Site: by a merge commit.
func (m *Memory) Merge(_ *testing.T, number int64) {
	p := m.must(number)
	m.Commit(p.Base, p.Head)
	m.Forge.Merge(number, m.newCommit())
}

// Close implements Site.
func (m *Memory) Close(_ *testing.T, number int64) { m.Forge.Close(number) }

// Say implements Site.
func (m *Memory) Say(_ *testing.T, number int64, body string) {
	m.AddComment(number, "somebody-else", body)
}

// Bodies implements Site.
func (m *Memory) Bodies(_ *testing.T, number int64) []string {
	var out []string
	for _, written := range m.Comments(number) {
		out = append(out, written.Body)
	}
	return out
}

// Shown implements Site.
func (m *Memory) Shown(_ *testing.T, commit, name string) providers.CheckState {
	return m.Checks(commit)[name].State
}

// Branch implements Site.
func (m *Memory) Branch(_ *testing.T, name string) {
	m.Commit(name, m.On("main")...)
	m.Commit(name, m.newCommit())
}

// Group implements Site.
func (m *Memory) Group(*testing.T) (group, member, other string) { return "sre", "member", "stranger" }

// Labels implements Site.
func (m *Memory) Labels() bool { return !m.NoLabels }
