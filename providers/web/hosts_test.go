package web

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
)

func TestHostsAreChecked(t *testing.T) {
	hosts, err := ParseHosts("git.example.com", "*.charts.example.com", "registry.example.com:5000", "10.1.0.0/16", "[fd00::1]:8443", "203.0.113.7")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host, port string
		want       bool
	}{
		{"git.example.com", "443", true},
		{"GIT.Example.com.", "443", true},
		{"git.example.com", "22", true},
		{"git.example.com", "6379", false},
		{"git.example.com.evil.example.net", "443", false},
		{"evilgit.example.com", "443", false},
		{"example.com", "443", false},
		{"a.charts.example.com", "443", true},
		{"a.b.charts.example.com", "443", true},
		{"charts.example.com", "443", false},
		{"evilcharts.example.com", "443", false},
		{"registry.example.com", "5000", true},
		{"registry.example.com", "443", false},
		{"10.1.2.3", "443", true},
		{"::ffff:10.1.2.3", "443", true},
		{"10.2.2.3", "443", false},
		{"10.1.2.3", "2379", false},
		{"fd00::1", "8443", true},
		{"fd00::1%lo", "8443", false},
		{"fd00::2", "8443", false},
		{"203.0.113.7", "80", true},
		{"127.0.0.1", "80", false},
		{"localhost", "80", false},
		{"2130706433", "80", false},
		{"0x7f.1", "80", false},
		{"127.1", "80", false},
		{"169.254.169.254", "80", false},
		{"", "80", false},
	} {
		if err := hosts.Check(c.host, c.port); (err == nil) != c.want || err != nil && !errors.Is(err, ErrHost) {
			t.Errorf("%s:%s: %v", c.host, c.port, err)
		}
	}
	if err := (*Hosts)(nil).Check("127.0.0.1", "1"); err != nil {
		t.Error(err)
	}
	if err := (&Hosts{}).Check("example.com", "443"); err == nil {
		t.Error("the zero value allows a host")
	}
	for _, bad := range []string{"", "*", "*.", "https://git.example.com", "git.example.com/x", "git example", "-x.example.com", "a..b", "git.example.com:0", "git.example.com:65536", "git.example.com:+1", "git.example.com:ssh", "127.1", "2130706433", "0x7f000001", "user@git.example.com", "git.*.com", "10.0.0.0/33", "fe80::1%lo"} {
		if _, err := ParseHosts(bad); err == nil {
			t.Errorf("%q is taken for a host", bad)
		}
	}
}

func TestInternalAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.215.14": true, "2606:4700::1111": true, "8.8.8.8": true, "172.32.0.1": true, "100.128.0.1": true, "223.255.255.255": true,
		"127.0.0.1": false, "127.9.9.9": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.100.100.200": false, "168.63.129.16": false, "0.0.0.0": false, "0.1.2.3": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::127.0.0.1": false, "fe80::1": false, "fec0::1": false, "fd00:ec2::254": false, "fc00::1": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "2002:7f00:1::": false, "2001:0:7f00:1::": false, "2001:db8::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// The name is allowed, and what it leads to is not: it is the address that is dialled that
// counts, so that it does not matter what the name led to when it was checked.
func TestANameThatLeadsToAnInternalAddress(t *testing.T) {
	reached := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	get := func(t *testing.T, allowed ...string) error {
		t.Helper()
		hosts, err := ParseHosts(allowed...)
		if err != nil {
			t.Fatal(err)
		}
		transport, err := Transport(nil, Network{Hosts: hosts})
		if err != nil {
			t.Fatal(err)
		}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Get("http://localhost:" + port)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err
	}
	if err := get(t, "localhost:"+port); !errors.Is(err, ErrHost) || !strings.Contains(err.Error(), "internal address") {
		t.Errorf("dialled: %v", err)
	}
	if err := get(t, "127.0.0.1:"+port, "[::1]:"+port); !errors.Is(err, ErrHost) {
		t.Errorf("the address is allowed, and not the name: %v", err)
	}
	if reached > 0 {
		t.Error("it was reached")
	}
	if err := get(t, "localhost:"+port, "127.0.0.1:"+port, "[::1]:"+port); err != nil || reached != 1 {
		t.Errorf("both are allowed: %v", err)
	}
}

func TestRedirectsToHostsThatAreNotAllowed(t *testing.T) {
	reached := 0
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	t.Cleanup(inside.Close)
	to := inside.URL
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }))
	t.Cleanup(outside.Close)
	origin := parse(t, outside.URL)
	hosts, err := ParseHosts(origin.Host)
	if err != nil {
		t.Fatal(err)
	}
	client, err := NewClient(origin, &source.Auth{}, Network{Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{inside.URL, strings.Replace(inside.URL, "127.0.0.1", "localhost", 1), "http://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]/", "http://2130706433/"} {
		to = target
		if response, err := client.Get(t.Context(), origin); err == nil || !errors.Is(err, ErrHost) {
			t.Errorf("%s: %v", target, err)
			if err == nil {
				_ = response.Body.Close()
			}
		}
	}
	if reached > 0 {
		t.Error("it was reached")
	}
}

// A proxy may be spoken to for what goes through it, and for nothing else.
func TestHostsBehindAProxy(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.String()) }))
	t.Cleanup(proxy.Close)
	at := parse(t, proxy.URL)
	hosts, err := ParseHosts("git.example.com")
	if err != nil {
		t.Fatal(err)
	}
	transport, err := Transport(nil, Network{Hosts: hosts, Proxy: func(*http.Request) (*url.URL, error) { return at, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	answer, err := client.Get("http://git.example.com/x")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	for _, other := range []string{"http://evil.example.com/", proxy.URL, "http://127.0.0.1/"} {
		answer, err := client.Get(other)
		if err == nil {
			_ = answer.Body.Close()
		}
		if !errors.Is(err, ErrHost) {
			t.Errorf("%s: %v", other, err)
		}
	}
	if connection, err := hosts.DialContext(t.Context(), net.Dialer{}, "tcp", at.Host); !errors.Is(err, ErrHost) {
		t.Errorf("another protocol reaches the proxy: %v %v", connection, err)
	}
	if len(asked) != 1 || asked[0] != "http://git.example.com/x" {
		t.Errorf("the proxy was asked for %q", asked)
	}
}
