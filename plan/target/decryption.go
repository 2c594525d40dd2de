package target

// Decryption is the keys that encrypted files of sources are opened with: secrets, which
// are read where such a file is.
type Decryption struct {
	Age []*Secret
	PGP []*Secret
}
