package argocd

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// appFields are what notifications ask of an Application, and where it is in HCL.
var appFields = map[string]string{
	"metadata.name":                                 "app.name",
	"metadata.labels":                               "app.labels",
	"spec.project":                                  "app.project",
	"spec.destination.namespace":                    "app.namespace",
	"status.sync.status":                            "app.sync.status",
	"status.sync.revision":                          "app.sync.revision",
	"status.health.status":                          "app.health.status",
	"status.operationState.phase":                   "app.operation.phase",
	"status.operationState.message":                 "app.operation.message",
	"status.operationState.finishedAt":              "app.operation.finished_at",
	"status.operationState.startedAt":               "app.operation.started_at",
	"status.operationState.syncResult.revision":     "app.operation.revision",
	"status.operationState.operation.sync.revision": "app.operation.revision",
}

// appField returns where a field of an Application is.
func appField(path []string) (string, error) {
	text := strings.Join(path, ".")
	for _, length := range []int{len(path), len(path) - 1} {
		if length < 1 {
			break
		}
		if field, ok := appFields[strings.Join(path[:length], ".")]; ok && (length == len(path) || field == "app.labels") {
			return template.Path(field, path[length:]...), nil
		}
	}
	return "", fmt.Errorf("of an application there is no %s", text)
}

// appScope is what messages can refer to.
type appScope struct{ context map[string]string }

// Field finds {{.app.metadata.name}}.
func (s appScope) Field(path []string) (template.Text, error) {
	if len(path) == 2 && path[0] == "context" {
		if text, ok := s.context[path[1]]; ok {
			return template.Text{{Literal: text}}, nil
		}
	}
	if len(path) < 2 || path[0] != "app" {
		return nil, fmt.Errorf("messages know nothing of %s", strings.Join(path, "."))
	}
	text, err := appField(path[1:])
	if err != nil {
		return nil, err
	}
	return template.Expression(text), nil
}

// Flat is never asked: messages are Go templates.
func (appScope) Flat(string) (template.Text, error) { return nil, errors.New("it is no parameter") }

// condition translates an expression of a trigger: comparisons of an
// application's fields.
func condition(text string) (string, error) {
	p := &conditionParser{rest: text}
	out, err := p.or()
	if err != nil {
		return "", err
	}
	if p.space(); p.rest != "" {
		return "", fmt.Errorf("%q has no counterpart", p.rest)
	}
	return out, nil
}

type conditionParser struct {
	rest  string
	depth int
}

func (p *conditionParser) space() { p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace) }

// take takes one of some words or operators.
func (p *conditionParser) take(words ...string) string {
	p.space()
	for _, word := range words {
		if !strings.HasPrefix(p.rest, word) {
			continue
		}
		after := p.rest[len(word):]
		if word[0] >= 'a' && word[0] <= 'z' && after != "" && identifierRune(rune(after[0])) {
			continue
		}
		p.rest = after
		return word
	}
	return ""
}

func identifierRune(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func (p *conditionParser) or() (string, error) {
	return p.chain(p.and, " || ", "or", "||")
}

func (p *conditionParser) and() (string, error) {
	return p.chain(p.comparison, " && ", "and", "&&")
}

func (p *conditionParser) chain(next func() (string, error), operator string, words ...string) (string, error) {
	out, err := next()
	for err == nil && p.take(words...) != "" {
		var more string
		more, err = next()
		out += operator + more
	}
	return out, err
}

func (p *conditionParser) comparison() (string, error) {
	if p.depth++; p.depth > 50 {
		return "", errors.New("it is nested too deeply")
	}
	defer func() { p.depth-- }()
	if p.take("not", "!") != "" {
		if p.space(); strings.HasPrefix(p.rest, "(") {
			inner, err := p.operand()
			return "!" + inner, err
		}
		inner, err := p.comparison()
		return "!(" + inner + ")", err
	}
	left, err := p.operand()
	if err != nil {
		return "", err
	}
	switch operator := p.take("==", "!=", "not in", "in"); operator {
	case "==", "!=":
		right, err := p.operand()
		return left + " " + operator + " " + right, err
	case "in", "not in":
		right, err := p.operand()
		out := "contains(" + right + ", " + left + ")"
		if operator == "not in" {
			out = "!" + out
		}
		return out, err
	}
	return left, nil
}

func (p *conditionParser) operand() (string, error) {
	p.space()
	switch {
	case p.take("(") != "":
		inner, err := p.or()
		if err == nil && p.take(")") == "" {
			err = errors.New("a bracket is not closed")
		}
		return "(" + inner + ")", err
	case p.take("[") != "":
		return p.list()
	case p.rest != "" && (p.rest[0] == '\'' || p.rest[0] == '"'):
		return p.text()
	case p.take("true") != "":
		return "true", nil
	case p.take("false") != "":
		return "false", nil
	case p.take("nil") != "":
		return "null", nil
	}
	end := 0
	for end < len(p.rest) && (identifierRune(rune(p.rest[end])) || strings.ContainsRune(".?-", rune(p.rest[end]))) {
		end++
	}
	name := strings.ReplaceAll(p.rest[:end], "?", "")
	p.rest = p.rest[end:]
	path := strings.Split(name, ".")
	if path[0] != "app" || len(path) < 2 || strings.HasPrefix(p.rest, "(") {
		return "", fmt.Errorf("%q has no counterpart", strings.TrimSpace(name+p.rest))
	}
	for strings.HasPrefix(p.rest, "[") { // app.metadata.labels["x"]
		p.rest = p.rest[1:]
		key, err := p.text()
		if err != nil || p.take("]") == "" {
			return "", errors.New("a key must be a text")
		}
		path = append(path, key[1:len(key)-1])
	}
	return appField(path[1:])
}

func (p *conditionParser) list() (string, error) {
	var items []string
	for p.take("]") == "" {
		item, err := p.operand()
		if err != nil {
			return "", err
		}
		items = append(items, item)
		if p.take(",") == "" && !strings.HasPrefix(strings.TrimSpace(p.rest), "]") {
			return "", errors.New("a list is not closed")
		}
	}
	return "[" + strings.Join(items, ", ") + "]", nil
}

// text reads a text. Phases and states are in lower case.
func (p *conditionParser) text() (string, error) {
	p.space()
	if p.rest == "" || p.rest[0] != '\'' && p.rest[0] != '"' {
		return "", errors.New("a text is expected")
	}
	text, rest, closed := strings.Cut(p.rest[1:], p.rest[:1])
	if !closed || strings.Contains(text, "\\") {
		return "", errors.New("a text is not closed")
	}
	p.rest = rest
	if states[text] != "" {
		text = states[text]
	}
	return draft.Quote(text), nil
}

// states are the words of Argo CD for phases, health and sync.
var states = map[string]string{
	"Running": "running", "Succeeded": "succeeded", "Failed": "failed", "Error": "error", "Terminating": "terminating",
	"Healthy": "healthy", "Progressing": "progressing", "Degraded": "degraded", "Suspended": "suspended", "Missing": "missing", "Unknown": "unknown",
	"Synced": "synced", "OutOfSync": "out_of_sync",
}
