package lang

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

// decodeObjects reads objects that are written in the configuration.
func decodeObjects(in *eval.Instance, v *schema.Values, s *Source) {
	s.Type = source.Inline
	for _, name := range []string{"repository", "url", "revision", "path", "chart", "ref"} {
		if v.Has(name) {
			in.ErrorAt(v, name, "Conflicting arguments", "A source with objects has no %s: the objects are written right here. Make two sources of it.", name)
		}
	}
	for _, blockType := range []string{"manifests", "directory", "helm", "kustomize", "jsonnet"} {
		if block := v.One(blockType); block != nil {
			in.Errorf(block.Range, "Conflicting blocks", "Objects that are written in the configuration are not rendered by %s. Make two sources of it.", blockType)
		}
	}
	if !v.IsKnown("objects") {
		return
	}
	argument, _ := v.Get("objects")
	if argument.HasMark(value.Sensitive) {
		in.ErrorAt(v, "objects", "Sensitive value not allowed here", "The list of objects as a whole is sensitive, so that not even the objects' names could be shown. Only values in the data and stringData of Secrets may be.")
		return
	}
	list, _ := argument.Unmark()
	for i, element := range list.AsValueSlice() {
		at := elementRange(argument.Expr, i)
		if value.IsSensitive(element) && element.HasMark(value.Sensitive) {
			in.Errorf(at, "Sensitive value not allowed here", "Object %d as a whole is sensitive, so that not even its name could be shown. Only values in the data and stringData of Secrets may be.", i)
			continue
		}
		plain, sensitive, err := value.ToJSON(element)
		if err != nil {
			in.Errorf(at, "Invalid object", "Object %d cannot be written as JSON: %s.", i, describe(err, sensitive))
			continue
		}
		made := object.Object(plain.(map[string]any))
		if slices.ContainsFunc(sensitive, namesObject) {
			in.Errorf(at, "Sensitive value not allowed here", "In object %d, what names it holds a sensitive value: its kind, or a part of its metadata. Only the data and stringData of Secrets may: other fields are shown in plans.", i)
			continue
		}
		if problem := checkObject(made); problem != "" {
			in.Errorf(at, "Invalid object", "Object %d %s.", i, problem)
			continue
		}
		for _, pointer := range sensitive {
			if !secretData(made, pointer) {
				in.Errorf(at, "Sensitive value not allowed here", "In object %d, %s %s, the field %s holds a sensitive value. Only the data and stringData of Secrets may: other fields are shown in plans.", i, made.Kind(), made.Name(), strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", "."))
			}
			s.SensitivePaths = append(s.SensitivePaths, fmt.Sprintf("/objects/%d%s", len(s.Objects), pointer))
		}
		s.Objects = append(s.Objects, made)
	}
}

// namesObject reports whether a field is one of those that messages call an object
// by.
func namesObject(pointer string) bool {
	return pointer == "/kind" || pointer == "/apiVersion" || pointer == "/metadata" || strings.HasPrefix(pointer, "/metadata/name")
}

// describe renders why something is no JSON. A number that is out of range is
// part of the reason, so that it is left out where anything is sensitive.
func describe(err error, sensitive []string) string {
	var pathErr *value.PathError
	if len(sensitive) > 0 && errors.As(err, &pathErr) {
		return fmt.Sprintf("the value at %s does not fit", pathErr.Path)
	}
	return err.Error()
}

// elementRange returns where an element of a list is written, or the whole
// expression where it is no list.
func elementRange(expr hcl.Expression, i int) hcl.Range {
	elements, diags := hcl.ExprList(expr)
	if diags.HasErrors() || i >= len(elements) {
		return expr.Range()
	}
	return elements[i].Range()
}

func secretData(o object.Object, pointer string) bool {
	if o.Kind() != "Secret" || o.APIVersion() != "v1" {
		return false
	}
	for _, field := range []string{"/data", "/stringData"} {
		if pointer == field || strings.HasPrefix(pointer, field+"/") {
			return true
		}
	}
	return false
}

// checkObject holds that an object has what every object must have.
func checkObject(o object.Object) string {
	for _, field := range []string{"apiVersion", "kind"} {
		if s, ok := o[field].(string); !ok || s == "" {
			return fmt.Sprintf("has no %s: every object of Kubernetes must have one, a string", field)
		}
	}
	if strings.HasSuffix(o.Kind(), "List") && o["items"] != nil {
		return fmt.Sprintf("is a %s; put its items into the list of objects", o.Kind())
	}
	metadata, ok := o["metadata"].(map[string]any)
	if !ok {
		return "has no metadata: every object of Kubernetes must have it, with a name"
	}
	name, hasName := metadata["name"].(string)
	generated, hasGenerated := metadata["generateName"].(string)
	if (!hasName || name == "") && (!hasGenerated || generated == "") {
		return "has no metadata.name: every object of Kubernetes must have one, a string"
	}
	return ""
}
