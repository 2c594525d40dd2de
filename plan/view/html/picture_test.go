package html_test

import (
	"flag"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "take the picture in the documentation anew")

// picture is the page of estate, for docs/reports.md.
const picture = "../../../docs/images/plan.png"

// TestThePictureInTheDocs takes the picture with -update. That it shows the page of
// today is for people to see: pixels depend on the fonts of a machine.
func TestThePictureInTheDocs(t *testing.T) {
	if *update {
		b := open(t, estate())
		b.do(`for (const a of document.querySelectorAll(".app")) a.open = a.dataset.app === "application.web";
			for (const o of document.querySelectorAll(".app[open] .o")) o.open = true;
			document.documentElement.style.overflow = "hidden"; undefined`)
		b.run(chromedp.EmulateViewport(1180, 1500))
		b.until(`document.querySelectorAll(".app[open] pre").length > 2`)
		shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(picture, shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(picture)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() == 0 || info.Size() > 300_000 {
		t.Errorf("the picture has %d bytes", info.Size())
	}
}
