package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/term"

	"github.com/gantrycd/gantry/lang"
)

// askForVariables asks on a terminal for the variables that need a value and have
// none, one after the other, each until its value is good. Where there is nobody to
// ask it does nothing: evaluating names them all.
func (c *cli) askForVariables(ctx context.Context, in *inputs) error {
	if c.json || !isTerminal(c.in) {
		return nil
	}
	read, diags, err := c.evaluate(ctx, in, nil)
	if err != nil {
		return err
	}
	if diags.HasErrors() {
		return nil // which are told when all is evaluated; nobody should have to type for that
	}
	for _, variable := range read.config.Unset {
		c.introduce(variable)
		for good := false; !good; {
			if good, err = c.askForVariable(ctx, in, variable); err != nil {
				return err
			}
		}
	}
	return nil
}

// introduce says what is asked for.
func (c *cli) introduce(v lang.Variable) {
	text := fmt.Sprintf("\nvariable %q needs a value", v.Name)
	if v.Type != "any" {
		text += " of type " + v.Type
	}
	if v.Type != "any" && v.Type != "string" && v.Type != "number" && v.Type != "bool" {
		text += ", written in HCL"
	}
	text += "\n"
	for line := range strings.Lines(strings.TrimSpace(v.Description)) {
		text += "  " + strings.TrimRight(line, "\n") + "\n"
	}
	fmt.Fprint(c.err, text)
}

// askForVariable asks once, and reports whether the value is good; if it is not, it
// says why.
func (c *cli) askForVariable(ctx context.Context, in *inputs, v lang.Variable) (bool, error) {
	text, err := c.ask(ctx, fmt.Sprintf("  var.%s = ", v.Name), v.Sensitive)
	if errors.Is(err, io.EOF) {
		return false, failure("Missing value for variable", fmt.Errorf("the variable %q has no default, and no value was given", v.Name))
	}
	if err != nil {
		return false, err
	}
	given := *in
	given.answers = append(in.answers[:len(in.answers):len(in.answers)], v.Name+"="+text)
	read, diags, err := c.evaluate(ctx, &given, nil)
	if err != nil {
		return false, err
	}
	if faults := faultsOf(v, diags); len(faults) > 0 {
		c.printDiagnostics(read.files, faults)
		return false, nil
	}
	in.answers = given.answers
	return true, nil
}

// faultsOf returns what is wrong with the value that was given for a variable.
func faultsOf(v lang.Variable, diags hcl.Diagnostics) hcl.Diagnostics {
	var out hcl.Diagnostics
	for _, d := range diags {
		if d.Severity != hcl.DiagError || d.Subject == nil {
			continue
		}
		_, name, _ := outsideFile(d.Subject.Filename)
		declared := d.Subject.Filename == v.Range.Filename && d.Subject.Overlaps(v.Range)
		if name == v.Name || v.Sensitive && declared && d.Summary == "Invalid value for variable" {
			out = append(out, d)
		}
	}
	return out
}

// ask asks for a line on the terminal that is the input; what is typed is not shown
// where it is secret. io.EOF where nobody answers any more.
func (c *cli) ask(ctx context.Context, prompt string, secret bool) (string, error) {
	terminal, ok := c.in.(*os.File)
	if !ok {
		return "", io.EOF
	}
	fmt.Fprint(c.err, prompt)
	before, err := term.GetState(int(terminal.Fd()))
	if err != nil {
		return "", fmt.Errorf("asking on the terminal: %w", err)
	}
	type line struct {
		text string
		err  error
	}
	answer := make(chan line, 1)
	go func() { // ends with the program where the context ends first
		if secret {
			text, err := term.ReadPassword(int(terminal.Fd()))
			fmt.Fprintln(c.err)
			answer <- line{string(text), err}
			return
		}
		text, err := bufio.NewReader(terminal).ReadString('\n') // a terminal gives a line at a time
		if err == io.EOF && text != "" {
			err = nil
		}
		answer <- line{strings.TrimRight(text, "\r\n"), err}
	}()
	select {
	case given := <-answer:
		return given.text, given.err
	case <-ctx.Done():
		// What was typed stays unseen, and the terminal is as it was.
		if err := term.Restore(int(terminal.Fd()), before); err != nil {
			return "", errors.Join(context.Cause(ctx), err)
		}
		return "", context.Cause(ctx)
	}
}
