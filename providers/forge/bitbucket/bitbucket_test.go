package bitbucket_test

import (
	"testing"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/bitbucket"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

func TestBitbucket(t *testing.T) {
	forgetest.Check(t, func(t *testing.T) (providers.Forge, forgetest.Site) {
		s := serve(t)
		f, err := bitbucket.New(shape.Account{URL: s.URL, Token: forgetest.Token}, "example/repository")
		if err != nil {
			t.Fatal(err)
		}
		return f, s.Memory
	})
}
