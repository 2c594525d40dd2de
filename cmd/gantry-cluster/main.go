// Command gantry-cluster runs a Kubernetes control plane with simulated nodes
// on this machine: etcd, kube-apiserver, kube-controller-manager,
// kube-scheduler and kwok are linked into this one binary, which starts itself
// once more for each of them.
//
// Build it with build.sh: without the build tag that it sets, the servers are left
// out. It is a Go module of its own: what it links must never reach the module of
// gantry.
package main

import (
	"os"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/cli"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/linked"
)

func main() {
	os.Exit(cli.Run(os.Args, linked.Programs(), os.Stdout, os.Stderr))
}
