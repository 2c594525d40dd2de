package supervisor

import (
	"encoding/json"
	"io"
)

// Event is what the supervisor tells the process that waits for the cluster:
// one JSON object per line, the last of which has Ready or Failure.
type Event struct {
	// Step says what is being waited for.
	Step string `json:"step,omitempty"`
	// Ready says that the cluster is.
	Ready bool `json:"ready,omitempty"`
	// Failure says why there is no cluster.
	Failure string `json:"failure,omitempty"`
	// Program is the server at fault, if one is, and Log the end of what it
	// wrote.
	Program string   `json:"program,omitempty"`
	Log     []string `json:"log,omitempty"`
}

// reporter writes events for as long as somebody reads them.
type reporter struct {
	w io.WriteCloser
}

func (r *reporter) send(e Event) {
	if r.w == nil {
		return
	}
	if json.NewEncoder(r.w).Encode(e) != nil {
		r.close() // nobody waits any longer, and the cluster goes on
	}
}

func (r *reporter) close() {
	if r.w != nil {
		_ = r.w.Close() // nobody reads the rest
		r.w = nil
	}
}
