package lang

import (
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/refactor"
	"github.com/gantrycd/gantry/lang/schema"
)

// kinds is the table of the blocks at the top level, in the order in which the
// reference has them. A new block is a file that declares it, and an entry here.
func kinds() []*eval.Kind {
	return append([]*eval.Kind{
		gantryKind(),
		eval.VariableKind(),
		eval.LocalsKind(),
		eval.OutputKind(),
		eval.FunctionKind(),
		eval.ModuleKind(lifecycleBlock()),
		secretKind(),
		remoteKind(),
		clusterKind(),
		credentialsKind(),
		repositoryKind(),
		projectKind(),
		generatorKind(
			listGenerator(),
			clustersGenerator(),
			gitGenerator(),
			matrixGenerator(),
			mergeGenerator(),
			pluginGenerator(),
			decisionGenerator(),
			pullRequestGenerator(),
			scmProviderGenerator(),
		),
		profileKind(),
		applicationKind(),
	}, append(govern.Kinds(), refactor.Kinds()...)...)
}

// Blocks returns the declarations of all blocks at the top level in the order in
// which the reference has them, those of generators one for each type.
func Blocks() []*schema.Block {
	var blocks []*schema.Block
	for _, k := range kinds() {
		for _, typeName := range schema.SortedKeys(k.Types) {
			blocks = append(blocks, k.Types[typeName].Block)
		}
		if k.Types == nil {
			blocks = append(blocks, k.Block)
		}
	}
	return blocks
}

// forEachArgument and dependsOnArgument are what every named block takes.
func forEachArgument() schema.Argument   { return eval.ForEachArgument() }
func dependsOnArgument() schema.Argument { return eval.DependsOnArgument() }
