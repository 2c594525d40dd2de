package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
)

// confirm asks for "yes". Where nobody can answer, it says how to go on without.
func (c *cli) confirm(ctx context.Context, question string, noInput bool) error {
	if noInput || !isTerminal(c.in) {
		return failure("Not approved", errors.New("nobody is here to approve: give --auto-approve, or apply a saved plan that was reviewed"))
	}
	fmt.Fprintf(c.err, "\n%s Only \"yes\" is taken as yes: ", question)
	answers := make(chan string, 1)
	go func() { // ends with the program where the context ends first
		text, err := bufio.NewReader(c.in).ReadString('\n')
		if err != nil {
			text = ""
		}
		answers <- text
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case answer := <-answers:
		if strings.TrimSpace(answer) != "yes" {
			return failure("Not approved", errors.New("the answer was not \"yes\", so nothing was changed"))
		}
		return nil
	}
}
