package tree

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Memory is a tree being built in memory. It is a Directory once it is built,
// and must not be added to after that. The zero value is an empty directory.
type Memory struct {
	children map[string]*memoryNode
}

type memoryNode struct {
	directory *Memory
	entry     Entry
}

// Bytes is a File in memory. It must not be changed.
type Bytes []byte

// Size returns the number of bytes.
func (b Bytes) Size() (int64, error) { return int64(len(b)), nil }

// Read returns a copy.
func (b Bytes) Read() ([]byte, error) { return slices.Clone([]byte(b)), nil }

// AddFile adds a file and the directories above it. A path must be one that
// fs.ValidPath accepts, and be added once.
func (m *Memory) AddFile(name string, content []byte, executable bool) error {
	return m.add(name, Entry{File: Bytes(content), Executable: executable})
}

// AddLink adds a symbolic link; its target is judged when it is followed.
func (m *Memory) AddLink(name, target string) error {
	return m.add(name, Entry{Link: Bytes(target)})
}

// AddRefused adds an entry that cannot be read.
func (m *Memory) AddRefused(name string, reason error) error {
	return m.add(name, Entry{Refused: reason})
}

// AddDirectory adds a directory, which may exist already.
func (m *Memory) AddDirectory(name string) error {
	if name == "." {
		return nil
	}
	if !fs.ValidPath(name) {
		return fmt.Errorf("path %q is not a path inside the source", name)
	}
	_, err := m.descend(strings.Split(name, "/"), name)
	return err
}

// Entries implements Directory.
func (m *Memory) Entries() ([]Entry, error) {
	entries := make([]Entry, 0, len(m.children))
	for _, node := range m.children {
		entries = append(entries, node.entry)
	}
	return entries, nil
}

// Child returns the directory with a name in this one, or nil.
func (m *Memory) Child(name string) *Memory {
	if node := m.children[name]; node != nil {
		return node.directory
	}
	return nil
}

// HasFile reports whether this directory holds a file with a name.
func (m *Memory) HasFile(name string) bool {
	node := m.children[name]
	return node != nil && node.entry.File != nil
}

func (m *Memory) add(name string, entry Entry) error {
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("path %q is not a path inside the source", name)
	}
	elements := strings.Split(name, "/")
	last := len(elements) - 1
	parent, err := m.descend(elements[:last], name)
	if err != nil {
		return err
	}
	if parent.children[elements[last]] != nil {
		return fmt.Errorf("path %q is there twice", name)
	}
	entry.Name = elements[last]
	parent.put(entry, nil)
	return nil
}

// descend returns the directory at a path, made where it is missing.
func (m *Memory) descend(elements []string, name string) (*Memory, error) {
	at := m
	for _, element := range elements {
		node := at.children[element]
		if node == nil {
			node = at.put(Entry{Name: element}, &Memory{})
		}
		if node.directory == nil {
			return nil, fmt.Errorf("path %q is below a file", name)
		}
		at = node.directory
	}
	return at, nil
}

func (m *Memory) put(entry Entry, directory *Memory) *memoryNode {
	if m.children == nil {
		m.children = map[string]*memoryNode{}
	}
	if directory != nil {
		entry.Directory = directory
	}
	node := &memoryNode{directory: directory, entry: entry}
	m.children[entry.Name] = node
	return node
}
