package schema

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// unexpectedName finds the name in what the syntaxes say of an argument or a block
// that there is not.
var unexpectedName = regexp.MustCompile(`(?:An argument named|Blocks of type|No argument or block type is named) "([^"]*)"`)

// Unexpected returns the name of an argument or a block that there is not, "" for
// another diagnostic. Those of the JSON syntax get the words of the native one.
func Unexpected(diag *hcl.Diagnostic) string {
	found := unexpectedName.FindStringSubmatch(diag.Detail)
	if found == nil {
		return ""
	}
	if diag.Summary == "Extraneous JSON object property" {
		diag.Summary = "Unsupported argument"
		diag.Detail = fmt.Sprintf("An argument or block named %q is not expected here.", found[1])
	}
	return found[1]
}

// explainUnexpected adds to a diagnostic about an argument or a block that there is
// not what was probably meant, or else what there may be.
func (b *Block) explainUnexpected(diag *hcl.Diagnostic) {
	name := Unexpected(diag)
	_, repeats := b.Argument("for_each")
	switch near := Suggest(name, b.names()); {
	case name == "" || strings.Contains(diag.Detail, "Did you mean"):
	case name == "count" && repeats:
		diag.Detail = "There is no count: an instance that is known by its position changes its identity when one before it goes. Use for_each, which gives each a key of its own."
	case near != "":
		diag.Detail += fmt.Sprintf(" Did you mean %q?", near)
	default:
		diag.Detail += " " + b.Takes()
	}
}

// names returns the names of what may be in the block.
func (b *Block) names() []string {
	var names []string
	for _, argument := range b.Arguments {
		names = append(names, argument.Name)
	}
	for _, nested := range b.Blocks {
		names = append(names, nested.Type)
	}
	return names
}
