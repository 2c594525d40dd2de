package generate

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// maxFile bounds the size of a file that a generator reads, in bytes.
const maxFile = 1 << 20

// Files reads the items of files. What is wrong with one of them is a Problem that
// names it; all are read.
func Files(tree fs.FS, paths []string) ([]Item, error) {
	var items []Item
	var errs []error
	for _, name := range paths {
		text, err := readFile(tree, name)
		if err == nil {
			var more []Item
			more, err = File(name, text)
			items = append(items, more...)
		}
		if err != nil {
			errs = append(errs, problem("", "Invalid generator file", "The file %s cannot be used: %s.", name, err))
		}
	}
	return items, errors.Join(errs...)
}

func readFile(tree fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(tree, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("it has %d bytes; a file for a generator may have up to %d", info.Size(), maxFile)
	}
	return fs.ReadFile(tree, name)
}

// File returns the items of a file of YAML or JSON: what it holds, with the file's
// path. One that holds a list gives an item for each element, one that is empty an
// item of its path alone.
func File(name string, text []byte) ([]Item, error) {
	documents, err := decodeAll(text)
	switch {
	case err != nil:
		return nil, err
	case len(documents) > 1:
		return nil, fmt.Errorf("it holds %d YAML documents; put them into a list", len(documents))
	case len(documents) == 0:
		documents = []cty.Value{cty.EmptyObjectVal}
	}
	if !documents[0].Type().IsTupleType() {
		made, err := fileItem(name, documents[0])
		if err != nil {
			return nil, err
		}
		return []Item{{Key: name, Value: made, Origin: name}}, nil
	}
	var items []Item
	for i, element := range documents[0].AsValueSlice() {
		made, err := fileItem(name, element)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		key, err := ElementKey(element)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		items = append(items, Item{Key: name + "#" + key, Value: made, Origin: fmt.Sprintf("element %d of %s", i, name)})
	}
	return items, nil
}

// fileItem adds the path to what a file holds.
func fileItem(name string, content cty.Value) (cty.Value, error) {
	if content.IsNull() || !content.Type().IsObjectType() {
		return content, fmt.Errorf("it must hold a mapping, but holds %s", value.Kind(content))
	}
	if content.Type().HasAttribute("path") {
		return content, errors.New("it has a key \"path\", which would hide where the file is; rename it")
	}
	return with(content, "path", pathValue(path.Dir(name), path.Base(name))), nil
}
