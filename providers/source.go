// Package providers declares what Gantry asks of the outside world: sources
// that are read, renderers that turn what was read into objects, and clusters.
// Each implementation has a folder of its own.
//
// The interfaces are small and know nothing of the language or the engine;
// implementations do not know each other. Retries, limits and caches are
// decorators over them.
package providers

import (
	"context"
	"io/fs"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

// Source opens locations of one type. It is safe for concurrent use. One Source
// serves one plan: within it the same location always gives the same Snapshot, and
// a repository is fetched once however many applications read it.
type Source interface {
	// Open reads a location at its requested revision. Errors are one of the
	// typed errors of this package where the reason is known, and never hold
	// credentials, not even those in a URL.
	Open(ctx context.Context, location source.Location) (*Snapshot, error)
}

// Snapshot is the content of a location at one revision. It never changes.
type Snapshot struct {
	Pin source.Pin
	// Ref is the full name in git that the revision came to: "refs/tags/v1.2.3",
	// "refs/heads/main", "HEAD" for the default branch. It is empty for a commit, and
	// for sources without such names.
	Ref string
	// FS is the content: a repository's tree from its root, or a chart from the
	// folder that holds Chart.yaml. Read-only, safe for concurrent use, paths
	// cannot leave it, and symbolic links are resolved inside it or fail. It
	// implements fs.ReadFileFS, fs.ReadDirFS and fs.StatFS. Nothing of it is a
	// file on disk that could change while it is read.
	FS fs.FS
	// Signed tells who signed what the location came to; nil for sources that have no
	// signatures.
	Signed Signed
}

// Signed is what a location came to, as something that people sign. It is safe for
// concurrent use.
type Signed interface {
	// Verify returns who vouches for it, by the keys that count. Where trust is strict, the
	// commits in verified, and all before them, were verified earlier. Whatever cannot be
	// verified is an error that says why.
	Verify(ctx context.Context, trust source.Trust, verified []string) (source.Signature, error)
}

// Renderer turns files into objects, with no network, environment, clock, disk or
// exec. It is safe for concurrent use.
type Renderer interface {
	// Detect reports whether the files at path are of this renderer's kind.
	Detect(tree fs.FS, path string) (bool, error)
	// Needs lists the locations that rendering in would read beyond its tree:
	// chart dependencies that are not in the chart. The caller opens them and
	// passes their content in Input.Needed. Most renderers need nothing.
	Needs(in Input) ([]source.Location, error)
	// Render returns the objects in the order that the files give them. An error
	// names the file and, where it is known, the line and document. Which files it reads
	// depends on what it has read, and on all of in but Capabilities and Later.
	Render(ctx context.Context, in Input) ([]Rendered, error)
}

// Unsteady is a Renderer whose files may ask for randomness or for the time.
type Unsteady interface {
	Renderer
	// MayVary reports whether rendering in twice may give different objects. It reports
	// true where that cannot be ruled out.
	MayVary(ctx context.Context, in Input) (bool, error)
}

// Input is everything that a rendering depends on; the same Input always gives
// the same objects, but for a chart that asks for randomness or the time.
type Input struct {
	Tree   fs.FS       // the location's root
	Spec   source.Spec // what to render; its Path is below Tree
	Name   string      // the application's name
	Labels map[string]string
	// Namespace is the destination's, for Helm's .Release.Namespace.
	Namespace string
	// Refs are the trees of the application's other sources, by their ref.
	Refs map[string]fs.FS
	// Needed are the trees of what Needs asked for, by Location.Key.
	Needed map[string]fs.FS
	// Capabilities are the cluster's; zero when planning without one.
	Capabilities Capabilities
	// Later is by how much what is rendered takes the time to be later than it is, to
	// see what depends on it.
	Later time.Duration
}

// Capabilities are what charts may ask about a cluster.
type Capabilities struct {
	KubeVersion string   // "v1.37.2"; empty means the renderer's default
	APIVersions []string // "apps/v1", "apps/v1/Deployment", sorted
}

// Rendered is one object and where it came from.
type Rendered struct {
	Object object.Object
	// Origin is for people: "templates/deployment.yaml", with the line and the
	// document where they are known: "all.yaml:120 (document 3)".
	Origin string
}
