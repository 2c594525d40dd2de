package process_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/process"
)

func TestSelfLives(t *testing.T) {
	self := process.Self("gantry apply", time.Now())
	if self.PID != os.Getpid() || self.Who == "" || self.Host == "" || self.Command != "gantry apply" {
		t.Errorf("Self = %+v", self)
	}
	if process.Dead(self) {
		t.Error("this process is dead")
	}
}

func TestAnEndedProcessIsDead(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("not known on this platform")
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), binary, "-test.run=^$")
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	holder := process.Self("", time.Now())
	holder.PID = child.Process.Pid
	if !process.Dead(holder) {
		t.Error("an ended process lives")
	}
	elsewhere := holder
	elsewhere.Machine = "another machine"
	nowhere := holder
	nowhere.Machine = ""
	unnumbered := holder
	unnumbered.PID = 0
	for _, unknown := range []state.Holder{elsewhere, nowhere, unnumbered} {
		if process.Dead(unknown) {
			t.Errorf("%+v is called dead, which cannot be known", unknown)
		}
	}
}
