// Package govern is the blocks that govern deliveries: who may do what and when,
// who hears of it, in which order much moves, and what every plan must pass. It
// declares them, decodes them, and has the words of the Config for them.
//
// It enforces nothing: the engine asks what is decided here. Late expressions are
// checked here, and evaluated by who has the case. Only lang imports its
// declarations; the engine uses its types through lang.Config.
package govern

import (
	"fmt"
	"strings"

	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/target"
)

// Kinds are the governing blocks at the top level, in the order in which the
// reference has them.
func Kinds() []*eval.Kind {
	return []*eval.Kind{roleKind(), rolloutKind(), healthKind(), notifierKind(), triggerKind(), policyKind(), checkKind()}
}

// Credential is a password or token: its value, or the secret that it is in.
type Credential = target.Credential

// credential declares an argument for a password or token.
func credential(name string, required bool, doc string) schema.Argument {
	return schema.Argument{Name: name, Type: schema.Credential, Required: required, Sensitive: true, Doc: doc}
}

func credentialOf(v *schema.Values, name string) Credential {
	if ref, ok := v.Reference(name); ok {
		return Credential{Secret: ref.Target.(*target.Secret)}
	}
	return Credential{Value: v.Secret(name)}
}

// lateOf compiles the late expression of an argument; zero where it is not set.
// What is wrong is reported in the instance, which is deferred where a value that the
// expression uses is not known.
func lateOf(e *eval.Evaluation, in *eval.Instance, v *schema.Values, name string, scope late.Scope, want late.Want) late.Expression {
	argument, ok := v.Get(name)
	if !ok {
		return late.Expression{}
	}
	at := argument.Range()
	expression, known, diags := late.Compile(scope, want, late.Source{Text: e.Source(at), At: at, Context: argument.Context})
	in.Report(diags...)
	in.Deferred = in.Deferred || !known
	return expression
}

// CheckPatterns holds that the patterns of an argument can be read, and that none is
// empty. With denials, those that begin with "!" take something out.
func CheckPatterns(in *eval.Instance, v *schema.Values, name string, denials bool) {
	if !v.IsKnown(name) {
		return
	}
	for _, text := range v.Strings(name) {
		body, denies := strings.CutPrefix(text, "!")
		problem := patternProblem(body)
		if denies && !denials {
			problem = fmt.Sprintf("%q begins with \"!\", but this list names what is meant, and nothing can be taken out of it.", text)
		}
		if problem != "" {
			in.ErrorAt(v, name, "Invalid pattern", "%s", problem)
		}
	}
}

// patternProblem says what is wrong with a pattern, or "".
func patternProblem(text string) string {
	if text == "" {
		return "A pattern is empty. For everything write \"*\"."
	}
	if _, err := glob.Compile(text); err != nil {
		return fmt.Sprintf("%q is no pattern: %s. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.", text, err)
	}
	return ""
}

// checkNotEmpty holds that a list which was written has something in it.
func checkNotEmpty(in *eval.Instance, v *schema.Values, name, mend string) {
	if v.IsKnown(name) && len(v.Strings(name)) == 0 {
		in.ErrorAt(v, name, "Unsuitable value", "The argument %q is an empty list. %s", name, mend)
	}
}
