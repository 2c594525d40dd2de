package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```")
	notSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks: what documentation links to exists, headings included. Addresses
// of other sites are not looked at.
func TestLinks(t *testing.T) {
	files := markdown(t)
	if len(files) == 0 {
		t.Fatal("no documentation found")
	}
	for _, file := range files {
		relative, err := filepath.Rel(root(t), file)
		if err != nil {
			t.Fatal(err)
		}
		text := fence.ReplaceAllString(read(t, file), "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			if problem := broken(t, file, match[1]); problem != "" {
				t.Errorf("%s links to %s: %s", relative, match[1], problem)
			}
		}
	}
}

// broken says what is wrong with a link in a file, or returns "".
func broken(t *testing.T, file, target string) string {
	t.Helper()
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return ""
	}
	path, anchor, _ := strings.Cut(target, "#")
	linked := file
	if path != "" {
		linked = filepath.Join(filepath.Dir(file), path)
	}
	if _, err := os.Stat(linked); err != nil {
		return "there is no such file"
	}
	if anchor == "" || !strings.HasSuffix(linked, ".md") {
		return ""
	}
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(read(t, linked), ""), -1) {
		if slug(match[1]) == anchor {
			return ""
		}
	}
	return "there is no such heading"
}

// slug is how a heading is addressed on GitHub.
func slug(text string) string {
	text = notSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), "")
	return strings.ReplaceAll(text, " ", "-")
}

func TestSlug(t *testing.T) {
	for text, want := range map[string]string{
		"The first hour":         "the-first-hour",
		"`gantry plan`":          "gantry-plan",
		"Plan, then apply: why?": "plan-then-apply-why",
	} {
		if got := slug(text); got != want {
			t.Errorf("slug(%q) = %q, want %q", text, got, want)
		}
	}
}

// markdown returns the documentation: docs, examples, and the root's own files.
func markdown(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"docs", "examples"} {
		err := filepath.WalkDir(filepath.Join(root(t), folder), func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() && entry.Name() == "node_modules" {
				return filepath.SkipDir // not ours, and there only where the extension was built
			}
			if strings.HasSuffix(path, ".md") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
