package archtest

import "strings"

// modulePath is the module whose packages the rules are about.
const modulePath = "github.com/gantrycd/gantry"

// leaves are the packages of plain vocabulary that everyone may import.
var leaves = []string{
	"lang/addr", "plan/commitsig", "plan/identity", "plan/object", "plan/published", "plan/riskcode", "plan/source", "plan/sshsig", "plan/target",
}

// providerLeaves are packages below providers that implement nothing and serve
// those that do.
var providerLeaves = []string{
	"providers/filetree", "providers/once", "providers/rendertest", "providers/revision",
	"providers/sourcetest", "providers/tree", "providers/web", "providers/yamldoc",
}

// direction says what the packages of one folder may import of the module.
// The first direction that a package is in decides.
type direction struct {
	name string // what the reader is told was broken
	in   func(pkg string) bool
	may  func(from, to string) bool
}

// directions are "Imports point one way" of the architecture.
var directions = []direction{
	{
		name: "a leaf (lang/addr, plan/commitsig, plan/identity, plan/object, plan/published, plan/riskcode, plan/source, plan/sshsig, plan/target) imports leaves only",
		in:   isOneOf(leaves...),
		may:  to(isOneOf(leaves...)),
	},
	{
		name: "lang imports leaves only: it knows no cluster, state or plan",
		in:   isBelow("lang"),
		may:  to(isOneOf(leaves...), isBelow("lang")),
	},
	{
		name: "plan imports leaves and what is below plan only",
		in:   isBelow("plan"),
		may:  to(isOneOf(leaves...), isBelow("plan")),
	},
	{
		name: "state imports leaves, plan and plan/seal only, never engine or the plan's views",
		in:   isBelow("state"),
		may:  to(isOneOf(leaves...), isOneOf("plan", "plan/seal"), isBelow("state")),
	},
	{
		name: "a package that serves providers imports leaves and providers only",
		in:   func(pkg string) bool { return pkg == "providers" || isOneOf(providerLeaves...)(pkg) },
		may:  to(isOneOf(leaves...), isOneOf("providers"), isOneOf(providerLeaves...)),
	},
	{
		name: "a provider imports leaves and providers only, never engine, lang or another provider",
		in:   isBelow("providers"),
		may: func(from, pkg string) bool {
			return isOneOf(leaves...)(pkg) || pkg == "providers" || isOneOf(providerLeaves...)(pkg) ||
				isBelow(provider(from))(pkg)
		},
	},
	{
		name: "engine imports everything but cmd and examples",
		in:   isBelow("engine"),
		may:  func(_, pkg string) bool { return !isBelow("cmd")(pkg) && !isBelow("examples")(pkg) },
	},
	{
		name: "cmd imports everything",
		in:   isBelow("cmd"),
		may:  func(string, string) bool { return true },
	},
}

// confinement says in which folders a library may be imported.
type confinement struct {
	library string // an import path and everything below it
	folders []string
}

// confinements are the libraries that have one home.
var confinements = []confinement{
	{"k8s.io/client-go", []string{"providers/kubernetes", "state/kubernetes", "cmd/internal/bench/minimal"}},
	{"github.com/go-git", []string{"providers/git"}},
	{"github.com/jackc/pgx", []string{"state/postgres"}},
	{"github.com/aws", []string{"state/s3"}},
	{"helm.sh/helm", []string{"providers/helm", "providers/helmrepo"}},
	{"sigs.k8s.io/kustomize", []string{"providers/kustomize"}},
	{"github.com/google/go-jsonnet", []string{"providers/jsonnet"}},
	{"oras.land/oras-go", []string{"providers/ociregistry"}},
	{"sigs.k8s.io/structured-merge-diff", []string{"engine/diff", "cmd/internal/bench/minimal"}},
	{"github.com/spf13/cobra", []string{"cmd"}},
	{"github.com/spf13/pflag", []string{"cmd"}},
	{"github.com/hashicorp/hcl", []string{"lang", "engine", "cmd"}},
	{"filippo.io/age", []string{"plan/seal", "lang", "providers/sops"}},
	{"github.com/ProtonMail/go-crypto", []string{"plan/commitsig", "providers/git", "providers/sops"}},
	{"github.com/sigstore", []string{"plan/signature/sigstore"}},
	{"github.com/secure-systems-lab", []string{"plan/signature", "plan/planfile"}},
	{"charm.land", []string{"plan/view", "cmd"}},
}

// problems returns the rules that a package breaks by what it imports. pkg is
// relative to the module; imports are as in the source.
func problems(pkg string, imports []string) []string {
	var found []string
	rule := directionOf(pkg)
	if rule == nil {
		return []string{pkg + " is in none of the folders of the architecture"}
	}
	for _, path := range imports {
		if inside, ok := strings.CutPrefix(path, modulePath+"/"); ok {
			if !rule.may(pkg, inside) {
				found = append(found, pkg+" imports "+inside+": "+rule.name)
			}
			continue
		}
		for _, c := range confinements {
			if isBelow(c.library)(path) && !anyOf(below(c.folders))(pkg) {
				found = append(found, pkg+" imports "+path+": "+c.library+" is only for "+strings.Join(c.folders, ", "))
			}
		}
	}
	return found
}

func directionOf(pkg string) *direction {
	for i := range directions {
		if directions[i].in(pkg) {
			return &directions[i]
		}
	}
	return nil
}

// provider returns the folder of the provider that a package is part of.
func provider(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

func isOneOf(names ...string) func(string) bool {
	return func(pkg string) bool {
		for _, name := range names {
			if pkg == name {
				return true
			}
		}
		return false
	}
}

// isBelow accepts a folder and what is below it. A library's major version
// suffix counts as below: helm.sh/helm/v4, and structured-merge-diff/v4.
func isBelow(folder string) func(string) bool {
	return func(pkg string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }
}

func below(folders []string) []func(string) bool {
	var accept []func(string) bool
	for _, folder := range folders {
		accept = append(accept, isBelow(folder))
	}
	return accept
}

func anyOf(accept []func(string) bool) func(string) bool {
	return func(pkg string) bool {
		for _, a := range accept {
			if a(pkg) {
				return true
			}
		}
		return false
	}
}

func to(accept ...func(string) bool) func(from, pkg string) bool {
	return func(_, pkg string) bool { return anyOf(accept)(pkg) }
}
