package git

import (
	"testing"

	"github.com/gantrycd/gantry/providers/sourcetest"
)

func TestContract(t *testing.T) {
	for name, serve := range map[string]func(*testing.T, *upstreamRepository){
		"file": func(*testing.T, *upstreamRepository) {},
		"path": func(_ *testing.T, u *upstreamRepository) { u.location.URL = u.path() },
		"git":  func(t *testing.T, u *upstreamRepository) { u.daemon(t) },
		"http": func(t *testing.T, u *upstreamRepository) { u.http(t, false, false) },
		"https with login": func(t *testing.T, u *upstreamRepository) {
			u.http(t, true, true)
		},
		"ssh": func(t *testing.T, u *upstreamRepository) { u.sshServer(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sourcetest.Run(t, sourcetest.Suite{New: func(t *testing.T) sourcetest.Upstream {
				u := newRepository(t)
				serve(t, u)
				return u
			}})
		})
	}
}
