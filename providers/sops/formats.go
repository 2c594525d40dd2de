package sops

import (
	"bytes"
	"errors"
	"path"
	"regexp"
	"strings"
)

// Marked reports whether a file may be encrypted: what is not marked is not looked at.
func Marked(content []byte) bool {
	return bytes.Contains(content, []byte("sops")) && bytes.Contains(content, []byte("mac"))
}

// noteAt finds where sops has noted that it encrypted a file that is no YAML.
var (
	dotenvNote = regexp.MustCompile(`(?m)^sops_mac=`)
	iniNote    = regexp.MustCompile(`(?m)^\[sops\]\s*$`)
)

// open reads a file by the format that sops takes it for, which it tells by the name. nil
// is that it is not encrypted.
func open(name string, content []byte) (file, error) {
	switch ext := strings.ToLower(path.Ext(name)); {
	case ext == ".yaml" || ext == ".yml":
		return openYAML(content)
	case ext == ".json":
		return openJSON(content, false)
	case ext == ".env" || strings.HasPrefix(path.Base(name), ".env") && !isJSON(content):
		if dotenvNote.Match(content) {
			return openDotenv(content), nil
		}
		return nil, nil
	case ext == ".ini" && iniNote.Match(content):
		return nil, errors.New("it is encrypted with SOPS as INI, which is not supported: encrypt it as YAML, JSON, dotenv or binary")
	case isJSON(content):
		return openJSON(content, true)
	}
	return nil, nil
}

func isJSON(content []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) }
