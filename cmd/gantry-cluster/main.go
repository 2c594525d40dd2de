// Command gantry-cluster runs a Kubernetes control plane with simulated nodes
// on this machine: etcd, kube-apiserver, kube-controller-manager,
// kube-scheduler and kwok are linked into this one binary, which starts itself
// once more for each of them.
//
// It is a Go module of its own: what it links must never reach the module of
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
