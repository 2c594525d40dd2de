package eval

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

// libraryFolder is where the files of libraries seem to be.
const libraryFolder = "built in/"

// FromLibrary reports whether the block is a library's, and not the configuration's.
func (in *Instance) FromLibrary() bool {
	return strings.HasPrefix(in.Values.Range.Filename, libraryFolder)
}

// addLibraries declares the blocks of libraries that a unit refers to and does not
// declare itself.
func (m *Module) addLibraries(u *unit) {
	for _, name := range schema.SortedKeys(m.kinds) {
		k := m.kinds[name]
		if k.Library == "" {
			continue
		}
		wanted := u.namesReferredTo(k.Root)
		if len(wanted) == 0 {
			continue
		}
		file, blocks := k.library()
		for _, found := range blocks {
			if !wanted[found.Labels[0]] || u.find(addr.Address{Kind: k.Root, Name: found.Labels[0]}) != nil {
				continue
			}
			m.files[found.DefRange.Filename] = file
			if _, diags := m.declare(u, k, found, m.readBlocks(hcl.Blocks{found})[0]); diags.HasErrors() {
				panic(fmt.Sprintf("the library of %s does not hold: %s. This is a bug in gantry.", k.Type, diags))
			}
		}
	}
}

// library parses the kind's library.
func (k *Kind) library() (*hcl.File, hcl.Blocks) {
	filename := libraryFolder + k.Type + nativeSuffix
	file, diags := syntax.Parse([]byte(k.Library), filename)
	content, more := file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: k.Type, LabelNames: k.Labels}}})
	if diags = append(diags, more...); diags.HasErrors() {
		panic(fmt.Sprintf("the library of %s does not hold: %s. This is a bug in gantry.", k.Type, diags))
	}
	return file, content.Blocks
}

// libraryNames returns the names of the blocks in the kind's library.
func (k *Kind) libraryNames() []string {
	if k == nil || k.Library == "" {
		return nil
	}
	var names []string
	_, blocks := k.library()
	for _, found := range blocks {
		names = append(names, found.Labels[0])
	}
	return names
}

// namesReferredTo returns the names that follow a root in the unit's references.
func (u *unit) namesReferredTo(root string) map[string]bool {
	names := map[string]bool{}
	note := func(traversals []hcl.Traversal) {
		for _, traversal := range traversals {
			if traversal.RootName() == root {
				if name, ok := stepName(traversal[1:]); ok {
					names[name] = true
				}
			}
		}
	}
	for _, b := range u.blocks {
		if b.attribute != nil {
			note(schema.Variables(b.attribute.Expr))
			continue
		}
		for _, used := range b.uses {
			note(used.variables)
		}
	}
	return names
}
