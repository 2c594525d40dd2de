package generate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limit says how many items of a generator may vanish at once: a number of them, or
// a part of those that there were. The zero value is no limit.
type Limit struct {
	text    string
	count   int
	percent bool
}

// ParseLimit reads a limit: "3", or "50%". Its errors are words that follow "it".
func ParseLimit(text string) (Limit, error) {
	number, percent := strings.CutSuffix(text, "%")
	count, err := strconv.Atoi(number)
	if err != nil || count < 0 || strings.HasPrefix(number, "+") || percent && count > 100 {
		return Limit{}, fmt.Errorf(`must be a number of items, such as 3, or a part of them, such as "50%%", but is %q`, text)
	}
	return Limit{text: text, count: count, percent: percent}, nil
}

// String returns the limit as it was written; empty for none.
func (l Limit) String() string { return l.text }

// Equal reports whether limits are written the same.
func (l Limit) Equal(other Limit) bool { return l.text == other.text }

// Exceeded reports whether fewer items may vanish of as many as there were.
func (l Limit) Exceeded(removed, former int) bool {
	switch {
	case l.text == "" || removed == 0:
		return false
	case l.percent:
		return removed*100 > l.count*former
	}
	return removed > l.count
}

// Removed returns the keys of former that now does not have. Both are sorted.
func Removed(former, now []string) []string {
	var removed []string
	for _, key := range former {
		if _, ok := slices.BinarySearch(now, key); !ok {
			removed = append(removed, key)
		}
	}
	return removed
}
