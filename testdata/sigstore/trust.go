package sigstore

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// TrustedRoot is the JSON that says whose certificates, log and timestamps count.
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto
func (s *Sigstore) TrustedRoot() []byte {
	root := map[string]any{
		"mediaType":              "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"certificateAuthorities": []any{s.authority(s.FulcioURL(), s.pki.issuer, s.pki.root)},
	}
	if !s.options.NoLog {
		root["tlogs"] = []any{s.logInstance()}
	}
	if !s.options.NoTSA {
		root["timestampAuthorities"] = []any{s.authority(s.TSAURL(), s.pki.stamp, s.pki.stampIssuer, s.pki.root)}
	}
	return s.text(root)
}

func (s *Sigstore) authority(uri string, chain ...*x509.Certificate) any {
	var certificates []any
	for _, one := range chain {
		certificates = append(certificates, map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(one.Raw)})
	}
	return map[string]any{
		"subject":   map[string]any{"organization": "sigstore.test", "commonName": "sigstore"},
		"uri":       uri,
		"certChain": map[string]any{"certificates": certificates},
		"validFor":  validity(),
	}
}

func (s *Sigstore) logInstance() any {
	der, err := x509.MarshalPKIXPublicKey(s.pki.logKey.Public())
	s.must(err)
	id, err := keyID(s.pki.logKey)
	s.must(err)
	return map[string]any{
		"baseUrl": s.RekorURL(), "hashAlgorithm": "SHA2_256",
		"publicKey": map[string]any{
			"rawBytes": base64.StdEncoding.EncodeToString(der), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": validity(),
		},
		"logId": map[string]any{"keyId": base64.StdEncoding.EncodeToString(id)},
	}
}

// SigningConfig is the JSON that says which services to sign with.
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto
func (s *Sigstore) SigningConfig() []byte {
	service := func(url string) []any {
		return []any{map[string]any{"url": url, "majorApiVersion": 1, "validFor": validity(), "operator": "sigstore.test"}}
	}
	config := map[string]any{
		"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
		"caUrls":    service(s.FulcioURL()), "oidcUrls": service(s.URL()),
		"rekorTlogConfig": map[string]any{"selector": "ANY"}, "tsaConfig": map[string]any{"selector": "ANY"},
	}
	if !s.options.NoLog {
		config["rekorTlogUrls"] = service(s.RekorURL())
	}
	if !s.options.NoTSA {
		config["tsaUrls"] = service(s.TSAURL())
	}
	return s.text(config)
}

func validity() any {
	return map[string]any{"start": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)}
}

func (s *Sigstore) text(value any) []byte {
	data, err := json.MarshalIndent(value, "", "  ")
	s.must(err)
	return append(data, '\n')
}

// Files are what the trusted root has, as those take it who read no such root: the
// certificates of the authority and of the timestamp authority, from the lowest to the
// root, and the key of the log, all PEM.
type Files struct{ Authorities, Stamps, LogKey []byte }

// Files returns what the trusted root has in PEM.
func (s *Sigstore) Files() Files {
	key, err := cryptoutils.MarshalPublicKeyToPEM(s.pki.logKey.Public())
	s.must(err)
	authorities, err := cryptoutils.MarshalCertificatesToPEM([]*x509.Certificate{s.pki.issuer, s.pki.root})
	s.must(err)
	stamps, err := cryptoutils.MarshalCertificatesToPEM([]*x509.Certificate{s.pki.stamp, s.pki.stampIssuer, s.pki.root})
	s.must(err)
	return Files{authorities, stamps, key}
}
