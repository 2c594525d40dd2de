package sops

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// jsonFile is a JSON file, or one of any content that sops keeps in one.
type jsonFile struct {
	members []member
	noted   json.RawMessage
	binary  bool
}

// member is a member of an object, in the order of the file. Values are a scalar, []any or
// []member.
type member struct {
	key   string
	value any
}

// openJSON reads a JSON file; nil is that it is not encrypted. What is no JSON is not
// encrypted either.
func openJSON(content []byte, binary bool) (file, error) {
	var top map[string]json.RawMessage
	if json.Unmarshal(content, &top) != nil {
		return nil, nil
	}
	var note struct {
		MAC string `json:"mac"`
	}
	if json.Unmarshal(top["sops"], &note) != nil || note.MAC == "" {
		return nil, nil
	}
	in := json.NewDecoder(bytes.NewReader(content))
	in.UseNumber()
	read, err := readJSON(in)
	members, ok := read.([]member)
	if err != nil || !ok {
		return nil, errors.New("it is no JSON object")
	}
	members = slices.DeleteFunc(members, func(m member) bool { return m.key == "sops" })
	return &jsonFile{members: members, noted: top["sops"], binary: binary}, nil
}

// readJSON reads one value.
func readJSON(in *json.Decoder) (any, error) {
	token, err := in.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			out := []any{}
			for in.More() {
				item, err := readJSON(in)
				if err != nil {
					return nil, err
				}
				out = append(out, item)
			}
			_, err := in.Token()
			return out, err
		}
		out := []member{}
		for in.More() {
			key, err := in.Token()
			if err != nil {
				return nil, err
			}
			value, err := readJSON(in)
			if err != nil {
				return nil, err
			}
			out = append(out, member{key.(string), value})
		}
		_, err := in.Token()
		return out, err
	case json.Number:
		if i, err := token.Int64(); err == nil {
			return int(i), nil
		}
		return token.Float64()
	}
	return token, nil
}

func (f *jsonFile) metadata() (*metadata, error) {
	out := &metadata{}
	if err := json.Unmarshal(f.noted, out); err != nil {
		return nil, errors.New("what SOPS noted in it cannot be read")
	}
	return out, out.check()
}

func (f *jsonFile) walk(leaf func([]string, any) (any, error)) error {
	_, err := walkJSON(f.members, nil, leaf)
	return err
}

func walkJSON(value any, path []string, leaf func([]string, any) (any, error)) (any, error) {
	var err error
	switch v := value.(type) {
	case []member:
		for i := range v {
			if v[i].value, err = walkJSON(v[i].value, append(slices.Clip(path), v[i].key), leaf); err != nil {
				return nil, err
			}
		}
		return v, nil
	case []any:
		for i := range v {
			if v[i], err = walkJSON(v[i], path, leaf); err != nil {
				return nil, err
			}
		}
		return slices.DeleteFunc(v, isComment), nil
	case nil:
		return nil, nil
	}
	return leaf(path, value)
}

func isComment(value any) bool {
	_, is := value.(comment)
	return is
}

func (f *jsonFile) plain() ([]byte, error) {
	if !f.binary {
		var out bytes.Buffer
		err := writeJSON(&out, f.members)
		return append(out.Bytes(), '\n'), err
	}
	if len(f.members) == 1 && f.members[0].key == "data" {
		if text, ok := f.members[0].value.(string); ok {
			return []byte(text), nil
		}
	}
	return nil, errors.New("it is encrypted as a file of any content, and has other members than data")
}

func writeJSON(out *bytes.Buffer, value any) error {
	switch v := value.(type) {
	case []member:
		out.WriteByte('{')
		for i, m := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, m.key); err != nil {
				return err
			}
			out.WriteByte(':')
			if err := writeJSON(out, m.value); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return errors.New("it cannot be written as JSON once it is decrypted")
		}
		out.Write(text)
	}
	return nil
}
