// Package index finds what the files of a module declare and what they refer to,
// file by file and by syntax alone, so that of a module being edited only the file
// that changed is read again.
//
// It evaluates nothing and reports nothing but syntax errors: lang does. Only
// lang/lsp imports it.
package index

import (
	"slices"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

// Function is the kind of the addresses of functions that are written in the language,
// and their namespace: fn::NAME.
const Function = "fn"

// Vocabulary is the blocks that there are at the top level.
type Vocabulary struct {
	kinds map[string]*eval.Kind
	types []string // in the order of the reference
	roots map[string]bool
}

// NewVocabulary returns the vocabulary of a table of blocks.
func NewVocabulary(kinds []*eval.Kind) *Vocabulary {
	v := &Vocabulary{kinds: map[string]*eval.Kind{}, roots: map[string]bool{}}
	for _, k := range kinds {
		v.kinds[k.Type] = k
		v.types = append(v.types, k.Type)
		if k.Root != "" && k.Root != Function && k.Type != "output" { // an output is module.NAME.OUTPUT
			v.roots[k.Root] = true
		}
	}
	return v
}

// Types returns the types of blocks in the order in which the reference has them.
func (v *Vocabulary) Types() []string { return v.types }

// Roots returns the first words of references to blocks, sorted.
func (v *Vocabulary) Roots() []string { return schema.SortedKeys(v.roots) }

// IsRoot reports whether references to blocks begin with a word.
func (v *Vocabulary) IsRoot(word string) bool { return v.roots[word] }

// RootOf returns the first word of references to the blocks of a type; empty where
// nothing can refer to them.
func (v *Vocabulary) RootOf(blockType string) string {
	if k := v.kinds[blockType]; k != nil {
		return k.Root
	}
	return ""
}

// IsTyped reports whether a type comes between a root and a name.
func (v *Vocabulary) IsTyped(root string) bool {
	return v.kinds[root] != nil && v.kinds[root].Types != nil
}

// TypeLabels returns what the first label of a type of blocks may be, sorted; nil
// where it is a name.
func (v *Vocabulary) TypeLabels(blockType string) []string {
	k := v.kinds[blockType]
	if k == nil || k.Types == nil {
		return nil
	}
	return schema.SortedKeys(k.Types)
}

// Block returns the declaration of a block at the top level; nil where there is none.
func (v *Vocabulary) Block(blockType string, labels []string) *schema.Block {
	k := v.kinds[blockType]
	switch {
	case k == nil:
		return nil
	case k.Types == nil:
		return k.Block
	case len(labels) == 0 || k.Types[labels[0]] == nil:
		return nil
	}
	return k.Types[labels[0]].Block
}

// Labels returns the names of the labels of a type of blocks.
func (v *Vocabulary) Labels(blockType string) []string {
	if k := v.kinds[blockType]; k != nil {
		return k.Labels
	}
	return nil
}

// isNamed reports whether the last label of a kind is a name that its author chose.
func isNamed(k *eval.Kind) bool {
	return len(k.Labels) > 0 && slices.Contains(k.Labels, "name")
}
