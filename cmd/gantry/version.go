package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is this release's; the commit comes from what Go records of a build.
const version = "0.1.0"

// versionInfo is what `gantry version --json` prints.
type versionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from a changed work tree
	Go       string `json:"go"`
	Platform string `json:"platform"` // "linux/amd64"
}

func newVersion(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Long:  "Shows the version, the commit it was built from where that is known, the Go\nversion and the platform.",
		Args:  takes(0, 0),
		RunE:  func(*cobra.Command, []string) error { return c.showVersion() },
	}
}

func (c *cli) showVersion() error {
	info := readVersion()
	if c.json {
		return c.writeJSON(info)
	}
	_, err := fmt.Fprintln(c.out, info)
	return err
}

func readVersion() versionInfo {
	info := versionInfo{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision":
			info.Commit = setting.Value
		case "vcs.modified":
			info.Modified = setting.Value == "true"
		}
	}
	return info
}

// String is what people see: "gantry 0.1.0 (commit 4a23154, go1.26.8, linux/amd64)".
func (v versionInfo) String() string {
	var details []string
	if v.Commit != "" {
		commit := "commit " + v.Commit[:min(12, len(v.Commit))]
		if v.Modified {
			commit += " with changes"
		}
		details = append(details, commit)
	}
	details = append(details, v.Go, v.Platform)
	return fmt.Sprintf("gantry %s (%s)", v.Version, strings.Join(details, ", "))
}

// writeJSON writes a result.
func (c *cli) writeJSON(value any) error {
	encoder := jsonEncoder(c.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
