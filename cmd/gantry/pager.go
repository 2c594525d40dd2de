package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// page writes a text, by way of the user's pager where it goes to a terminal and does
// not fit on it.
func (c *cli) page(text []byte) error {
	program := c.pager(text)
	if program == "" {
		_, err := c.out.Write(text)
		return err
	}
	pager := exec.Command("sh", "-c", program)
	pager.Stdin, pager.Stdout, pager.Stderr = bytes.NewReader(text), c.out, c.err
	pager.Env = c.environ()
	for _, setting := range []string{"LESS=FRX", "LESSCHARSET=utf-8"} {
		if name, _, _ := strings.Cut(setting, "="); c.getenv(name) == "" {
			pager.Env = append(pager.Env, setting)
		}
	}
	err := pager.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.ExitCode() != 126 && exit.ExitCode() != 127:
		return nil // it was there, and had its reasons
	}
	// It could not be started: nothing was shown.
	_, err = io.Copy(c.out, bytes.NewReader(text))
	return err
}

// pager returns what shows a text page by page: GANTRY_PAGER, PAGER or less; "" where
// the text is to be written as it is.
func (c *cli) pager(text []byte) string {
	file, ok := c.out.(*os.File)
	if !ok || !isTerminal(c.out) || c.getenv("TERM") == "dumb" {
		return ""
	}
	columns, rows, err := term.GetSize(int(file.Fd()))
	if err != nil || columns < 1 || height(text, columns) < rows {
		return ""
	}
	if _, err := exec.LookPath("sh"); err != nil {
		return ""
	}
	for _, name := range []string{"GANTRY_PAGER", "PAGER"} {
		if set, ok := c.lookup(name); ok {
			if set = strings.TrimSpace(set); set == "cat" {
				return ""
			}
			return set
		}
	}
	if _, err := exec.LookPath("less"); err != nil {
		return ""
	}
	return "less -R"
}

// lookup tells a variable that is set to nothing from one that is not set.
func (c *cli) lookup(name string) (string, bool) {
	for _, setting := range c.environ() {
		if key, value, _ := strings.Cut(setting, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// height is how many lines of a terminal a text takes.
func height(text []byte, columns int) int {
	lines := 0
	for line := range bytes.Lines(text) {
		seen := 0
		for rest := bytes.TrimSuffix(line, []byte("\n")); len(rest) > 0; {
			if after, ok := bytes.CutPrefix(rest, []byte("\x1b[")); ok { // a colour, which has no width
				end := bytes.IndexByte(after, 'm')
				rest = after[end+1:]
				continue
			}
			_, size := utf8.DecodeRune(rest)
			rest = rest[size:]
			seen++
		}
		lines += max(1, (seen+columns-1)/columns)
	}
	return lines
}
