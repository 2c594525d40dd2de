// Package process tells who this process is, as the holder of a lease, and
// whether another holder on this machine has ended.
//
// It reads the environment, so only commands call it; state itself is given the
// answers.
package process

import (
	"os"
	"os/user"
	"time"

	"github.com/gantrycd/gantry/state"
)

// Self returns this process as a holder: the machine's user and name, and the
// command that runs, "gantry apply".
func Self(command string, now time.Time) state.Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	who := "unknown user"
	if current, err := user.Current(); err == nil {
		who = current.Username
	}
	return state.Holder{
		Who: who + "@" + host, Command: command, PID: os.Getpid(), Host: host, Machine: machine(), Started: now.UTC(),
	}
}

// Dead reports whether a holder ran on this machine, since it last started and
// in this process table, and has ended. False where that cannot be known.
func Dead(holder state.Holder) bool {
	here := machine()
	return here != "" && holder.Machine == here && holder.PID > 0 && ended(holder.PID)
}
