package git

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/gantrycd/gantry/providers/sourcetest"
)

// BenchmarkRead opens a repository of 10,000 files in 1,000 directories and reads
// them all: the part of a plan that is git's.
func BenchmarkRead(b *testing.B) {
	files := sourcetest.Files{}
	for i := range 1000 {
		for j := range 10 {
			files[fmt.Sprintf("apps/app-%d/object-%d.yaml", i, j)] = sourcetest.File{Content: fmt.Sprintf("kind: ConfigMap\nn: %d\n", i*10+j)}
		}
	}
	u := newRepository(b)
	u.commit(b, files, "many")
	for _, form := range []string{"loose", "packed"} {
		b.Run(form, func(b *testing.B) {
			if form == "packed" {
				u.git(b, "gc", "-q")
			}
			for b.Loop() {
				s := u.newSource(b)
				snapshot, err := s.Open(b.Context(), u.location)
				if err != nil {
					b.Fatal(err)
				}
				read := 0
				err = fs.WalkDir(snapshot.FS, ".", func(name string, d fs.DirEntry, err error) error {
					if err != nil || d.IsDir() {
						return err
					}
					read++
					_, err = fs.ReadFile(snapshot.FS, name)
					return err
				})
				if err != nil || read != len(files) {
					b.Fatalf("%d files, %v", read, err)
				}
			}
		})
	}
}
