package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// windowOptions are the flags about sync windows, of what changes applications.
type windowOptions struct {
	manual, override bool
	reason           string
	wait             string // "" is not to wait, forever to wait for any time
}

// forever is what --wait-for-window is without a time.
const forever = "forever"

func (o *windowOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVar(&o.manual, "manual", false, "a person has started it: sync windows with manual_sync let it pass, as they do where the question is answered at a terminal")
	flags.BoolVar(&o.override, "override-window", false, "apply whatever sync windows say; give a --reason, which is in the audit log")
	flags.StringVar(&o.reason, "reason", "", "why sync windows are not heeded, or nobody is asked for approval, in a `text` for the audit log")
	flags.StringVar(&o.wait, "wait-for-window", "", "wait until all that changes may be applied, by its sync windows: for at most a `time` as in --wait-for-window=8h, without one as long as it takes")
	flags.Lookup("wait-for-window").NoOptDefVal = forever
	complete(command, "reason", fixedCompletions())
	complete(command, "wait-for-window", fixedCompletions("1h", "8h", "24h", "72h"))
	takes := command.Args
	command.Args = func(cmd *cobra.Command, args []string) error {
		if err := o.misplaced(args); err != nil {
			return err
		}
		return takes(cmd, args)
	}
}

// misplaced refuses how long to wait where it is no part of the flag, and would be taken for
// something else: a plan file, say.
func (o *windowOptions) misplaced(args []string) error {
	for _, arg := range args {
		if most, err := time.ParseDuration(arg); o.wait == forever && err == nil && most > 0 {
			return fmt.Errorf("how long to wait is a part of the flag: write --wait-for-window=%s", arg)
		}
	}
	return nil
}

// most is how long to wait; 0 is for any time.
func (o *windowOptions) most() (time.Duration, error) {
	if o.wait == "" || o.wait == forever {
		return 0, nil
	}
	most, err := time.ParseDuration(o.wait)
	if err != nil || most <= 0 {
		return 0, fmt.Errorf("--wait-for-window is %q, and must be how long to wait, like 8h", o.wait)
	}
	return most, nil
}

// check refuses flags that do not go together; reasoned says that the reason is of another
// flag, too.
func (o *windowOptions) check(command string, reasoned bool) error {
	_, err := o.most()
	switch {
	case err != nil:
	case o.override && strings.TrimSpace(o.reason) == "":
		err = errors.New("say why sync windows are not heeded: --override-window --reason TEXT. It is in the audit log")
	case reasoned && strings.TrimSpace(o.reason) == "":
		err = errors.New("say why nobody is asked for approval: --override-approval --reason TEXT. It is in the audit log")
	case !o.override && !reasoned && o.reason != "":
		err = errors.New("--reason is for --override-window and --override-approval")
	case o.override && o.wait != "":
		err = errors.New("--override-window does not wait: leave out --wait-for-window")
	}
	if err != nil {
		return &usageError{command: command, err: err}
	}
	return nil
}

// give tells an apply what was said of sync windows.
func (o *windowOptions) give(options *engine.ApplyOptions, answered bool) {
	options.Manual = o.manual || answered
	if o.override {
		options.OverrideWindow = strings.TrimSpace(o.reason)
	}
}

// awaitWindow waits until all that a plan changes may be applied, where that was asked for.
func (w *work) awaitWindow(ctx context.Context, p *plan.Plan, options engine.ApplyOptions) error {
	most, err := w.options.windows.most()
	if w.options.windows.wait == "" || err != nil {
		return err
	}
	err = w.engine.AwaitWindows(ctx, p, options, most, func(waiting engine.Waiting) {
		if w.cli.notices == nil || w.cli.json {
			return
		}
		names := make([]string, len(waiting.Applications))
		for i, address := range waiting.Applications {
			names[i] = address.String()
		}
		if more := len(names) - mostAlike; more > 0 {
			names = append(names[:mostAlike], words.Counted(more, "other"))
		}
		fmt.Fprintf(w.cli.notices, "Waiting until %s for the sync window of %s. Nothing is held meanwhile; Ctrl-C ends it.\n",
			waiting.Until.Format("Mon 2006-01-02 15:04 MST"), printable(words.Join(names)))
	})
	if errors.Is(err, engine.ErrNoWindow) {
		why := errors.New(strings.TrimPrefix(err.Error(), engine.ErrNoWindow.Error()+": ")) // which is the summary
		w.cli.printDiagnostics(w.files, errorDiagnostic("No sync window to wait for", sentence(why)))
		return exitCode(exitWindow)
	}
	return err
}

// outsideWindow reports whether something was not applied, and nothing for another reason
// than its sync window.
func outsideWindow(result *engine.Result) bool {
	outside := false
	for _, o := range result.Applications {
		switch {
		case o.Outcome == engine.OutcomeSucceeded:
		case o.OutsideWindow:
			outside = true
		default:
			return false
		}
	}
	return outside
}
