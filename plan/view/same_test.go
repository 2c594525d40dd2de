package view_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/html"
)

// TestFoldedApplicationsTellWhereTheyGoAndWhatTheyAreMadeOf: what is the same in all
// stands once, what is not stands with each.
func TestFoldedApplicationsTellWhereTheyGoAndWhatTheyAreMadeOf(t *testing.T) {
	p := sameExample()
	p.Applications[3].Cluster = "staging"
	other := overlay
	other.Resolved = strings.Repeat("e", 40)
	p.Applications[3].Sources = []source.Pin{other}
	p.Applications[4].Sources = append(p.Applications[4].Sources, source.Pin{Location: source.Location{Type: source.Directory, URL: "./four"}})
	var text bytes.Buffer
	if err := view.Text(&text, p, view.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, shown := range map[string]string{"text": text.String(), "Markdown": markdown(t, p, 0)} {
		for _, want := range []string{
			`in application\.team\["team-00"\] \(production, team-00\), \["team-01"\] \(production, team-01\)`,
			`\["team-11"\] \(production, team-11\)\n     git \S+ @ main \(3f9c2ab\)  was 81d04c7\n`,
			`\n  in application\.team\["team-03"\] \(staging, team-03\)\n     git \S+ @ main \(eeeeeee\)  was 81d04c7\n`,
		} {
			if !regexp.MustCompile(want).MatchString(shown) {
				t.Errorf("%s has no %s:\n%s", name, want, shown)
			}
		}
		if n := strings.Count(shown, "  in application.team"); n != 4 {
			t.Errorf("%s: %d lists of applications, want one for each revision of both changes", name, n)
		}
	}
	var page bytes.Buffer
	if err := html.Write(&page, p, html.Options{}); err != nil {
		t.Fatal(err)
	}
	if want := `<code class="">application.team[&#34;team-03&#34;]</code><span class="of"> (staging, team-03)</span>`; !strings.Contains(page.String(), want) {
		t.Errorf("the page has no %s", want)
	}
}

// TestOfOneDirectoryIsTold: directories are told only where all are made of the same.
func TestOfOneDirectoryIsTold(t *testing.T) {
	for _, c := range []struct {
		name string
		of   func(i int) string
		want bool
	}{
		{"one", func(int) string { return "./apps" }, true},
		{"each its own", func(i int) string { return "./apps/" + string(rune('a'+i)) }, false},
	} {
		p := sameExample()
		for i := range p.Applications {
			p.Applications[i].Sources = []source.Pin{{Location: source.Location{Type: source.Directory, URL: c.of(i)}}}
		}
		var text bytes.Buffer
		if err := view.Text(&text, p, view.Options{}); err != nil {
			t.Fatal(err)
		}
		folded, _, _ := strings.Cut(text.String(), "\napplication.team")
		if got := strings.Contains(folded, "directory ./apps"); got != c.want || strings.Count(folded, "  in application.team") != 2 {
			t.Errorf("%s: a directory is told: %v\n%s", c.name, got, folded)
		}
	}
}

// TestAGroupOfManyStaysInAComment: where there is no room for their names, they are
// counted.
func TestAGroupOfManyStaysInAComment(t *testing.T) {
	p := base()
	for i := range 3000 {
		key := fmt.Sprintf("a-team-with-a-long-name-%04d", i)
		a := web(change(plan.Update, "ConfigMap", "settings", changed("data.level", "info", "debug")))
		a.Changes[0].ID.Namespace = key
		a.Address, a.Name, a.Namespace = addr.Application("team").Instance(key), key, key
		p.Applications = append(p.Applications, a)
	}
	text := markdown(t, p, view.CommentLimit)
	if len(text) > view.CommentLimit || !strings.Contains(text, "~ data.level: info → debug") || !strings.Contains(text, "2990 more\n") || strings.Contains(text, "not shown:") {
		t.Errorf("%d bytes:\n%.2000s", len(text), text[strings.Index(text, "not in this table"):])
	}
	if whole := markdown(t, p, 0); strings.Contains(whole, " more\n") || !strings.Contains(whole, "(production, a-team-with-a-long-name-2999)") {
		t.Error("some are not named although there is room")
	}
}
