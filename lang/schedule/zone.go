package schedule

import (
	_ "embed" // the names of time zones
	"slices"
	"strings"
)

// zoneNames are the names of the IANA time zone database, sorted, as Go ships it.
// What a machine has installed does not matter: a configuration is valid
// everywhere or nowhere.
//
//go:embed zones.txt
var zoneNames string

// Zones returns the names of all time zones, sorted.
func Zones() []string { return strings.Fields(zoneNames) }

// IsZone reports whether there is a time zone of a name. It must be written as the
// IANA database has it; "Local" is none.
func IsZone(name string) bool {
	_, ok := slices.BinarySearch(Zones(), name)
	return ok
}
