// Package source describes where desired objects come from and how they are
// rendered: what the language declares, providers open and render, and a plan
// pins.
//
// It reads nothing. Every package may import it.
package source

import (
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
)

// Type names how a location is read.
type Type string

// The types of location.
const (
	Git       Type = "git"       // a git repository over https, ssh, file or git
	Helm      Type = "helm"      // a Helm repository over http(s): index.yaml and chart archives
	OCI       Type = "oci"       // a registry: oci://host/repository
	Directory Type = "directory" // a directory beside the configuration
	Inline    Type = "inline"    // objects written in the configuration

	// What only generators read.
	Plugin   Type = "plugin"   // a service that was asked: URL, and Revision is a digest of the question
	Forge    Type = "forge"    // pull requests or repositories of a forge: URL names it and them, Revision is a digest of the question
	Resource Type = "resource" // resources in a cluster: URL names it and them, Revision is a selector of labels

	Remote Type = "remote" // what another configuration published: URL is where its state is
)

// Location is one place to read, at one requested revision. It is comparable
// by Key.
type Location struct {
	Type     Type   `json:"type"`
	URL      string `json:"url,omitempty"`      // as it was written; a path for Directory
	Revision string `json:"revision,omitempty"` // branch, tag, commit, semver range; empty is the default: HEAD, or the newest chart version
	Chart    string `json:"chart,omitempty"`    // the chart's name in a Helm repository
	// Auth is how to log in; nil is anonymous, or what the machine's user has (ssh agent).
	Auth *Auth `json:"-"`
}

// Key identifies a Location within one plan.
func (l Location) Key() string {
	return string(l.Type) + "\x00" + l.URL + "\x00" + l.Revision + "\x00" + l.Chart
}

// Auth is how to log in to a repository. It is never written anywhere.
type Auth struct {
	Username   string
	Password   object.Sensitive
	Token      object.Sensitive
	SSHKey     object.Sensitive // PEM private key
	KnownHosts string           // lines of a known_hosts file; empty means the user's own
	ClientCert object.Sensitive // PEM
	ClientKey  object.Sensitive // PEM
	CAData     string           // PEM; empty means the system's roots
	Insecure   bool             // plain http for OCI, no verification of https
	// Secrets are the parts that are read when the location is, each in place of the
	// field of its name.
	Secrets target.Secrets
}

// Spec is one source of an application: a location, and how what is there
// becomes objects. At most one of Manifests, Helm, Kustomize and Jsonnet is set;
// with none of them the kind is detected from the files (Chart.yaml, then
// kustomization.yaml, kustomization.yml or Kustomization, then *.jsonnet beside
// no YAML, else a directory of YAML and JSON).
type Spec struct {
	Location
	Path string `json:"path,omitempty"` // slash-separated, below the location's root; "" is the root
	// Ref names the source for others' value files ("$values/prod.yaml").
	// A source with Ref and without Path and Chart renders nothing.
	Ref       string          `json:"ref,omitempty"`
	Manifests *Manifests      `json:"manifests,omitempty"`
	Helm      *HelmOptions    `json:"helm,omitempty"`
	Kustomize *Kustomize      `json:"kustomize,omitempty"`
	Jsonnet   *Jsonnet        `json:"jsonnet,omitempty"`
	Objects   []object.Object `json:"-"` // Inline only; may hold sensitive values
}

// Manifests is a directory of YAML and JSON files.
type Manifests struct {
	Recurse bool   `json:"recurse,omitempty"`
	Include string `json:"include,omitempty"` // glob over the path below Path; {a,b} alternatives; empty is every .yaml, .yml and .json
	Exclude string `json:"exclude,omitempty"` // glob; wins over Include
}

// HelmOptions is how a chart is rendered. Later wins: the chart's own values,
// ValueFiles in order, Values, FileParameters, Parameters.
type HelmOptions struct {
	ReleaseName             string          `json:"releaseName,omitempty"` // default: the application's name
	Namespace               string          `json:"namespace,omitempty"`   // default: the destination's
	ValueFiles              []string        `json:"valueFiles,omitempty"`  // below Path, or "$ref/path"; globs
	IgnoreMissingValueFiles bool            `json:"ignoreMissingValueFiles,omitempty"`
	Values                  map[string]any  `json:"-"` // JSON-shaped; may hold sensitive values
	Parameters              []HelmParameter `json:"-"`
	FileParameters          []HelmParameter `json:"fileParameters,omitempty"` // Value is a path
	KubeVersion             string          `json:"kubeVersion,omitempty"`    // default: the cluster's
	APIVersions             []string        `json:"apiVersions,omitempty"`    // added to the cluster's
	SkipCRDs                bool            `json:"skipCRDs,omitempty"`
	SkipTests               bool            `json:"skipTests,omitempty"`
	SkipSchemaValidation    bool            `json:"skipSchemaValidation,omitempty"`
}

// HelmParameter is one --set.
type HelmParameter struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	ForceString bool   `json:"forceString,omitempty"`
}

// Kustomize is what is changed on top of a kustomization.
type Kustomize struct {
	NamePrefix            string             `json:"namePrefix,omitempty"`
	NameSuffix            string             `json:"nameSuffix,omitempty"`
	Namespace             string             `json:"namespace,omitempty"`
	Images                []string           `json:"images,omitempty"` // name=new:tag, name:tag or name@digest
	Labels                map[string]string  `json:"labels,omitempty"`
	LabelWithoutSelector  bool               `json:"labelWithoutSelector,omitempty"`
	LabelIncludeTemplates bool               `json:"labelIncludeTemplates,omitempty"`
	Annotations           map[string]string  `json:"annotations,omitempty"`
	Replicas              []KustomizeReplica `json:"replicas,omitempty"`
	Patches               []KustomizePatch   `json:"patches,omitempty"`
	Components            []string           `json:"components,omitempty"` // relative to Path
}

// KustomizeReplica sets the replicas of the workloads with a name.
type KustomizeReplica struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// KustomizePatch is a strategic merge or JSON 6902 patch: Patch is its text, or
// Path the file that holds it.
type KustomizePatch struct {
	Patch   string           `json:"patch,omitempty"`
	Path    string           `json:"path,omitempty"`
	Target  *KustomizeTarget `json:"target,omitempty"`
	Options map[string]bool  `json:"options,omitempty"`
}

// KustomizeTarget selects what a patch applies to; names are anchored regular
// expressions.
type KustomizeTarget struct {
	Group              string `json:"group,omitempty"`
	Version            string `json:"version,omitempty"`
	Kind               string `json:"kind,omitempty"`
	Name               string `json:"name,omitempty"`
	Namespace          string `json:"namespace,omitempty"`
	LabelSelector      string `json:"labelSelector,omitempty"`
	AnnotationSelector string `json:"annotationSelector,omitempty"`
}

// Jsonnet is how *.jsonnet files are evaluated.
type Jsonnet struct {
	ExternalVariables []JsonnetVariable `json:"-"`
	TopLevelArguments []JsonnetVariable `json:"-"`
	Libraries         []string          `json:"libraries,omitempty"` // import paths below the location's root
	Recurse           bool              `json:"recurse,omitempty"`
	Include           string            `json:"include,omitempty"`
	Exclude           string            `json:"exclude,omitempty"`
}

// JsonnetVariable is an external variable or a top-level argument: a string, or
// with Code a Jsonnet expression.
type JsonnetVariable struct {
	Name  string
	Value string
	Code  bool
}

// Pin is what a Location was when a plan read it.
type Pin struct {
	Location
	Resolved string `json:"resolved,omitempty"` // the commit (40 or 64 hex), chart version, or digest it came to
	Digest   string `json:"digest,omitempty"`   // "sha256:…" of the content, where the resolved revision is no content address
	Path     string `json:"path,omitempty"`
	// Signatures are those that were asked for and found to be right, sorted by key.
	Signatures []Signature `json:"signatures,omitempty"`
}

// Trust says whose signatures count for the commits of a repository. Keys are public, in
// their text form; an element may hold several.
type Trust struct {
	SSHKeys []string // public keys, or lines of allowed_signers
	GPGKeys []string
	Strict  bool     // every commit since the last that was verified, not only the newest
	Since   []string // commits whose history is taken as it is, where Strict
}

// Signature is who vouches for what a location came to.
type Signature struct {
	// Key is OpenSSH's fingerprint of an SSH key ("SHA256:…"), or the fingerprint of an
	// OpenPGP key in capitals.
	Key  string `json:"key"`
	Name string `json:"name,omitempty"` // who signs with it, as the key or who trusts it says
	Of   string `json:"of"`             // what is signed: "commit", or "tag v1.2.3"
	// Strict tells that every commit was verified since the last that was.
	Strict bool `json:"strict,omitempty"`
}
