package admission

import (
	"fmt"
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
	unsupported     string // what its expressions use that only a server knows

	conditions, validations, messages, annotations cel.ConditionEvaluator
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

// compilers makes compilers of expressions. Policies without variables share one.
type compilers struct{ plain *cel.CompositedCompiler }

func (c *compilers) of(p *policy) (*cel.CompositedCompiler, error) {
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
func (p *policy) compile(compilers *compilers) []error {
	compiler, err := compilers.of(p)
	if err != nil {
		return []error{err}
	}
	var errs []error
	hasParams := p.spec.ParamKind != nil
	full := cel.OptionalVariableDeclarations{HasParams: hasParams, HasAuthorizer: true}
	check := func(at string, e *expression, declared cel.OptionalVariableDeclarations) {
		p.look(e.text)
		if strings.TrimSpace(e.text) == "" {
			errs = append(errs, fmt.Errorf("%s is empty", at))
			return
		}
		if result := compiler.CompileCELExpression(e, declared, environment.NewExpressions); result.Error != nil {
			errs = append(errs, fmt.Errorf("%s: %s", at, result.Error.Detail))
		}
	}
	for i, variable := range p.spec.Variables {
		at := fmt.Sprintf("spec.variables[%d] (%s)", i, variable.Name)
		e := &expression{name: variable.Name, text: variable.Expression, types: []*celgo.Type{celgo.AnyType, celgo.DynType}}
		p.look(e.text)
		if result := compiler.CompileAndStoreVariable(e, full, environment.StoredExpressions); result.Error != nil {
			errs = append(errs, fmt.Errorf("%s: %s", at, result.Error.Detail))
		}
	}
	var conditions, validations, messages, annotations []cel.ExpressionAccessor
	for i, condition := range p.spec.MatchConditions {
		e := &expression{name: condition.Name, text: condition.Expression, types: []*celgo.Type{celgo.BoolType}}
		check(fmt.Sprintf("spec.matchConditions[%d] (%s)", i, condition.Name), e, full)
		conditions = append(conditions, e)
	}
	for i, validation := range p.spec.Validations {
		e := &expression{text: validation.Expression, types: []*celgo.Type{celgo.BoolType}}
		check(fmt.Sprintf("spec.validations[%d].expression", i), e, full)
		validations = append(validations, e)
		var message cel.ExpressionAccessor
		if validation.MessageExpression != "" {
			m := &expression{text: validation.MessageExpression, types: []*celgo.Type{celgo.StringType}}
			check(fmt.Sprintf("spec.validations[%d].messageExpression", i), m, cel.OptionalVariableDeclarations{HasParams: hasParams})
			message = m
		}
		messages = append(messages, message)
	}
	for i, annotation := range p.spec.AuditAnnotations {
		e := &expression{name: annotation.Key, text: annotation.ValueExpression, types: []*celgo.Type{celgo.StringType, celgo.NullType}}
		check(fmt.Sprintf("spec.auditAnnotations[%d] (%s)", i, annotation.Key), e, full)
		annotations = append(annotations, e)
	}
	if len(conditions) > 0 {
		p.conditions = compiler.CompileCondition(conditions, full, environment.StoredExpressions)
	}
	p.validations = compiler.CompileCondition(validations, full, environment.StoredExpressions)
	p.messages = compiler.CompileCondition(messages, cel.OptionalVariableDeclarations{HasParams: hasParams}, environment.StoredExpressions)
	p.annotations = compiler.CompileCondition(annotations, full, environment.StoredExpressions)
	return errs
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
	ast.PreOrderVisit(parsed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			switch e.AsIdent() {
			case cel.AuthorizerVarName:
				p.unsupported = "authorizer, which only the server can answer"
			case cel.NamespaceVarName:
				p.needsNamespaces = true
			}
		case ast.SelectKind:
			of := e.AsSelect()
			if of.FieldName() == "userInfo" && of.Operand().Kind() == ast.IdentKind && of.Operand().AsIdent() == cel.RequestVarName {
				p.unsupported = "request.userInfo, and who sends the request is known to the server alone"
			}
		}
	}))
}
