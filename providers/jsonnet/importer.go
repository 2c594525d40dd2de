package jsonnet

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	gojsonnet "github.com/google/go-jsonnet"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
)

// importer reads imports from the source's tree, and from nowhere else: first
// beside the importing file, then in the library paths in order. It serves one
// VM.
type importer struct {
	tree      fs.FS
	libraries []string
	contents  map[string]gojsonnet.Contents
}

// Import implements gojsonnet.Importer.
func (i *importer) Import(importedFrom, importedPath string) (gojsonnet.Contents, string, error) {
	folders := append([]string{path.Dir(importedFrom)}, i.libraries...)
	if importedFrom == "" {
		folders[0] = "."
	}
	if path.IsAbs(importedPath) {
		return gojsonnet.Contents{}, "", fmt.Errorf("import %q: %w: imports are relative", importedPath, filetree.ErrEscape)
	}
	var missing error
	for _, folder := range folders {
		name, err := filetree.Join(folder, importedPath)
		if err != nil {
			if missing == nil {
				missing = err
			}
			continue
		}
		contents, err := i.read(name)
		switch {
		case err == nil:
			return contents, name, nil
		case !errors.Is(err, providers.ErrNotFound):
			return gojsonnet.Contents{}, "", err
		case missing == nil || errors.Is(missing, filetree.ErrEscape):
			missing = err
		}
	}
	return gojsonnet.Contents{}, "", missing
}

func (i *importer) read(name string) (gojsonnet.Contents, error) {
	if contents, ok := i.contents[name]; ok {
		return contents, nil
	}
	data, err := filetree.ReadFile(i.tree, name)
	if err != nil {
		return gojsonnet.Contents{}, err
	}
	if err := guard(data); err != nil {
		return gojsonnet.Contents{}, fmt.Errorf("%q: %w", name, err)
	}
	contents := gojsonnet.MakeContentsRaw(data)
	i.contents[name] = contents
	return contents, nil
}
