package helmrepo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/once"
	"github.com/gantrycd/gantry/providers/tree"
	"github.com/gantrycd/gantry/providers/web"
)

// repository is one Helm repository during one plan.
type repository struct {
	base    *url.URL
	client  *web.Client
	options Options
	index   *index
	charts  once.Map[string, *chart] // by name and version
}

// chart is an unpacked chart.
type chart struct {
	version string
	digest  string
	files   *tree.FS
}

// openRepository reads a repository's index.yaml.
func openRepository(ctx context.Context, base *url.URL, auth *source.Auth, options Options) (*repository, error) {
	client, err := web.NewClient(base, auth, web.Network{Proxy: options.Proxy, Hosts: options.Hosts})
	if err != nil {
		return nil, err
	}
	content, err := get(ctx, client, base.JoinPath("index.yaml"), options.Limits.IndexBytes)
	if err != nil {
		return nil, err
	}
	parsed, err := parseIndex(content)
	if err != nil {
		return nil, fmt.Errorf("its index.yaml: %w", err)
	}
	return &repository{base: base, client: client, options: options, index: parsed}, nil
}

func (r *repository) open(ctx context.Context, name, revision string) (*chart, error) {
	entry, err := r.index.choose(name, revision)
	if err != nil {
		return nil, err
	}
	opened, err := r.charts.Get(ctx, name+"\x00"+entry.Version, func(ctx context.Context) (*chart, error) {
		return r.download(ctx, entry)
	})
	if err != nil {
		return nil, fmt.Errorf("version %s: %w", entry.Version, err)
	}
	return opened, nil
}

// download reads a chart from the first of its URLs that has it.
func (r *repository) download(ctx context.Context, entry *entry) (*chart, error) {
	var failures []error
	for _, written := range entry.URLs {
		address, err := r.resolve(written)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		archive, err := get(ctx, r.client, address, r.options.Limits.ArchiveBytes)
		if err != nil {
			failures = append(failures, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		return r.unpack(entry, address, archive)
	}
	if len(failures) == 0 {
		return nil, errors.New("the index gives no URL for it")
	}
	return nil, errors.Join(failures...)
}

// resolve returns a chart's URL, which may be relative to the repository's.
func (r *repository) resolve(written string) (*url.URL, error) {
	reference, err := url.Parse(written)
	if err != nil {
		return nil, fmt.Errorf("the index gives the URL %q, which is not valid", web.RedactText(written))
	}
	address := r.base.ResolveReference(reference)
	if address.Scheme != "http" && address.Scheme != "https" {
		return nil, fmt.Errorf("%w: the index gives the URL %s, which is not http(s)", providers.ErrUnsupported, web.Redact(address))
	}
	if r.base.Scheme == "https" && address.Scheme == "http" {
		return nil, fmt.Errorf("%w: the index of a repository with https gives the URL %s without it", providers.ErrUnsupported, web.Redact(address))
	}
	address.User = nil
	if !reference.IsAbs() && reference.RawQuery == "" {
		address.RawQuery = r.base.RawQuery // as Helm does: some repositories have a key there
	}
	return address, nil
}

func (r *repository) unpack(entry *entry, address *url.URL, archive []byte) (*chart, error) {
	sum := sha256.Sum256(archive)
	digest := hex.EncodeToString(sum[:])
	if want := strings.TrimPrefix(strings.ToLower(entry.Digest), "sha256:"); want != "" && want != digest {
		return nil, fmt.Errorf("the archive at %s is not what the index says: its digest is sha256:%s, the index has sha256:%s", web.Redact(address), digest, want)
	}
	root, err := tree.ReadArchive(bytes.NewReader(archive), r.options.Limits.Unpacked)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", web.Redact(address), err)
	}
	folder, err := tree.ChartFolder(root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", web.Redact(address), err)
	}
	return &chart{version: entry.Version, digest: "sha256:" + digest, files: tree.New(folder, 0)}, nil
}

// get reads a file of at most limit bytes.
func get(ctx context.Context, client *web.Client, address *url.URL, limit int64) ([]byte, error) {
	response, err := client.Get(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, web.Failed(ctx, address, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is %w: more than %d bytes", web.Redact(address), tree.ErrTooLarge, limit)
	}
	return content, nil
}
