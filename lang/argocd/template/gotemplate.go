package template

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
)

// Go translates a Go template, as text/template and sprig have it.
func Go(text string, scope Scope) (r Result) {
	defer func() { // the parser is of the standard library, but was not made for any input
		if recovered := recover(); recovered != nil {
			r = Result{Text: Literal(Untranslated + text), Problems: []*Problem{{Piece: firstLine(text), Reason: fmt.Sprint(recovered)}}}
		}
	}()
	tree := parse.New("template")
	tree.Mode = parse.SkipFuncCheck
	parsed, err := tree.Parse(text, "", "", map[string]*parse.Tree{})
	if err != nil {
		message := err.Error()
		if _, after, ok := strings.Cut(message, "template: template:"); ok {
			message = "the template cannot be read: line " + after
		}
		return Result{Text: Literal(Untranslated + text), Problems: []*Problem{{Piece: firstLine(text), Reason: message}}}
	}
	t := &translator{scope: scope}
	if parsed.Root == nil {
		return Result{}
	}
	r.Text = t.list(parsed.Root)
	r.Problems, r.Near = t.problems, t.near
	return r
}

// plainNumber is a number that means the same in HCL.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

func firstLine(text string) string {
	line, _, more := strings.Cut(strings.TrimSpace(text), "\n")
	if more {
		line += " ..."
	}
	return line
}

type translator struct {
	scope    Scope
	problems []*Problem
	near     []string
	variable map[string]Text
}

func (t *translator) problem(node parse.Node, err error) {
	t.problems = append(t.problems, &Problem{Offset: int(node.Position()), Piece: firstLine(node.String()), Reason: err.Error()})
}

func (t *translator) differs(text string) {
	if !slices.Contains(t.near, text) {
		t.near = append(t.near, text)
	}
}

func (t *translator) list(list *parse.ListNode) Text {
	var out Text
	if list == nil {
		return nil
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.TextNode:
			out = out.Add(Part{Literal: string(node.Text)})
		case *parse.CommentNode:
		case *parse.ActionNode:
			if len(node.Pipe.Decl) == 1 && !node.Pipe.IsAssign {
				t.declare(node)
				continue
			}
			text, err := t.pipe(node.Pipe)
			if err != nil {
				t.problem(node, err)
				text = Literal(Untranslated + firstLine(node.String()))
			}
			out = out.Add(text...)
		case *parse.IfNode:
			out = out.Add(t.branch(node)...)
		case *parse.RangeNode, *parse.WithNode, *parse.TemplateNode, *parse.BreakNode, *parse.ContinueNode:
			t.problem(node, errors.New("HCL has for expressions instead; write it by hand"))
			out = out.Add(Part{Literal: Untranslated + node.String()})
		default:
			t.problem(node, errors.New("there is nothing like it"))
		}
	}
	return out
}

// declare remembers {{$x := ...}}.
func (t *translator) declare(node *parse.ActionNode) {
	pipe := *node.Pipe
	pipe.Decl = nil
	text, err := t.pipe(&pipe)
	if err != nil {
		t.problem(node, err)
		return
	}
	if t.variable == nil {
		t.variable = map[string]Text{}
	}
	t.variable[node.Pipe.Decl[0].Ident[0]] = text
}

// branch translates {{if}}.
func (t *translator) branch(node *parse.IfNode) Text {
	condition, err := t.condition(node.Pipe)
	if err != nil {
		t.problem(node.Pipe, err)
		return Literal(Untranslated + node.String())
	}
	then, otherwise := t.list(node.List), t.list(node.ElseList)
	return Expression(fmt.Sprintf("%s ? %s : %s", condition, then.Quoted(), otherwise.Quoted()))
}

// condition translates what is asked: something that is true or false, for what
// else Go takes for true there is no counterpart.
func (t *translator) condition(pipe *parse.PipeNode) (string, error) {
	if len(pipe.Decl) > 0 {
		return "", errors.New("a variable in a condition has no counterpart")
	}
	if last := pipe.Cmds[len(pipe.Cmds)-1]; len(last.Args) > 0 {
		if name, ok := last.Args[0].(*parse.IdentifierNode); ok && slices.Contains(predicates, name.Ident) {
			text, err := t.pipe(pipe)
			return text.Expr(), err
		}
		if inner, ok := last.Args[0].(*parse.PipeNode); ok && len(pipe.Cmds) == 1 && len(last.Args) == 1 {
			return t.condition(inner)
		}
		if _, ok := last.Args[0].(*parse.BoolNode); ok && len(pipe.Cmds) == 1 {
			return last.String(), nil
		}
	}
	return "", errors.New("what counts as true in a Go template is more than in HCL; compare it with something, as in {{if eq .x \"y\"}}")
}

func (t *translator) pipe(pipe *parse.PipeNode) (Text, error) {
	if len(pipe.Decl) > 0 {
		return nil, errors.New("a variable that is changed has no counterpart")
	}
	var value *Text
	for _, command := range pipe.Cmds {
		text, err := t.command(command, value)
		if err != nil {
			return nil, err
		}
		value = &text
	}
	if value == nil {
		return nil, errors.New("it is empty")
	}
	return *value, nil
}

// command translates one command of a pipe; the value of the one before is its
// last argument.
func (t *translator) command(command *parse.CommandNode, piped *Text) (Text, error) {
	if name, ok := command.Args[0].(*parse.IdentifierNode); ok {
		return t.call(name.Ident, command.Args[1:], piped)
	}
	if len(command.Args) > 1 || piped != nil {
		return nil, errors.New("a value cannot be called")
	}
	return t.argument(command.Args[0])
}

func (t *translator) argument(node parse.Node) (Text, error) {
	switch node := node.(type) {
	case *parse.StringNode:
		return Text{{Literal: node.Text}}, nil
	case *parse.NumberNode:
		if !plainNumber.MatchString(node.Text) {
			return nil, fmt.Errorf("%s is no number of HCL", node.Text)
		}
		return Expression(node.Text), nil
	case *parse.BoolNode:
		return Expression(node.String()), nil
	case *parse.PipeNode:
		return t.pipe(node)
	case *parse.IdentifierNode:
		return t.call(node.Ident, nil, nil)
	}
	if name, rest, ok := t.local(node); ok {
		if len(rest) > 0 {
			return nil, errors.New("the fields of a variable have no counterpart")
		}
		return name, nil
	}
	path, err := t.path(node)
	if err != nil {
		return nil, err
	}
	return t.scope.Field(path)
}

// local returns the value of a template's own variable.
func (t *translator) local(node parse.Node) (Text, []string, bool) {
	variable, ok := node.(*parse.VariableNode)
	if !ok || variable.Ident[0] == "$" {
		return nil, nil, false
	}
	value, ok := t.variable[variable.Ident[0]]
	return value, variable.Ident[1:], ok
}

// path returns what a node refers to, as the names of its fields.
func (t *translator) path(node parse.Node) ([]string, error) {
	switch node := node.(type) {
	case *parse.FieldNode:
		return node.Ident, nil
	case *parse.DotNode:
		return nil, nil
	case *parse.VariableNode:
		if node.Ident[0] == "$" {
			return node.Ident[1:], nil
		}
	case *parse.ChainNode:
		path, err := t.path(node.Node)
		return append(slices.Clone(path), node.Field...), err
	case *parse.PipeNode:
		if len(node.Cmds) == 1 && len(node.Decl) == 0 {
			command := node.Cmds[0]
			if len(command.Args) == 1 {
				return t.path(command.Args[0])
			}
			if name, ok := command.Args[0].(*parse.IdentifierNode); ok && (name.Ident == "index" || name.Ident == "get") {
				return t.index(command.Args[1:])
			}
		}
	}
	return nil, errors.New("it is no field of the generator's items")
}

// index returns the path of {{index .a "b" 0}}.
func (t *translator) index(args []parse.Node) ([]string, error) {
	if len(args) < 2 {
		return nil, errors.New("it needs a field and a key")
	}
	path, err := t.path(args[0])
	if err != nil {
		return nil, err
	}
	path = slices.Clone(path)
	for _, key := range args[1:] {
		switch key := key.(type) {
		case *parse.StringNode:
			path = append(path, key.Text)
		case *parse.NumberNode:
			if !key.IsUint {
				return nil, errors.New("a place must be a number that is not negative")
			}
			path = append(path, key.Text)
		default:
			return nil, errors.New("its key must be written there")
		}
	}
	return path, nil
}
