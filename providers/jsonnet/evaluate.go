package jsonnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	gojsonnet "github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/ast"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

// maxStack is how deep calls may nest, in place of Jsonnet's default of 500,
// which some libraries exceed.
const maxStack = 2000

// maxOutput is the largest result of one file, in bytes.
const maxOutput = 64 << 20

// evaluate returns the value that a file evaluates to. The evaluator cannot be
// stopped: when the context ends first, evaluate returns and leaves the evaluation
// to end by itself; nothing reads its result.
func evaluate(ctx context.Context, tree fs.FS, file string, options source.Jsonnet, libraries []string) (any, error) {
	type outcome struct {
		text string
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		text, err := run(newVM(tree, options, libraries), file)
		done <- outcome{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, &providers.RenderError{File: file, Err: ctx.Err()}
	case result := <-done:
		if result.err != nil {
			return nil, place(file, result.err)
		}
		if len(result.text) > maxOutput {
			return nil, &providers.RenderError{File: file, Err: fmt.Errorf("the result is larger than %d MiB", maxOutput>>20)}
		}
		value, err := yamldoc.DecodeJSON([]byte(result.text))
		if err != nil {
			return nil, &providers.RenderError{File: file, Err: err}
		}
		return value, nil
	}
}

func run(vm *gojsonnet.VM, file string) (text string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the Jsonnet evaluator failed: %v", r)
		}
	}()
	node, _, err := vm.ImportAST("", file)
	if err != nil {
		return "", err
	}
	return vm.Evaluate(node)
}

func newVM(tree fs.FS, options source.Jsonnet, libraries []string) *gojsonnet.VM {
	vm := gojsonnet.MakeVM()
	vm.MaxStack = maxStack
	vm.SetTraceOut(io.Discard)
	vm.Importer(&importer{tree: tree, libraries: libraries, contents: map[string]gojsonnet.Contents{}})
	for _, v := range options.ExternalVariables {
		if v.Code {
			vm.ExtCode(v.Name, v.Value)
		} else {
			vm.ExtVar(v.Name, v.Value)
		}
	}
	for _, v := range options.TopLevelArguments {
		if v.Code {
			vm.TLACode(v.Name, v.Value)
		} else {
			vm.TLAVar(v.Name, v.Value)
		}
	}
	return vm
}

// place finds the file and line of an evaluator's error: where a syntax error
// is, or the innermost frame of a runtime error that is in a file of the source
// and not in the standard library.
func place(file string, err error) error {
	var located interface{ Loc() ast.LocationRange }
	var runtime gojsonnet.RuntimeError
	switch {
	case errors.As(err, &runtime):
		reason := errors.New(runtime.Msg)
		if errors.Is(err, providers.ErrNotFound) {
			reason = fmt.Errorf("%s: %w", runtime.Msg, providers.ErrNotFound)
		}
		for _, frame := range slices.Backward(runtime.StackTrace) { // the innermost is the last
			if name := frame.Loc.FileName; frame.Loc.Begin.Line > 0 && name != "" && !strings.HasPrefix(name, "<") {
				return &providers.RenderError{File: name, Line: frame.Loc.Begin.Line, Err: reason}
			}
		}
		return &providers.RenderError{File: file, Err: reason}
	case errors.As(err, &located):
		loc := located.Loc()
		text := strings.TrimPrefix(err.Error(), loc.String()+" ")
		if loc.FileName == "" || strings.HasPrefix(loc.FileName, "<") {
			return &providers.RenderError{File: file, Err: errors.New(text)}
		}
		return &providers.RenderError{File: loc.FileName, Line: loc.Begin.Line, Err: errors.New(text)}
	default:
		return &providers.RenderError{File: file, Err: err}
	}
}
