package configtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
)

// expectation is one failure that a run expects: of a block, or with a message.
type expectation struct {
	address addr.Address
	text    string
	at      hcl.Range
	met     bool
}

// expected holds the errors to what the run expects. It returns whether the run's
// assertions can be looked at: the configuration is sound, or fails as it is to.
func (r *running) expected() bool {
	expectations, diags := r.expectations()
	if diags.HasErrors() {
		r.out.Status = Errored
		r.report(diags...)
		return false
	}
	var unexpected hcl.Diagnostics
	for _, diag := range r.errors {
		covered := false
		for _, e := range expectations {
			if r.covers(e, diag) {
				e.met, covered = true, true
			}
		}
		if !covered {
			unexpected = append(unexpected, diag)
		}
	}
	for _, diag := range r.warnings { // those of checks
		for _, e := range expectations {
			e.met = e.met || e.text == "" && r.covers(e, diag)
		}
	}
	for _, e := range expectations { // policies that only warn are violated, too
		e.met = e.met || e.text == "" && len(r.violations(e.address)) > 0
	}
	if len(unexpected) > 0 {
		r.out.Status = Errored
		r.report(unexpected...)
	}
	for _, e := range expectations {
		if e.met {
			continue
		}
		what := fmt.Sprintf("no error whose message has %q in it", e.text)
		if e.text == "" {
			what = fmt.Sprintf("no error in %s", e.address)
		}
		r.report(&hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Expected failure missing",
			Detail: fmt.Sprintf("The run expects a failure, but there was %s.", what), Subject: e.at.Ptr(),
		})
		if r.out.Status == Passed {
			r.out.Status = Failed
		}
	}
	return len(unexpected) == 0
}

// expectations reads what the run expects to fail.
func (r *running) expectations() ([]*expectation, hcl.Diagnostics) {
	var out []*expectation
	var diags hcl.Diagnostics
	if blocks, ok := r.values.Get("expect_failures"); ok {
		elements, more := hcl.ExprList(blocks.Expr)
		diags = append(diags, more...)
		for _, element := range elements {
			traversal, more := hcl.AbsTraversalForExpr(element)
			if more.HasErrors() {
				diags = append(diags, invalidExpectation(element.Range(), "It must be a reference to a block, such as var.replicas or application.web[\"blue\"]; for parts of messages there is expect_errors."))
				continue
			}
			address, rest, err := addr.FromTraversal(traversal)
			if err != nil || len(rest) > 0 {
				diags = append(diags, invalidExpectation(element.Range(), "It must be a reference to a block as a whole, such as var.replicas or application.web[\"blue\"]."))
				continue
			}
			if diag := r.undeclared(address, element.Range()); diag != nil {
				diags = append(diags, diag)
				continue
			}
			out = append(out, &expectation{address: address, at: element.Range()})
		}
	}
	if texts, ok := r.values.Get("expect_errors"); ok {
		for _, text := range r.values.Strings("expect_errors") {
			if strings.TrimSpace(text) == "" {
				diags = append(diags, invalidExpectation(texts.Range(), "An empty text is in every message. Write a part of the one that is expected."))
				continue
			}
			out = append(out, &expectation{text: text, at: texts.Range()})
		}
	}
	return out, diags
}

func invalidExpectation(at hcl.Range, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Invalid expectation", Detail: detail, Subject: at.Ptr()}
}

// undeclared reports a block that the configuration does not have.
func (r *running) undeclared(address addr.Address, at hcl.Range) *hcl.Diagnostic {
	var names []string
	for _, node := range r.graph {
		if node.Address == address.Block() || node.Address.Module == "" && address.Module != "" {
			return nil
		}
		names = append(names, node.Address.String())
	}
	detail := fmt.Sprintf("The configuration does not declare %s.", address)
	if near := schema.Suggest(address.Block().String(), names); near != "" {
		detail += fmt.Sprintf(" Did you mean %s?", near)
	}
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Reference to undeclared block", Detail: detail, Subject: at.Ptr()}
}

// covers reports whether a diagnostic is what was expected.
func (r *running) covers(e *expectation, diag *hcl.Diagnostic) bool {
	if e.text != "" {
		flat := func(text string) string { return strings.Join(strings.Fields(text), " ") }
		return strings.Contains(flat(diag.Summary+": "+diag.Detail), flat(e.text))
	}
	if r.isOfPolicy(e.address, diag) {
		return true
	}
	if address, _, ok := strings.Cut(diag.Detail, ": "); ok && isOf(address, e.address) {
		return true // of a plan, or an apply
	}
	if several, ok := hcl.DiagnosticExtra[engine.Concerned](diag); ok && slices.ContainsFunc(several, e.address.Covers) {
		return true
	}
	if diag.Subject == nil {
		return false
	}
	if e.address.Kind == "var" && within(*diag.Subject, r.given[e.address.Name]) {
		return true
	}
	at := r.blockAt(*diag.Subject)
	return at.Kind == e.address.Kind && at.Covers(e.address) && r.concerns(e.address)
}

// isOf reports whether a text is an address, or that of an instance of a block.
func isOf(text string, address addr.Address) bool {
	parsed, err := addr.Parse(text)
	return err == nil && (parsed == address || !address.HasKey && parsed.Block() == address)
}

// concerns reports whether errors in a block are the one instance's that is
// expected to fail, as far as that can be told.
func (r *running) concerns(address addr.Address) bool {
	if !address.HasKey && address.Module == "" || address.Kind != "application" {
		return true
	}
	return slices.ContainsFunc(r.config.Broken, func(b lang.Broken) bool {
		return b.Address.Covers(address) || address.Covers(b.Address)
	})
}

// within reports whether a range is in another.
func within(inner, outer hcl.Range) bool {
	return outer.Filename != "" && inner.Filename == outer.Filename && inner.Start.Byte >= outer.Start.Byte && inner.End.Byte <= outer.End.Byte
}

// blockAt returns the block that a place in a file belongs to: the last that begins
// before it.
func (r *running) blockAt(at hcl.Range) addr.Address {
	var found lang.Node
	for _, node := range r.graph {
		if node.Range.Filename == at.Filename && node.Range.Start.Byte <= at.Start.Byte && (found.Address.IsZero() || node.Range.Start.Byte >= found.Range.Start.Byte) {
			found = node
		}
	}
	return found.Address
}
