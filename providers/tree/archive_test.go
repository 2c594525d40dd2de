package tree

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// pack makes a tar archive of headers; regular files hold their name.
func pack(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, header := range headers {
		content := []byte(nil)
		if header.Typeflag == tar.TypeReg {
			content = []byte(strings.Repeat("x", int(header.Size)))
		}
		if header.Mode == 0 && header.Typeflag != tar.TypeXGlobalHeader {
			header.Mode = 0o644
		}
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zip(t testing.TB, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(name string, size int64) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Size: size}
}

func TestReadArchive(t *testing.T) {
	plain := pack(
		t, tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}},
		tar.Header{Name: "./", Typeflag: tar.TypeDir}, tar.Header{Name: "web/", Typeflag: tar.TypeDir}, file("web/Chart.yaml", 10),
		file("./web/deep/er/file", 3), tar.Header{Name: "web/run", Typeflag: tar.TypeReg, Mode: 0o755},
	)
	for name, archive := range map[string][]byte{"tar": plain, "gzip": zip(t, plain)} {
		t.Run(name, func(t *testing.T) {
			m, err := ReadArchive(bytes.NewReader(archive), Limits{Bytes: 13, FileBytes: 10, Files: 6, Ratio: 10})
			if err != nil {
				t.Fatal(err)
			}
			f := New(m, 0)
			for name, want := range map[string]int64{"web/Chart.yaml": 10, "web/deep/er/file": 3, "web/run": 0} {
				if i, err := f.Stat(name); err != nil || i.Size() != want {
					t.Errorf("%s: %v, %v", name, i, err)
				}
			}
		})
	}
}

func TestReadArchiveRefuses(t *testing.T) {
	limits := Limits{Bytes: 1 << 20, FileBytes: 1 << 19, Files: 3, Ratio: 100}
	good := zip(t, pack(t, file("a", 10)))
	broken := bytes.Clone(good)
	broken[len(broken)-5] ^= 1 // in gzip's checksum
	tests := []struct {
		name    string
		archive []byte
		want    string
		large   bool
	}{
		{"absolute", pack(t, file("/etc/passwd", 1)), "not a relative path", false},
		{"parent", pack(t, file("../x", 1)), "leads out of it", false},
		{"hidden parent", pack(t, file("a/../../x", 1)), "leads out of it", false},
		{"backslash", pack(t, file(`..\x`, 1)), "not a relative path", false},
		{"symlink", pack(t, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), "holds a link, l", false},
		{"hard link", pack(t, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "x"}), "holds a link, l", false},
		{"device", pack(t, tar.Header{Name: "d", Typeflag: tar.TypeBlock}), "neither a file nor a directory", false},
		{"fifo", pack(t, tar.Header{Name: "d", Typeflag: tar.TypeFifo}), "neither a file nor a directory", false},
		{"twice", pack(t, file("a", 1), file("a", 1)), "there twice", false},
		{"below a file", pack(t, file("a", 1), file("a/b", 1)), "below a file", false},
		{"file size", pack(t, file("a", 1<<19+1)), "the limit is", true},
		{"total size", pack(t, file("a", 1<<19), file("b", 1<<19), file("c", 1)), "more than 1048576 bytes", true},
		{"files", pack(t, file("a", 1), file("b", 1), file("c", 1), file("d", 1)), "more than 3 files", true},
		{"bomb", zip(t, pack(t, file("a", 1<<19), file("b", 1<<19))), "unpacks to more than", true},
		{"bomb after the end", zip(t, append(pack(t, file("a", 1)), make([]byte, 64<<20)...)), "unpacks to more than", true},
		{"empty", nil, "empty", false},
		{"no entries", pack(t), "empty", false},
		{"text", []byte("<html>not found</html>"), "damaged", false},
		{"cut in the tar", pack(t, file("a", 2000))[:1000], "cut short", false},
		{"cut in gzip", good[:len(good)-10], "cut short", false},
		{"checksum", broken, "damaged", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadArchive(bytes.NewReader(test.archive), limits)
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, ErrTooLarge) != test.large {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func FuzzReadArchive(f *testing.F) {
	f.Add(pack(f, file("a/b", 10), file("c", 0)))
	f.Add(zip(f, pack(f, file("web/Chart.yaml", 100))))
	f.Add(zip(f, pack(f, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc"})))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, archive []byte) {
		const limit = 1 << 16
		m, err := ReadArchive(bytes.NewReader(archive), Limits{Bytes: limit, FileBytes: limit, Files: 100, Ratio: 100})
		if err != nil {
			return
		}
		total := int64(0)
		err = fs.WalkDir(New(m, 0), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if !fs.ValidPath(name) || !d.Type().IsRegular() {
				t.Errorf("%q is %v", name, d.Type())
			}
			i, err := d.Info()
			total += i.Size()
			return err
		})
		if err != nil || total > limit {
			t.Errorf("%d bytes, %v", total, err)
		}
	})
}
