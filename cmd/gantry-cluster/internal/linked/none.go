//go:build !gantry_servers

package linked

// Programs returns no servers: this is what compiles without the build tag
// gantry_servers.
func Programs() map[string]func(args []string) int { return nil }
