package oidc

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/identity"
)

// maxGroups is how many groups somebody may be in.
const maxGroups = 2000

// identity returns who a token that counts is of.
func (i *Issuer) identity(read *Unverified) (identity.Identity, error) {
	out := identity.Identity{Subject: read.Subject, Issuer: i.trusted.URL, Means: identity.OIDC, Verified: true}
	var err error
	if out.Name, err = i.name(read.claims); err != nil {
		return identity.Identity{}, err
	}
	if out.Groups, err = i.groups(read.claims); err != nil {
		return identity.Identity{}, err
	}
	return out, nil
}

// name returns what people call who has the token.
func (i *Issuer) name(claims map[string]any) (string, error) {
	candidates := []string{"preferred_username", "email", "sub"}
	if i.trusted.NameClaim != "" {
		candidates = []string{i.trusted.NameClaim}
	}
	for _, claim := range candidates {
		value, ok := lookup(claims, claim)
		if !ok {
			continue
		}
		text, isText := value.(string)
		if !isText || strings.TrimSpace(text) == "" {
			return "", fmt.Errorf("the token's claim %q is no name", claim)
		}
		if claim == "email" {
			if verified, ok := claims["email_verified"]; ok && verified != true && verified != "true" {
				if i.trusted.NameClaim == "" {
					continue
				}
				return "", errors.New("the issuer has not verified the e-mail address in the token (\"email_verified\")")
			}
		}
		return text, checkText(claim, text)
	}
	return "", fmt.Errorf("the token has no claim %q, which the name is to come from", candidates[0])
}

// groups returns the groups that a token names: a text is one group as it is, spaces and
// commas included. They are groups whatever they are called.
func (i *Issuer) groups(claims map[string]any) ([]string, error) {
	claim := i.trusted.GroupsClaim
	if claim == "" {
		claim = "groups"
	}
	value, ok := lookup(claims, claim)
	if !ok {
		return nil, nil
	}
	var out []string
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		out = []string{v}
	case []any:
		if len(v) > maxGroups {
			return nil, fmt.Errorf("the token's claim %q has %d groups, and may have %d", claim, len(v), maxGroups)
		}
		for _, one := range v {
			text, isText := one.(string)
			if !isText {
				return nil, fmt.Errorf("the token's claim %q has something that is no text: groups are a list of texts", claim)
			}
			out = append(out, text)
		}
	default:
		return nil, fmt.Errorf("the token's claim %q is no list of groups", claim)
	}
	for _, group := range out {
		if strings.TrimSpace(group) == "" {
			return nil, fmt.Errorf("the token's claim %q has a group without a name", claim)
		}
		if err := checkText(claim, group); err != nil {
			return nil, err
		}
	}
	return identity.Usual(out), nil
}

// lookup finds a claim by its name, or else by the path that the name is.
func lookup(claims map[string]any, name string) (any, bool) {
	if value, ok := claims[name]; ok {
		return value, true
	}
	first, rest, nested := strings.Cut(name, ".")
	if !nested {
		return nil, false
	}
	inner, ok := claims[first].(map[string]any)
	if !ok {
		return nil, false
	}
	return lookup(inner, rest)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
