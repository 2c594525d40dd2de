package plan_test

import (
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan"
)

func TestSpell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1234 * time.Microsecond: "1ms", 1600 * time.Millisecond: "2s", 10 * time.Second: "10s", 10 * time.Minute: "10m",
		90 * time.Second: "1m30s", time.Hour: "1h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", 100 * time.Hour: "100h",
	} {
		if got := plan.Spell(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
