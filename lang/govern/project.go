package govern

import (
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

// Rules are what a project says beyond where its applications come from and go.
type Rules struct {
	Roles      []*Role
	Windows    []Window
	Notify     []Notify
	Sources    []SourceRule // nil: every path of the project's repositories
	Signatures []Signature
	Identities []Identity
	Orphaned   *Orphaned // nil: not looked for
	// DeniedDestinations are where applications may not go, whatever else is allowed.
	DeniedDestinations []Place
}

// Place is clusters and namespaces, as globs; an empty list is all.
type Place struct {
	Clusters   []string
	Namespaces []string
	Range      hcl.Range
}

// SourceRule allows or denies paths of repositories; what is denied stays so.
type SourceRule struct {
	Repositories []string // globs of URLs; nil is all
	Paths        []string // globs, in which ** crosses "/"
	Deny         bool
	Range        hcl.Range
}

// Identity is as whom requests are made at a destination. The first that fits counts;
// where there are some and none fits, no request is made.
type Identity struct {
	Place
	ServiceAccount string // "namespace:name", or a name in the destination's namespace
	User           string
	Groups         []string
}

// Orphaned says that objects are reported which are in the namespaces of the
// project's applications and belong to none.
type Orphaned struct {
	Ignore []OrphanedIgnore
	Range  hcl.Range
}

// OrphanedIgnore are objects that are not reported, as globs.
type OrphanedIgnore struct {
	Group, Kind, Name string
	Range             hcl.Range
}

// ProjectBlocks declares what may be in a project beside where its applications come
// from and go.
func ProjectBlocks() []schema.Nested {
	return []schema.Nested{
		{Block: sourceRuleBlock()},
		{Block: signatureBlock()},
		{Block: identityBlock()},
		{Max: 1, Block: orphanedBlock()},
		{Block: roleBlock("What groups of people may do in the project's applications. What one role denies, no other gives.", "Patterns of the names of the project's applications.")},
		{Block: windowBlock()},
		{Block: NotifyBlock("Who hears of what about the project's applications.")},
	}
}

// DecodeProject decodes what ProjectBlocks declares.
func DecodeProject(in *eval.Instance) Rules {
	v := in.Values
	var rules Rules
	names := map[string]hcl.Range{}
	for _, b := range v.Blocks("role") {
		role := decodeRole(in, b, true)
		role.Address, role.Name = in.Address, b.Labels[0]
		if first, taken := names[role.Name]; taken {
			in.Errorf(b.Range, "Duplicate role name", "The project has two roles called %q; the first is at %s.", role.Name, first)
		} else {
			names[role.Name] = b.Range
		}
		rules.Roles = append(rules.Roles, role)
	}
	for _, b := range v.Blocks("sync_window") {
		rules.Windows = append(rules.Windows, decodeWindow(in, b))
	}
	for _, b := range v.Blocks("notify") {
		rules.Notify = append(rules.Notify, DecodeNotify(in, b))
	}
	for _, b := range v.Blocks("source") {
		rules.Sources = append(rules.Sources, decodeSourceRule(in, b))
	}
	for _, b := range v.Blocks("signature") {
		rules.Signatures = append(rules.Signatures, decodeSignature(in, b))
	}
	for _, b := range v.Blocks("identity") {
		rules.Identities = append(rules.Identities, decodeIdentity(in, b))
	}
	if b := v.One("orphaned_resources"); b != nil {
		rules.Orphaned = decodeOrphaned(in, b)
	}
	return rules
}

func sourceRuleBlock() *schema.Block {
	return &schema.Block{
		Type: "source",
		Doc:  "Which paths of repositories sources may read. Without one, every path of the `repositories`.",
		Arguments: []schema.Argument{
			{Name: "repositories", Type: schema.Strings, Default: "all", Doc: "Patterns of the repositories' URLs."},
			{Name: "paths", Type: schema.Strings, Required: true, Doc: "Patterns of paths: `apps/payments/**`. `*` stops at a `/`, `**` does not."},
			{Name: "deny", Type: schema.Bool, Default: "false", Doc: "Whether these may not be read, whatever else is allowed."},
		},
	}
}

func decodeSourceRule(in *eval.Instance, v *schema.Values) SourceRule {
	CheckPatterns(in, v, "repositories", false)
	CheckPatterns(in, v, "paths", false)
	checkNotEmpty(in, v, "repositories", "For all leave the argument out.")
	checkNotEmpty(in, v, "paths", "For all write [\"**\"].")
	for _, path := range v.Strings("paths") {
		if strings.HasPrefix(path, "/") || path == ".." || strings.HasPrefix(path, "../") || strings.Contains(path, "/../") {
			in.ErrorAt(v, "paths", "Invalid pattern", "%q leads out of the repository: paths are relative to its top, such as \"apps/**\".", path)
		}
	}
	return SourceRule{Repositories: v.Strings("repositories"), Paths: v.Strings("paths"), Deny: v.Bool("deny", false), Range: v.Range}
}

func identityBlock() *schema.Block {
	return &schema.Block{
		Type: "identity",
		Doc:  "As whom requests are made at destinations, by impersonation. The first that fits counts; where there are some and none fits, nothing is sent.",
		Arguments: []schema.Argument{
			{Name: "clusters", Type: schema.ReferencesOrGlobs("cluster"), Default: "all", Doc: "Clusters that it is for, or patterns of their names."},
			{Name: "namespaces", Type: schema.Strings, Default: "all", Doc: "Patterns of namespaces that it is for."},
			{Name: "service_account", Type: schema.String, Doc: "A service account: `namespace:name`, or a name in the destination's namespace."},
			{Name: "user", Type: schema.String, Doc: "A user; instead of a service account."},
			{Name: "groups", Type: schema.Strings, Doc: "The groups that the user is in."},
		},
	}
}

// serviceAccountPattern is "name" or "namespace:name".
var serviceAccountPattern = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?:)?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

func decodeIdentity(in *eval.Instance, v *schema.Values) Identity {
	for _, name := range []string{"clusters", "namespaces"} {
		CheckPatterns(in, v, name, false)
		checkNotEmpty(in, v, name, "For all leave the argument out.")
	}
	identity := Identity{
		Place:          Place{Clusters: v.Strings("clusters"), Namespaces: v.Strings("namespaces"), Range: v.Range},
		ServiceAccount: v.String("service_account"), User: v.String("user"), Groups: v.Strings("groups"),
	}
	switch {
	case v.Has("service_account") && v.Has("user"):
		in.ErrorAt(v, "user", "Conflicting arguments", "Requests are made as one identity, but both service_account and user are set. Remove one of them.")
	case !v.Has("service_account") && !v.Has("user"):
		in.Errorf(v.Range, "Missing required argument", "It is not said as whom. Set service_account or user.")
	case v.Has("groups") && !v.Has("user"):
		in.ErrorAt(v, "groups", "Conflicting arguments", "The groups of a service account are given; groups go with user.")
	}
	if v.IsKnown("service_account") && !serviceAccountPattern.MatchString(identity.ServiceAccount) {
		in.ErrorAt(v, "service_account", "Invalid service account", "%q must be a name, or a namespace and a name, such as \"gantry:deployer\".", identity.ServiceAccount)
	}
	if v.IsKnown("user") && strings.TrimSpace(identity.User) == "" {
		in.ErrorAt(v, "user", "Unsuitable value", "The argument \"user\" must not be empty.")
	}
	return identity
}

func orphanedBlock() *schema.Block {
	return &schema.Block{
		Type: "orphaned_resources",
		Doc:  "Reports objects in the namespaces of the project's applications that belong to no application.",
		Blocks: []schema.Nested{{Block: &schema.Block{
			Type: "ignore",
			Doc:  "Objects that are not reported.",
			Arguments: []schema.Argument{
				{Name: "group", Type: schema.String, Default: "the core group", Doc: "A pattern of their API group."},
				{Name: "kind", Type: schema.String, Default: "any", Doc: "A pattern of their kind."},
				{Name: "name", Type: schema.String, Default: "any", Doc: "A pattern of their names."},
			},
		}}},
	}
}

func decodeOrphaned(in *eval.Instance, v *schema.Values) *Orphaned {
	orphaned := &Orphaned{Range: v.Range}
	for _, b := range v.Blocks("ignore") {
		ignore := OrphanedIgnore{Group: b.String("group"), Kind: "*", Name: "*", Range: b.Range}
		if b.Has("kind") {
			ignore.Kind = b.String("kind")
		}
		if b.Has("name") {
			ignore.Name = b.String("name")
		}
		if !b.Has("group") && !b.Has("kind") && !b.Has("name") {
			in.Errorf(b.Range, "Missing required argument", "It is not said what to ignore. Set group, kind or name.")
		}
		for _, name := range []string{"group", "kind", "name"} {
			if !b.IsKnown(name) || name == "group" && b.String(name) == "" {
				continue
			}
			if problem := patternProblem(b.String(name)); problem != "" {
				in.ErrorAt(b, name, "Invalid pattern", "%s", problem)
			}
		}
		orphaned.Ignore = append(orphaned.Ignore, ignore)
	}
	return orphaned
}
