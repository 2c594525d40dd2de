package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

// certificate makes a client's certificate and key.
func certificate(t *testing.T) (cert, key object.Sensitive) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return object.Sensitive(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		object.Sensitive(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}

// tlsServer counts the certificates that clients show it.
func tlsServer(t *testing.T, auth tls.ClientAuthType, handle func(w http.ResponseWriter, r *http.Request, shown int)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle(w, r, len(r.TLS.PeerCertificates))
	}))
	server.TLS = &tls.Config{ClientAuth: auth}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the tests
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// A client's certificate is shown to the repository, and to nobody else.
func TestClientCertificate(t *testing.T) {
	reached := false
	other := tlsServer(t, tls.RequestClientCert, func(_ http.ResponseWriter, _ *http.Request, shown int) {
		reached = true
		if shown > 0 {
			t.Error("the certificate was shown to another host")
		}
	})
	own := tlsServer(t, tls.RequireAnyClientCert, func(w http.ResponseWriter, r *http.Request, shown int) {
		if shown != 1 {
			t.Errorf("%d certificates", shown)
		}
		http.Redirect(w, r, other.URL, http.StatusFound)
	})
	ca := func(s *httptest.Server) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	}
	cert, key := certificate(t)
	for _, test := range []struct {
		name string
		auth source.Auth
		ok   bool
	}{
		{"with", source.Auth{CAData: ca(own) + ca(other), ClientCert: cert, ClientKey: key}, true},
		{"without", source.Auth{CAData: ca(own) + ca(other)}, false},
	} {
		reached = false
		client, err := NewClient(parse(t, own.URL), &test.auth, Network{})
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Get(t.Context(), parse(t, own.URL))
		if err == nil {
			_ = response.Body.Close()
		}
		if test.ok != (err == nil) || reached != test.ok {
			t.Errorf("%s: %v, the other was reached: %v", test.name, err, reached)
		}
	}
	// Verification is forgone for the repository only.
	client, err := NewClient(parse(t, own.URL), &source.Auth{Insecure: true, ClientCert: cert, ClientKey: key}, Network{})
	if err != nil {
		t.Fatal(err)
	}
	reached = false
	if response, err := client.Get(t.Context(), parse(t, own.URL)); err == nil {
		_ = response.Body.Close()
		t.Error("a host with an unknown certificate was read")
	}
	if reached {
		t.Error("a host with an unknown certificate was reached")
	}
	for name, auth := range map[string]source.Auth{
		"no key": {ClientCert: cert}, "no certificate": {ClientKey: key}, "mixed up": {ClientCert: key, ClientKey: cert}, "not PEM": {ClientCert: "x", ClientKey: key},
	} {
		if _, err := NewClient(parse(t, own.URL), &auth, Network{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
