package sshsig

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// parseAllowed parses a line of an allowed_signers file, as ssh-keygen(1) describes
// it: principals, options, a key. It is nil where the options name namespaces, and
// not this one.
func parseAllowed(namespace, line string) (*Key, error) {
	principals, rest, err := word(line)
	if err != nil {
		return nil, err
	}
	var options string
	if first, after, err := word(rest); err != nil {
		return nil, err
	} else if !isKeyType(first) {
		options, rest = first, after
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return nil, errors.New("it is neither an SSH public key nor a line of allowed_signers: expected principals, options, key type and key")
	}
	var after, before time.Time
	for options != "" {
		var option string
		option, options = cutOption(options)
		name, value, _ := strings.Cut(option, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "namespaces":
			if !matches(value, namespace) {
				return nil, nil
			}
		case "valid-after":
			after, err = validity(value)
		case "valid-before":
			before, err = validity(value)
		case "cert-authority":
			err = errors.New("keys of a certificate authority are not taken: name the signers' own keys")
		default:
			err = fmt.Errorf("unknown option %q", name)
		}
		if err != nil {
			return nil, err
		}
	}
	key, err := trust(namespace, public, principals)
	if err != nil {
		return nil, err
	}
	key.After, key.Before = after, before
	return key, nil
}

// word cuts the first word off a line; in double quotes it may hold blanks.
func word(line string) (first, rest string, err error) {
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return strings.Trim(line[:i], `"`), strings.TrimLeft(line[i:], " \t"), nil
		}
	}
	return "", "", errors.New("it is neither an SSH public key nor a line of allowed_signers")
}

// cutOption cuts the first option off a list of them.
func cutOption(options string) (first, rest string) {
	quoted := false
	for i, c := range options {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return options[:i], options[i+1:]
		}
	}
	return options, ""
}

// matches reports whether a name is among patterns, of which those with "!" exclude.
func matches(patterns, name string) bool {
	found := false
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern, not := strings.CutPrefix(pattern, "!")
		if ok, err := path.Match(pattern, name); err == nil && ok {
			if not {
				return false
			}
			found = true
		}
	}
	return found
}

// validity parses a time as allowed_signers has it: YYYYMMDD[HHMM[SS]], in UTC where a
// Z follows, else in local time.
func validity(text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(text, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if at, err := time.ParseInLocation(layout, digits, zone); err == nil && len(digits) == len(layout) {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: expected YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with Z for UTC", text)
}
