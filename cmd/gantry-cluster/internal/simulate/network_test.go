package simulate

import (
	"net/netip"
	"testing"
)

func TestTake(t *testing.T) {
	b := newBalancers(nil, nil)
	take := func(key, wanted string) netip.Addr {
		t.Helper()
		a, err := b.take(key, wanted)
		if err != nil {
			t.Fatalf("take(%q, %q): %v", key, wanted, err)
		}
		return a
	}
	first := take("a/first", "")
	if again := take("a/first", ""); again != first {
		t.Errorf("asked twice, a Service gets %s and %s", first, again)
	}
	if first == ingressAddress() {
		t.Errorf("a Service has the address of the ingress controller, %s", first)
	}
	second := take("a/second", "")
	if second == first {
		t.Errorf("two Services have the address %s", first)
	}
	if got := take("a/wanted", "203.0.113.7"); got.String() != "203.0.113.7" {
		t.Errorf("the Service that wants 203.0.113.7 gets %s", got)
	}
	if a, err := b.take("a/late", "203.0.113.7"); err == nil {
		t.Errorf("an address that is taken was given away again: %s", a)
	}
	if got := take("a/odd", "no address"); !netip.MustParsePrefix(addressRange).Contains(got) {
		t.Errorf("a Service whose wish cannot be read gets %s", got)
	}
	b.release("a/first")
	if got := take("a/third", ""); got != first {
		t.Errorf("the free address %s is not used again, but %s", first, got)
	}
}
