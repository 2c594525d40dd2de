package main

import (
	"io"
	"strings"
	"testing"
)

func TestNobodyToAsk(t *testing.T) {
	c := &cli{in: strings.NewReader("yes\n"), out: io.Discard, err: io.Discard}
	err := c.confirm(t.Context(), "Apply?", false)
	if err == nil || !strings.Contains(err.Error(), "--auto-approve") {
		t.Errorf("a pipe cannot approve, and the error says what to give: got %v", err)
	}
}
