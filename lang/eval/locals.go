package eval

import "github.com/gantrycd/gantry/lang/schema"

// LocalsKind declares locals blocks.
func LocalsKind() *Kind {
	return &Kind{
		Block: &schema.Block{
			Type: "locals",
			Doc:  "Names for expressions. Each argument is a name of the author's choosing; elsewhere it is `local.NAME`. There may be several such blocks.",
			Example: `locals {
  environments = {
    staging    = { replicas = 1 }
    production = { replicas = 3 }
  }
}`,
			Free: true,
		},
		Root: "local",
	}
}
