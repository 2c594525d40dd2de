package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gantrycd/gantry/plan/target"
)

func (r *Reader) file(from *target.FileSecret) (string, error) {
	path := from.Path
	if below, ok := strings.CutPrefix(path, "~/"); ok && r.options.Home != "" {
		path = filepath.Join(r.options.Home, below)
	} else if !filepath.IsAbs(path) {
		path = filepath.Join(r.options.Dir, path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no file %s", path)
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("the file %s may not be read", path)
	case err != nil:
		return "", err
	case !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0:
		return "", fmt.Errorf("%s is not a file", path)
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return "", fmt.Errorf("the file %s may not be read", path)
	}
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSize+3)) // with a line break
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return string(text), err
}
