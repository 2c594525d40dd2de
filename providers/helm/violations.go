package helm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// violations says which values a schema refuses, and why, without the values:
// they may be secrets.
func violations(err error) error {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return errors.New("do not satisfy the schema")
	}
	printer := message.NewPrinter(language.English)
	var lines []string
	var collect func(e *jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			place := strings.Join(e.InstanceLocation, ".")
			if place == "" {
				place = "the values"
			}
			lines = append(lines, place+": "+violation(e.ErrorKind, printer))
		}
		for _, cause := range e.Causes {
			collect(cause)
		}
	}
	collect(invalid)
	slices.Sort(lines)
	return errors.New(strings.Join(slices.Compact(lines), "; "))
}

// violation describes a kind of error in the words of the validator where these
// name no value.
func violation(k jsonschema.ErrorKind, printer *message.Printer) string {
	switch k := k.(type) {
	case *kind.Type, *kind.Required, *kind.Enum, *kind.Const, *kind.AdditionalProperties, *kind.FalseSchema,
		*kind.MinProperties, *kind.MaxProperties, *kind.MinItems, *kind.MaxItems, *kind.MinLength, *kind.MaxLength:
		return k.LocalizedString(printer)
	case *kind.Pattern:
		return fmt.Sprintf("does not match the pattern %q", k.Want)
	case *kind.Format:
		return "is no " + k.Want
	default:
		return fmt.Sprintf("does not satisfy %q of the schema", strings.Join(k.KeywordPath(), "/"))
	}
}
