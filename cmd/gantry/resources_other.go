//go:build !unix

package main

import "time"

// resources returns nothing: this platform does not tell.
func resources() (cpu time.Duration, memory int64) { return 0, 0 }
