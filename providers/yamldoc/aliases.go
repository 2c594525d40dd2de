package yamldoc

import (
	"bytes"
	"errors"
	"fmt"

	yamlv3 "go.yaml.in/yaml/v3"

	"github.com/gantrycd/gantry/providers"
)

// maxExpanded is how many values a file may have once its aliases are written out.
const maxExpanded = 1_000_000

// CheckAliases refuses YAML whose aliases expand beyond all measure, for those
// who parse it with something that does not. Text that is no YAML passes.
func CheckAliases(data []byte) error {
	if bytes.IndexByte(data, '&') < 0 || bytes.IndexByte(data, '*') < 0 {
		return nil
	}
	decoder := yamlv3.NewDecoder(bytes.NewReader(data))
	for {
		var root yamlv3.Node
		if err := decoder.Decode(&root); err != nil {
			return nil // what parses the text will say so, or it has ended
		}
		c := aliasCounter{sizes: map[*yamlv3.Node]int{}}
		if err := c.count(&root, 0); err != nil {
			return err
		}
	}
}

type aliasCounter struct{ sizes map[*yamlv3.Node]int }

// count finds how many nodes a node is when written out; -1 marks one that is
// still being counted.
func (c *aliasCounter) count(node *yamlv3.Node, depth int) error {
	if _, known := c.sizes[node]; known {
		if c.sizes[node] < 0 {
			return errors.New("an alias contains itself")
		}
		return nil
	}
	if depth > 10*MaxDepth {
		return fmt.Errorf("nested more than %d deep", 10*MaxDepth)
	}
	c.sizes[node] = -1
	children := node.Content
	if node.Kind == yamlv3.AliasNode {
		children = []*yamlv3.Node{node.Alias}
	}
	size := 1
	for _, child := range children {
		if err := c.count(child, depth+1); err != nil {
			return err
		}
		if size += c.sizes[child]; size > maxExpanded {
			return fmt.Errorf("aliases expand to more than %d values", maxExpanded)
		}
	}
	c.sizes[node] = size
	return nil
}

// Decode reads one YAML document of any kind, strictly, into Object's shape.
func Decode(text []byte) (any, error) { return decodeYAML(text, Options{}) }

// At adds a file to an error of Decode, as a *providers.RenderError.
func At(file string, err error) error {
	render := &providers.RenderError{File: file, Err: err}
	var at *lineError
	if errors.As(err, &at) {
		render.Line, render.Err = at.line, at.err
	}
	return render
}
