package kubernetes

import (
	"encoding/json"
	"strings"
)

// longestValue is how many bytes of a value that a server quotes in a refusal are
// shown: enough for a list of ports, too few for a Pod template.
const longestValue = 120

// condense shortens the objects and lists that a server quotes as invalid. It
// prints all of a Pod template, unset fields too, where one field in it must not
// change, and nobody finds the reason behind it.
func condense(message string) string {
	const marker = "Invalid value: "
	var out strings.Builder
	for {
		before, after, found := strings.Cut(message, marker)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		out.WriteString(marker)
		message = after
		if !strings.HasPrefix(after, "{") && !strings.HasPrefix(after, "[") {
			continue
		}
		decoder := json.NewDecoder(strings.NewReader(after))
		var value json.RawMessage
		if decoder.Decode(&value) != nil || len(value) <= longestValue {
			continue
		}
		out.WriteString(after[:1] + "…" + string(value[len(value)-1]))
		message = after[len(value):]
	}
}
