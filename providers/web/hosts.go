package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// ErrHost is that a host is not among those that may be spoken to, or that its name leads
// to an address that may not be.
var ErrHost = errors.New("not among the allowed hosts")

// Hosts are the hosts that may be spoken to, where those who choose the URLs are not
// trusted. nil is all of them, and the zero value none.
//
// A request is held to them three times: its URL, that of every redirect, and then the
// address that is dialled, whatever it was looked up as: a name that is allowed and leads
// to this machine or into a private network leads nowhere, unless that address is allowed,
// too. Names of other hosts are not even looked up. Where a proxy is in between, it is the
// proxy that looks names up. Hosts are safe for concurrent use.
type Hosts struct {
	names    []hostName
	networks []network

	mu      sync.Mutex
	proxies map[string]bool // what is dialled for a proxy, "host:port"
}

// hostName is a name that is allowed, or what is below it, at one port or, with "", at
// those that git and the web have.
type hostName struct {
	name  string
	below bool
	port  string
}

// network is what is allowed by its address.
type network struct {
	prefix netip.Prefix
	port   string
}

// usualPorts are those of http, https, ssh and git.
var usualPorts = [...]string{"22", "80", "443", "9418"}

// ParseHosts reads a list of hosts: "git.example.com", "*.example.com" for all below it,
// "10.1.2.3", "10.1.0.0/16", each perhaps with a port, as in "git.example.com:8443" and
// "[fd00::1]:8443". Without a port it is those of http, https, ssh and git.
func ParseHosts(texts ...string) (*Hosts, error) {
	out := &Hosts{}
	for _, text := range texts {
		host, port := text, ""
		if h, p, err := net.SplitHostPort(text); err == nil {
			if host, port = h, p; !isPort(port) {
				return nil, fmt.Errorf("%q is no host: %q is no port", text, port)
			}
		}
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		if prefix, err := netip.ParsePrefix(host); err == nil {
			out.networks = append(out.networks, network{prefix.Masked(), port})
			continue
		}
		if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
			ip = ip.Unmap()
			out.networks = append(out.networks, network{netip.PrefixFrom(ip, ip.BitLen()), port})
			continue
		}
		name, below := strings.CutPrefix(host, "*.")
		if !isName(name) {
			return nil, fmt.Errorf("%q is no host: write a name such as git.example.com, all below one such as *.example.com, an address, or a network such as 10.1.0.0/16", text)
		}
		out.names = append(out.names, hostName{plainName(name), below, port})
	}
	return out, nil
}

// isPort reports whether a text is a port, in the only way to write it.
func isPort(text string) bool {
	port, err := netip.ParseAddrPort("127.0.0.1:" + text)
	return err == nil && port.Port() != 0 && text == fmt.Sprint(port.Port())
}

// isName reports whether a text is a host's name of letters, digits and hyphens.
func isName(text string) bool {
	if text = strings.TrimSuffix(text, "."); text == "" {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return false
		}
	}
	// What is only digits at the end is an address that somebody spells in a way of their own.
	last := text[strings.LastIndex(text, ".")+1:]
	return strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(strings.ToLower(last), "0x")
}

func plainName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// Check returns an error, an ErrHost, for a host that may not be spoken to at a port.
func (h *Hosts) Check(host, port string) error {
	if h == nil {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if h.allows(ip, port) {
			return nil
		}
		return refused(host, port)
	}
	name := plainName(host)
	if slices.ContainsFunc(h.names, func(allowed hostName) bool {
		same := name == allowed.name
		if allowed.below {
			same = strings.HasSuffix(name, "."+allowed.name)
		}
		return same && portAllowed(allowed.port, port)
	}) {
		return nil
	}
	return refused(host, port)
}

func refused(host, port string) error {
	return fmt.Errorf("host %s at port %s is %w", host, port, ErrHost)
}

func (h *Hosts) allows(ip netip.Addr, port string) bool {
	if ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	return slices.ContainsFunc(h.networks, func(n network) bool { return n.prefix.Contains(ip) && portAllowed(n.port, port) })
}

func portAllowed(allowed, port string) bool {
	return allowed == port || allowed == "" && slices.Contains(usualPorts[:], port)
}

// DialContext connects to "host:port" as dialer does, if it may be.
func (h *Hosts) DialContext(ctx context.Context, dialer net.Dialer, on, hostPort string) (net.Conn, error) {
	if h == nil {
		return dialer.DialContext(ctx, on, hostPort)
	}
	host, port, err := net.SplitHostPort(hostPort)
	if err == nil {
		err = h.Check(host, port)
	}
	if err != nil {
		return nil, err
	}
	dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return h.checkDialled(host, address)
	}
	return dialer.DialContext(ctx, on, hostPort)
}

// dialHTTP is DialContext for a transport whose requests have been through proxied: it
// may also connect to the proxy.
func (h *Hosts) dialHTTP(ctx context.Context, dialer net.Dialer, on, hostPort string) (net.Conn, error) {
	if h != nil && h.isProxy(hostPort) {
		return dialer.DialContext(ctx, on, hostPort)
	}
	return h.DialContext(ctx, dialer, on, hostPort)
}

// checkDialled refuses the address that a host's name has led to.
func (h *Hosts) checkDialled(host, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s leads to %s, which is %w", host, address, ErrHost)
	}
	if isPublic(at.Addr()) || h.allows(at.Addr(), fmt.Sprint(at.Port())) {
		return nil
	}
	return fmt.Errorf("%s leads to the internal address %s, which is %w", host, at.Addr(), ErrHost)
}

// internal are the networks that are not of the internet, or that lead into such: of
// IANA's registries of special-purpose addresses, and the address at which the machines of
// one cloud ask for their credentials, which looks like any other.
var internal = [...]string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "168.63.129.16/32",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
}

// isPublic reports whether an address is one of the internet's.
func isPublic(ip netip.Addr) bool {
	if ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	if ip.Is6() && !netip.MustParsePrefix("2000::/3").Contains(ip) {
		return false
	}
	return !slices.ContainsFunc(internal[:], func(text string) bool { return netip.MustParsePrefix(text).Contains(ip) })
}

// proxied is a proxy's choice for hosts that may be spoken to; the proxy itself may be.
func (h *Hosts) proxied(choose Proxy) Proxy {
	if h == nil {
		return choose
	}
	return func(request *http.Request) (*url.URL, error) {
		if err := h.Check(request.URL.Hostname(), port(request.URL)); err != nil {
			return nil, err
		}
		if choose == nil {
			return nil, nil
		}
		at, err := choose(request)
		if err == nil && at != nil {
			h.mu.Lock()
			if h.proxies == nil {
				h.proxies = map[string]bool{}
			}
			h.proxies[net.JoinHostPort(at.Hostname(), proxyPort(at))] = true
			h.mu.Unlock()
		}
		return at, err
	}
}

func proxyPort(at *url.URL) string {
	if at.Port() == "" && strings.HasPrefix(at.Scheme, "socks5") {
		return "1080"
	}
	return port(at)
}

func (h *Hosts) isProxy(hostPort string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.proxies[hostPort]
}
