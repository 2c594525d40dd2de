package oidc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/plan/object"
)

// maxToken is how long a token may be. Those of people who are in hundreds of groups have
// about 10 kilobytes.
const maxToken = 64 << 10

// Unverified is what a token says of itself. Nobody vouches for it: it only tells whom to
// ask.
type Unverified struct {
	Issuer   string
	Subject  string
	Audience []string

	algorithm string
	claims    map[string]any
}

// Read takes a token apart, and refuses what can be no ID token of an issuer that is worth
// asking. It asks nobody.
func Read(token object.Sensitive) (*Unverified, error) {
	text := token.Reveal()
	switch {
	case strings.TrimSpace(text) == "":
		return nil, errors.New("the token is empty")
	case len(text) > maxToken:
		return nil, fmt.Errorf("the token has %d bytes, and may have %d", len(text), maxToken)
	case len(text) > 7 && strings.EqualFold(text[:7], "bearer "):
		return nil, errors.New("the token begins with \"Bearer\": give the token alone")
	case strings.ContainsFunc(text, unicode.IsSpace):
		return nil, errors.New("there are spaces or line breaks in the token: give it in one piece, and alone")
	}
	parts := strings.Split(text, ".")
	switch {
	case strings.HasPrefix(text, "{"):
		return nil, errors.New("the token is in JSON, and must be in the compact form, with dots")
	case len(parts) == 5:
		return nil, errors.New("the token is encrypted (a JWE): have the issuer sign tokens, and not encrypt them")
	case len(parts) != 3:
		return nil, fmt.Errorf("the token is no JSON web token, which has three parts between dots, and not %d. Perhaps it was cut, or is an access token", len(parts))
	}
	if parts[2] == "" {
		return nil, errors.New("the token is not signed")
	}
	header, err := part(parts[0], "header")
	if err != nil {
		return nil, err
	}
	out := &Unverified{}
	if out.algorithm, err = checkHeader(header); err != nil {
		return nil, err
	}
	if out.claims, err = part(parts[1], "content"); err != nil {
		return nil, err
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(parts[2]); err != nil {
		return nil, errors.New("the token's signature cannot be decoded: perhaps it was cut")
	}
	return out, out.read()
}

// part decodes one of the two objects of a token. Names that are there twice, or that differ
// from a registered one in nothing but case, are refused: programs differ on which counts.
func part(text, name string) (map[string]any, error) {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the token's %s cannot be decoded: perhaps it was cut", name)
	}
	var out map[string]any
	if !utf8.Valid(decoded) {
		return nil, fmt.Errorf("the token's %s is not in UTF-8", name)
	}
	strict, err := kjson.UnmarshalStrict(decoded, &out)
	if err != nil || out == nil {
		return nil, fmt.Errorf("the token's %s is no JSON object", name)
	}
	if len(strict) > 0 {
		return nil, fmt.Errorf("the token's %s says something twice, and it cannot be told which counts", name)
	}
	for key := range out {
		for _, registered := range registeredNames() {
			if key != registered && strings.EqualFold(key, registered) {
				return nil, fmt.Errorf("the token's %s has %s, which can be taken for %q", name, quoted(key), registered)
			}
		}
	}
	return out, nil
}

func registeredNames() []string {
	return []string{"alg", "kid", "typ", "crit", "iss", "sub", "aud", "azp", "exp", "nbf", "iat", "nonce", "email", "email_verified"}
}

// checkHeader refuses headers that say where to find the key, and returns the algorithm.
func checkHeader(header map[string]any) (string, error) {
	for _, name := range []string{"jku", "jwk", "x5u", "x5c"} {
		if _, ok := header[name]; ok {
			return "", fmt.Errorf("the token brings its own key (%q), and only keys that the issuer publishes count", name)
		}
	}
	if _, ok := header["crit"]; ok {
		return "", errors.New("the token demands an extension (\"crit\") that is not known here")
	}
	if kid, ok := header["kid"]; ok {
		if _, isText := kid.(string); !isText {
			return "", errors.New("the token's header has a \"kid\" that is no text")
		}
	}
	if value, ok := header["typ"]; ok {
		typ, isText := value.(string)
		switch short := strings.TrimPrefix(strings.ToLower(typ), "application/"); {
		case !isText:
			return "", errors.New("the token's header has a \"typ\" that is no text")
		case short == "at+jwt":
			return "", errors.New("this is an access token, and an ID token is needed")
		case short != "jwt":
			return "", fmt.Errorf("this is no ID token: it says that it is %s", quoted(typ))
		}
	}
	algorithm, ok := header["alg"].(string)
	switch {
	case !ok:
		return "", errors.New("the token does not say what it is signed with")
	case strings.EqualFold(algorithm, "none"):
		return "", errors.New("the token is not signed (\"alg\" is none)")
	case strings.HasPrefix(strings.ToUpper(algorithm), "HS"):
		return "", fmt.Errorf("the token is signed with a shared secret (%s), and not with a key that only the issuer has", quoted(algorithm))
	case !slices.Contains(algorithms(), algorithm):
		return "", fmt.Errorf("the token is signed with %s, which is not taken: %s are", quoted(algorithm), strings.Join(algorithms(), ", "))
	}
	return algorithm, nil
}

// read keeps the claims that are looked at before the issuer is asked.
func (u *Unverified) read() error {
	var ok bool
	if u.Issuer, ok = u.claims["iss"].(string); !ok || u.Issuer == "" {
		return errors.New("the token does not say who issued it (\"iss\")")
	}
	if u.Subject, ok = u.claims["sub"].(string); !ok || u.Subject == "" {
		return errors.New("the token does not say whom it is about (\"sub\")")
	}
	if err := checkText("sub", u.Subject); err != nil {
		return err
	}
	switch aud := u.claims["aud"].(type) {
	case string:
		u.Audience = []string{aud}
	case []any:
		for _, one := range aud {
			text, ok := one.(string)
			if !ok {
				return errors.New("the token's audience (\"aud\") is no text and no list of them")
			}
			u.Audience = append(u.Audience, text)
		}
	}
	if len(u.Audience) == 0 {
		return errors.New("the token does not say whom it is made for (\"aud\")")
	}
	return nil
}

// maxText is how long a name may be.
const maxText = 1024

// checkText refuses what cannot be shown as it is: it could look like another name.
func checkText(claim, text string) error {
	switch {
	case len(text) > maxText:
		return fmt.Errorf("the claim %q has %d bytes, and a name may have %d", claim, len(text), maxText)
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("the claim %q has characters that cannot be seen", claim)
	}
	return nil
}

// quoted shows what somebody else wrote.
func quoted(text string) string {
	encoded, err := json.Marshal(plain(text))
	if err != nil {
		return `"?"`
	}
	return string(encoded)
}

// plain is text in one line of bounded length, without what cannot be seen.
func plain(text string) string {
	const most = 200
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
