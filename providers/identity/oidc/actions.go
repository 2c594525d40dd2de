package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gantrycd/gantry/plan/object"
)

// Actions is where a job of GitHub Actions, or of what speaks as it does, gets an ID token:
// ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN of its environment. A job
// has them with `permissions: id-token: write`.
type Actions struct {
	URL   string
	Token object.Sensitive
}

// Request gets a token for an audience.
func (a Actions) Request(ctx context.Context, audience string, options Options) (object.Sensitive, error) {
	address, err := secured(a.URL)
	if err != nil {
		return "", fmt.Errorf("ACTIONS_ID_TOKEN_REQUEST_URL is not taken: %w", err)
	}
	query := address.Query()
	query.Set("audience", audience)
	address.RawQuery = query.Encode()
	if options.Timeout == 0 {
		options.Timeout = defaultTimeout
	}
	client, err := newClient("", options)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return "", fmt.Errorf("asking for the job's token: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+a.Token.Reveal())
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("the job's token cannot be got: %s", plain(reason(err).Error()))
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", fmt.Errorf("the job's token cannot be got: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the job's token cannot be got: the server answers %s", plain(response.Status))
	}
	var got struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Value == "" {
		return "", errors.New("the job's token cannot be got: the server gives none")
	}
	return object.Sensitive(got.Value), nil
}
