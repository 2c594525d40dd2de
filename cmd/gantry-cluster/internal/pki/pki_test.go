package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func newAuthority(t *testing.T, name string) *Authority {
	t.Helper()
	a, err := NewAuthority(name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func keyPair(t *testing.T, p Pair, err error) tls.Certificate {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestHandshake has a server and a client meet that were signed by one authority,
// and by different ones.
func TestHandshake(t *testing.T) {
	cluster, other := newAuthority(t, "cluster"), newAuthority(t, "other")
	serverPair, err := cluster.Server("server", "127.0.0.1", "localhost")
	server := keyPair(t, serverPair, err)

	clientPair, err := cluster.Client("admin", "system:masters")
	good := keyPair(t, clientPair, err)
	strangerPair, err := other.Client("admin", "system:masters")
	stranger := keyPair(t, strangerPair, err)

	var seen string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		subject := r.TLS.PeerCertificates[0].Subject
		seen = subject.CommonName + "/" + subject.Organization[0]
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool(cluster), MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = nil
	s.StartTLS()
	defer s.Close()

	tests := []struct {
		name   string
		client tls.Certificate
		roots  *x509.CertPool
		ok     bool
	}{
		{"both of the cluster", good, pool(cluster), true},
		{"client of another authority", stranger, pool(cluster), false},
		{"server of another authority", good, pool(other), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen = ""
			client := &http.Client{Transport: &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: tt.roots, Certificates: []tls.Certificate{tt.client}, MinVersion: tls.VersionTLS12},
			}}
			response, err := client.Get(s.URL)
			if err == nil {
				_ = response.Body.Close()
			}
			if (err == nil) != tt.ok {
				t.Fatalf("the request's error is %v, want success: %t", err, tt.ok)
			}
			if want := "admin/system:masters"; tt.ok && seen != want {
				t.Errorf("the server saw %q, want %q", seen, want)
			}
		})
	}
}

func pool(a *Authority) *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(a.Cert)
	return p
}

func TestClientCertificateIsNoServer(t *testing.T) {
	a := newAuthority(t, "cluster")
	p, err := a.Client("admin")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(p.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: pool(a), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err == nil {
		t.Error("a client's certificate passes for a server's")
	}
	if cert.IsCA {
		t.Error("a client's certificate could sign others")
	}
}

func TestTokenKeys(t *testing.T) {
	private, public, err := TokenKeys()
	if err != nil {
		t.Fatal(err)
	}
	privateBlock, _ := pem.Decode(private)
	key, err := x509.ParseECPrivateKey(privateBlock.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	publicBlock, _ := pem.Decode(public)
	parsed, err := x509.ParsePKIXPublicKey(publicBlock.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !key.PublicKey.Equal(parsed) {
		t.Error("the public key is not that of the private key")
	}
}
