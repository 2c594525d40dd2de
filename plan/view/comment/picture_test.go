package comment

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// The picture of the comment for docs/pull-requests.md, and the digest of the page that it
// was taken of.
const (
	picture       = "../../../docs/images/comment.png"
	pictureDigest = "testdata/picture.sha256"
)

// likeAForge is a stylesheet that looks as forges do.
//
//go:embed testdata/picture.css
var likeAForge string

// pictured is the page that the picture is taken of: the golden comment, as a forge that
// knows GitHub's Markdown shows it.
func pictured(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "shop.md"))
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	page.WriteString("<!doctype html><meta charset=utf-8><title>comment</title><style>" + likeAForge + "</style>\n<div id=comment><header><b>gantry-planner</b> commented</header>\n<article>\n")
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := markdown.Convert(text, &page); err != nil {
		t.Fatal(err)
	}
	page.WriteString("</article></div>\n")
	// What is folded is open, and a diff has colours, as on a forge.
	opened := bytes.ReplaceAll(page.Bytes(), []byte("<details>"), []byte("<details open>"))
	return regexp.MustCompile(`(?m)^([-+!]) .*$`).ReplaceAllFunc(opened, func(line []byte) []byte {
		return fmt.Appendf(nil, `<span class="%s">%s</span>`, map[byte]string{'-': "out", '+': "in", '!': "other"}[line[0]], line)
	})
}

// TestThePictureInTheDocs takes the picture with -update. That the comment of today is the
// one that was taken is told by the digest of its page, not by pixels, which depend on the
// fonts of a machine; with GANTRY_SOAK it is taken again, and must show something.
func TestThePictureInTheDocs(t *testing.T) {
	page := pictured(t)
	sum := sha256.Sum256(page)
	digest := hex.EncodeToString(sum[:]) + "\n"
	if *update {
		shot := screenshot(t, page)
		for name, content := range map[string][]byte{picture: shot, pictureDigest: []byte(digest)} {
			if err := os.WriteFile(name, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if kept, err := os.ReadFile(pictureDigest); err != nil || string(kept) != digest {
		t.Errorf("the comment is not the one in docs/images/comment.png: run go test ./plan/view/comment -run Picture -update where there is a Chromium (%v)", err)
	}
	shown, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if len(shown) > 200_000 {
		t.Errorf("the picture has %d bytes", len(shown))
	}
	checkPicture(t, shown)
	if os.Getenv("GANTRY_SOAK") == "" {
		return // part of make soak
	}
	checkPicture(t, screenshot(t, page))
}

// checkPicture holds a picture to being one, with something to see in all of its height.
func checkPicture(t *testing.T, content []byte) {
	t.Helper()
	shown, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	bounds := shown.Bounds()
	if bounds.Dx() < 600 || bounds.Dy() < 400 {
		t.Errorf("it has %v", bounds)
	}
	const parts = 8
	for part := range parts {
		strip := image.Rect(bounds.Min.X, bounds.Min.Y+part*bounds.Dy()/parts, bounds.Max.X, bounds.Min.Y+(part+1)*bounds.Dy()/parts)
		dark := 0
		for y := strip.Min.Y; y < strip.Max.Y; y++ {
			for x := strip.Min.X; x < strip.Max.X; x++ {
				if r, g, b, _ := shown.At(x, y).RGBA(); r < 0x8000 && g < 0x8000 && b < 0x8000 {
					dark++
				}
			}
		}
		if dark < 100 {
			t.Errorf("part %d of %d has %d dark points: nothing is in it", part+1, parts, dark)
		}
	}
}

// screenshot shows a page in a Chromium.
func screenshot(t *testing.T, page []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "comment.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []chromedp.ExecAllocatorOption{chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(filepath.Join(dir, "profile")), chromedp.WindowSize(960, 700)}
	for _, flag := range strings.Fields("headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync disable-dev-shm-usage hide-scrollbars") {
		flags = append(flags, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	ctx, end := chromedp.NewExecAllocator(ctx, append(flags, chromedp.WSURLReadTimeout(2*time.Minute))...)
	defer end()
	ctx, closeTab := chromedp.NewContext(ctx)
	defer closeTab()
	if err := chromedp.Do(ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String())); err != nil {
		t.Fatal(err)
	}
	height, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`Math.ceil(document.querySelector("#comment").getBoundingClientRect().bottom + 16)`))
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(960, height)); err != nil {
		t.Fatal(err)
	}
	shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	return shot
}

// chromium finds a Chromium; without one, what needs it is skipped.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("GANTRY_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium: install one, or name it in GANTRY_CHROMIUM")
	return ""
}
