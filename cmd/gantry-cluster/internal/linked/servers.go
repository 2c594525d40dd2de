//go:build gantry_servers

package linked

import (
	"context"
	"fmt"
	"os"
	_ "time/tzdata" // time zones of CronJobs, on machines without them

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // the JSON log format
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // metrics of the clients
	_ "k8s.io/component-base/metrics/prometheus/version"  // the version metric
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kwokconfig "sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	kwoklog "sigs.k8s.io/kwok/pkg/log"
)

// Programs returns the servers by the names that the supervisor starts them
// with. Each takes the arguments that its own command line would have had and
// returns the exit status of the process, if it returns at all.
func Programs() map[string]func(args []string) int {
	return map[string]func([]string) int{
		"etcd": runEtcd,
		"kube-apiserver": func(args []string) int {
			return runKubernetes(apiserver.NewAPIServerCommand(), args)
		},
		"kube-controller-manager": func(args []string) int {
			return runKubernetes(controllermanager.NewControllerManagerCommand(), args)
		},
		"kube-scheduler": func(args []string) int {
			return runKubernetes(scheduler.NewSchedulerCommand(), args)
		},
		"kwok": runKwok,
	}
}

func runEtcd(args []string) int {
	etcdmain.Main(append([]string{"etcd"}, args...))
	return 0
}

func runKubernetes(command *cobra.Command, args []string) int {
	command.SetArgs(args)
	return cli.Run(command)
}

// runKwok starts kwok as its own main function does: its configuration is read
// from os.Args by two flag sets before its command exists.
func runKwok(args []string) int {
	os.Args = append([]string{"kwok"}, args...)
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}

	ctx, _ := kwoklog.InitFlags(context.Background(), flags)
	ctx, err := kwokconfig.InitFlags(ctx, flags)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kwok: reading the configuration:", err)
		return 1
	}
	command := kwok.NewCommand(ctx)
	// cobra would look for a boolean flag "version" of its own; here component-base
	// has registered one of another type.
	command.Version = ""
	command.PersistentFlags().AddFlagSet(flags)
	if err := command.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "kwok:", err)
		return 1
	}
	return 0
}
