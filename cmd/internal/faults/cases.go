package main

// cases are the faults of the page, in its order.
func cases() []faultCase {
	return []faultCase{
		{
			"the process is killed at each system call of a write of the local backend", "old or new record readable, always",
			[]string{"./state/local"},
			[]string{"TestKilledAtEachSystemCall"},
		},
		{
			"disk full at each write, EIO on fsync, read-only file system", "state intact, the write fails",
			[]string{"./state/local"},
			[]string{"TestErrorsOfTheDisk", "TestAReadOnlyFileSystem", "TestAFullDiskKeepsTheOldValue", "TestAFullFileSystemKeepsTheOldValue"},
		},
		{
			"PostgreSQL killed while it is written to, and started again", "0 lost or doubled serials",
			[]string{"./state/postgres"},
			[]string{"TestRestarts"},
		},
		{
			"the API server of the Kubernetes backend killed or away while it is written to, with all connections", "0 lost or doubled serials",
			[]string{"./state/kubernetes"},
			[]string{"TestRestarts", "TestKilledServer"},
		},
		{
			"answers to writes lost: of PostgreSQL and of the API server", "what took place is found out by reading, or said to be unknown",
			[]string{"./state/postgres", "./state/kubernetes"},
			[]string{"TestServer", "TestCutWrites"},
		},
	}
}
