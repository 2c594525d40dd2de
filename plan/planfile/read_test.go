package planfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// small is a valid plan.
func small() *plan.Plan {
	id := object.ID{Kind: "ConfigMap", Namespace: "web", Name: "a"}
	return &plan.Plan{
		ToolVersion: "0.1.0", Clusters: []plan.Cluster{{Name: "prod"}},
		Applications: []plan.Application{{
			Address: addr.Application("web"), Cluster: "prod",
			Changes: []plan.Change{{ID: id, Version: "v1", Action: plan.Create}},
		}},
		Steps: []plan.Step{
			{Kind: plan.StepWrite}, {Kind: plan.StepWait, Changes: []int{0}, Needs: []int{0}}, {Kind: plan.StepRecord, Needs: []int{0, 1}},
		},
	}
}

func bytesOf(t testing.TB, p *plan.Plan) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, p, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// withBody is a plan file with another payload and a checksum that fits.
func withBody(t testing.TB, content []byte) []byte {
	t.Helper()
	body, err := enclose(content, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return withRawBody(body)
}

// withPlan is a plan file with another plan and digests that fit.
func withPlan(t testing.TB, text string) []byte {
	t.Helper()
	return withBody(t, fmt.Appendf(nil, `{"meta":{"createdAt":"2026-01-02T03:04:05Z","planDigest":%q},"plan":%s}`, digestOf([]byte(text)), text))
}

// withEnvelope is a plan file with another envelope and a checksum that fits.
func withEnvelope(t testing.TB, text string) []byte {
	t.Helper()
	var body bytes.Buffer
	compress := gzip.NewWriter(&body)
	if _, err := compress.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := compress.Close(); err != nil {
		t.Fatal(err)
	}
	return withRawBody(body.Bytes())
}

func withRawBody(body []byte) []byte {
	lines := header{tool: "0.1.0", content: contentPlain, bytes: int64(len(body))}.lines()
	return append(fmt.Appendf(nil, "%ssha256 %s\n\n", lines, checksum(lines, body)), body...)
}

func TestEveryCutIsSeen(t *testing.T) {
	file := bytesOf(t, small())
	for i := range file {
		if _, err := Read(bytes.NewReader(file[:i]), ReadOptions{}); !errors.Is(err, ErrCutShort) {
			t.Fatalf("cut at byte %d of %d: %v, want ErrCutShort", i, len(file), err)
		}
	}
}

func TestEveryFlippedBitIsSeen(t *testing.T) {
	file := bytesOf(t, small())
	for i := range file {
		for bit := range 8 {
			damaged := bytes.Clone(file)
			damaged[i] ^= 1 << bit
			if _, err := Read(bytes.NewReader(damaged), ReadOptions{}); err == nil {
				t.Fatalf("bit %d of byte %d of %d goes unseen", bit, i, len(file))
			}
		}
	}
	if _, err := Read(bytes.NewReader(append(file, '\n')), ReadOptions{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("with something behind its end: %v, want ErrDamaged", err)
	}
}

func TestWhatIsNoPlanFile(t *testing.T) {
	good := string(bytesOf(t, small()))
	for name, test := range map[string]struct {
		file string
		is   error
		want string
	}{
		"empty":               {"", ErrCutShort, "it is empty"},
		"YAML":                {"apiVersion: v1\n", ErrNotPlan, `begin with "gantry-plan"`},
		"zip":                 {"PK\x03\x04", ErrNotPlan, ""},
		"one byte":            {"x", ErrNotPlan, ""},
		"no version":          {"gantry-plan \n", ErrDamaged, "version"},
		"odd version":         {strings.Replace(good, "plan 2", "plan one", 1), ErrDamaged, `"one"`},
		"negative version":    {strings.Replace(good, "plan 2", "plan -1", 1), ErrDamaged, `"-1"`},
		"long line":           {"gantry-plan 2" + strings.Repeat(" ", 1000), ErrDamaged, "256 bytes"},
		"no content":          {strings.Replace(good, "content gzip", "content tar", 1), ErrDamaged, `"tar"`},
		"no tool":             {strings.Replace(good, "tool ", "tolo ", 1), ErrDamaged, `"tool"`},
		"another tool":        {strings.Replace(good, "tool 0", "tool 1", 1), ErrDamaged, "checksum"},
		"odd length":          {strings.Replace(good, "length ", "length -", 1), ErrDamaged, "length"},
		"huge length":         {strings.Replace(good, "length ", "length 99999999999", 1), ErrTooLarge, "its file says"},
		"no gzip":             {string(withRawBody([]byte("hello"))), ErrInvalid, "gzip"},
		"no JSON":             {string(withBody(t, []byte("hello"))), ErrInvalid, "made by gantry 0.1.0"},
		"unknown member":      {string(withPlan(t, `{"later":1}`)), ErrInvalid, `unknown field "later"`},
		"member twice":        {string(withPlan(t, `{"lineage":"a","lineage":"b"}`)), ErrInvalid, "duplicate"},
		"two plans":           {string(withPlan(t, `{}{}`)), ErrInvalid, ""},
		"id in the plan":      {string(withPlan(t, `{"id":{}}`)), ErrInvalid, "beside it"},
		"another digest":      {string(withBody(t, []byte(`{"meta":{"createdAt":"2026-01-02T03:04:05Z","planDigest":"sha256:1"},"plan":{}}`))), ErrInvalid, "digest"},
		"no envelope":         {string(withEnvelope(t, `{"plan":{}}`)), ErrInvalid, `unknown field "plan"`},
		"another payload":     {string(withEnvelope(t, `{"payloadType":"application/json","payload":"e30=","signatures":[]}`)), ErrInvalid, `"application/json"`},
		"payload no base64":   {string(withEnvelope(t, `{"payloadType":"`+PayloadType+`","payload":"%","signatures":[]}`)), ErrInvalid, "base64"},
		"payload twice":       {string(withEnvelope(t, `{"payloadType":"`+PayloadType+`","payload":"e30=","payload":"e30=","signatures":[]}`)), ErrInvalid, "duplicate"},
		"sealed and not":      {string(withPlan(t, `{"clusters":[{"name":"a","connection":{},"uid":"","server":"","version":"","sealedCredentials":"AA=="}]}`)), ErrInvalid, "missing"},
		"sealed inside":       {string(withPlan(t, `{"clusters":[{"name":"a","connection":{},"uid":"","server":"","version":"","sealedCredentials":"AAAA"}]}`)), ErrInvalid, "beside it"},
		"another tool inside": {string(withPlan(t, `{"toolVersion":"9"}`)), ErrInvalid, "gantry 0.1.0 made it"},
		"wrong type":          {string(withPlan(t, `{"steps":"x"}`)), ErrInvalid, "steps"},
		"a bad address":       {string(withPlan(t, `{"applications":[{"address":"1"}]}`)), ErrInvalid, `address "1"`},
		"deep":                {string(withPlan(t, `{"applications":[{"changes":[{"body":`+strings.Repeat(`{"a":`, 1<<16))), ErrInvalid, ""},
		"a step out of range": {string(withPlan(t, `{"toolVersion":"0.1.0","steps":[{"kind":"record","application":0}]}`)), ErrInvalid, "step 0"},
	} {
		found, err := Read(strings.NewReader(test.file), ReadOptions{})
		if found != nil || !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %v with %q", name, err, test.is, test.want)
		}
	}
}

func TestAnotherVersion(t *testing.T) {
	for file, want := range map[string]string{
		"gantry-plan 3\ntool 9.1.0\nwhatever comes": "the plan file has another version (3; this gantry reads 2): it was made by gantry 9.1.0; plan again with this gantry, or use that one",
		"gantry-plan 3\nwhatever comes\n":           "the plan file has another version (3; this gantry reads 2); plan again with this gantry, or use that one",
		"gantry-plan 1\ntool 0.1.0\nlength 9\n":     "the plan file has another version (1; this gantry reads 2): it was made by gantry 0.1.0; plan again with this gantry, or use that one",
		"gantry-plan 3\n":                           "the plan file has another version (3; this gantry reads 2); plan again with this gantry, or use that one",
	} {
		_, err := Read(strings.NewReader(file), ReadOptions{})
		var version *VersionError
		if !errors.As(err, &version) || err.Error() != want {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
}

func TestBombsAreNotUnpacked(t *testing.T) {
	bomb := withBody(t, bytes.Repeat([]byte(" "), 1<<20))
	for name, most := range map[string]limits{
		"envelope": {maxBody, maxContent, 1 << 16}, "content": {maxBody, 1 << 16, maxEnvelope}, "body": {100, maxContent, maxEnvelope},
	} {
		if _, err := read(bytes.NewReader(bomb), ReadOptions{}, most); !errors.Is(err, ErrTooLarge) {
			t.Errorf("a large %s: %v, want ErrTooLarge", name, err)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := Validate(small()); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		spoil func(*plan.Plan)
		want  string
	}{
		"cluster without name": {func(p *plan.Plan) { p.Clusters[0].Name = "" }, "cluster"},
		"cluster twice":        {func(p *plan.Plan) { p.Clusters = append(p.Clusters, p.Clusters[0]) }, `"prod"`},
		"no such cluster":      {func(p *plan.Plan) { p.Applications[0].Cluster = "dev" }, `no cluster "dev"`},
		"no cluster":           {func(p *plan.Plan) { p.Applications[0].Cluster = "" }, "no cluster"},
		"generator twice": {func(p *plan.Plan) {
			p.Generators = []plan.Generator{{Address: addr.Address{Kind: "generator", Type: "git", Name: "a"}}, {Address: addr.Address{Kind: "generator", Type: "git", Name: "a"}}}
		}, "twice"},
		"no generator": {func(p *plan.Plan) { p.Generators = []plan.Generator{{Address: addr.Application("a")}} }, "is none"},
		"generator's keys": {func(p *plan.Plan) {
			p.Generators = []plan.Generator{{Address: addr.Address{Kind: "generator", Type: "git", Name: "a"}, Keys: []string{"b", "a"}}}
		}, "keys are not in order"},
		"no address":           {func(p *plan.Plan) { p.Applications[0].Address = addr.Address{} }, "no address"},
		"application twice":    {func(p *plan.Plan) { p.Applications = append(p.Applications, p.Applications[0]) }, "twice"},
		"object without name":  {func(p *plan.Plan) { p.Applications[0].Changes[0].ID.Name = "" }, "no name"},
		"action":               {func(p *plan.Plan) { p.Applications[0].Changes[0].Action = "explode" }, `"explode"`},
		"phase":                {func(p *plan.Plan) { p.Applications[0].Changes[0].Phase = "Never" }, `"Never"`},
		"source":               {func(p *plan.Plan) { p.Applications[0].Changes[0].Source = 1 }, "source 1"},
		"negative source":      {func(p *plan.Plan) { p.Applications[0].Changes[0].Source = -1 }, "source -1"},
		"another body":         {func(p *plan.Plan) { p.Applications[0].Changes[0].Body = object.Object{"kind": "Pod"} }, "a Pod"},
		"sealed without body":  {func(p *plan.Plan) { p.Applications[0].Changes[0].Sealed = []byte{1} }, "sealed"},
		"field kind":           {func(p *plan.Plan) { p.Applications[0].Changes[0].Fields = []plan.FieldChange{{Path: "a"}} }, `"a"`},
		"field path":           {func(p *plan.Plan) { p.Applications[0].Changes[0].Fields = []plan.FieldChange{{Kind: plan.Added}} }, `""`},
		"step's application":   {func(p *plan.Plan) { p.Steps[1].Application = 1 }, "step 1: there is no application 1"},
		"negative application": {func(p *plan.Plan) { p.Steps[1].Application = -1 }, "application -1"},
		"step's change":        {func(p *plan.Plan) { p.Steps[0].Change = 1 }, "step 0: there is no change 1"},
		"negative change":      {func(p *plan.Plan) { p.Steps[0].Change = -1 }, "change -1"},
		"awaited change":       {func(p *plan.Plan) { p.Steps[1].Changes[0] = 1 }, "step 1: there is no change 1"},
		"step kind":            {func(p *plan.Plan) { p.Steps[2].Kind = "dance" }, `"dance"`},
		"step phase":           {func(p *plan.Plan) { p.Steps[1].Phase = "Later" }, "unknown phase"},
		"when it is taken":     {func(p *plan.Plan) { p.Steps[1].On = "never" }, "which is unknown"},
		"need":                 {func(p *plan.Plan) { p.Steps[2].Needs[0] = 3 }, "step 3, which is not there"},
		"negative need":        {func(p *plan.Plan) { p.Steps[2].Needs[0] = -1 }, "step -1"},
		"need of itself":       {func(p *plan.Plan) { p.Steps[1].Needs[0] = 1 }, "comes later"},
		"cycle":                {func(p *plan.Plan) { p.Steps[0].Needs = []int{1} }, "step 0: it needs step 1, which comes later"},
	} {
		p := small()
		test.spoil(p)
		if err := Validate(p); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// FuzzRead reads anything: no panic, and what is read can be written again.
func FuzzRead(f *testing.F) {
	good := bytesOf(f, small())
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("gantry-plan 3\ntool 9\n"))
	f.Add(withPlan(f, `{"applications":[{"address":"application.a"}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, file := range [][]byte{file, withRawBody(file), withEnvelope(t, string(file)), withBody(t, file), withPlan(t, string(file))} {
			found, err := read(bytes.NewReader(file), ReadOptions{}, limits{1 << 20, 1 << 20, 1 << 20})
			if err != nil {
				continue
			}
			var out bytes.Buffer
			if err := Write(&out, found.Plan, WriteOptions{}); err != nil && !strings.Contains(err.Error(), "redacted") {
				t.Errorf("what was read cannot be written: %v", err)
			}
		}
	})
}
