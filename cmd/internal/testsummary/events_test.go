package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	const crash = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: boom\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p","Elapsed":0.1}
`
	for _, c := range []struct {
		name, in string
		want     Result
		shown    []string
	}{
		{
			name: "a test with subtests is counted by these",
			in: `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"run","Package":"p","Test":"TestA/two"}
{"Action":"output","Package":"p","Test":"TestA/two","Output":"    a_test.go:3: two is wrong\n"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"fail","Package":"p","Test":"TestA/two"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p"}
`,
			want:  Result{Passed: 2, Failed: []string{"p TestA/two"}},
			shown: []string{"two is wrong", "FAIL    0.0s p"},
		},
		{
			name: "a test that fails though its subtests pass is counted",
			in: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`,
			want: Result{Passed: 1, Failed: []string{"p TestA"}},
		},
		{
			name: "a skip has its reason",
			in: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:12: no data in $GANTRY_CONFORMANCE\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1.25}
`,
			want:  Result{Skipped: []Skip{{"p TestA", "no data in $GANTRY_CONFORMANCE"}}},
			shown: []string{"ok      1.2s p"},
		},
		{
			name:  "a crash fails the test it was in",
			in:    crash,
			want:  Result{Failed: []string{"p TestA"}},
			shown: []string{"panic: boom", "did not finish"},
		},
		{
			name: "a build failure fails the package",
			in: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"a.go:1: undefined: x\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}
`,
			want:  Result{Failed: []string{"p"}},
			shown: []string{"BUILD FAILED p [p.test]\na.go:1: undefined: x"},
		},
		{
			name: "a stream that ends early fails what was open",
			in: `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
`,
			want: Result{Passed: 1, Failed: []string{"p"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			got, err := read(strings.NewReader(c.in), &out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			for _, text := range c.shown {
				if !strings.Contains(out.String(), text) {
					t.Errorf("%q is not shown in:\n%s", text, out.String())
				}
			}
		})
	}
}

func TestNoTests(t *testing.T) {
	if _, err := read(strings.NewReader(""), &strings.Builder{}); err == nil {
		t.Error("a run without tests must not pass")
	}
}

func TestTotalEndsWithTheCounts(t *testing.T) {
	folder := t.TempDir()
	one := Result{Passed: 3, Skipped: []Skip{{"p TestS", "needs data"}}}
	two := Result{Passed: 4, Failed: []string{"q TestF"}}
	if err := one.save(filepath.Join(folder, "one.json")); err != nil {
		t.Fatal(err)
	}
	if err := two.save(filepath.Join(folder, "two.json")); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if err := run(append([]string{"-total"}, files...), os.Stdin, &out); !errors.Is(err, errFailed) {
		t.Fatalf("got %v, want an error: a test failed", err)
	}
	want := "skipped: p TestS: needs data\nfailed: q TestF\n1 skipped\n7 passed, 1 failed\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestForbid(t *testing.T) {
	r := Result{Skipped: []Skip{{"p A", "no $GANTRY_REALWORLD"}, {"p B", "slow"}}}
	bad := r.forbid(regexp.MustCompile("GANTRY_REALWORLD"))
	if diff := cmp.Diff([]Skip{{"p A", "no $GANTRY_REALWORLD"}}, bad); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Result{Failed: []string{"p A"}, Skipped: []Skip{{"p B", "slow"}}}, r); diff != "" {
		t.Error(diff)
	}
}
