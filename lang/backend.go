package lang

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/target"
)

// UnknownBackend is the type of a Config's backend where the gantry block, or the
// files it may be in, could not be read: state must not be looked for anywhere.
const UnknownBackend = "unknown"

// backendType is a type of backend.
type backendType struct {
	name, doc string
	arguments []schema.Argument
}

// backendTypes are the places that state can be kept in. The first is the default.
func backendTypes() []backendType {
	secret := func(name, doc string) schema.Argument {
		return schema.Argument{Name: name, Type: schema.Credential, Sensitive: true, Doc: doc}
	}
	return []backendType{
		{"local", "Keeps state in a directory on this machine.", []schema.Argument{
			{Name: "path", Type: schema.String, Default: `".gantry"`, Doc: "The directory, relative to the configuration's."},
		}},
		{"kubernetes", "Keeps state in Secrets of a cluster.", []schema.Argument{
			{Name: "namespace", Type: schema.DNSLabel, Default: `"gantry"`, Doc: "The namespace of the Secrets."},
			{Name: "name", Type: schema.DNSLabel, Default: `"default"`, Doc: "What this configuration's state is called, where several share the namespace."},
			{Name: "context", Type: schema.String, Doc: "The context in the kubeconfig."},
			{Name: "kubeconfig", Type: schema.String, Default: "the user's own", Doc: "The kubeconfig file."},
			{Name: "in_cluster", Type: schema.Bool, Default: "false", Doc: "Whether gantry runs in a pod of the cluster."},
		}},
		{"postgres", "Keeps state in a PostgreSQL database.", []schema.Argument{
			secret("url", "The database: `postgres://user:password@host/database`. It must be set here or in `GANTRY_BACKEND_URL`; what it leaves out comes from `PGHOST`, `PGPASSWORD` and the like."),
			{Name: "schema", Type: schema.String, Default: `"gantry"`, Doc: "The schema of the tables."},
		}},
		{"s3", "Keeps state in a bucket of S3, or of a server that speaks its protocol and has conditional writes.", []schema.Argument{
			{Name: "bucket", Type: schema.String, Required: true, Doc: "The bucket."},
			{Name: "prefix", Type: schema.String, Default: `"gantry"`, Doc: "What the names of the objects begin with."},
			{Name: "region", Type: schema.String, Default: "the environment's", Doc: "The region."},
			{Name: "endpoint", Type: schema.String, Default: "that of AWS", Doc: "The server's URL."},
			{Name: "path_style", Type: schema.Bool, Default: "false", Doc: "Whether the bucket is in the path of requests, and not in the host's name."},
			{Name: "profile", Type: schema.String, Default: "the environment's", Doc: "The profile in the shared configuration files."},
			secret("access_key", "The id of an access key; without one, credentials come from the environment."),
			secret("secret_key", "The access key's secret."),
		}},
		{"http", "Keeps state at a server that speaks Terraform's HTTP protocol, such as GitLab.", []schema.Argument{
			{Name: "address", Type: schema.String, Required: true, Doc: "The URL of the state."},
			{Name: "lock_address", Type: schema.String, Default: "the address with `/lock`", Doc: "The URL of its lock."},
			{Name: "lock_method", Type: schema.String, Default: `"LOCK"`, Doc: "The method that takes the lock: `LOCK`, `POST` (as GitLab wants it) or `PUT`."},
			{Name: "unlock_method", Type: schema.String, Default: `"UNLOCK"`, Doc: "The method that gives it back: `UNLOCK`, `DELETE` (as GitLab wants it), `POST` or `PUT`."},
			{Name: "username", Type: schema.String, Doc: "Who logs in."},
			secret("password", "The user's password or token."),
			{Name: "ca_certificate", Type: schema.String, Default: "the system's", Doc: "The authorities that the server's certificate must come from, in PEM."},
		}},
	}
}

// backendBlocks are the types of backend blocks.
func backendBlocks() []schema.Nested {
	var out []schema.Nested
	for _, t := range backendTypes() {
		out = append(out, schema.Nested{Max: 1, Block: &schema.Block{Type: "backend", Labels: []string{t.name}, Doc: t.doc, Arguments: t.arguments}})
	}
	return out
}

// BackendTypes returns the types of backends, the default first.
func BackendTypes() []string {
	var out []string
	for _, t := range backendTypes() {
		out = append(out, t.name)
	}
	return out
}

// BackendArguments returns what can be set of a type of backend; nil of one that there
// is not.
func BackendArguments(name string) []schema.Argument {
	for _, t := range backendTypes() {
		if t.name == name {
			return t.arguments
		}
	}
	return nil
}

func decodeBackend(in *eval.Instance, v *schema.Values) Backend {
	backend := Backend{Type: v.Block.Labels[0], Arguments: map[string]string{}, Credentials: map[string]target.Credential{}, Range: v.Range}
	for _, argument := range BackendArguments(backend.Type) {
		switch {
		case !v.Has(argument.Name):
		case argument.Sensitive:
			backend.Credentials[argument.Name] = target.Credential{Value: credentialOf(v, argument.Name), Secret: secretOf(v, argument.Name)}
		case !v.IsKnown(argument.Name):
		case argument.Type.Name == schema.Bool.Name:
			backend.Arguments[argument.Name] = strconv.FormatBool(v.Bool(argument.Name, false))
		default:
			backend.Arguments[argument.Name] = v.String(argument.Name)
		}
	}
	for _, problem := range backendProblems(backend, v.Has) {
		in.ErrorAt(v, problem.argument, problem.summary, "%s", problem.detail)
	}
	return backend
}

// backendProblem is what is wrong with an argument of a backend.
type backendProblem struct{ argument, summary, detail string }

// CheckBackend reports what is wrong with a backend whose arguments are not all from a
// configuration: with what it is of, and what must be set.
func CheckBackend(b Backend) error {
	arguments := BackendArguments(b.Type)
	if arguments == nil {
		text := fmt.Sprintf("there is no backend of type %q; there are %s", b.Type, schema.List(BackendTypes(), "and"))
		if near := schema.Suggest(b.Type, BackendTypes()); near != "" {
			text += fmt.Sprintf(". Did you mean %q?", near)
		}
		return fmt.Errorf("%s", text)
	}
	for _, argument := range arguments {
		value, set := b.Arguments[argument.Name]
		switch {
		case argument.Required && value == "":
			return fmt.Errorf("the backend %q needs the argument %q: %s", b.Type, argument.Name, lowerFirst(argument.Doc))
		case set && argument.Type.Name == schema.Bool.Name && value != "true" && value != "false":
			return fmt.Errorf("the argument %q of the backend %q is true or false, and not %q", argument.Name, b.Type, value)
		}
	}
	for _, problem := range backendProblems(b, b.has) {
		return fmt.Errorf("%s", lowerFirst(strings.TrimSuffix(problem.detail, ".")))
	}
	return nil
}

func lowerFirst(text string) string {
	text = strings.TrimSuffix(text, ".")
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// has reports whether an argument is set.
func (b Backend) has(name string) bool {
	_, argument := b.Arguments[name]
	_, credential := b.Credentials[name]
	return argument || credential
}

// backendProblems tells what is wrong with the arguments that are set.
func backendProblems(b Backend, has func(string) bool) []backendProblem {
	var out []backendProblem
	both := func(set, missing string) {
		if has(set) == has(missing) {
			return
		}
		if has(missing) {
			set, missing = missing, set
		}
		out = append(out, backendProblem{set, "Missing required argument", fmt.Sprintf("The argument %q needs %q beside it.", set, missing)})
	}
	method := func(name string, allowed ...string) {
		if value, ok := b.Arguments[name]; ok && !slices.Contains(allowed, value) {
			out = append(out, backendProblem{name, "Unsuitable value", fmt.Sprintf("The argument %q is %s, and not %q.", name, schema.List(allowed, "or"), value)})
		}
	}
	switch b.Type {
	case "kubernetes":
		if b.Arguments["in_cluster"] == "true" && (has("context") || has("kubeconfig")) {
			out = append(out, backendProblem{"in_cluster", "Conflicting arguments", "A cluster is reached in one way, but in_cluster is set beside context or kubeconfig. Remove one of them."})
		}
	case "s3":
		both("access_key", "secret_key")
		out = append(out, urlProblems(b, "endpoint")...)
	case "http":
		both("username", "password")
		method("lock_method", "LOCK", "POST", "PUT")
		method("unlock_method", "UNLOCK", "DELETE", "POST", "PUT")
		out = append(out, urlProblems(b, "address", "lock_address")...)
	}
	return out
}

func urlProblems(b Backend, names ...string) []backendProblem {
	var out []backendProblem
	for _, name := range names {
		text, ok := b.Arguments[name]
		if !ok {
			continue
		}
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
			out = append(out, backendProblem{name, "Invalid URL", fmt.Sprintf("The argument %q must be an https URL, such as \"https://state.example.com/web\".", name)})
		case u.User != nil:
			out = append(out, backendProblem{name, eval.CredentialsInURL, "The URL is kept in plans, so that it cannot hold a password. Use the arguments for credentials."})
		}
	}
	return out
}

// PlaceOf names where a backend keeps state, for people: without credentials.
func PlaceOf(kind string, arguments map[string]string) string {
	or := func(name, fallback string) string {
		if value := arguments[name]; value != "" {
			return value
		}
		return fallback
	}
	switch kind {
	case "", "local":
		return or("path", ".gantry")
	case "s3":
		place := "s3://" + arguments["bucket"] + "/" + or("prefix", "gantry")
		if endpoint := arguments["endpoint"]; endpoint != "" {
			place += " at " + endpoint
		}
		return place
	case "http":
		return arguments["address"]
	case "postgres":
		return "the schema " + or("schema", "gantry") + " of a PostgreSQL database"
	case "kubernetes":
		place := "Secrets in the namespace " + or("namespace", "gantry")
		if name := arguments["name"]; name != "" {
			place += " (" + name + ")"
		}
		if context := arguments["context"]; context != "" {
			place += " of the context " + context
		}
		return place
	}
	return kind
}
