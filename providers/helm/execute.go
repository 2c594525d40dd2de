package helm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/Masterminds/sprig/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
)

// Limits on what templates make.
const (
	maxOutput   = 64 << 20 // bytes of all templates together
	maxSequence = 1 << 20  // numbers of until, untilStep and seq
	maxRepeat   = 16 << 20 // bytes of repeat
)

// execute runs the templates of a chart and returns their output by name.
func execute(ctx context.Context, c *chart.Chart, top common.Values, later time.Duration) (map[string]string, error) {
	files, err := await(ctx, func() (map[string]string, error) {
		functions := limitedFunctions(ctx)
		if later != 0 {
			maps.Copy(functions, laterFunctions(later))
		}
		e := engine.Engine{CustomTemplateFuncs: functions}
		return e.RenderWithContext(ctx, c, top)
	})
	if err != nil {
		return nil, err
	}
	size := 0
	for _, text := range files {
		size += len(text)
	}
	if size > maxOutput {
		return nil, fmt.Errorf("the templates make more than %d MiB", maxOutput>>20)
	}
	return files, nil
}

// await runs what cannot be stopped: when the context ends first, await returns
// and leaves it to end by itself; nothing reads its result.
func await[T any](ctx context.Context, run func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := run()
		done <- outcome{value, err}
	}()
	select {
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	case result := <-done:
		return result.value, result.err
	}
}

var errTooLong = errors.New("makes too much for a template")

// limitedFunctions are the functions of a template that make much of little,
// with a limit, and with a look at the context.
func limitedFunctions(ctx context.Context) map[string]any {
	all := sprig.TxtFuncMap()
	limited := map[string]any{}
	if until, ok := all["until"].(func(int) []int); ok {
		limited["until"] = func(count int) ([]int, error) {
			if err := checkLength(ctx, count, maxSequence); err != nil {
				return nil, err
			}
			return until(count), nil
		}
	}
	if untilStep, ok := all["untilStep"].(func(int, int, int) []int); ok {
		limited["untilStep"] = func(start, stop, step int) ([]int, error) {
			if err := checkSteps(ctx, start, stop, step); err != nil {
				return nil, err
			}
			return untilStep(start, stop, step), nil
		}
	}
	if seq, ok := all["seq"].(func(...int) string); ok {
		limited["seq"] = func(bounds ...int) (string, error) {
			start, stop, step := seqBounds(bounds)
			if err := checkSteps(ctx, start, stop, step); err != nil {
				return "", err
			}
			return seq(bounds...), nil
		}
	}
	if repeat, ok := all["repeat"].(func(int, string) string); ok {
		limited["repeat"] = func(count int, text string) (string, error) {
			if err := checkLength(ctx, count, maxRepeat/max(1, len(text))); err != nil {
				return "", err
			}
			return repeat(count, text), nil
		}
	}
	return limited
}

func checkLength(ctx context.Context, length, limit int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if length > limit || -length > limit {
		return errTooLong
	}
	return nil
}

func checkSteps(ctx context.Context, start, stop, step int) error {
	if step == 0 {
		return checkLength(ctx, 0, maxSequence)
	}
	return checkLength(ctx, (stop-start)/step, maxSequence)
}

// seqBounds reads the arguments of seq: (last), (first, last), (first, step, last).
func seqBounds(bounds []int) (start, stop, step int) {
	switch len(bounds) {
	case 1:
		return 1, bounds[0], 1
	case 2:
		return bounds[0], bounds[1], 1
	case 3:
		return bounds[0], bounds[2], bounds[1]
	default:
		return 0, 0, 1
	}
}
