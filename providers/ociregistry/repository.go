package ociregistry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/revision"
	"github.com/gantrycd/gantry/providers/web"
)

// maxTagPages bounds how long a registry can go on listing tags.
const maxTagPages = 1000

// repository is one repository of a registry.
type repository struct {
	remote  *remote.Repository
	client  *http.Client
	options Options
}

// connect prepares to speak to a repository.
func connect(ctx context.Context, reference registry.Reference, login *source.Auth, options Options) (*repository, error) {
	origin := &url.URL{Scheme: "https", Host: reference.Host()}
	transport, err := web.RoundTripper(origin, login, web.Network{Proxy: options.Proxy, Hosts: options.Hosts})
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: transport}
	r := &repository{client: client, options: options}
	plain := false
	if loopback(reference.Registry) || (login != nil && login.Insecure) {
		if plain, err = speaksPlain(ctx, client, origin); err != nil {
			return nil, err
		}
	}
	authorized := &auth.Client{
		Client: client, Cache: auth.NewCache(), ClientID: "gantry",
		Header:     http.Header{"User-Agent": {"gantry"}},
		Credential: auth.StaticCredential(reference.Registry, credential(login)),
	}
	if loopback(reference.Registry) {
		authorized.BlockedRealmPrefixes = []netip.Prefix{} // its login may be here too
	}
	r.remote = &remote.Repository{Client: authorized, Reference: reference, PlainHTTP: plain, TagListMaxPages: maxTagPages}
	return r, nil
}

func (r *repository) close() { r.client.CloseIdleConnections() }

// credential is what is logged in with. A token without a username is a bearer
// token; with one it is its password.
func credential(login *source.Auth) auth.Credential {
	if login != nil && login.Token != "" && login.Username == "" {
		return auth.Credential{AccessToken: login.Token.Reveal()}
	}
	if c, ok := web.BasicCredentials(login, ""); ok {
		return auth.Credential{Username: c.Username, Password: c.Password}
	}
	return auth.EmptyCredential
}

// speaksPlain asks a registry that may speak http whether it does. No
// credentials are sent with the question.
func speaksPlain(ctx context.Context, client *http.Client, origin *url.URL) (bool, error) {
	address := origin.JoinPath("v2/")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return false, err
	}
	response, err := client.Do(request)
	var record tls.RecordHeaderError
	switch {
	case err == nil:
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
		return false, response.Body.Close()
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		return true, nil
	default:
		return false, web.Failed(ctx, origin, err)
	}
}

// resolve returns the tag or digest of a revision, as the registry has it.
func (r *repository) resolve(ctx context.Context, wanted string) (string, error) {
	within, isRange := revision.ParseRange(wanted)
	switch {
	case strings.HasPrefix(wanted, "sha256:"):
		reference := registry.Reference{Reference: wanted}
		if err := reference.ValidateReferenceAsDigest(); err != nil {
			return "", fmt.Errorf("revision %q is no digest: it needs 64 hexadecimal digits", wanted)
		}
		return wanted, nil
	case wanted == "":
		within = revision.Stable()
	case !isRange:
		tag := tagOf(wanted)
		if err := (registry.Reference{Reference: tag}).ValidateReferenceAsTag(); err != nil {
			return "", fmt.Errorf("revision %q is no tag, digest or semver range", wanted)
		}
		return tag, nil
	}
	versions, err := r.versions(ctx)
	if err != nil {
		return "", err
	}
	if version, ok := within.Newest(versions); ok {
		return tagOf(version), nil
	}
	if wanted == "" {
		for _, version := range versions {
			if version == "latest" {
				return version, nil
			}
		}
		return "", fmt.Errorf("a version that is no pre-release is %w; name one%s", providers.ErrNotFound, revision.Hint("", versions))
	}
	return "", fmt.Errorf("a version in the range %q is %w%s", wanted, providers.ErrNotFound, revision.Hint(wanted, versions))
}

// Tags cannot hold the + of a version's build; Helm writes _ for it.

func tagOf(version string) string { return strings.ReplaceAll(version, "+", "_") }
func versionOf(tag string) string { return strings.ReplaceAll(tag, "_", "+") }

// versions lists the tags, as versions.
func (r *repository) versions(ctx context.Context) ([]string, error) {
	var versions []string
	err := r.remote.Tags(ctx, "", func(tags []string) error {
		for _, tag := range tags {
			versions = append(versions, versionOf(tag))
		}
		return nil
	})
	if err != nil {
		return nil, r.failed(ctx, err)
	}
	return versions, nil
}

// missing says that a tag or digest is not there, and what is.
func (r *repository) missing(ctx context.Context, wanted string) error {
	hint := ""
	if versions, err := r.versions(ctx); err == nil {
		hint = revision.Hint(wanted, versions)
	}
	return fmt.Errorf("revision %q is %w%s", wanted, providers.ErrNotFound, hint)
}

// failed gives an error of the registry the types of providers, with no words of
// the registry's or of a URL.
func (r *repository) failed(ctx context.Context, err error) error {
	origin := &url.URL{Scheme: "https", Host: r.remote.Reference.Host()}
	var answer *errcode.ErrorResponse
	var request *url.Error
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &answer):
		return status(origin, answer)
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return fmt.Errorf("%w: it asks for a login, and there are no credentials for it", providers.ErrUnauthorized)
	case errors.Is(err, errdef.ErrNotFound):
		return fmt.Errorf("%w, or not visible for this user", providers.ErrNotFound)
	case errors.Is(err, errdef.ErrSizeExceedsLimit):
		return fmt.Errorf("the registry's answer is larger than its kind may be: %w", err)
	case errors.As(err, &request):
		return web.Failed(ctx, origin, err)
	default:
		return err
	}
}

func status(origin *url.URL, answer *errcode.ErrorResponse) error {
	if answer.URL != nil { // a login server may be elsewhere
		origin = &url.URL{Scheme: answer.URL.Scheme, Host: answer.URL.Host}
	}
	err := web.Status(origin, answer.StatusCode)
	for _, detail := range answer.Errors {
		if detail.Code == errcode.ErrorCodeNameUnknown || detail.Code == errcode.ErrorCodeManifestUnknown {
			return fmt.Errorf("%w (%s)", err, strings.ToLower(strings.ReplaceAll(detail.Code, "_", " ")))
		}
	}
	return err
}
