package sops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// yamlFile is a YAML file of one document or several.
type yamlFile struct {
	documents []*yaml.Node
	noted     *yaml.Node // what sops noted, of the first document that has it
}

// openYAML reads a YAML file; nil is that it is not encrypted. What is no YAML is not
// encrypted either: who renders it says what is wrong with it.
func openYAML(content []byte) (file, error) {
	f := &yamlFile{}
	in := yaml.NewDecoder(bytes.NewReader(content))
	for {
		document := &yaml.Node{}
		err := in.Decode(document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil //nolint:nilerr // see above
		}
		f.documents = append(f.documents, document)
	}
	for _, document := range f.documents {
		root := document.Content[0]
		at := keyOf(root, "sops")
		if at < 0 || keyOf(root.Content[at+1], "mac") < 0 || kindOf(root) == "SopsSecret" {
			continue // SopsSecret is decrypted in the cluster, by an operator
		}
		if f.noted == nil {
			f.noted = root.Content[at+1]
		}
		root.Content = slices.Delete(root.Content, at, at+2)
	}
	if f.noted == nil {
		return nil, nil
	}
	return f, nil
}

// keyOf returns the index of a key in a mapping, -1 where it is not there.
func keyOf(node *yaml.Node, key string) int {
	if node.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return i
		}
	}
	return -1
}

func kindOf(root *yaml.Node) string {
	if at := keyOf(root, "kind"); at >= 0 {
		return root.Content[at+1].Value
	}
	return ""
}

func (f *yamlFile) metadata() (*metadata, error) {
	out := &metadata{}
	if err := f.noted.Decode(out); err != nil {
		return nil, errors.New("what SOPS noted in it cannot be read")
	}
	return out, out.check()
}

func (f *yamlFile) walk(leaf func([]string, any) (any, error)) error {
	for _, document := range f.documents {
		for _, root := range document.Content {
			if err := walkYAML(root, nil, leaf); err != nil {
				return err
			}
		}
	}
	return nil
}

func walkYAML(node *yaml.Node, path []string, leaf func([]string, any) (any, error)) error {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
				return fmt.Errorf("line %d: it has a key that is no string, which SOPS does not write", key.Line)
			}
			if err := walkYAML(node.Content[i+1], append(slices.Clip(path), key.Value), leaf); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		for _, item := range node.Content {
			if err := walkYAML(item, path, leaf); err != nil {
				return err
			}
		}
		node.Content = slices.DeleteFunc(node.Content, func(item *yaml.Node) bool { return item.Tag == commentTag })
	case yaml.ScalarNode:
		var value any
		if err := node.Decode(&value); err != nil {
			return fmt.Errorf("line %d: a value cannot be read", node.Line)
		}
		if value == nil {
			return nil
		}
		made, err := leaf(path, value)
		if err != nil {
			return err
		}
		return setYAML(node, made)
	case yaml.AliasNode:
		return fmt.Errorf("line %d: it has an alias, which SOPS does not write", node.Line)
	case yaml.DocumentNode:
	}
	return nil
}

// commentTag marks what is a comment, and so no item of its list.
const commentTag = "!comment"

// setYAML gives a scalar its value. Strings are quoted, so that they stay in their line and
// are taken for nothing else.
func setYAML(node *yaml.Node, value any) error {
	switch v := value.(type) {
	case string:
		if node.ShortTag() == "!!str" && node.Value == v {
			return nil // it was not encrypted
		}
		node.Tag, node.Value, node.Style = "!!str", v, yaml.DoubleQuotedStyle
	case int:
		node.Tag, node.Value, node.Style = "!!int", strconv.Itoa(v), 0
	case bool:
		node.Tag, node.Value, node.Style = "!!bool", strconv.FormatBool(v), 0
	case float64:
		made := yaml.Node{}
		if err := made.Encode(v); err != nil {
			return err
		}
		node.Tag, node.Value, node.Style = made.Tag, made.Value, 0
	case time.Time:
		node.Tag, node.Value, node.Style = "!!timestamp", v.Format(time.RFC3339Nano), 0
	case comment:
		node.Tag = commentTag
	}
	return nil
}

func (f *yamlFile) plain() ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	for _, document := range f.documents {
		if err := encoder.Encode(document); err != nil {
			return nil, errors.New("it cannot be written as YAML once it is decrypted")
		}
	}
	if err := encoder.Close(); err != nil {
		return nil, errors.New("it cannot be written as YAML once it is decrypted")
	}
	return out.Bytes(), nil
}
