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
	}
}
