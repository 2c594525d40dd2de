package eval

import "github.com/gantrycd/gantry/lang/schema"

// ForEachArgument declares for_each, which every named block takes.
func ForEachArgument() schema.Argument {
	return schema.Argument{
		Name: "for_each", Type: schema.ForEach,
		Doc: "Makes an instance of the block for every element, which is `each.value` in it, and its key `each.key`. The instances are addressed by their keys.",
	}
}

// DependsOnArgument declares depends_on, which every named block takes.
func DependsOnArgument() schema.Argument {
	return schema.Argument{
		Name: "depends_on", Type: schema.Addresses,
		Doc: "Blocks that must come first although no other argument refers to them, such as `[application.database]`. An application starts when those it depends on are synced and healthy; destroying runs backwards.",
	}
}
