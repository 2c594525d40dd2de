package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/gantrycd/gantry/engine/forges"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/providers"
)

// ReadPulls asks a forge for a generator.
func (r reader) ReadPulls(ctx context.Context, place eval.ForgePlace) ([]eval.Pull, error) {
	var pulls []eval.Pull
	err := r.askForge(ctx, place, func(opened providers.ForgePlace) error {
		forge, err := r.engine.options.Forges.Repository(opened)
		if err == nil {
			pulls, err = forges.Pulls(ctx, forge)
		}
		return err
	})
	return pulls, err
}

// ReadRepositories asks a forge for a generator.
func (r reader) ReadRepositories(ctx context.Context, place eval.ForgePlace, query eval.RepositoryQuery) ([]eval.RepositoryBranch, error) {
	var found []eval.RepositoryBranch
	err := r.askForge(ctx, place, func(opened providers.ForgePlace) error {
		owner, err := r.engine.options.Forges.Owner(opened)
		if err == nil {
			found, err = forges.Repositories(ctx, owner, query)
		}
		return err
	})
	return found, err
}

// askForge reads what logs in, and tells of what is asked.
func (r reader) askForge(ctx context.Context, place eval.ForgePlace, ask func(providers.ForgePlace) error) error {
	if r.engine.options.Forges == nil {
		return fmt.Errorf("%w: asking forges is not built in", providers.ErrUnsupported)
	}
	opened := providers.ForgePlace{Type: place.Type, URL: place.URL, Name: place.Name, Username: place.Username, CAData: place.CAData}
	if !place.Token.IsZero() {
		if place.Token.Secret != nil && r.engine.options.Secrets == nil {
			return errors.New("no secrets can be read here, which the token is in")
		}
		var err error
		if place.Token.Secret == nil {
			opened.Token = place.Token.Value
		} else if opened.Token, err = r.engine.options.Secrets.Read(ctx, place.Token.Secret); err != nil {
			return fmt.Errorf("the token: %w", err)
		}
	}
	subject := place.Type + " " + place.Name
	r.engine.emit(Event{Kind: EventOpening, Subject: subject})
	if err := ask(opened); err != nil {
		return err
	}
	r.engine.emit(Event{Kind: EventOpened, Subject: subject})
	return nil
}
