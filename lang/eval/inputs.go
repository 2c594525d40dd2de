package eval

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
	"github.com/gantrycd/gantry/lang/value"
)

// Where values of variables come from.
const (
	envPrefix      = "GANTRY_VAR_"
	varsFile       = "gantry.vars.hcl"
	autoVarsSuffix = ".auto.vars.hcl"
)

// VariableInput is one value given for a variable.
type VariableInput struct {
	Name   string
	Origin string // "GANTRY_VAR_x", a file's name, "--var", or Answered
	// Expr is the value, where it was written in a file; else it is Text, which is
	// the string itself for variables that are strings, and HCL for others.
	Expr  hcl.Expression
	Text  string
	Range hcl.Range
}

// VarArgs are what the command line and the environment say about variables.
type VarArgs struct {
	Vars     []string // NAME=VALUE, of --var
	VarFiles []string // paths, of --var-file
	Env      []string // NAME=VALUE, as of os.Environ
	Answers  []string // NAME=VALUE, of who was asked
}

// Answered is the origin of a value that somebody was asked for.
const Answered = "the answer"

// ReadVariables collects the values given for a module's variables in order of
// precedence, later ones win: GANTRY_VAR_*, gantry.vars.hcl, *.auto.vars.hcl by
// name, --var-file, --var, and what was asked for.
func ReadVariables(m *Module, args VarArgs) ([]VariableInput, hcl.Diagnostics) {
	var inputs []VariableInput
	var diags hcl.Diagnostics
	env := slices.Clone(args.Env)
	slices.Sort(env)
	for _, entry := range env {
		name, text, _ := strings.Cut(entry, "=")
		if variable, ok := strings.CutPrefix(name, envPrefix); ok && m.hasVariable(variable) {
			inputs = append(inputs, m.textInput(variable, text, name))
		}
	}
	names, err := m.variableFiles()
	if err != nil {
		m.missing = true
		diags = append(diags, unreadable(m.root.dir, err))
	}
	for _, name := range names {
		src, err := readBounded(m.root.fs, name)
		more, moreDiags := m.fileInputs(filepath.Join(m.root.dir, name), name, src, err)
		inputs, diags = append(inputs, more...), append(diags, moreDiags...)
	}
	for _, path := range args.VarFiles {
		dir, name := filepath.Split(path)
		src, err := readBounded(os.DirFS(filepath.Clean(dir)), name)
		more, moreDiags := m.fileInputs(path, path, src, err)
		inputs, diags = append(inputs, more...), append(diags, moreDiags...)
	}
	for _, entry := range args.Vars {
		name, text, ok := strings.Cut(entry, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Invalid --var option",
				Detail:   fmt.Sprintf("The option must have the form --var 'NAME=VALUE', but is %q.", entry),
			})
			continue
		}
		if !m.hasVariable(name) {
			diags = append(diags, m.undeclaredVariable(hcl.DiagError, name, nil))
			continue
		}
		inputs = append(inputs, m.textInput(name, text, "--var"))
	}
	for _, entry := range args.Answers {
		name, text, _ := strings.Cut(entry, "=")
		inputs = append(inputs, m.textInput(name, text, Answered))
	}
	return inputs, Tidy(diags)
}

func (m *Module) hasVariable(name string) bool { return m.variable(name) != nil }

func (m *Module) variable(name string) *block {
	return m.root.find(addr.Address{Kind: variableRoot, Name: name})
}

// variableFiles lists the files of variables that are read without being named.
func (m *Module) variableFiles() ([]string, error) {
	entries, err := fs.ReadDir(m.root.fs, ".")
	if err != nil {
		return nil, err
	}
	var first, auto []string
	for _, entry := range entries {
		switch name := entry.Name(); {
		case entry.IsDir() || strings.HasPrefix(name, "."):
		case name == varsFile:
			first = append(first, name)
		case strings.HasSuffix(name, autoVarsSuffix):
			auto = append(auto, name)
		}
	}
	return append(first, auto...), nil
}

// textInput is a value that was given outside a file. Its text is among the
// module's files, so that diagnostics can show it.
func (m *Module) textInput(name, text, origin string) VariableInput {
	input := VariableInput{Name: name, Origin: origin, Text: text}
	if b := m.variable(name); b.mayBeSensitive() {
		input.Range = b.header
		return input
	}
	filename := "<" + origin + ">"
	if origin == "--var" || origin == Answered {
		filename = fmt.Sprintf("<%s %s>", origin, name)
	}
	m.files[filename] = &hcl.File{Bytes: []byte(text)}
	end := hcl.Pos{Line: 1, Column: len(text) + 1, Byte: len(text)}
	input.Range = hcl.Range{Filename: filename, Start: hcl.InitialPos, End: end}
	return input
}

// mayBeSensitive reports whether a variable says that it is sensitive, in
// whatever way.
func (b *block) mayBeSensitive() bool {
	return slices.ContainsFunc(b.parsed.Attributes, func(a *hcl.Attribute) bool { return a.Name == "sensitive" })
}

// fileInputs reads a file of variables.
func (m *Module) fileInputs(filename, origin string, src []byte, err error) ([]VariableInput, hcl.Diagnostics) {
	if err != nil {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Cannot read variables",
			Detail:   fmt.Sprintf("The file %s cannot be read: %s.", filename, value.FileFault(err)),
		}}
	}
	file, diags := syntax.Parse(src, filename)
	attributes, more := file.Body.JustAttributes()
	if m.files[filename] = file; m.holdsSecrets(attributes, diags.HasErrors()) {
		m.files[filename] = &hcl.File{Body: file.Body}
	}
	if diags = append(diags, more...); diags.HasErrors() {
		return nil, diags
	}
	var inputs []VariableInput
	for _, name := range schema.SortedKeys(attributes) {
		attribute := attributes[name]
		if !m.hasVariable(name) {
			diags = append(diags, m.undeclaredVariable(hcl.DiagWarning, name, attribute.NameRange.Ptr()))
			continue
		}
		input := VariableInput{Name: name, Origin: origin, Expr: attribute.Expr, Range: attribute.Expr.Range()}
		if b := m.variable(name); b.mayBeSensitive() {
			input.Range = b.header
		}
		inputs = append(inputs, input)
	}
	return inputs, diags
}

// holdsSecrets reports whether a file of variables has the value of a sensitive
// one, or may have, so that its lines must not be shown.
func (m *Module) holdsSecrets(attributes hcl.Attributes, broken bool) bool {
	return slices.ContainsFunc(m.root.blocks, func(b *block) bool {
		if b.address.Kind != variableRoot || !b.mayBeSensitive() {
			return false
		}
		_, given := attributes[b.address.Name]
		return given || broken
	})
}

func (m *Module) undeclaredVariable(severity hcl.DiagnosticSeverity, name string, at *hcl.Range) *hcl.Diagnostic {
	var names []string
	for _, b := range m.root.blocks {
		if b.address.Kind == variableRoot {
			names = append(names, b.address.Name)
		}
	}
	detail := fmt.Sprintf("A value is given for the variable %q, which is not declared in this configuration.", name)
	if suggestion := schema.Suggest(name, names); suggestion != "" {
		detail += fmt.Sprintf(" Did you mean %q?", suggestion)
	} else {
		detail += fmt.Sprintf(" To use the value, add a variable %q block.", name)
	}
	return &hcl.Diagnostic{Severity: severity, Summary: "Value for undeclared variable", Detail: detail, Subject: at}
}

// giveVariables takes over the values; of several for one variable the last
// counts.
func (e *Evaluation) giveVariables(inputs []VariableInput) hcl.Diagnostics {
	e.inputs = make(map[string]VariableInput, len(inputs))
	var diags hcl.Diagnostics
	for _, input := range inputs {
		if !e.module.hasVariable(input.Name) {
			diags = append(diags, e.module.undeclaredVariable(hcl.DiagError, input.Name, nil))
			continue
		}
		e.inputs[input.Name] = input
	}
	return diags
}

// inputValue evaluates what was given.
func inputValue(in *Instance, input VariableInput, want cty.Type) (cty.Value, bool) {
	expr := input.Expr
	if expr == nil && (want == cty.String || want == cty.DynamicPseudoType) {
		return cty.StringVal(input.Text), true
	}
	var diags hcl.Diagnostics
	if expr == nil {
		expr, diags = syntax.ParseExpression([]byte(input.Text), input.Range.Filename, hcl.InitialPos)
	}
	v := cty.DynamicVal
	if !diags.HasErrors() {
		v, diags = constant(expr)
	}
	if diags.HasErrors() && input.Expr == nil && !in.block.mayBeSensitive() && expr != nil && len(expr.Variables()) > 0 {
		in.Errorf(input.Range, "Invalid value for variable", "The value from %s of variable %q must be of type %s, but is %q.", input.Origin, input.Name, want.FriendlyName(), input.Text)
		return v, false
	}
	switch {
	case !diags.HasErrors():
		return v, true
	case in.block.mayBeSensitive():
		in.Errorf(input.Range, "Invalid value for variable", "The value from %s of variable %q is not valid HCL for a value of type %s. It is not shown, as the variable is sensitive.", input.Origin, input.Name, want.FriendlyName())
	case input.Expr == nil:
		in.Errorf(input.Range, "Invalid value for variable", "The value from %s of variable %q must be written in HCL, as its type is %s: %s", input.Origin, input.Name, want.FriendlyName(), diags[0].Detail)
	default:
		in.Report(diags...)
	}
	return cty.DynamicVal, false
}
