package providers

import "time"

// Past is a Cluster as it was at some time. It is read, and refuses whatever writes,
// dry-runs too, with ErrUnsupported; what is not known of it is ErrNotCached.
type Past interface {
	Cluster
	// TakenAt is when the cluster was so.
	TakenAt() time.Time
	// KeyCheck tells whose key the fingerprints are made with that stand for the
	// values of Secrets, as seal.Fingerprinter.KeyCheck does; empty where the values
	// themselves are there.
	KeyCheck() string
}
