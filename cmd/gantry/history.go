package main

import (
	"os"
	"path/filepath"
	"strings"
)

// maxHistory is how many lines a history keeps.
const maxHistory = 1000

// history is what was typed before, the newest last, kept in a file. It is what
// term.Terminal asks of a history. A file that cannot be read or written costs the
// history, and nothing else.
type history struct {
	file  string // empty: in memory only
	lines []string
}

func newHistory(file string) *history {
	h := &history{file: file}
	if file == "" {
		return h
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return h
	}
	for _, line := range strings.Split(string(content), "\n") {
		if line != "" {
			h.lines = append(h.lines, line)
		}
	}
	h.lines = h.lines[max(0, len(h.lines)-maxHistory):]
	return h
}

// Add adds a line, unless it is the one before again.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	h.lines = h.lines[max(0, len(h.lines)-maxHistory):]
	if h.file == "" {
		return
	}
	if err := os.MkdirAll(filepath.Dir(h.file), 0o700); err != nil {
		return
	}
	// Only the user may read it: what is typed may be a secret.
	_ = os.WriteFile(h.file, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600)
}

// Len returns how many lines there are.
func (h *history) Len() int { return len(h.lines) }

// At returns a line; 0 is the newest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
