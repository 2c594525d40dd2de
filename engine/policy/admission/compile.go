package admission

import (
	"fmt"
	"slices"
	"strings"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/parser"
	v1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/gantrycd/gantry/plan/object"
)

// policy is a compiled ValidatingAdmissionPolicy.
type policy struct {
	name     string
	spec     *v1.ValidatingAdmissionPolicySpec
	match    *match
	bindings []*binding // sorted by name
	ignores  bool       // failures to evaluate it do not count
	broken   error      // why it cannot be evaluated

	paramKind       object.GVK // zero for none
	needsNamespaces bool
	unsupported     string          // what its expressions use that only a server knows
	looks           map[string]bool // the names that its expressions use

	compiler                                       *cel.CompositedCompiler // has the variables
	conditions, validations, messages, annotations cel.ConditionEvaluator  // conditions and messages are nil for none
}

// binding is a compiled ValidatingAdmissionPolicyBinding.
type binding struct {
	name          string
	match         *match // nil: all that the policy matches
	paramRef      *v1.ParamRef
	params        labels.Selector // nil: by name
	denies, tells bool
	broken        error
}

func (p *policy) mayMatch(r *Request) bool { return p.match.mayMatch(r) }

// expression is one expression of a policy, as the API server's compiler takes it.
type expression struct {
	name, text string
	types      []*celgo.Type
}

// GetExpression implements cel.ExpressionAccessor.
func (e *expression) GetExpression() string { return e.text }

// ReturnTypes implements cel.ExpressionAccessor.
func (e *expression) ReturnTypes() []*celgo.Type { return e.types }

// GetName implements cel.NamedExpressionAccessor.
func (e *expression) GetName() string { return e.name }

// Compilers are what compiling several sets shares: to make a compiler takes as long as to
// compile some policies, and those without variables share one. The zero value is ready to
// use, by one goroutine at a time.
type Compilers struct{ plain *cel.CompositedCompiler }

func (c *Compilers) of(p *policy) (*cel.CompositedCompiler, error) {
	if len(p.spec.Variables) == 0 && c.plain != nil {
		return c.plain, nil
	}
	made, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err == nil && len(p.spec.Variables) == 0 {
		c.plain = made
	}
	return made, err
}

// compile compiles the policy's expressions, and notes what they use that cannot be told
// here. The errors are those for which an API server refuses the policy.
func (p *policy) compile(compilers *Compilers) []error {
	compiler, err := compilers.of(p)
	if err != nil {
		return []error{err}
	}
	p.compiler = compiler
	c := &compiling{policy: p, hasParams: p.spec.ParamKind != nil}
	for i, variable := range p.spec.Variables {
		e := &expression{name: variable.Name, text: variable.Expression, types: []*celgo.Type{celgo.AnyType, celgo.DynType}}
		p.look(e.text)
		if result := compiler.CompileAndStoreVariable(e, c.declared(true), environment.StoredExpressions); result.Error != nil {
			c.errs = append(c.errs, fmt.Errorf("spec.variables[%d] (%s): %s", i, variable.Name, result.Error.Detail))
		}
	}
	var conditions, validations, messages, annotations []cel.CompilationResult
	for i, condition := range p.spec.MatchConditions {
		conditions = append(conditions, c.compile(fmt.Sprintf("spec.matchConditions[%d] (%s)", i, condition.Name), condition.Expression, true, celgo.BoolType))
	}
	for i, validation := range p.spec.Validations {
		validations = append(validations, c.compile(fmt.Sprintf("spec.validations[%d].expression", i), validation.Expression, true, celgo.BoolType))
		var message cel.CompilationResult // none, and passed over
		if validation.MessageExpression != "" {
			message = c.compile(fmt.Sprintf("spec.validations[%d].messageExpression", i), validation.MessageExpression, false, celgo.StringType)
		}
		messages = append(messages, message)
	}
	for i, annotation := range p.spec.AuditAnnotations {
		annotations = append(annotations, c.compile(fmt.Sprintf("spec.auditAnnotations[%d] (%s)", i, annotation.Key), annotation.ValueExpression, true, celgo.StringType, celgo.NullType))
	}
	if len(conditions) > 0 {
		p.conditions = cel.NewCondition(conditions)
	}
	p.validations, p.annotations = cel.NewCondition(validations), cel.NewCondition(annotations)
	if slices.ContainsFunc(messages, func(m cel.CompilationResult) bool { return m.ExpressionAccessor != nil }) {
		p.messages = cel.NewCondition(messages)
	}
	return c.errs
}

// compiling is a policy while its expressions are compiled.
type compiling struct {
	policy    *policy
	hasParams bool
	errs      []error
}

// declared are the names that expressions may use; those of messages have no authorizer.
func (c *compiling) declared(authorizer bool) cel.OptionalVariableDeclarations {
	return cel.OptionalVariableDeclarations{HasParams: c.hasParams, HasAuthorizer: authorizer}
}

// compile compiles one expression, and notes what is wrong with it. Evaluating one that is
// wrong fails.
func (c *compiling) compile(at, text string, authorizer bool, types ...*celgo.Type) cel.CompilationResult {
	c.policy.look(text)
	result := c.policy.compiler.CompileCELExpression(&expression{text: text, types: types}, c.declared(authorizer), environment.StoredExpressions)
	if result.Error != nil {
		c.errs = append(c.errs, fmt.Errorf("%s: %s", at, result.Error.Detail))
	}
	return result
}

// look notes what an expression uses that matters here.
func (p *policy) look(text string) {
	read, err := parser.NewParser(parser.EnableOptionalSyntax(true), parser.EnableIdentEscapeSyntax(true))
	if err != nil {
		return // the compiler tells
	}
	parsed, problems := read.Parse(common.NewTextSource(text))
	if len(problems.GetErrors()) > 0 {
		return
	}
	requests := 0 // uses of the request, but for those of what is known of it
	ast.PreOrderVisit(parsed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			name := identOf(e)
			p.looks[name] = true
			switch name {
			case cel.AuthorizerVarName:
				p.unsupported = "authorizer, which only the server can answer"
			case cel.NamespaceVarName:
				p.needsNamespaces = true
			case cel.RequestVarName:
				requests++
			}
		case ast.SelectKind:
			if of := e.AsSelect(); of.FieldName() != "userInfo" && identOf(of.Operand()) == cel.RequestVarName {
				requests--
			}
		case ast.CallKind, ast.ComprehensionKind, ast.ListKind, ast.LiteralKind, ast.MapKind, ast.StructKind, ast.UnspecifiedExprKind:
		}
	}))
	if requests > 0 {
		p.unsupported = "request.userInfo, or request as a whole, and who sends the request is known to the server alone"
	}
}

// identOf is the name that an expression is, which may be written from the root: .request.
// It is empty for what is none.
func identOf(e ast.Expr) string {
	if e.Kind() != ast.IdentKind {
		return ""
	}
	return strings.TrimPrefix(e.AsIdent(), ".")
}
