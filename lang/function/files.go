package function

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gantrycd/gantry/lang/syntax"
	"github.com/gantrycd/gantry/lang/value"
)

// maxFile bounds what is read into an expression.
const maxFile = 16 << 20

func fileFunctions(files fs.FS) map[string]function.Function {
	functions := map[string]function.Function{
		"basename":   stringFunc("Returns the last part of a path.", func(s string) (string, error) { return path.Base(s), nil }),
		"dirname":    stringFunc("Returns a path without its last part.", func(s string) (string, error) { return path.Dir(s), nil }),
		"file":       contentFunc(files, "Returns the text of a file.", readText),
		"filebase64": contentFunc(files, "Returns the content of a file as base64.", encoded(toBase64)),
		"fileexists": fileExistsFunc(files),
		"filesha256": contentFunc(files, "Returns the SHA-256 hash of a file's content.", encoded(func(b []byte) string { return toHex(sha256Sum(b)) })),
		"fileset":    fileSetFunc(files),
	}
	functions["templatefile"] = templateFileFunc(files)
	return functions
}

// clean brings a path to the form that fs.FS takes, and keeps it inside.
func clean(name string) (string, error) {
	cleaned := path.Clean(name)
	if path.IsAbs(cleaned) || !fs.ValidPath(cleaned) {
		return "", fmt.Errorf("%q is outside the directory of the configuration; paths are relative to it", name)
	}
	return cleaned, nil
}

func read(files fs.FS, name string) ([]byte, error) {
	cleaned, err := clean(name)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(files, cleaned)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %q; paths are relative to the directory of the configuration", name)
	case err != nil:
		return nil, fmt.Errorf("the file %q cannot be read: %w", name, value.FileFault(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%q is not a file", name)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("the file %q has %d bytes; up to %d can be read", name, info.Size(), maxFile)
	}
	content, err := fs.ReadFile(files, cleaned)
	if err != nil {
		return nil, fmt.Errorf("the file %q cannot be read: %w", name, value.FileFault(err))
	}
	return content, nil
}

func readText(files fs.FS, name string) (string, error) {
	content, err := read(files, name)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(content) {
		return "", fmt.Errorf("the file %q is not text in UTF-8; filebase64 reads other files", name)
	}
	return string(content), nil
}

func encoded(encode func([]byte) string) func(fs.FS, string) (string, error) {
	return func(files fs.FS, name string) (string, error) {
		content, err := read(files, name)
		if err != nil {
			return "", err
		}
		return encode(content), nil
	}
}

func contentFunc(files fs.FS, description string, get func(fs.FS, string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{text("path")},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			out, err := get(files, args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(out), nil
		},
	})
}

func fileExistsFunc(files fs.FS) function.Function {
	return function.New(&function.Spec{
		Description: "Tells whether there is a file.",
		Params:      []function.Parameter{text("path")},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			cleaned, err := clean(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			info, err := fs.Stat(files, cleaned)
			if errors.Is(err, fs.ErrNotExist) {
				return cty.False, nil
			}
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(0, "%q cannot be read: %s", args[0].AsString(), value.FileFault(err))
			}
			return cty.BoolVal(info.Mode().IsRegular()), nil
		},
	})
}

func fileSetFunc(files fs.FS) function.Function {
	return function.New(&function.Spec{
		Description: "Returns the files below a directory whose path in it matches a pattern; \"**\" stands for any number of directories.",
		Params:      []function.Parameter{text("path"), text("pattern")},
		Type:        function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			root, err := clean(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			pattern := args[1].AsString()
			if !doublestar.ValidatePattern(pattern) || strings.HasPrefix(pattern, "/") {
				return cty.NilVal, function.NewArgErrorf(1, "%q is no pattern of relative paths", pattern)
			}
			below, err := fs.Sub(files, root)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			matches, err := doublestar.Glob(below, pattern, doublestar.WithFilesOnly(), doublestar.WithNoFollow())
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "%q cannot be listed: %s", pattern, value.FileFault(err))
			}
			if len(matches) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			sort.Strings(matches)
			names := make([]cty.Value, len(matches))
			for i, match := range matches {
				names[i] = cty.StringVal(match)
			}
			return cty.SetVal(names), nil
		},
	})
}

// templateFileFunc renders a file as a template. In it, all functions are there
// but itself, so that templates cannot call each other forever.
func templateFileFunc(files fs.FS) function.Function {
	render := func(args []cty.Value) (cty.Value, error) {
		pathArg, marks := args[0].Unmark()
		name := pathArg.AsString()
		src, err := readText(files, name)
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		template, diags := syntax.ParseTemplate([]byte(src), name)
		if diags.HasErrors() {
			return cty.NilVal, templateError(name, diags)
		}
		vars, varMarks := args[1].Unmark()
		if !isObject(vars.Type()) {
			return cty.NilVal, function.NewArgErrorf(1, "an object is needed: the variables of the template")
		}
		ctx := &hcl.EvalContext{Variables: vars.AsValueMap(), Functions: map[string]function.Function{}}
		for _, traversal := range template.Variables() {
			if _, ok := ctx.Variables[traversal.RootName()]; !ok {
				return cty.NilVal, function.NewArgErrorf(1, "%s uses the variable %q on line %d, which is not given", name, traversal.RootName(), traversal.SourceRange().Start.Line)
			}
		}
		for _, group := range Table(files) {
			for functionName, f := range group.Functions {
				if functionName != "templatefile" {
					ctx.Functions[functionName] = f
				}
			}
		}
		v, diags := template.Value(ctx)
		if diags.HasErrors() {
			return cty.NilVal, templateError(name, diags)
		}
		if v, err = convert.Convert(v, cty.String); err != nil {
			return cty.NilVal, fmt.Errorf("%s does not come to a string", name)
		}
		return v.WithMarks(marks, varMarks), nil
	}
	return function.New(&function.Spec{
		Description: "Renders a file as a template with the variables given.",
		Params: []function.Parameter{
			{Name: "path", Type: cty.String, AllowMarked: true},
			{Name: "vars", Type: cty.DynamicPseudoType, AllowMarked: true},
		},
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return render(args) },
	})
}

func templateError(name string, diags hcl.Diagnostics) error {
	for _, diag := range diags {
		if diag.Severity != hcl.DiagError {
			continue
		}
		line := 0
		if diag.Subject != nil {
			line = diag.Subject.Start.Line
		}
		return fmt.Errorf("%s, line %d: %s: %s", name, line, diag.Summary, strings.TrimSuffix(diag.Detail, "."))
	}
	return nil
}
