package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/notify"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
	services "github.com/gantrycd/gantry/providers/notify"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// notifyTimeout bounds one request to a service.
const notifyTimeout = 5 * time.Second

// notifiers returns what messages go by.
func notifiers() providers.Notifiers {
	return services.New(post.Options{Proxy: http.ProxyFromEnvironment, Timeout: notifyTimeout})
}

func newNotify(c *cli) *cobra.Command {
	command := &cobra.Command{
		Use:   "notify",
		Short: "Try out, deliver and look at messages about applications",
		Long: `Messages go to notifiers when triggers fire: who hears of what, notify blocks of projects
and applications say, and annotations of Argo CD. Each apply tells what comes of it.

Messages are written into the state before they are sent. One that a service does not take
is tried again by the next command that applies something, or by "gantry notify flush".`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newNotifyTest(c), newNotifyCheck(c), newNotifyFlush(c), newNotifyHistory(c))
	return command
}

// notifyTest is what notify test does.
type notifyTest struct {
	trigger, application string
	recipients           []string
	dryRun               bool
}

func newNotifyTest(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var how notifyTest
	command := &cobra.Command{
		Use:   "test NOTIFIER",
		Short: "Send a message to see that it arrives",
		Long: `Sends what a trigger says to one notifier, at once, whether its condition holds or not, and
remembers nothing. Without --application it is about an application that there is not.

The recipients are those that subscribe to the trigger there, or those of --recipient.
With --dry-run nothing is sent: what would be is shown.

Where there are roles, it needs the right to "apply" the application, or all of them without
--application; with --dry-run the right to "get".`,
		Example: `  gantry notify test notifier.slack.operations --recipient '#alerts'
  gantry notify test notifier.slack.operations --trigger on_sync_failed --application application.web
  gantry notify test notifier.email.operations --dry-run --json`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.notifyTest(cmd.Context(), &in, work, args[0], how)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return c.notifierNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
		},
	}
	in.register(c, command)
	work.registerReading(c, command)
	flags := command.Flags()
	if err := flags.MarkHidden("target"); err != nil {
		panic(err)
	}
	flags.StringVar(&how.trigger, "trigger", "on_deployed", "the `name` of the trigger whose message is sent")
	flags.StringVar(&how.application, "application", "", "the `address` of the application that it is about")
	flags.StringArrayVar(&how.recipients, "recipient", nil, "`whom` it goes to (may be repeated)")
	flags.BoolVar(&how.dryRun, "dry-run", false, "show what would be sent, and send nothing")
	complete(command, "trigger", fixedCompletions("on_created", "on_deleted", "on_deployed", "on_health_degraded", "on_sync_failed", "on_sync_running", "on_sync_status_unknown", "on_sync_succeeded"))
	complete(command, "application", c.targetCompletions())
	complete(command, "recipient", fixedCompletions())
	return command
}

// notifierNames are the notifiers of the configuration, for completion.
func (c *cli) notifierNames(ctx context.Context) []string {
	read, _, err := c.evaluate(ctx, &inputs{}, nil)
	if err != nil || read.config == nil {
		return nil
	}
	var out []string
	for _, n := range read.config.Notifiers {
		out = append(out, n.Address.String())
	}
	return out
}

// beginNotify begins a command about messages, which reads no sources, and tells what is wrong
// with the configuration. What is about all applications at once needs the right to all.
func (c *cli) beginNotify(ctx context.Context, in *inputs, options workOptions, right string, all bool) (*work, error) {
	options.sourceless, options.right, options.wholeState = true, right, all
	w, err := c.begin(ctx, in, options)
	if err != nil {
		return nil, err
	}
	w.progress.pause()
	c.printDiagnostics(w.files, w.diags)
	return w, nil
}

func (c *cli) notifyTest(ctx context.Context, in *inputs, options workOptions, name string, how notifyTest) error {
	right := access.Apply
	if how.dryRun {
		right = access.Get
	}
	about, err := addr.Parse(how.application)
	isAddress, needed := err == nil, right
	if isAddress {
		needed = "" // but of that application alone, below
	}
	w, err := c.beginNotify(ctx, in, options, needed, true)
	if err != nil {
		return err
	}
	defer w.end()
	if isAddress {
		if err := w.permitOne(ctx, right, about); err != nil {
			return err
		}
	}
	if err := failed(w.diags); err != nil {
		return err
	}
	trial, err := notify.NewTrial(w.config, notifiers(), notify.TrialOptions{
		Notifier: name, Trigger: how.trigger, Application: how.application, Recipients: how.recipients, At: time.Now(),
	})
	if err != nil {
		return failure("Message cannot be made", err)
	}
	if how.dryRun {
		return c.showTrial(trial)
	}
	sent, err := trial.Send(ctx, notifiers(), w.secrets)
	if c.json {
		if jsonErr := c.writeJSON(map[string]any{"sent": sent}); jsonErr != nil {
			return jsonErr
		}
	} else {
		for _, m := range sent {
			to := m.Notifier.String()
			if m.Recipient != "" {
				to += ", " + m.Recipient
			}
			if _, err := fmt.Fprintf(c.out, "%s: delivered\n", printable(to)); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return failure("Message was not delivered", err)
	}
	return nil
}

// showTrial shows what would be sent.
func (c *cli) showTrial(trial *notify.Trial) error {
	if c.json {
		return c.writeJSON(map[string]any{"messages": trial.Messages})
	}
	for _, m := range trial.Messages {
		to := m.Notifier.String()
		if m.Recipient != "" {
			to += ", " + m.Recipient
		}
		if _, err := fmt.Fprintf(c.out, "%s:\n  %s\n", printable(to), strings.ReplaceAll(printable(m.Text), "\n", "\n  ")); err != nil {
			return err
		}
	}
	return nil
}

func newNotifyFlush(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var timeout time.Duration
	var now bool
	command := &cobra.Command{
		Use:   "flush",
		Short: "Deliver the messages that wait",
		Long: `Delivers the messages that wait in the state and are due. What a service does not take
waits on, for a day at most. The exit code is 1 where messages were refused, or nobody
knows whether they arrived; what is left to wait is no error.`,
		Example: `  gantry notify flush
  gantry notify flush --now --timeout 2m`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.notifyFlush(cmd.Context(), &in, work, timeout, now)
		},
	}
	in.register(c, command)
	work.registerReading(c, command)
	if err := command.Flags().MarkHidden("target"); err != nil {
		panic(err)
	}
	command.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how `long` it delivers at most, beyond what is in flight")
	command.Flags().BoolVar(&now, "now", false, "try what was to be tried later, too")
	complete(command, "timeout", fixedCompletions("10s", "1m", "10m"))
	return command
}

func (c *cli) notifyFlush(ctx context.Context, in *inputs, options workOptions, timeout time.Duration, now bool) error {
	w, err := c.beginNotify(ctx, in, options, access.Apply, true)
	if err != nil {
		return err
	}
	defer w.end()
	return c.flush(ctx, w, timeout, now, -1)
}

// flush delivers what waits and tells what came of it; written, where not negative, is how
// many messages were written before.
func (c *cli) flush(ctx context.Context, w *work, timeout time.Duration, now bool, written int) error {
	var known []plan.Notifier
	for _, n := range w.config.Notifiers {
		known = append(known, notify.NotifierOf(n))
	}
	summary, err := w.engine.Outbox().Flush(ctx, notify.FlushOptions{Notifiers: known, Until: time.Now().Add(timeout), Now: now})
	if err != nil {
		return failure("Messages cannot be delivered", err)
	}
	if c.json {
		err = c.writeJSON(summary)
	} else {
		text := fmt.Sprintf("%d sent, %d refused, %d unsure, %d waiting.\n", summary.Sent, summary.Failed, summary.Unsure, summary.Waiting)
		if written >= 0 {
			text = fmt.Sprintf("%d to tell. ", written) + text
		}
		for _, problem := range summary.Problems {
			text += "  " + printable(problem) + "\n"
		}
		_, err = io.WriteString(c.out, text)
	}
	if err != nil {
		return err
	}
	if summary.Failed+summary.Unsure > 0 {
		return exitCode(exitError)
	}
	return nil
}

func newNotifyCheck(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "check",
		Short: "Tell what has become of applications since the last look",
		Long: `Looks at how applications are, as "gantry status" does, and tells whoever has subscribed to
what has changed: that one is degraded, or that its cluster cannot be read. Then it delivers
what waits, as "gantry notify flush" does. Run it on a schedule: between two applies
nothing else looks.`,
		Example: `  gantry notify check
  gantry notify check --timeout 30s --json`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.notifyCheck(cmd.Context(), &in, work, timeout)
		},
	}
	in.register(c, command)
	work.registerReading(c, command)
	if err := command.Flags().MarkHidden("target"); err != nil {
		panic(err)
	}
	command.Flags().DurationVar(&timeout, "timeout", time.Minute, "how `long` it delivers at most, beyond what is in flight")
	complete(command, "timeout", fixedCompletions("10s", "1m", "10m"))
	return command
}

func (c *cli) notifyCheck(ctx context.Context, in *inputs, options workOptions, timeout time.Duration) error {
	w, err := c.beginNotify(ctx, in, options, access.Apply, true)
	if err != nil {
		return err
	}
	defer w.end()
	written, diags := w.engine.NotifyNow(ctx, w.config)
	w.progress.pause()
	c.printDiagnostics(w.files, diags)
	if err := failed(diags); err != nil {
		return err
	}
	return c.flush(ctx, w, timeout, false, written)
}

func newNotifyHistory(c *cli) *cobra.Command {
	var limit int
	command := &cobra.Command{
		Use:   "history",
		Short: "Show the messages that were delivered, and those that wait",
		Long: `Shows the messages of the last applies, oldest first, and what came of each: "sent";
"waiting" for the next attempt; "sending", while a command is at it; "failed", where the
service refused it or did not take it for a day; "unsure", where the answer was lost, so
that nobody knows whether it arrived and it is not sent again. The state keeps 1,000.`,
		Example: `  gantry notify history
  gantry notify history --limit 5 --json`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.notifyHistory(cmd.Context(), limit) },
	}
	command.Flags().IntVar(&limit, "limit", 0, "show only the newest `N` (0 for all)")
	complete(command, "limit", fixedCompletions("10", "100"))
	return command
}

func (c *cli) notifyHistory(ctx context.Context, limit int) error {
	if limit < 0 {
		return &usageError{command: "gantry notify history", err: errors.New("--limit must not be negative")}
	}
	opened, err := c.openState(ctx, "gantry notify history")
	if err != nil {
		return err
	}
	outbox := notify.NewOutbox(notify.Options{Store: opened.records.Store(), Lineage: opened.records.Lineage()})
	deliveries, err := outbox.History(ctx)
	if err != nil && deliveries == nil {
		return failure("State cannot be read", err)
	}
	mayGet, permitErr := opened.mayGet(ctx)
	if permitErr != nil {
		return permitErr
	}
	deliveries = slices.DeleteFunc(deliveries, func(d notify.Delivery) bool {
		address, err := addr.Parse(d.Application)
		return err != nil && !opened.asker.rights.CheckAll(access.Get).Allowed || err == nil && !mayGet(address)
	})
	if limit > 0 {
		deliveries = deliveries[max(0, len(deliveries)-limit):]
	}
	if c.json {
		if deliveries == nil {
			deliveries = []notify.Delivery{}
		}
		return errors.Join(c.writeJSON(map[string]any{"format": 1, "deliveries": deliveries}), err)
	}
	if len(deliveries) == 0 {
		_, err := fmt.Fprintln(c.out, "Nobody was told of anything.")
		return err
	}
	for _, d := range deliveries {
		to := d.Notifier.String()
		if d.Recipient != "" {
			to += " " + d.Recipient
		}
		line := fmt.Sprintf("%s  %-7s  %s  %s  %s", d.At.Local().Format("2006-01-02 15:04:05"), d.State, d.Trigger, d.Application, to)
		if d.Error != "" {
			line += ": " + d.Error
		}
		if _, err := fmt.Fprintln(c.out, printable(line)); err != nil {
			return err
		}
	}
	return err
}
