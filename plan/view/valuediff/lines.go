// Package valuediff finds what differs inside two values: lines of texts, members of
// structures with list elements matched by their keys, and JSON or YAML that is
// written into a string.
//
// It decides nothing about how differences look: plan/view, which alone imports it,
// does.
package valuediff

import "strconv"

// Line is a line of a diff. Op is ' ' for one that stays, '-' and '+' for one that
// goes or comes, '…' for a note on lines that are not shown.
type Line struct {
	Op   rune
	Text string
}

// maxEdits bounds the work for texts that have little in common, which are shown
// as one going and the other coming.
const maxEdits = 2000

// Lines compares two texts line by line, after Myers: An O(ND) Difference
// Algorithm and Its Variations.
func Lines(before, after []string) []Line {
	var head, tail []Line
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		head = append(head, Line{' ', before[0]})
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		tail = append(tail, Line{' ', before[len(before)-1]})
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	out := append(head, edits(before, after)...)
	for i := len(tail) - 1; i >= 0; i-- {
		out = append(out, tail[i])
	}
	return out
}

// edits is the shortest way from one text to another.
func edits(before, after []string) []Line {
	n, m := len(before), len(after)
	if n == 0 || m == 0 {
		return rewrite(before, after)
	}
	limit := min(n+m, maxEdits)
	// reach[k] is how far down before one gets on diagonal k, offset by limit+1.
	reach := make([]int, 2*limit+3)
	var trace [][]int
	for d := 0; d <= limit; d++ {
		trace = append(trace, append([]int(nil), reach[limit+1-d:limit+2+d]...))
		for k := -d; k <= d; k += 2 {
			at := limit + 1 + k
			x := reach[at-1] + 1
			if k == -d || k != d && reach[at-1] < reach[at+1] {
				x = reach[at+1]
			}
			for x < n && x-k < m && before[x] == after[x-k] {
				x++
			}
			reach[at] = x
			if x >= n && x-k >= m {
				return backtrack(before, after, trace, d)
			}
		}
	}
	return rewrite(before, after)
}

// backtrack reads the way off the trace, from its end. trace[d] holds diagonals
// -d to d as they were before step d.
func backtrack(before, after []string, trace [][]int, d int) []Line {
	var reversed []Line
	x, y := len(before), len(after)
	for ; d > 0; d-- {
		k := x - y
		row := func(k int) int { return trace[d][k+d] }
		down := k == -d || k != d && row(k-1) < row(k+1)
		fromX, fromK := 0, k-1
		if down {
			fromK = k + 1
		}
		fromX = row(fromK)
		startX := fromX
		if !down {
			startX++
		}
		for x > startX {
			x, y = x-1, y-1
			reversed = append(reversed, Line{' ', before[x]})
		}
		if down {
			y--
			reversed = append(reversed, Line{'+', after[y]})
		} else {
			x--
			reversed = append(reversed, Line{'-', before[x]})
		}
	}
	for x > 0 {
		x--
		reversed = append(reversed, Line{' ', before[x]})
	}
	out := make([]Line, len(reversed))
	for i, line := range reversed {
		out[len(out)-1-i] = line
	}
	return out
}

func rewrite(before, after []string) []Line {
	out := make([]Line, 0, len(before)+len(after))
	for _, line := range before {
		out = append(out, Line{'-', line})
	}
	for _, line := range after {
		out = append(out, Line{'+', line})
	}
	return out
}

// Hunks leaves out lines that stay and are further than so many from one that
// does not.
func Hunks(diff []Line, context int) []Line {
	keep := make([]bool, len(diff))
	for i, line := range diff {
		if line.Op == ' ' {
			continue
		}
		for j := max(0, i-context); j <= min(len(diff)-1, i+context); j++ {
			keep[j] = true
		}
	}
	var out []Line
	for i := 0; i < len(diff); {
		if keep[i] {
			out = append(out, diff[i])
			i++
			continue
		}
		start := i
		for i < len(diff) && !keep[i] {
			i++
		}
		note := "… " + strconv.Itoa(i-start) + " lines as they are"
		if i-start == 1 {
			note = "… 1 line as it is"
		}
		out = append(out, Line{'…', note})
	}
	return out
}
