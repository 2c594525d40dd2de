package value

import (
	"bytes"
	"strconv"

	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v3"
)

// ToYAML renders a wholly known value without marks as YAML that FromYAML reads
// back as it was. Keys are sorted; strings are quoted only where they must be.
func ToYAML(v cty.Value) ([]byte, error) {
	node, err := yamlNode(v, place{})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return nil, err
	}
	if err := encoder.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// yamlString lets the encoder choose the quotes: it knows which words other
// parsers of YAML take for something else.
func yamlString(s string) (*yaml.Node, error) {
	node := &yaml.Node{}
	if err := node.Encode(s); err != nil {
		return nil, err
	}
	if node.Tag != "!!str" { // the encoder knows not of "<<"
		node.SetString(s)
		node.Style = yaml.DoubleQuotedStyle
	}
	return node, nil
}

func yamlNode(v cty.Value, at place) (*yaml.Node, error) {
	if ref, ok := ReferenceOf(v); ok {
		return nil, &PathError{Path: at.hcl, Reason: ref.noValue().Error()}
	}
	ty := v.Type()
	switch {
	case !v.IsKnown():
		return nil, &PathError{Path: at.hcl, Reason: "the value is not known"}
	case v.IsNull():
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	case ty == cty.String:
		return yamlString(v.AsString())
	case ty == cty.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.True())}, nil
	case ty == cty.Number:
		number := v.AsBigFloat()
		if number.IsInt() {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: number.Text('f', 0)}, nil
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: number.Text('g', -1)}, nil
	case ty.IsObjectType() || ty.IsMapType():
		node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for it := v.ElementIterator(); it.Next(); {
			name, item := it.Element()
			key, err := yamlString(name.AsString())
			if err != nil {
				return nil, err
			}
			child, err := yamlNode(item, at.attribute(name.AsString()))
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, key, child)
		}
		return node, nil
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		node := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for it := v.ElementIterator(); it.Next(); {
			_, item := it.Element()
			child, err := yamlNode(item, at.index(len(node.Content)))
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		return node, nil
	}
	return nil, &PathError{Path: at.hcl, Reason: "a " + ty.FriendlyName() + " cannot be written as YAML"}
}
