// Package tokenreview knows service accounts by their tokens: it has the cluster that issued
// one review it.
//
// It sends a token to that one cluster and nowhere else, and puts none into an error. What an
// identity may do is decided elsewhere. cmd and the packages beside it import it.
package tokenreview

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Prefix begins the subject of every service account's token.
const Prefix = "system:serviceaccount:"

// kind is what a cluster reviews tokens with.
var kind = object.GVK{Group: "authentication.k8s.io", Version: "v1", Kind: "TokenReview"}

// Verify returns who has a token, as the cluster says that it trusts it for the audience.
func Verify(ctx context.Context, cluster providers.Cluster, trusted identity.Cluster, token object.Sensitive) (identity.Identity, error) {
	if trusted.Audience == "" {
		return identity.Identity{}, errors.New("a token is reviewed for an audience, and there is none. This is a bug in gantry")
	}
	answer, err := cluster.Create(ctx, providers.ApplyRequest{
		Resource: providers.Resource{GVK: kind, Plural: "tokenreviews", Verbs: []string{"create"}},
		Object: object.Object{
			"apiVersion": kind.Group + "/" + kind.Version, "kind": kind.Kind, "metadata": map[string]any{},
			"spec": map[string]any{"token": token.Reveal(), "audiences": []any{trusted.Audience}},
		},
		Manager: "gantry",
	})
	switch {
	case err == nil:
		return read(answer.Object, trusted)
	case ctx.Err() != nil:
		return identity.Identity{}, fmt.Errorf("%s could not be asked who has the token: %w", trusted.Name, context.Cause(ctx))
	case errors.Is(err, providers.ErrForbidden):
		return identity.Identity{}, fmt.Errorf("%s does not let gantry review tokens: whoever it logs in as there needs to create tokenreviews.authentication.k8s.io, as the ClusterRole system:auth-delegator allows", trusted.Name)
	default:
		return identity.Identity{}, fmt.Errorf("%s could not be asked who has the token: %s", trusted.Name, without(err.Error(), token))
	}
}

// read takes an answer apart. What is missing in it was not vouched for.
func read(answer object.Object, trusted identity.Cluster) (identity.Identity, error) {
	status, _ := answer["status"].(map[string]any)
	if authenticated, _ := status["authenticated"].(bool); !authenticated {
		if why, _ := status["error"].(string); why != "" {
			return identity.Identity{}, fmt.Errorf("%s does not take the token: %s", trusted.Name, plain(why))
		}
		return identity.Identity{}, fmt.Errorf("%s does not take the token for the audience %q: it is over, for another audience, or of another cluster", trusted.Name, trusted.Audience)
	}
	// A server that does not know about audiences names none: then the token can be for any.
	if !slices.Contains(texts(status["audiences"]), trusted.Audience) {
		return identity.Identity{}, fmt.Errorf("%s does not say that the token is for the audience %q", trusted.Name, trusted.Audience)
	}
	user, _ := status["user"].(map[string]any)
	name, _ := user["username"].(string)
	if !strings.HasPrefix(name, Prefix) {
		return identity.Identity{}, fmt.Errorf("%s says that the token is of no service account", trusted.Name)
	}
	return identity.Identity{
		Name: name, Subject: name, Issuer: trusted.Name, Groups: identity.Usual(texts(user["groups"])),
		Means: identity.Kubernetes, Verified: true,
	}, nil
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, one := range list {
		if text, ok := one.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// without is a server's words without a token that it perhaps repeats.
func without(text string, token object.Sensitive) string {
	return plain(strings.ReplaceAll(text, token.Reveal(), "…"))
}

func plain(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
