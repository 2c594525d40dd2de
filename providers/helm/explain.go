package helm

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/providers"
)

var (
	inBrackets = regexp.MustCompile(`(?s)^(?:parse|execution) error (?:at|in) \(([^():]+)(?::(\d+))?(?::\d+)?\): (.*)$`)
	brokenYAML = regexp.MustCompile(`(?s)^YAML parse error on ([^:]+): (?:error converting YAML to JSON: )?(?:yaml: )?(.*)$`)
	location   = regexp.MustCompile(`(?m)^([^\s:]+):(\d+)(?::\d+)?$`)
)

// explain places an error of the engine in a template: the innermost one, with
// how it was come to.
func (p *printer) explain(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("chart %s was not rendered in time: %w", p.chart.Name(), err)
	}
	text := err.Error()
	if match := inBrackets.FindStringSubmatch(text); match != nil {
		return p.at(match[1], match[2], match[3])
	}
	if match := brokenYAML.FindStringSubmatch(text); match != nil {
		return p.at(match[1], "", "the rendered document: "+match[2])
	}
	places := location.FindAllStringSubmatchIndex(text, -1)
	if len(places) == 0 {
		return fmt.Errorf("chart %s: %w", p.chart.Name(), err)
	}
	first, last := places[0], places[len(places)-1]
	reason := strings.Join(strings.Fields(text[last[1]:]), " ")
	if len(places) > 1 {
		reason += fmt.Sprintf(" (from %s:%s)", p.file(text[first[2]:first[3]]), text[first[4]:first[5]])
	}
	return p.at(text[last[2]:last[3]], text[last[4]:last[5]], reason)
}

func (p *printer) at(name, line, reason string) error {
	number, _ := strconv.Atoi(line) // no line is 0
	return &providers.RenderError{File: p.file(name), Line: number, Err: errors.New(reason)}
}
