// Command gantry plans and applies what Kubernetes clusters should run.
//
// This package is the command line alone: one file per command, the wiring of
// which implementations exist, and how plans, progress and diagnostics reach a
// terminal. What a library user would want is in the packages it calls.
package main

import (
	"context"
	"os"
)

func main() {
	c := &cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv, environ: os.Environ, notices: &notices{out: os.Stderr}}
	ctx, giveUp, stop := interruptible(context.Background(), c.notices, os.Exit)
	c.giveUp = giveUp
	code := c.guarded(func() int { return c.run(ctx, os.Args[1:]) })
	stop()
	os.Exit(code)
}
