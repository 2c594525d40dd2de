package rendercache

import (
	"reflect"
	"slices"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// TestEverythingThatIsRenderedFromIsDescribed fails where a field is added that JSON
// leaves out, until describe has it too (or it is listed here for a reason).
func TestEverythingThatIsRenderedFromIsDescribed(t *testing.T) {
	known := map[string]bool{
		"Values": true, "Parameters": true, "ExternalVariables": true, "TopLevelArguments": true, // written one by one
		"Objects": true, // only of inline sources, which are not kept
		"Auth":    true, // how files are read, not what is in them
	}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[source.Auth]() {
			return
		}
		for i := range typ.NumField() {
			field := typ.Field(i)
			if field.Tag.Get("json") == "-" && !known[field.Name] {
				t.Errorf("%s.%s is not in JSON, and describe does not write it", typ, field.Name)
			}
			visit(field.Type)
		}
	}
	visit(reflect.TypeFor[source.Spec]())

	var fields []string
	for i := range reflect.TypeFor[providers.Input]().NumField() {
		fields = append(fields, reflect.TypeFor[providers.Input]().Field(i).Name)
	}
	want := []string{"Tree", "Spec", "Name", "Labels", "Namespace", "Refs", "Needed", "Capabilities", "Later"}
	if !slices.Equal(fields, want) {
		t.Errorf("an Input has the fields %v; describe was written for %v", fields, want)
	}
}
