package schema

// Description is a block as data for programs: editors, generators of documents,
// other tools. Its JSON is stable; what is added to it, readers pass over.
type Description struct {
	Type   string             `json:"type"`
	Labels []LabelDescription `json:"labels,omitempty"`
	Doc    string             `json:"doc,omitempty"` // sentences, Markdown
	// Example is what an author would write.
	Example string `json:"example,omitempty"`
	// Free says that the arguments' names are of the author's choosing.
	Free      bool                  `json:"free,omitempty"`
	Arguments []ArgumentDescription `json:"arguments,omitempty"`
	Blocks    []NestedDescription   `json:"blocks,omitempty"`
}

// LabelDescription is one label of a block.
type LabelDescription struct {
	Name string `json:"name"`
	// Value is what the label must be, where the description is of one of several
	// types of a block: "git".
	Value string `json:"value,omitempty"`
}

// ArgumentDescription is one argument of a block.
type ArgumentDescription struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // "string", "list of strings", "cluster": as messages call it
	Required bool   `json:"required,omitempty"`
	Default  string `json:"default,omitempty"` // HCL, or words
	Doc      string `json:"doc,omitempty"`
	// OneOf are the only values that a string may have.
	OneOf     []string `json:"oneOf,omitempty"`
	Sensitive bool     `json:"sensitive,omitempty"` // may hold sensitive values
	// Expression says that the argument takes an expression as it is written, and not
	// its value.
	Expression bool `json:"expression,omitempty"`
}

// NestedDescription is a block within another, and how often it may be written.
type NestedDescription struct {
	Description
	Min int `json:"min"`
	Max int `json:"max"` // 0: any number
}

// Describe returns the declaration of a block as data.
func Describe(b *Block) Description {
	out := Description{Type: b.Type, Doc: b.Doc, Example: b.Example, Free: b.Free}
	for _, label := range b.Labels {
		described := LabelDescription{Name: label}
		if !isPlaceholder(label) {
			described = LabelDescription{Name: "type", Value: label}
		}
		out.Labels = append(out.Labels, described)
	}
	for _, argument := range b.Arguments {
		out.Arguments = append(out.Arguments, ArgumentDescription{
			Name: argument.Name, Type: argument.Type.Name, Required: argument.Required, Default: argument.Default,
			Doc: argument.Doc, OneOf: argument.OneOf, Sensitive: argument.Sensitive, Expression: argument.Type.Raw,
		})
	}
	for _, nested := range b.Blocks {
		out.Blocks = append(out.Blocks, NestedDescription{Description: Describe(nested.Block), Min: nested.Min, Max: nested.Max})
	}
	return out
}
