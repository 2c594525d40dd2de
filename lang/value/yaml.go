package value

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v3"
)

// maxYAMLNodes bounds what aliases may expand to.
const maxYAMLNodes = 1_000_000

// maxYAMLDepth bounds nesting.
const maxYAMLDepth = 256

// FromYAML converts a YAML stream to one value per document; empty documents are
// left out. Numbers keep every digit. What YAML allows and no JSON value is (a key
// twice, a key that is no string or number, infinities, a tag that is not of the
// core schema, aliases that expand without bound) is refused with its line.
func FromYAML(text []byte) ([]cty.Value, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var values []cty.Value
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		if len(document.Content) == 0 {
			continue
		}
		root := document.Content[0]
		if root.Kind == yaml.ScalarNode && root.Tag == "!!null" && root.Value == "" {
			continue
		}
		reader := yamlReader{}
		v, err := reader.read(root, 0)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
}

type yamlReader struct{ nodes int }

func (r *yamlReader) read(node *yaml.Node, depth int) (cty.Value, error) {
	if r.nodes++; r.nodes > maxYAMLNodes {
		return cty.NilVal, fmt.Errorf("line %d: the document has more than %d values once its aliases are expanded", node.Line, maxYAMLNodes)
	}
	if depth > maxYAMLDepth {
		return cty.NilVal, fmt.Errorf("line %d: the document is nested more than %d deep", node.Line, maxYAMLDepth)
	}
	switch node.Kind {
	case yaml.AliasNode:
		return r.read(node.Alias, depth+1)
	case yaml.ScalarNode:
		return readScalar(node)
	case yaml.SequenceNode:
		if node.ShortTag() != "!!seq" {
			return cty.NilVal, unknownTag(node)
		}
		items := make([]cty.Value, len(node.Content))
		for i, item := range node.Content {
			v, err := r.read(item, depth+1)
			if err != nil {
				return cty.NilVal, err
			}
			items[i] = v
		}
		return cty.TupleVal(items), nil
	case yaml.MappingNode:
		if node.ShortTag() != "!!map" {
			return cty.NilVal, unknownTag(node)
		}
		attributes := map[string]cty.Value{}
		if err := r.readMapping(node, attributes, depth); err != nil {
			return cty.NilVal, err
		}
		return cty.ObjectVal(attributes), nil
	case yaml.DocumentNode:
	}
	return cty.NilVal, fmt.Errorf("line %d: unexpected YAML", node.Line)
}

// readMapping reads a mapping's own keys, then what it merges in with "<<".
func (r *yamlReader) readMapping(node *yaml.Node, attributes map[string]cty.Value, depth int) error {
	var merged []*yaml.Node
	lines := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, item := node.Content[i], node.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: a key must be a string", key.Line)
		}
		if key.Tag == "!!merge" {
			merged = append(merged, item)
			continue
		}
		name := cty.NormalizeString(key.Value)
		if line, ok := lines[name]; ok {
			return fmt.Errorf("line %d: the key %q was already given on line %d", key.Line, name, line)
		}
		lines[name] = key.Line
		v, err := r.read(item, depth+1)
		if err != nil {
			return err
		}
		attributes[name] = v
	}
	for _, item := range merged {
		if err := r.merge(item, attributes, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *yamlReader) merge(node *yaml.Node, attributes map[string]cty.Value, depth int) error {
	v, err := r.read(node, depth)
	if err != nil {
		return err
	}
	maps := []cty.Value{v}
	if v.Type().IsTupleType() {
		maps = v.AsValueSlice()
	}
	for _, m := range maps {
		if !m.Type().IsObjectType() {
			return fmt.Errorf("line %d: only mappings can be merged with \"<<\"", node.Line)
		}
		for name, item := range m.AsValueMap() {
			if _, ok := attributes[name]; !ok {
				attributes[name] = item
			}
		}
	}
	return nil
}

func readScalar(node *yaml.Node) (cty.Value, error) {
	switch node.ShortTag() {
	case "!!null":
		return cty.NullVal(cty.DynamicPseudoType), nil
	case "!!str", "!!timestamp", "!!binary":
		if node.Style == 0 && numeral.MatchString(node.Value) { // beyond what the parser holds
			v, err := yamlNumber(node.Value)
			if err != nil {
				return cty.NilVal, fmt.Errorf("line %d: %w", node.Line, err)
			}
			return v, nil
		}
		return cty.StringVal(node.Value), nil
	case "!!bool":
		var b bool
		if err := node.Decode(&b); err != nil {
			return cty.NilVal, fmt.Errorf("line %d: %q is neither true nor false", node.Line, node.Value)
		}
		return cty.BoolVal(b), nil
	case "!!int", "!!float":
		v, err := yamlNumber(node.Value)
		if err != nil {
			return cty.NilVal, fmt.Errorf("line %d: %w", node.Line, err)
		}
		return v, nil
	}
	return cty.NilVal, unknownTag(node)
}

func unknownTag(node *yaml.Node) error {
	return fmt.Errorf("line %d: the tag %s is not supported", node.Line, node.Tag)
}
