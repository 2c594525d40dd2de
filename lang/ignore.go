package lang

import (
	"slices"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

func ignoreDifferencesBlock() *schema.Block {
	return &schema.Block{
		Type: "ignore_differences",
		Doc:  "Fields of certain objects that are left to others, and so are no difference.",
		Arguments: []schema.Argument{
			{Name: "group", Type: schema.String, Default: "the core group", Doc: "A pattern of the objects' API group: `apps`, `*`."},
			{Name: "kind", Type: schema.String, Required: true, Doc: "A pattern of the objects' kind: `Deployment`, `*`."},
			{Name: "name", Type: schema.String, Default: "any", Doc: "The object's name."},
			{Name: "namespace", Type: schema.String, Default: "any", Doc: "The object's namespace."},
			{Name: "json_pointers", Type: schema.Strings, Doc: "Fields by JSON pointer (RFC 6901): `/spec/replicas`."},
			{Name: "jq_path_expressions", Type: schema.Strings, Doc: "Fields by jq path expression: `.spec.template.spec.containers[] | select(.name == \"proxy\")`."},
			{Name: "field_managers", Type: schema.Strings, Doc: "All fields that these field managers own."},
		},
	}
}

// maxQuery bounds the length of a jq expression.
const maxQuery = 4096

func decodeIgnoreDifferences(in *eval.Instance) []IgnoreDifference {
	var out []IgnoreDifference
	for _, v := range in.Values.Blocks("ignore_differences") {
		ignore := IgnoreDifference{
			Group: v.String("group"), Kind: v.String("kind"), Name: v.String("name"), Namespace: v.String("namespace"),
			JSONPointers: v.Strings("json_pointers"), JQPathExpressions: v.Strings("jq_path_expressions"),
			FieldManagers: v.Strings("field_managers"), Range: v.Range,
		}
		if !v.Has("json_pointers") && !v.Has("jq_path_expressions") && !v.Has("field_managers") {
			in.Errorf(v.Range, "Missing required argument", "It is not said which fields to ignore. Set json_pointers, jq_path_expressions or field_managers.")
		}
		for _, pointer := range ignore.JSONPointers {
			if !strings.HasPrefix(pointer, "/") {
				in.ErrorAt(v, "json_pointers", "Invalid JSON pointer", "%q is no JSON pointer: it must begin with \"/\", as in \"/spec/replicas\".", pointer)
			}
		}
		for _, query := range ignore.JQPathExpressions {
			if len(query) > maxQuery {
				in.ErrorAt(v, "jq_path_expressions", "Invalid jq expression", "The expression has %d characters; it may have up to %d.", len(query), maxQuery)
			} else if _, err := gojq.Parse(query); err != nil {
				in.ErrorAt(v, "jq_path_expressions", "Invalid jq expression", "%q cannot be read: %s.", query, err)
			}
		}
		out = append(out, ignore)
	}
	return out
}

func redactBlock() *schema.Block {
	return &schema.Block{
		Type: "redact",
		Doc: "Fields whose values nobody is to see, beside the data of Secrets: plans, views, state, logs, events and errors have fingerprints in their place, which tell that a value changes and which are equal. " +
			"What is sent to the cluster is the value. It holds for all objects of the configuration that match, whichever application they are of.",
		Arguments: []schema.Argument{
			{Name: "group", Type: schema.String, Default: "the core group", Doc: "A pattern of the objects' API group: `db.example.com`, `*`."},
			{Name: "kind", Type: schema.String, Required: true, Doc: "A pattern of the objects' kind: `Database`, `*`."},
			{Name: "name", Type: schema.String, Default: "any", Doc: "The object's name."},
			{Name: "namespace", Type: schema.String, Default: "any", Doc: "The object's namespace."},
			{Name: "json_pointers", Type: schema.Strings, Required: true, Doc: "Fields by JSON pointer (RFC 6901), in which `*` stands for any member or element: `/spec/users/*/password`."},
		},
	}
}

func decodeRedactions(in *eval.Instance) []Redaction {
	var out []Redaction
	for _, v := range in.Values.Blocks("redact") {
		made := Redaction{
			Group: v.String("group"), Kind: v.String("kind"), Name: v.String("name"), Namespace: v.String("namespace"),
			JSONPointers: v.Strings("json_pointers"), Range: v.Range,
		}
		for _, pointer := range made.JSONPointers {
			if !strings.HasPrefix(pointer, "/") {
				in.ErrorAt(v, "json_pointers", "Invalid JSON pointer", "%q is no JSON pointer: it must begin with \"/\", as in \"/spec/password\".", pointer)
				continue
			}
			first, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
			if slices.Contains([]string{"", "*", "apiVersion", "kind"}, first) || slices.Contains([]string{"/metadata", "/metadata/*", "/metadata/name", "/metadata/namespace"}, pointer) {
				in.ErrorAt(v, "json_pointers", "Invalid JSON pointer", "%q names what an object is called by, which messages and plans must say. Name the fields that hold the values.", pointer)
			}
		}
		out = append(out, made)
	}
	return out
}
