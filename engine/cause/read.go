package cause

import (
	"regexp"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/object"
)

// text returns the string at a path, empty where there is none.
func text(o object.Object, path ...string) string {
	value, _ := o.Get(path...)
	s, _ := value.(string)
	return s
}

// number returns the whole number at a path, or what it is where there is none.
func number(o object.Object, otherwise int64, path ...string) int64 {
	value, _ := o.Get(path...)
	switch n := value.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return otherwise
}

func timeAt(o object.Object, path ...string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339Nano, text(o, path...))
	return at, err == nil
}

// condition is one entry of status.conditions.
type condition struct{ kind, status, reason, message string }

// conditionOf returns the condition of a type, false where there is none.
func conditionOf(o object.Object, kind string) (condition, bool) {
	value, _ := o.Get("status", "conditions")
	items, _ := value.([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		if c := object.Object(m); text(c, "type") == kind {
			return condition{kind, text(c, "status"), text(c, "reason"), text(c, "message")}, true
		}
	}
	return condition{}, false
}

// longest is how many letters of a text are shown.
const longest = 400

// short cuts a text that is longer than anyone reads.
func short(text string) string {
	letters := []rune(text)
	if len(letters) <= longest {
		return text
	}
	return string(letters[:longest-1]) + "…"
}

// oneLine puts a text on one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// because puts a reason and a message in parentheses, as far as there are any.
func because(reason, message string) string {
	switch message = oneLine(message); {
	case reason == "" && message == "":
		return ""
	case message == "":
		return " (" + reason + ")"
	case reason == "":
		return " (" + message + ")"
	}
	return " (" + reason + ": " + message + ")"
}

// The words around what servers and kubelets have to say.
var (
	rpcError      = regexp.MustCompile(`rpc error: code = \w+ desc = `)
	pullBackOff   = regexp.MustCompile(`^Back-off pulling image "[^"]*"(: (ErrImagePull: )?)?`)
	pullFailed    = regexp.MustCompile(`^Failed to pull image "[^"]*": `)
	createFailed  = regexp.MustCompile(`^(Error creating: |create \w+ \S+ (for Pod \S+ )?in StatefulSet \S+ failed error: )`)
	refusedObject = regexp.MustCompile(`(?i)^(pods|persistentvolumeclaims|pod|persistentvolumeclaim) "[^"]*" is (forbidden|invalid): `)
)

// pullWords are the registry's words in what a kubelet says of an image.
func pullWords(message string) string {
	message = pullFailed.ReplaceAllString(pullBackOff.ReplaceAllString(oneLine(message), ""), "")
	return rpcError.ReplaceAllString(message, "")
}

// createWords are the server's words in what a controller says of a Pod or a claim that it
// could not create, without the name that is another one the next time.
func createWords(message string) string {
	return refusedObject.ReplaceAllString(createFailed.ReplaceAllString(oneLine(message), ""), "")
}
