package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// block is what one run of a case survived. The row of a case is made of its blocks.
type block struct {
	Case     string    `json:"case"`
	Date     string    `json:"date"` // of its end: 2006-01-02, UTC
	Form     string    `json:"form"`
	Cut      bool      `json:"cut,omitempty"` // interrupted: what was told until then counts
	Seed     uint64    `json:"seed,omitempty"`
	Ran      int       `json:"ran"` // tests that passed
	Failed   []string  `json:"failed,omitempty"`
	Skipped  []string  `json:"skipped,omitempty"` // with the reason
	Survived []outcome `json:"survived,omitempty"`
}

// outcome is what a test says that it survived. Numbers in braces are counts: those of
// outcomes that are the same but for them are added.
type outcome struct {
	Package string `json:"package"` // "./state/local"
	Test    string `json:"test"`
	Text    string `json:"text"`
}

const (
	shortForm = "the form in CI"
	longForm  = "the long form"
)

var count = regexp.MustCompile(`\{(\d+)\}`)

// add adds an outcome to those of the same test that say the same.
func add(all []outcome, more outcome) []outcome {
	const counted = "{}"
	shape := count.ReplaceAllString(more.Text, counted)
	for i, known := range all {
		if known.Package != more.Package || known.Test != more.Test || count.ReplaceAllString(known.Text, counted) != shape {
			continue
		}
		counts := count.FindAllStringSubmatch(more.Text, -1)
		all[i].Text = count.ReplaceAllStringFunc(known.Text, func(old string) string {
			a, _ := strconv.Atoi(strings.Trim(old, "{}"))
			b, _ := strconv.Atoi(counts[0][1])
			counts = counts[1:]
			return fmt.Sprintf("{%d}", a+b)
		})
		return all
	}
	return append(all, more)
}

// seeds are the first seed of a block and the one after its last. There are none where the
// case has no seeds.
func (b *block) seeds() (from, to uint64) {
	if b.Seed == 0 || len(b.Survived) == 0 {
		return 0, 0
	}
	first := count.FindStringSubmatch(b.Survived[0].Text)
	if first == nil {
		return 0, 0
	}
	n, _ := strconv.ParseUint(first[1], 10, 64)
	return b.Seed, b.Seed + n
}

// results are the blocks of all cases, as the file beside the page keeps them.
type results []block

// load reads a file of results. There are none where there is no file.
func load(path string) (results, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all results
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// save writes them, sorted by case as the table is.
func (all results) save(path string) error {
	order := map[string]int{}
	for i, c := range cases() {
		order[c.name] = i
	}
	slices.SortStableFunc(all, func(a, b block) int { return order[a.Case] - order[b.Case] })
	content, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}

// with has a block in the place of those of its case, or beside them. The error is that it
// went through seeds that one of them has gone through.
func (all results) with(b block, beside bool) (results, error) {
	if !beside {
		all = slices.DeleteFunc(all, func(old block) bool { return old.Case == b.Case })
	}
	for _, old := range all.of(b.Case) {
		from, to := b.seeds()
		if a, z := old.seeds(); from < z && a < to {
			return all, fmt.Errorf("seeds %d to %d: those from %d to %d were counted already; begin with -seed %d", from, to-1, a, z-1, z)
		}
	}
	return append(all, b), nil
}

// of are the blocks of a case.
func (all results) of(name string) []block {
	var found []block
	for _, b := range all {
		if b.Case == name {
			found = append(found, b)
		}
	}
	return found
}

func (b *block) passed() bool {
	return len(b.Failed) == 0 && (b.Ran > 0 || b.Cut && len(b.Survived) > 0)
}

// verdict is what came of the blocks of a case, as the table has it.
func (c faultCase) verdict(blocks []block) string {
	var survived []outcome
	failed, skipped, ran := map[string]bool{}, map[string]bool{}, 0
	for _, b := range blocks {
		ran += b.Ran
		for _, name := range b.Failed {
			failed[name] = true
		}
		for _, why := range b.Skipped {
			skipped[why] = true
		}
		for _, o := range b.Survived {
			survived = add(survived, o)
		}
	}
	notRun := strings.Join(slices.Sorted(maps.Keys(skipped)), "; ")
	switch {
	case len(failed) > 0:
		return "**failed**: " + strings.Join(slices.Sorted(maps.Keys(failed)), ", ")
	case ran == 0 && len(survived) == 0 && notRun != "":
		return "not run here: " + notRun
	case ran == 0 && len(survived) == 0 && slices.ContainsFunc(blocks, func(b block) bool { return b.Cut }):
		return "cut short before anything was told"
	case ran == 0 && len(survived) == 0:
		return "**not found**"
	}
	var texts []string
	for _, o := range survived {
		texts = append(texts, label(o, survived)+count.ReplaceAllString(o.Text, "$1"))
	}
	text := strings.Join(texts, "; ")
	if text == "" {
		text = fmt.Sprintf("%d tests passed", ran)
	}
	if notRun != "" {
		text += " (not run here: " + notRun + ")"
	}
	return text
}

// label tells an outcome from those of other packages and tests.
func label(o outcome, all []outcome) string {
	packages := slices.ContainsFunc(all, func(other outcome) bool { return other.Package != o.Package })
	tests := slices.ContainsFunc(all, func(other outcome) bool { return other.Package == o.Package && other.Test != o.Test })
	var words []string
	if packages {
		words = append(words, o.Package)
	}
	if tests {
		words = append(words, "`"+o.Test+"`")
	}
	if words == nil {
		return ""
	}
	return strings.Join(words, " ") + ": "
}

// row is the line of the table for the blocks of a case.
func (c faultCase) row(blocks []block) string {
	var dates, forms []string
	cut := false
	for _, b := range blocks {
		dates, forms = append(dates, b.Date), append(forms, b.Form)
		cut = cut || b.Cut
	}
	slices.Sort(dates)
	slices.Sort(forms)
	when := dates[0]
	if last := dates[len(dates)-1]; last != when {
		when += " to " + last
	}
	when += ", " + strings.Join(slices.Compact(forms), " and ")
	if len(blocks) > 1 {
		when += fmt.Sprintf(", in %d blocks", len(blocks))
	}
	if cut {
		when += ", cut short"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | `%s` in %s |\n", c.name, c.bar, c.verdict(blocks),
		when, strings.Join(c.tests, "`, `"), strings.Join(c.packages, ", "))
}

// today is the date of a block that has ended.
func today() string { return time.Now().UTC().Format("2006-01-02") }
