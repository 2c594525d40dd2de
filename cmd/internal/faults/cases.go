package main

// cases are the faults of the page, in its order.
func cases() []faultCase {
	return []faultCase{
		{
			"the process is killed at each point of an apply, at the first, a middle and the last object", "converges on the next run, the third plan is empty, nothing orphaned or done twice",
			[]string{"./engine/crash"},
			[]string{"TestKilledAtEachPoint"},
			false,
		},
		{
			"the process is killed at random", "0 violations",
			[]string{"./engine/crash"},
			[]string{"TestKilledAtRandom"},
			false,
		},
		{
			"crashes, lost answers and lost locks by seeded schedules, simulated", "0 violations",
			[]string{"./engine/crash"},
			[]string{"TestSimulatedFaults"},
			true,
		},
		{
			"the process is killed at each system call of a write of the local backend", "old or new record readable, always",
			[]string{"./state/local"},
			[]string{"TestKilledAtEachSystemCall"},
			false,
		},
		{
			"a process is stopped in the middle of a write of the local backend, at each system call and at random", "others go on, 0 writes lost or doubled when it does",
			[]string{"./state/local"},
			[]string{"TestStoppedAtEachSystemCall", "TestStoppedProcesses"},
			false,
		},
		{
			"disk full at each write, EIO on fsync, read-only file system", "state intact, the write fails",
			[]string{"./state/local"},
			[]string{"TestErrorsOfTheDisk", "TestAReadOnlyFileSystem", "TestAFullDiskKeepsTheOldValue", "TestAFullFileSystemKeepsTheOldValue"},
			false,
		},
		{
			"PostgreSQL killed while it is written to, and started again", "0 lost or doubled serials",
			[]string{"./state/postgres"},
			[]string{"TestRestarts"},
			false,
		},
		{
			"the API server of the Kubernetes backend killed or away while it is written to, with all connections", "0 lost or doubled serials",
			[]string{"./state/kubernetes"},
			[]string{"TestRestarts", "TestKilledServer"},
			false,
		},
		{
			"answers to writes lost: of PostgreSQL and of the API server", "what took place is found out by reading, or said to be unknown",
			[]string{"./state/postgres", "./state/kubernetes"},
			[]string{"TestServer", "TestCutWrites"},
			false,
		},
		{
			"many applies of one application at once, with the state in every backend", "one at a time, 0 interleaved writes",
			[]string{"./engine/crash"},
			[]string{"TestManyAppliesOfOneApplication"},
			false,
		},
		{
			"many clients take one lock and write, on every backend", "locks and writes have one order (porcupine)",
			[]string{"./state/memory", "./state/local", "./state/kubernetes", "./state/postgres", "./state/s3", "./state/http"},
			[]string{"TestLinearizable"},
			false,
		},
		{
			"the holder of a lock is stopped for longer than it lasts, and goes on", "0 of its state writes accepted; it says that it lost the lock",
			[]string{"./engine/crash"},
			[]string{"TestAStoppedHolderChangesNothingMore"},
			false,
		},
		{
			"the holder of a lock is dead", "free within the lease and 10 s, by no hand",
			[]string{"./engine/crash", "./state"},
			[]string{"TestADeadHolderIsFollowed", "TestADeadRunIsFree"},
			false,
		},
		{
			"clocks that are 24 h off, or set meanwhile", "no early take-over, no lock for ever",
			[]string{"./state"},
			[]string{"TestClocksThatDiffer24Hours", "TestAClockThatIsSetDuringALease"},
			false,
		},
		{
			"the S3 server killed while it is written to, and started again", "0 lost or doubled serials",
			[]string{"./state/s3"},
			[]string{"TestRestarts"},
			false,
		},
		{
			"the state cannot be written in the middle of an apply: no answer, a full disk, a read-only one", "the run stops, what is known is saved elsewhere and taken back",
			[]string{"./engine/crash"},
			[]string{"TestWhatCannotBeRecordedIsSaved", "TestDisksThatFail"},
			false,
		},
		{
			"an old backup restored into the backend", "noticed by the serial on the cluster, refused until told",
			[]string{"./engine"},
			[]string{"TestOlderState"},
			false,
		},
		{
			"a state of a newer format", "refused, and left as it is",
			[]string{"./state"},
			[]string{"TestAStateOfANewerGantryIsLeftAlone"},
			false,
		},
		{
			"a state of the first format", "read, and written in the form of today",
			[]string{"./engine", "./state"},
			[]string{"TestStateOfTheFirstFormat", "TestFilesOfTheFirstFormat", "TestStateThatAGantryOfTheFirstFormatWrote"},
			false,
		},
	}
}
