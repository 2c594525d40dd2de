package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gantrycd/gantry/lang/schema"
)

// takes checks how many arguments a command got; many allows any number from least on.
func takes(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		_, names, _ := strings.Cut(cmd.Use, " ")
		switch {
		case len(args) < least:
			return fmt.Errorf("an argument is missing: %s", names)
		case len(args) > most && most == 0:
			return fmt.Errorf("it takes no arguments, and got %q", args[0])
		case len(args) > most && most > 0:
			return fmt.Errorf("it takes one argument, %s, and got %q as well", strings.Trim(names, "[]"), args[most])
		}
		return nil
	}
}

// many is any number of arguments.
const many = -1

// flagError says in words what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var valueless *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &valueless):
		what, _ := pflag.UnquoteUsage(valueless.GetFlag())
		return fmt.Errorf("--%s needs a value: %s", valueless.GetFlag().Name, what)
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		want := map[string]string{"bool": "true or false", "int": "a whole number", "duration": "a duration such as 30s", "severity": "high, medium or low"}[flag.Value.Type()]
		if want == "" {
			want = "a " + flag.Value.Type()
		}
		return fmt.Errorf("--%s is %q, and must be %s", flag.Name, invalid.GetValue(), want)
	}
	return err
}

// unknownFlag is the error about a flag that is not there, with the one that may be
// meant: of Terraform's -out, --out, and of -o, too.
func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	typed, dashes := unknown.GetSpecifiedName(), "--"
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		typed, dashes = short, "-"
	}
	near := schema.Suggest(typed, names)
	switch {
	case slices.Contains(names, typed):
		near = typed
	case len(typed) == 1:
		names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, typed) })
		near = strings.Join(names, " or --")
	}
	text := "unknown flag: " + dashes + typed
	if near != "" {
		text += fmt.Sprintf(". Did you mean --%s?", near)
	}
	return errors.New(text)
}
