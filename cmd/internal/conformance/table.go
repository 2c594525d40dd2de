package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/gantrycd/gantry/lang/argocd/conformance"
)

type results = map[conformance.ID]conformance.Result

// row is a set's counts, or the sum.
type row struct {
	about                           string
	cases, agree, different, failed int
}

// share is how much of the cases is as in Argo CD.
func (r row) share() string {
	return fmt.Sprintf("%.1f %%", 100*float64(r.agree)/float64(max(r.cases, 1)))
}

// add counts another's cases, too.
func (r *row) add(other row) {
	r.cases += other.cases
	r.agree += other.agree
	r.different += other.different
	r.failed += other.failed
}

// rows are the sets' counts, the sums of the areas, and the sum of all.
func rows(all results) []row {
	sum := row{about: "all"}
	var out, areas []row
	for _, set := range conformance.Sets() {
		r := all[set.ID]
		one := row{set.About, r.Cases(), r.Agree, r.OnPurpose(), r.Failed}
		out = append(out, one)
		if name := "all of " + set.Area; len(areas) == 0 || areas[len(areas)-1].about != name {
			areas = append(areas, row{about: name})
		}
		areas[len(areas)-1].add(one)
		sum.add(one)
	}
	return append(append(out, areas...), sum)
}

// table is for a terminal.
func table(all results) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SET\tCASES\tAGREE\tDIFFERENT ON PURPOSE\tFAILED\tAGREE")
	for _, r := range rows(all) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\n", r.about, r.cases, r.agree, r.different, r.failed, r.share())
	}
	_ = w.Flush() // a strings.Builder refuses nothing
	return b.String()
}

// The page's part that is made of the results stands between these.
const (
	begin = "<!-- made by make conformance-record: begin -->\n"
	end   = "<!-- made by make conformance-record: end -->\n"
)

// replaced is the page with the tables of the results.
func replaced(page string, all results) (string, error) {
	before, rest, found := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", errors.New("docs/conformance.md has no place for the tables")
	}
	return before + begin + markdown(all) + end + after, nil
}

// markdown is the table for the page, and the reasons.
func markdown(all results) string {
	plain := strings.NewReplacer("<", "&lt;", "*", `\*`)
	var b strings.Builder
	b.WriteString("\n| set | cases | agree | different on purpose | failed | agree |\n|---|--:|--:|--:|--:|--:|\n")
	for _, r := range rows(all) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %s |\n", r.about, r.cases, r.agree, r.different, r.failed, r.share())
	}
	b.WriteString("\n## What differs on purpose\n")
	for _, set := range conformance.Sets() {
		result := all[set.ID]
		if len(result.Different) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s%s\n\n", strings.ToUpper(set.About[:1]), set.About[1:])
		reasons := slices.SortedFunc(maps.Keys(result.Different), func(x, y string) int {
			if n := result.Different[y] - result.Different[x]; n != 0 {
				return n
			}
			return strings.Compare(x, y)
		})
		for _, reason := range reasons {
			fmt.Fprintf(&b, "- %d: %s.\n", result.Different[reason], plain.Replace(strings.TrimSuffix(reason, ".")))
		}
	}
	b.WriteString("\n")
	return b.String()
}
