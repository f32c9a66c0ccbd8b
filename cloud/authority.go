package cloud

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"quotewire/atomicfile"
)

// authority is the state folder's own certificate authority. It signs, on the spot, a certificate for each name that
// a client asks for and that this cloud stands for: loopback addresses, localhost, and AWS's names. Its certificate is
// constrained to those names, so that trusting it trusts nothing else.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey

	mu     sync.Mutex // protects issued
	issued map[string]*tls.Certificate
}

// domains are the names that the authority may sign for, with everything below them.
var domains = []string{"localhost", "amazonaws.com", "api.aws", "on.aws"}

const (
	caFile     = "ca.pem"        // the authority's certificate
	keyFile    = "ca-key.pem"    // its key
	bundleFile = "ca-bundle.pem" // the machine's authorities and this one, for functions
)

// openAuthority reads the authority of a state folder, or makes it.
func openAuthority(dir string) (*authority, error) {
	a, err := readAuthority(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (!a.covers() || time.Until(a.cert.NotAfter) < 30*24*time.Hour) {
		a, err = makeAuthority(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	return a, writeBundle(dir, a)
}

func readAuthority(dir string) (*authority, error) {
	certPEM, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s and %s in %s do not fit together; remove both and start again: %w", caFile, keyFile, dir, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s in %s is not an ECDSA key; remove it and %s and start again", keyFile, dir, caFile)
	}
	return &authority{cert: pair.Leaf, key: key, issued: map[string]*tls.Certificate{}}, nil
}

// covers reports whether the authority may sign for all domains: one that an earlier version made may not.
func (a *authority) covers() bool { return slices.Equal(a.cert.PermittedDNSDomains, domains) }

func makeAuthority(dir string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:                serial(),
		Subject:                     pkix.Name{CommonName: "Quotewire on this machine", Organization: []string{"Quotewire"}},
		NotBefore:                   time.Now().Add(-time.Hour),
		NotAfter:                    time.Now().AddDate(10, 0, 0),
		IsCA:                        true,
		BasicConstraintsValid:       true,
		MaxPathLenZero:              true,
		KeyUsage:                    x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         domains,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Write(filepath.Join(dir, keyFile), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return nil, err
	}
	if err := atomicfile.Write(filepath.Join(dir, caFile), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key, issued: map[string]*tls.Certificate{}}, nil
}

// systemBundles are where Linux distributions and macOS keep the machine's authorities as one file.
var systemBundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
}

// writeBundle joins the machine's authorities with this one, so that a function that is given the file still trusts
// the rest of the internet.
func writeBundle(dir string, a *authority) error {
	var all []byte
	for _, name := range systemBundles {
		if text, err := os.ReadFile(name); err == nil {
			all = append(bytes.TrimRight(text, "\n"), '\n')
			break
		}
	}
	all = append(all, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})...)
	return atomicfile.Write(filepath.Join(dir, bundleFile), all, 0o644)
}

// config answers each handshake with a certificate for the name that the client asked for.
func (a *authority) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
			if name == "" { // the client named an address
				host, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String())
				if err != nil {
					return nil, err
				}
				name = host
			}
			return a.certificate(name)
		},
	}
}

// maxIssued bounds the certificates that are kept; a client that asks for ever new names gets new ones.
const maxIssued = 1000

func (a *authority) certificate(name string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.issued[name]; ok && time.Until(c.Leaf.NotAfter) > time.Hour {
		return c, nil
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		// Without a common name: OpenSSL takes that of an address for the name of a host that the authority may not sign for.
		Subject:     pkix.Name{Organization: []string{"Quotewire"}},
		NotBefore:   time.Now().Add(-time.Hour),
		NotAfter:    time.Now().AddDate(0, 1, 0),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else if standsFor(name) {
		template.DNSNames = []string{name}
	} else {
		return nil, fmt.Errorf("this cloud does not stand for %s", name)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
	if len(a.issued) >= maxIssued {
		clear(a.issued)
	}
	a.issued[name] = c
	return c, nil
}

// standsFor reports whether name is one of the domains or below it.
func standsFor(name string) bool {
	for _, d := range domains {
		if name == d || strings.HasSuffix(name, "."+d) {
			return true
		}
	}
	return false
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return n
}
