package helm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
)

// maxParameter is the longest parameter, name and value, in bytes.
const maxParameter = 1 << 20

// values merges what a source sets over a chart's own values; later wins:
// value files in order, values, file parameters, parameters.
func values(in providers.Input, options source.HelmOptions) (map[string]any, error) {
	merged := map[string]any{}
	for _, file := range options.ValueFiles {
		files, err := find(in, file, options.IgnoreMissingValueFiles)
		if err != nil {
			return nil, fmt.Errorf("value file: %w", err)
		}
		for _, f := range files {
			more, err := f.values()
			if err != nil {
				return nil, err
			}
			merged = loader.MergeMaps(merged, more)
		}
	}
	if len(options.Values) > 0 {
		written, err := asWritten(options.Values)
		if err != nil {
			return nil, err
		}
		merged = loader.MergeMaps(merged, written)
	}
	for _, parameter := range options.FileParameters {
		if err := setFile(in, merged, parameter); err != nil {
			return nil, fmt.Errorf("file parameter %q: %w", parameter.Name, err)
		}
	}
	for _, parameter := range options.Parameters {
		if err := set(merged, parameter); err != nil {
			return nil, fmt.Errorf("parameter %q: %w", parameter.Name, err)
		}
	}
	return merged, nil
}

// asWritten turns values into what Helm would have read from a file with them,
// where every number is a float64: charts are written for that.
func asWritten(values map[string]any) (map[string]any, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	var written map[string]any
	if err := json.Unmarshal(data, &written); err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	return written, nil
}

func setFile(in providers.Input, merged map[string]any, parameter source.HelmParameter) error {
	files, err := find(in, parameter.Value, false)
	if err != nil {
		return err
	}
	if len(files) != 1 {
		return fmt.Errorf("%q matches %d files, expected one", parameter.Value, len(files))
	}
	data, err := filetree.ReadFile(files[0].tree, files[0].name)
	if err != nil {
		return err
	}
	return strvals.ParseLiteralInto(parameter.Name+"="+string(data), merged)
}

// set applies one --set or --set-string. Commas are part of the value, not the
// start of another parameter, unless the value is a list in braces.
func set(merged map[string]any, parameter source.HelmParameter) (err error) {
	if len(parameter.Name)+len(parameter.Value) > maxParameter {
		return fmt.Errorf("longer than %d MiB", maxParameter>>20)
	}
	if parameter.Name == "" {
		return errors.New("has no name")
	}
	assignment := parameter.Name + "=" + escapeCommas(parameter.Value)
	if parameter.ForceString {
		err = strvals.ParseIntoString(assignment, merged)
	} else {
		err = strvals.ParseInto(assignment, merged)
	}
	return withoutValue(err, parameter.Value)
}

// withoutValue keeps a parameter's value, which may be a secret, out of an error.
func withoutValue(err error, value string) error {
	if err == nil || value == "" || !strings.Contains(err.Error(), value) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), value, "(value)"))
}

var unescapedComma = regexp.MustCompile(`(^|[^\\]),`)

func escapeCommas(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	for unescapedComma.MatchString(value) { // commas side by side need another round
		value = unescapedComma.ReplaceAllString(value, `${1}\,`)
	}
	return value
}

// valueFile is a file of some tree, and what messages call it.
type valueFile struct {
	tree        fs.FS
	name, label string
}

func (f valueFile) values() (map[string]any, error) {
	data, err := filetree.ReadFile(f.tree, f.name)
	if err != nil {
		return nil, fmt.Errorf("value file: %w", err)
	}
	values, err := loader.LoadValues(bytes.NewReader(data))
	if err != nil {
		return nil, yamlError(f.label, err)
	}
	return values, nil
}

// find resolves a path or glob: "$ref/path" from the root of the source with
// that ref, anything else from the chart's folder, or with a leading slash from
// the root of its source. Files that are not there are left out where missing
// ones are to be ignored.
func find(in providers.Input, file string, ignoreMissing bool) ([]valueFile, error) {
	tree, base, name, prefix := in.Tree, in.Spec.Path, file, ""
	if rest, isRef := strings.CutPrefix(file, "$"); isRef {
		ref, below, _ := strings.Cut(rest, "/")
		other, known := in.Refs[ref]
		if !known {
			return nil, fmt.Errorf("%q: no source has the ref %q: %w", file, ref, providers.ErrNotFound)
		}
		tree, base, name, prefix = other, ".", below, "$"+ref+"/"
	}
	clean, err := filetree.Join(cleanBase(base), name)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", file, err)
	}
	_, err = filetree.Stat(tree, clean)
	if err == nil {
		return []valueFile{{tree, clean, prefix + clean}}, nil
	}
	if !errors.Is(err, providers.ErrNotFound) {
		return nil, err
	}
	if strings.ContainsAny(name, "*?[{") {
		matches, globErr := doublestar.Glob(tree, clean, doublestar.WithFilesOnly(), doublestar.WithFailOnIOErrors())
		if globErr != nil {
			return nil, fmt.Errorf("%q: %w", file, globErr)
		}
		slices.Sort(matches)
		files := make([]valueFile, len(matches))
		for i, match := range matches {
			files[i] = valueFile{tree, match, prefix + match}
		}
		if len(files) > 0 || ignoreMissing {
			return files, nil
		}
	}
	if ignoreMissing {
		return nil, nil
	}
	return nil, err
}

func cleanBase(base string) string {
	clean, err := filetree.Clean(base)
	if err != nil { // the chart was found there, so it is clean
		return "."
	}
	return clean
}

var yamlLine = regexp.MustCompile(`(?s)line (\d+): (.*)`)

// yamlError places an error of Helm's YAML decoder, without the words around it.
func yamlError(file string, err error) error {
	text := err.Error()
	if match := yamlLine.FindStringSubmatch(text); match != nil {
		line, _ := strconv.Atoi(match[1]) // digits
		return &providers.RenderError{File: file, Line: line, Err: errors.New(match[2])}
	}
	if strings.Contains(text, "into Go value of type map[string]interface {}") {
		return &providers.RenderError{File: file, Err: errors.New("expected a map of values")}
	}
	for _, prefix := range []string{"cannot unmarshal yaml document: ", "error converting YAML to JSON: ", "error unmarshaling JSON: while decoding JSON: ", "yaml: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return &providers.RenderError{File: file, Err: errors.New(text)}
}
