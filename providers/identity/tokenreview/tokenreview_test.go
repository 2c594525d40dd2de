package tokenreview_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/identity/tokenreview"
)

// server answers reviews as it is told to.
type server struct {
	providers.Cluster
	status map[string]any
	err    error
	sent   object.Object
}

func (s *server) Create(_ context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	s.sent = r.Object
	return providers.ApplyResult{Object: object.Object{"status": s.status}}, s.err
}

const token = object.Sensitive("eyJ-a-token-of-a-service-account")

// TestAnswers: only an answer that says all of it counts. That real servers answer so is
// tested by the script identity_cluster of the command line.
func TestAnswers(t *testing.T) {
	user := map[string]any{"username": "system:serviceaccount:ci:deployer", "groups": []any{"system:serviceaccounts:ci", "system:authenticated"}}
	good := func(changes map[string]any) map[string]any {
		out := map[string]any{"authenticated": true, "audiences": []any{"gantry"}, "user": user}
		for name, value := range changes {
			out[name] = value
		}
		return out
	}
	for name, test := range map[string]struct {
		status map[string]any
		err    error
		want   string // of the error; empty is none
	}{
		"good":                    {good(nil), nil, ""},
		"not authenticated":       {good(map[string]any{"authenticated": false}), nil, "does not take the token for the audience \"gantry\""},
		"authenticated is text":   {good(map[string]any{"authenticated": "true"}), nil, "does not take the token"},
		"with a reason":           {map[string]any{"error": "token is\nexpired"}, nil, "does not take the token: token is expired"},
		"no status":               {nil, nil, "does not take the token"},
		"no audiences":            {good(map[string]any{"audiences": nil}), nil, "does not say that the token is for"},
		"other audiences":         {good(map[string]any{"audiences": []any{"https://kubernetes.default.svc"}}), nil, "does not say that the token is for"},
		"a person":                {good(map[string]any{"user": map[string]any{"username": "alice", "groups": []any{"system:masters"}}}), nil, "no service account"},
		"nobody":                  {good(map[string]any{"user": nil}), nil, "no service account"},
		"not allowed to ask":      {nil, fmt.Errorf("tokenreviews: %w", providers.ErrForbidden), "system:auth-delegator"},
		"the server is not there": {nil, errors.New("connection refused"), "could not be asked who has the token: connection refused"},
		"it repeats the token":    {nil, fmt.Errorf("invalid: %s", token.Reveal()), "invalid: …"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := &server{status: test.status, err: test.err}
			got, err := tokenreview.Verify(t.Context(), cluster, identity.Cluster{Name: "cluster.production", Audience: "gantry"}, token)
			if test.want != "" {
				if err == nil || got.Verified || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), token.Reveal()) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v %+v", err, got)
				}
				return
			}
			if err != nil || !got.Verified || got.Subject != "system:serviceaccount:ci:deployer" || got.Issuer != "cluster.production" || !slices.Equal(got.Groups, []string{"system:authenticated", "system:serviceaccounts:ci"}) {
				t.Errorf("%v %+v", err, got)
			}
			spec, _ := cluster.sent["spec"].(map[string]any)
			if spec["token"] != token.Reveal() || fmt.Sprint(spec["audiences"]) != "[gantry]" {
				t.Error("not asked about the token and its audience")
			}
		})
	}
	if _, err := tokenreview.Verify(t.Context(), &server{status: good(nil)}, identity.Cluster{Name: "cluster.production"}, token); err == nil {
		t.Error("a token for any audience counts")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(os.ErrDeadlineExceeded)
	if _, err := tokenreview.Verify(ctx, &server{err: errors.New("cut")}, identity.Cluster{Name: "cluster.production", Audience: "gantry"}, token); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
