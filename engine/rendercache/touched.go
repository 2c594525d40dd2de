package rendercache

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gantrycd/gantry/providers"
)

// Touched tells whether two inputs that differ in nothing but their trees give the same
// objects on every cluster: what was read to render the first is in the second as it is in
// the first. It returns a file or folder that differs; empty where nothing does. Which files
// are read does not depend on a cluster, so that none is asked.
//
// What is read is kept, without what it was rendered to: the next time nothing is rendered
// for it.
func (c *Cache) Touched(ctx context.Context, renderer providers.Renderer, before, after providers.Input) (string, error) {
	before.Capabilities = providers.Capabilities{}
	was, folder := trees(before), ""
	if c != nil {
		var err error
		if folder, err = c.folder(fmt.Sprintf("reads of %T", renderer), before); err != nil {
			folder = ""
		}
	}
	reads, known := c.known(folder, was)
	if !known {
		watched, all := watch(before)
		if _, err := renderer.Render(ctx, watched); err != nil {
			return "", err
		}
		var err error
		if reads, err = all.reads(was); err != nil {
			return "", err
		}
		if folder != "" && !unkept(before) {
			if err := c.keep(folder, entry{reads: reads}); err != nil {
				c.log.Debug("what was read is not kept", "path", before.Spec.Path, "error", err.Error())
			}
		}
	}
	if differs, ok := firstDiffering(reads, trees(after)); ok {
		return differs.name, nil
	}
	return "", nil
}

// known returns what was read when the trees were as they are now.
func (c *Cache) known(folder string, from map[string]fs.FS) ([]read, bool) {
	if folder == "" {
		return nil, false
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, false
	}
	for _, file := range files {
		path := filepath.Join(folder, file.Name())
		kept, err := c.load(path)
		if err != nil {
			c.log.Debug("what was read cannot be told", "file", path, "error", err.Error())
			continue
		}
		if _, differs := firstDiffering(kept.reads, from); !differs {
			touch(path)
			return kept.reads, true
		}
	}
	return nil, false
}
