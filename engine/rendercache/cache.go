// Package rendercache keeps what sources were rendered to, so that what has not
// changed is not rendered again, in the next commit or the next process.
//
// What a rendering depends on is its input and the files that it read, and nothing
// else: renderers have no network, clock or environment. An entry is found by the
// input, and holds as long as every file that was read, listed or missed is the same
// now, whatever else the commit changed. Entries are encrypted with a key of the
// installation, which also tells whether someone else wrote one. What cannot be kept
// or read costs time and nothing else. It is the engine's alone.
package rendercache

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/providers"
)

// Cache is a folder of renderings. It is safe for concurrent use, by several
// processes as well. A nil Cache renders everything.
type Cache struct {
	dir           string
	fingerprinter seal.Fingerprinter
	aead          cipher.AEAD
	program       string
	log           *slog.Logger
}

// Open returns the cache in a folder, which need not be there yet, for one
// installation. version is the program's.
func Open(dir string, fingerprinter seal.Fingerprinter, version string, log *slog.Logger) (*Cache, error) {
	block, err := aes.NewCipher(fingerprinter.Key("render cache"))
	if err != nil {
		return nil, fmt.Errorf("opening the cache of renderings: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("opening the cache of renderings: %w", err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Cache{dir: dir, fingerprinter: fingerprinter, aead: aead, program: version + " " + builtAs(), log: log}, nil
}

// builtAs tells builds of one version apart: while gantry itself is changed, what
// another build has rendered does not count.
func builtAs() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.Size(), " ", info.ModTime().UnixNano())
}

// Render renders, or returns what the same files were rendered to before. The caller
// owns the objects.
func (c *Cache) Render(ctx context.Context, renderer providers.Renderer, in providers.Input) ([]providers.Rendered, error) {
	if c == nil {
		return renderer.Render(ctx, in)
	}
	folder, err := c.folder(fmt.Sprintf("%T", renderer), in)
	if err != nil {
		c.log.Debug("a rendering is not kept", "path", in.Spec.Path, "error", err.Error())
		return renderer.Render(ctx, in)
	}
	if kept, ok := c.find(folder, trees(in)); ok {
		return kept, nil
	}
	watched, all := watch(in)
	rendered, err := renderer.Render(ctx, watched)
	if err != nil {
		return nil, err
	}
	if unsteady, ok := renderer.(providers.Unsteady); ok {
		if varies, err := unsteady.MayVary(ctx, in); err != nil || varies {
			return rendered, nil
		}
	}
	if unkept(in) {
		return rendered, nil
	}
	reads, err := all.reads(trees(in))
	if err == nil {
		err = c.keep(folder, entry{reads: reads, rendered: rendered})
	}
	if err != nil {
		c.log.Debug("a rendering is not kept", "path", in.Spec.Path, "error", err.Error())
	}
	return rendered, nil
}

// unkept reports whether something was decrypted for a rendering, which must not be kept.
func unkept(in providers.Input) bool {
	for _, tree := range trees(in) {
		if decrypted, ok := tree.(providers.Decrypted); ok && decrypted.Unkept() {
			return true
		}
	}
	return false
}

// folder is where the entries of an input are, of what is made of it. Its name is a keyed
// digest, for values may be in it.
func (c *Cache) folder(made string, in providers.Input) (string, error) {
	text, err := describe(in)
	if err != nil {
		return "", err
	}
	digest := c.fingerprinter.Digest([]byte(c.program), []byte(made), text)
	name := digest[len(digest)-2*digestBytes:]
	return filepath.Join(c.dir, name[:2], name[2:]), nil
}

const digestBytes = 20

// variants is how many renderings of one input are kept: of the branches that people
// go back and forth between.
const variants = 4

// find returns the rendering whose reads are what they were.
func (c *Cache) find(folder string, from map[string]fs.FS) ([]providers.Rendered, bool) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, false
	}
	for _, file := range files {
		path := filepath.Join(folder, file.Name())
		kept, err := c.load(path)
		if err != nil {
			c.log.Debug("a rendering that was kept cannot be read", "file", path, "error", err.Error())
			continue
		}
		if _, differs := firstDiffering(kept.reads, from); differs {
			continue
		}
		rendered, err := kept.objects()
		if err != nil {
			c.log.Debug("a rendering that was kept cannot be read", "file", path, "error", err.Error())
			continue
		}
		touch(path)
		return rendered, true
	}
	return nil, false
}

// keep writes a rendering, and removes the oldest where there are many of its input.
func (c *Cache) keep(folder string, e entry) error {
	text, err := e.encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := makeRoom(folder, variants-1); err != nil {
		return err
	}
	sum := c.fingerprinter.Digest(e.header())
	name := filepath.Join(folder, sum[len(sum)-16:])
	return write(name, c.aead.Seal(nil, nil, text, []byte(filepath.Base(folder))))
}

func (c *Cache) load(path string) (*loaded, error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text, err := c.aead.Open(nil, nil, sealed, []byte(filepath.Base(filepath.Dir(path))))
	if err != nil {
		return nil, err
	}
	return decodeEntry(text)
}

// describe is an input as bytes, equal where a renderer is told the same.
func describe(in providers.Input) ([]byte, error) {
	spec := in.Spec
	out := encoder{}
	out.text(string(spec.Type), spec.Chart, spec.Path, spec.Ref, in.Name, in.Namespace, in.Capabilities.KubeVersion, in.Later.String())
	out.json(spec.Manifests)
	out.json(spec.Kustomize)
	out.json(spec.Jsonnet)
	out.json(spec.Helm)
	if helm := spec.Helm; helm != nil {
		out.value(helm.Values)
		out.json(helm.Parameters)
	}
	if jsonnet := spec.Jsonnet; jsonnet != nil {
		out.json(jsonnet.ExternalVariables)
		out.json(jsonnet.TopLevelArguments)
	}
	out.json(in.Labels)
	out.json(in.Capabilities.APIVersions)
	for name := range trees(in) {
		out.names = append(out.names, name)
	}
	out.sortedNames()
	return out.bytes, out.err
}

// entry is a rendering and what was read for it.
type entry struct {
	reads    []read
	rendered []providers.Rendered
}

// header is the reads as bytes.
func (e entry) header() []byte {
	out := encoder{}
	out.count(len(e.reads))
	for _, r := range e.reads {
		out.text(r.tree, string(r.op), r.name, hex.EncodeToString(r.digest))
	}
	return out.bytes
}

func (e entry) encode() ([]byte, error) {
	out := encoder{bytes: e.header()}
	out.count(len(e.rendered))
	for _, r := range e.rendered {
		out.text(r.Origin)
		out.value(map[string]any(r.Object))
	}
	return out.bytes, out.err
}

// loaded is an entry of which the objects are still to be decoded.
type loaded struct {
	reads []read
	rest  decoder
}

func decodeEntry(text []byte) (*loaded, error) {
	in := decoder{bytes: text}
	out := &loaded{reads: make([]read, in.count())}
	for i := range out.reads {
		r := &out.reads[i]
		r.tree, r.op, r.name = in.text(), op(in.text()), in.text()
		digest, err := hex.DecodeString(in.text())
		if err != nil {
			return nil, err
		}
		r.digest = digest
	}
	out.rest = in
	return out, in.err
}

func (l *loaded) objects() ([]providers.Rendered, error) {
	in := l.rest
	out := make([]providers.Rendered, in.count())
	for i := range out {
		out[i].Origin = in.text()
		value, ok := in.value().(map[string]any)
		if !ok && in.err == nil {
			return nil, errMalformed
		}
		out[i].Object = object.Object(value)
	}
	return out, in.end()
}
