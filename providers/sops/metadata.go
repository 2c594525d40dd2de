package sops

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// metadata is what sops notes in a file that it encrypts.
type metadata struct {
	Age              []recipient `json:"age" yaml:"age"`
	PGP              []recipient `json:"pgp" yaml:"pgp"`
	KMS              []any       `json:"kms" yaml:"kms"`
	GCPKMS           []any       `json:"gcp_kms" yaml:"gcp_kms"`
	HCKMS            []any       `json:"hckms" yaml:"hckms"`
	AzureKV          []any       `json:"azure_kv" yaml:"azure_kv"`
	HCVault          []any       `json:"hc_vault" yaml:"hc_vault"`
	KeyGroups        []any       `json:"key_groups" yaml:"key_groups"`
	LastModified     string      `json:"lastmodified" yaml:"lastmodified"`
	MAC              string      `json:"mac" yaml:"mac"`
	MACOnlyEncrypted bool        `json:"mac_only_encrypted" yaml:"mac_only_encrypted"`
	Rules            `yaml:",inline"`

	unencrypted, encrypted *regexp.Regexp
}

// Rules say which values of a file are encrypted; at most one is set.
type Rules struct {
	UnencryptedSuffix  string `json:"unencrypted_suffix" yaml:"unencrypted_suffix"`
	EncryptedSuffix    string `json:"encrypted_suffix" yaml:"encrypted_suffix"`
	UnencryptedRegex   string `json:"unencrypted_regex" yaml:"unencrypted_regex"`
	EncryptedRegex     string `json:"encrypted_regex" yaml:"encrypted_regex"`
	UnencryptedComment string `json:"unencrypted_comment_regex" yaml:"unencrypted_comment_regex"`
	EncryptedComment   string `json:"encrypted_comment_regex" yaml:"encrypted_comment_regex"`
}

// recipient is a key that a file's own key is encrypted for.
type recipient struct {
	Recipient   string `json:"recipient" yaml:"recipient"` // of age
	Fingerprint string `json:"fp" yaml:"fp"`               // of PGP
	Encrypted   string `json:"enc" yaml:"enc"`
}

// check makes the metadata ready for use, or says what of them is not supported.
func (m *metadata) check() error {
	set := 0
	for _, rule := range []string{m.UnencryptedSuffix, m.EncryptedSuffix, m.UnencryptedRegex, m.EncryptedRegex, m.UnencryptedComment, m.EncryptedComment} {
		if rule != "" {
			set++
		}
	}
	switch {
	case set > 1:
		return errors.New("what SOPS noted in it has several rules of what is encrypted, and may have one")
	case set == 0:
		m.UnencryptedSuffix = "_unencrypted"
	case m.UnencryptedComment != "" || m.EncryptedComment != "":
		return errors.New("comments say what of it is encrypted (encrypted_comment_regex, unencrypted_comment_regex), which is not supported: use encrypted_regex or unencrypted_regex")
	}
	if len(m.KeyGroups) > 0 {
		return errors.New("its key is split among key groups (key_groups, shamir_threshold), which is not supported: encrypt it for one group of keys")
	}
	if m.MAC == "" {
		return errors.New("it has no authentication code (MAC)")
	}
	at, err := time.Parse(time.RFC3339, m.LastModified)
	if err != nil {
		return errors.New("what SOPS noted in it has no time of the last change (lastmodified)")
	}
	m.LastModified = at.Format(time.RFC3339)
	for _, rule := range []struct {
		text string
		to   **regexp.Regexp
	}{{m.UnencryptedRegex, &m.unencrypted}, {m.EncryptedRegex, &m.encrypted}} {
		if rule.text == "" {
			continue
		}
		if *rule.to, err = regexp.Compile(rule.text); err != nil {
			return fmt.Errorf("the rule of what of it is encrypted is no regular expression: %w", err)
		}
	}
	return nil
}

// hides reports whether the value that keys lead to is encrypted.
func (m *metadata) hides(path []string) bool {
	switch {
	case m.UnencryptedSuffix != "":
		return !slices.ContainsFunc(path, func(key string) bool { return strings.HasSuffix(key, m.UnencryptedSuffix) })
	case m.EncryptedSuffix != "":
		return slices.ContainsFunc(path, func(key string) bool { return strings.HasSuffix(key, m.EncryptedSuffix) })
	case m.unencrypted != nil:
		return !slices.ContainsFunc(path, m.unencrypted.MatchString)
	case m.encrypted != nil:
		return slices.ContainsFunc(path, m.encrypted.MatchString)
	}
	return true
}

// recipients names the keys that a file is encrypted for, for people.
func (m *metadata) recipients() string {
	var names []string
	for _, r := range m.Age {
		names = append(names, r.Recipient)
	}
	for _, r := range m.PGP {
		names = append(names, "PGP "+r.Fingerprint)
	}
	for name, n := range map[string]int{"AWS KMS": len(m.KMS), "Google Cloud KMS": len(m.GCPKMS), "Huawei Cloud KMS": len(m.HCKMS), "Azure Key Vault": len(m.AzureKV), "Vault": len(m.HCVault)} {
		if n > 0 {
			names = append(names, name+" (which is not supported)")
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
