package plan

import (
	"strings"
	"time"
)

// Spell writes a duration for people, without units of which there are none: "2m",
// "1m30s", "1h30m"; from a second on in whole seconds, below that in milliseconds.
func Spell(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
