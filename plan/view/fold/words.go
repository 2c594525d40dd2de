package fold

import "fmt"

// Heading is a group in words: "The same 2 changes in 214 applications".
func (g *Group) Heading() string {
	if n := len(g.Changes[0]); n > 1 {
		return fmt.Sprintf("The same %d changes in %d applications", n, len(g.Applications))
	}
	return fmt.Sprintf("The same change in %d applications", len(g.Applications))
}
