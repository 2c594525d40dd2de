package kubernetes

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gantrycd/gantry/state"
)

// secretType is the type of all Secrets of a store, by which they are told from others.
const secretType = corev1.SecretType("gantry.dev/state")

// Labels, by which Secrets are listed.
const (
	managedLabel = "app.kubernetes.io/managed-by"
	stateLabel   = "gantry.dev/state" // the store's name
	partLabel    = "gantry.dev/part"  // headPart or chunkPart
	groupLabel   = "gantry.dev/group" // the first segment of the key
	headPart     = "head"
	chunkPart    = "chunk"
)

// Annotations. A chunk has only those of its key and its mark.
const (
	keyAnnotation      = "gantry.dev/key"
	markAnnotation     = "gantry.dev/write"    // of the write that made it
	digestAnnotation   = "gantry.dev/sha256"   // of the value
	encodingAnnotation = "gantry.dev/encoding" // gzipped, or absent
	chunksAnnotation   = "gantry.dev/chunks"   // how many there are, where the value is in chunks
	gzipped            = "gzip"
)

const (
	dataKey   = "value"
	chunkSize = 900 << 10 // of 1 MiB that a Secret may have
	// tooSmall is a value that is not worth compressing.
	tooSmall = 512
)

// head is what the Secret of a key says.
type head struct {
	key, mark, digest, encoding string
	chunks                      int // 0: the value is in the head itself
	resourceVersion             string
	uid                         types.UID
}

// headOf reads the metadata of a Secret, and refuses one that is not a key's of this store.
func (s *Store) headOf(meta *metav1.ObjectMeta) (head, error) {
	h := head{
		key: meta.Annotations[keyAnnotation], mark: meta.Annotations[markAnnotation],
		digest: meta.Annotations[digestAnnotation], encoding: meta.Annotations[encodingAnnotation],
		resourceVersion: meta.ResourceVersion, uid: meta.UID,
	}
	broken := func(reason string) (head, error) {
		return head{}, &state.BrokenError{Key: h.key, Reason: fmt.Sprintf("the Secret %s in namespace %s %s", meta.Name, s.namespace, reason)}
	}
	if state.CheckKey(h.key) != nil || s.headName(h.key) != meta.Name || meta.Labels[stateLabel] != s.name {
		return broken("is not what gantry wrote: its annotation " + keyAnnotation + " and its labels do not belong to its name")
	}
	if text := meta.Annotations[chunksAnnotation]; text != "" {
		var err error
		if h.chunks, err = strconv.Atoi(text); err != nil || h.chunks < 1 {
			return broken("has an annotation " + chunksAnnotation + " that is no number")
		}
	}
	if h.mark == "" || h.encoding != "" && h.encoding != gzipped {
		return broken("was written by a newer gantry, or changed by someone else")
	}
	return h, nil
}

// A version is the resourceVersion and the uid of the head; where the value is in chunks,
// also their mark and their number, for whoever takes the head's place removes them.
func (h head) String() string {
	text := h.resourceVersion + "." + string(h.uid)
	if h.chunks > 0 {
		text += "." + h.mark + "." + strconv.Itoa(h.chunks)
	}
	return text
}

// parseVersion reads what String wrote: enough of a head to take its place.
func parseVersion(version string) (h head, ok bool) {
	parts := strings.Split(version, ".")
	if len(parts) != 2 && len(parts) != 4 || parts[0] == "" || parts[1] == "" {
		return head{}, false
	}
	h = head{resourceVersion: parts[0], uid: types.UID(parts[1])}
	if len(parts) == 4 {
		count, err := strconv.Atoi(parts[3])
		if err != nil {
			return head{}, false
		}
		h.mark, h.chunks = parts[2], count
	}
	return h, true
}

// headName returns the name of the Secret of a key: keys are longer than names, and have
// other characters.
func (s *Store) headName(key string) string {
	sum := sha256.Sum256([]byte(s.name + "\x00" + key))
	return "gantry-" + hex.EncodeToString(sum[:])
}

func chunkName(head, mark string, index int) string {
	return fmt.Sprintf("%s-%s-%d", head, mark, index)
}

// secret returns a Secret of a key, without its value.
func (s *Store) secret(name, key, part, mark string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				managedLabel: "gantry", stateLabel: s.name, partLabel: part, groupLabel: group(key),
			},
			Annotations: map[string]string{keyAnnotation: key, markAnnotation: mark},
		},
		Type: secretType,
	}
}

// group returns a label's value for the first segment of a key.
func group(key string) string {
	segment, _, _ := strings.Cut(key, "/")
	if len(validation.IsValidLabelValue(segment)) == 0 && !strings.HasPrefix(segment, "sha256-") {
		return segment
	}
	sum := sha256.Sum256([]byte(segment))
	return "sha256-" + hex.EncodeToString(sum[:16])
}

func digest(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}

// pack compresses a value where that makes it smaller, and says how.
func pack(value []byte) (packed []byte, encoding string, err error) {
	if len(value) < tooSmall {
		return value, "", nil
	}
	var b bytes.Buffer
	writer, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, "", err
	}
	_, err = writer.Write(value)
	if err := errors.Join(err, writer.Close()); err != nil {
		return nil, "", err
	}
	if b.Len() > len(value)/10*9 {
		return value, "", nil
	}
	return b.Bytes(), gzipped, nil
}

// unpack is the reverse of pack, and holds the value to its digest.
func (h head) unpack(packed []byte) ([]byte, error) {
	value := packed
	if h.encoding == gzipped {
		reader, err := gzip.NewReader(bytes.NewReader(packed))
		if err == nil {
			value, err = io.ReadAll(reader)
		}
		if err != nil {
			return nil, &state.BrokenError{Key: h.key, Reason: "it cannot be decompressed: " + err.Error()}
		}
	}
	if digest(value) != h.digest {
		return nil, &state.BrokenError{Key: h.key, Reason: "it does not have the digest that it was written with"}
	}
	if value == nil {
		value = []byte{}
	}
	return value, nil
}
