// Command testsummary reads the output of `go test -json`, shows what failed and
// how long each package took, and counts.
//
//	go test -json ./... | testsummary -save results/main.json
//	testsummary -total results/*.json
//
// The last line that -total prints is "N passed, M failed". Both forms exit
// with 1 where a test failed, a package did not build, or a test was skipped
// whose reason -forbid-skips matches.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		if !errors.Is(err, errFailed) {
			fmt.Fprintln(os.Stderr, "testsummary:", err)
		}
		os.Exit(1)
	}
}

// errFailed has been told already: it is what the counts say.
var errFailed = errors.New("tests failed")

func run(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("testsummary", flag.ContinueOnError)
	save := flags.String("save", "", "`file` to write the counts to")
	total := flags.Bool("total", false, "add up the files given as arguments")
	forbid := flags.String("forbid-skips", "", "`regexp` of reasons for which no test may be skipped")
	verbose := flags.Bool("v", false, "name every test that was skipped")
	if err := flags.Parse(args); err != nil {
		return err
	}
	forbidden, err := regexp.Compile(*forbid)
	if err != nil {
		return err
	}
	if *forbid == "" {
		forbidden = nil
	}

	var result Result
	if *total {
		for _, file := range flags.Args() {
			one, err := load(file)
			if err != nil {
				return err
			}
			result.add(one)
		}
	} else {
		if result, err = read(in, out); err != nil {
			return err
		}
		if *save != "" {
			if err := result.save(*save); err != nil {
				return err
			}
		}
	}
	for _, skip := range result.forbid(forbidden) {
		fmt.Fprintf(out, "skipped although it must run: %s: %s\n", skip.Name, skip.Reason)
	}
	result.print(out, *total, *verbose)
	if len(result.Failed) > 0 {
		return errFailed
	}
	return nil
}
