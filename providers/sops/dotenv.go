package sops

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dotenvFile is a file of lines such as NAME=value.
type dotenvFile struct {
	lines []dotenvLine
	noted map[string]string // without their prefix
}

type dotenvLine struct {
	name string // empty: it is no value
	text string // the value, or the line
}

func openDotenv(content []byte) file {
	f := &dotenvFile{noted: map[string]string{}}
	for line := range strings.SplitSeq(string(content), "\n") {
		name, value, ok := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "#ENC["): // an encrypted comment
		case line == "" || strings.HasPrefix(line, "#") || !ok:
			f.lines = append(f.lines, dotenvLine{text: line})
		case strings.HasPrefix(name, "sops_"):
			f.noted[strings.TrimPrefix(name, "sops_")] = strings.ReplaceAll(value, `\n`, "\n")
		default:
			f.lines = append(f.lines, dotenvLine{name, strings.ReplaceAll(value, `\n`, "\n")})
		}
	}
	return f
}

func (f *dotenvFile) metadata() (*metadata, error) {
	out := &metadata{
		LastModified: f.noted["lastmodified"], MAC: f.noted["mac"], MACOnlyEncrypted: f.noted["mac_only_encrypted"] == "true",
		Rules: Rules{
			UnencryptedSuffix: f.noted["unencrypted_suffix"], EncryptedSuffix: f.noted["encrypted_suffix"],
			UnencryptedRegex: f.noted["unencrypted_regex"], EncryptedRegex: f.noted["encrypted_regex"],
			UnencryptedComment: f.noted["unencrypted_comment_regex"], EncryptedComment: f.noted["encrypted_comment_regex"],
		},
	}
	out.Age, out.PGP = f.recipients("age"), f.recipients("pgp")
	for _, other := range []struct {
		name string
		to   *[]any
	}{{"kms", &out.KMS}, {"gcp_kms", &out.GCPKMS}, {"hckms", &out.HCKMS}, {"azure_kv", &out.AzureKV}, {"hc_vault", &out.HCVault}, {"key_groups", &out.KeyGroups}} {
		for name := range f.noted {
			if strings.HasPrefix(name, other.name+"__list_") {
				*other.to = append(*other.to, name)
			}
		}
	}
	return out, out.check()
}

// recipients are the keys of a kind, which sops numbers from 0.
func (f *dotenvFile) recipients(kind string) []recipient {
	var out []recipient
	for n := 0; ; n++ {
		prefix := fmt.Sprintf("%s__list_%d__map_", kind, n)
		encrypted, ok := f.noted[prefix+"enc"]
		if !ok {
			return out
		}
		out = append(out, recipient{Recipient: f.noted[prefix+"recipient"], Fingerprint: f.noted[prefix+"fp"], Encrypted: encrypted})
	}
}

func (f *dotenvFile) walk(leaf func([]string, any) (any, error)) error {
	for i := range f.lines {
		line := &f.lines[i]
		if line.name == "" {
			continue
		}
		made, err := leaf([]string{line.name}, line.text)
		if err != nil {
			return err
		}
		switch v := made.(type) {
		case string:
			line.text = v
		case int:
			line.text = strconv.Itoa(v)
		case bool:
			line.text = strconv.FormatBool(v)
		case float64:
			line.text = strconv.FormatFloat(v, 'f', -1, 64)
		case time.Time:
			line.text = v.Format(time.RFC3339Nano)
		}
	}
	return nil
}

func (f *dotenvFile) plain() ([]byte, error) {
	var out bytes.Buffer
	for i, line := range f.lines {
		if line.name != "" {
			out.WriteString(line.name + "=")
			line.text = strings.ReplaceAll(line.text, "\n", `\n`)
		}
		out.WriteString(line.text)
		if i < len(f.lines)-1 {
			out.WriteByte('\n')
		}
	}
	return out.Bytes(), nil
}
