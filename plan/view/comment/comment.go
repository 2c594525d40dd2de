// Package comment writes a plan, or why there is none, as the comment of a pull request: what
// plan/view has as Markdown, between a marker by which the comment is found again and a
// footer that says what it is of.
//
// It talks to no forge and reads nothing but the plan. It is imported by cmd.
package comment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/words"
)

// Options are what a comment tells beside its plan. Every text of it may come from outside.
type Options struct {
	// Key tells the comments of one pull request apart: which configuration it is of, as a
	// rule its directory in the repository.
	Key string
	// Head and Base are the commits that the plan is of and that it is to go to; BaseBranch is
	// the branch that has Base. Empty ones are left out.
	Head, Base, BaseBranch string
	// Next is the command that carries the plan out; empty where there is none.
	Next string
	// Run is where the run that made the plan can be looked at: an https URL, or empty.
	Run string
	// Budget is how many bytes the comment may have, its marker included; 0 is
	// view.CommentLimit.
	Budget int
	// NoHTML: the forge shows HTML as text.
	NoHTML bool
}

// longestKey is how many bytes of a key are told; of a longer one its digest is.
const longestKey = 300

// Marker is the first line of a comment, which people do not see. It is the same for every
// plan of a configuration, and nothing in the key can end it.
func Marker(key string, noHTML bool) string {
	var b strings.Builder
	for _, c := range []byte(key) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '/', c == '.', c == '_':
			b.WriteByte(c)
		case c == '-' && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	name := b.String()
	switch {
	case name == "":
		name = "."
	case len(name) > longestKey:
		sum := sha256.Sum256([]byte(key))
		name = "sha256:" + hex.EncodeToString(sum[:])
	}
	if noHTML {
		return "[//]: # (gantry:plan v1 key=" + name + ")"
	}
	return "<!-- gantry:plan v1 key=" + name + " -->"
}

// Budget is how long a comment is made where a forge allows so many characters: with room
// for what the forge itself adds.
func Budget(most int) int { return most - most/12 }

// Body writes the comment without its marker. Problems are what is wrong beside the plan; the
// plan may be nil where there is none for them.
func Body(p *plan.Plan, problems []plan.Problem, options Options) (string, error) {
	shown := Joined(p, problems)
	if options.Budget == 0 {
		options.Budget = view.CommentLimit
	}
	var out bytes.Buffer
	err := view.MarkdownWith(&out, &shown, view.MarkdownOptions{
		Budget: options.Budget - len(Marker(options.Key, options.NoHTML)) - len("\n"),
		Before: options.hidden(&shown), After: options.footer(&shown), Rest: options.rest(), NoHTML: options.NoHTML,
	})
	return out.String(), err
}

// Joined is a plan, which may be nil, with the problems beside it among its own, each once.
func Joined(p *plan.Plan, beside []plan.Problem) plan.Plan {
	out := plan.Plan{}
	if p != nil {
		out = *p
	}
	of := out.Problems
	out.Problems = slices.Clone(of)
	for _, problem := range beside {
		if !slices.ContainsFunc(of, func(known plan.Problem) bool {
			return known.Summary == problem.Summary && (known.Detail == problem.Detail || known.Range != "" && known.Range == problem.Range)
		}) {
			out.Problems = append(out.Problems, problem)
		}
	}
	return out
}

// hidden is what programs read of a comment.
func (o *Options) hidden(p *plan.Plan) string {
	if o.NoHTML {
		return ""
	}
	digest, head := p.Digest(), o.Head
	if !isHex(head) {
		head = ""
	}
	return fmt.Sprintf("<!-- gantry digest=%s head=%s -->\n", digest, head)
}

func isHex(text string) bool {
	return text != "" && strings.Trim(text, "0123456789abcdef") == ""
}

// rest says where what is left out can be read.
func (o *Options) rest() string {
	text := "The saved plan has everything"
	if link := o.run(); link != "" {
		text += ", and the page of " + link
	}
	return text + "."
}

// run is a link to the run; empty where there is none, or where it is no plain URL.
func (o *Options) run() string {
	rest, secure := strings.CutPrefix(o.Run, "https://")
	if !secure {
		rest, secure = strings.CutPrefix(o.Run, "http://")
	}
	if !secure || rest == "" || len(rest) > 500 || strings.ContainsFunc(rest, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~/:%?=&#", r)
	}) {
		return ""
	}
	return "[this run](" + o.Run + ")"
}

// footer tells what the comment is of.
func (o *Options) footer(p *plan.Plan) string {
	var lines []string
	lines = append(lines, lookedAt(p, o))
	if o.Next != "" && p.HasChanges() && !p.Offline {
		lines = append(lines, "To carry it out once it is merged: "+view.Code(cut(o.Next, 300)))
	}
	var parts []string
	part := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+view.Code(cut(value, 100)))
		}
	}
	part("plan", short(p.Digest()))
	part("inputs", short(p.InputDigest))
	part("head", short(o.Head))
	part("base", short(o.Base))
	part("into", o.BaseBranch)
	if !p.ExpiresAt.IsZero() {
		parts = append(parts, "expires "+p.ExpiresAt.UTC().Format("2006-01-02 15:04 MST"))
	}
	part("gantry", p.ToolVersion)
	if link := o.run(); link != "" {
		parts = append(parts, link)
	}
	if len(parts) > 0 {
		lines = append(lines, strings.Join(parts, " · "))
	}
	if o.NoHTML {
		return "\n---\n\n" + strings.Join(lines, "\n\n") + "\n"
	}
	return "\n<sub>" + strings.Join(lines, "<br>") + "</sub>\n"
}

// mostClusters is how many clusters a footer names.
const mostClusters = 10

// lookedAt tells what the plan was made of, so that "nothing to do" says of what.
func lookedAt(p *plan.Plan, o *Options) string {
	var clusters []string
	for _, c := range p.Clusters[:min(len(p.Clusters), mostClusters)] {
		clusters = append(clusters, view.Code(cut(c.Name, 100)))
	}
	if more := len(p.Clusters) - mostClusters; more > 0 {
		clusters = append(clusters, fmt.Sprintf("%d more", more))
	}
	text := "Looked at " + words.Counted(len(p.Applications), "application") + " with " + words.Counted(p.Counts().Total(), "object")
	if len(clusters) > 0 {
		text += " for " + words.Join(clusters)
	}
	where := o.Key
	if where == "" || where == "." {
		where = "the repository's root"
	} else {
		where = view.Code(cut(where, 300))
	}
	text += ", as configured in " + where
	if a := p.Affected; a != nil {
		text += ". Not looked at: " + words.Counted(len(a.Others), "application") + " with the inputs of " + view.Code(cut(a.Ref, 100)) + " at " + view.Code(short(a.Commit))
	}
	return text
}

// shortDigest is how many hexadecimal digits of a digest are shown.
const shortDigest = 12

// short is a digest or commit for people.
func short(text string) string {
	hash := strings.TrimPrefix(text, "sha256:")
	if !isHex(hash) || len(hash) < shortDigest {
		return text
	}
	return text[:len(text)-len(hash)+shortDigest]
}

// cut is a text of at most so many characters.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
