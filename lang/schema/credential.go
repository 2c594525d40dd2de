package schema

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// secretKind is the kind of the blocks that say where a credential is.
const secretKind = "secret"

// Credential is a string, or a reference to a secret, whose value is read when it
// is used. Its arguments should be Sensitive.
var Credential = Type{Name: credentialName, article: "a", convert: func(v cty.Value) (cty.Value, error) {
	if ref, ok := value.ReferenceOf(v); ok {
		if ref.Address.Kind == secretKind {
			return v, nil
		}
		return v, fmt.Errorf("must be a string or a secret, but is %s", ref.Address)
	}
	if v.Type().IsObjectType() {
		return v, fmt.Errorf("must be a string or a secret, but is %s; where secret blocks have for_each, say which one with [\"KEY\"]", value.Kind(v))
	}
	return String.convert(v)
}}

const credentialName = "string or secret"

// refuseSecret explains a failure in an expression that comes from a secret in it.
func refuseSecret(diag *hcl.Diagnostic, expr hcl.Expression, ctx *hcl.EvalContext) {
	if diag.Subject == nil {
		return
	}
	if diag.Expression != nil && diag.EvalContext != nil {
		expr, ctx = diag.Expression, diag.EvalContext
	}
	for _, traversal := range expr.Variables() {
		ref, ok := secretIn(traversal, ctx)
		at := traversal.SourceRange()
		isAt := at.Filename == diag.Subject.Filename && at.Overlaps(*diag.Subject)
		if !ok || !isAt && !strings.Contains(diag.Detail, ref.Address.String()+" is a block") { // what a function says is at its name
			continue
		}
		diag.Summary, diag.Detail, diag.Subject = secretSummary, secretDetail(ref), at.Ptr()
		return
	}
}

const secretSummary = "Secret not allowed here"

func secretDetail(ref value.Reference) string {
	return fmt.Sprintf("%s is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = %s in an auth block. "+
		"What expressions need is passed in as a variable with sensitive = true.", ref.Address, ref.Address)
}

// secretIn returns the secret that a traversal comes to, or passes.
func secretIn(traversal hcl.Traversal, ctx *hcl.EvalContext) (value.Reference, bool) {
	for end := len(traversal); end > 0; end-- {
		v, diags := traversal[:end].TraverseAbs(ctx)
		if diags.HasErrors() {
			continue
		}
		ref, ok := value.ReferenceOf(v)
		return ref, ok && ref.Address.Kind == secretKind
	}
	return value.Reference{}, false
}

// secretWithin returns a secret that is in a value.
func secretWithin(v cty.Value) (found value.Reference, ok bool) {
	if !mayHoldBlocks(v.Type()) {
		return found, false
	}
	if ref, isBlock := value.ReferenceOf(v); isBlock {
		return ref, ref.Address.Kind == secretKind
	}
	unmarked, _ := v.UnmarkDeep()
	_ = cty.Walk(unmarked, func(_ cty.Path, v cty.Value) (bool, error) {
		ref, isBlock := value.ReferenceOf(v)
		if isBlock && ref.Address.Kind == secretKind && !ok {
			found, ok = ref, true
		}
		return !isBlock && !ok, nil
	})
	return found, ok
}

// mayHoldBlocks reports whether there can be references to blocks in values of a
// type.
func mayHoldBlocks(ty cty.Type) bool {
	switch {
	case ty.IsPrimitiveType():
		return false
	case ty.IsCollectionType():
		return mayHoldBlocks(ty.ElementType())
	case ty.IsTupleType():
		for _, element := range ty.TupleElementTypes() {
			if mayHoldBlocks(element) {
				return true
			}
		}
		return false
	case ty.IsObjectType():
		for _, attribute := range ty.AttributeTypes() {
			if mayHoldBlocks(attribute) {
				return true
			}
		}
		return false
	}
	return true
}

// checkSecrets refuses secrets in an argument that takes no credential.
func checkSecrets(argument Argument, attribute *hcl.Attribute, v cty.Value, ctx *hcl.EvalContext) *hcl.Diagnostic {
	if argument.Type.Name == credentialName || argument.Type.Name == References(secretKind).Name {
		return nil
	}
	ref, ok := secretWithin(v)
	if !ok {
		return nil
	}
	at := attribute.Expr.Range()
	for _, traversal := range attribute.Expr.Variables() {
		part, diags := traversal.TraverseAbs(ctx)
		if held, ok := secretWithin(part); ok && !diags.HasErrors() && held.Address == ref.Address {
			at = traversal.SourceRange()
			break
		}
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: secretSummary, Detail: secretDetail(ref), Subject: at.Ptr(), Context: attribute.Range.Ptr(),
	}
}
