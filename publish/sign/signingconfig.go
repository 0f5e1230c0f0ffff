//go:build !nosign

package sign

import (
	"errors"
	"fmt"
	"strings"
	"time"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
)

// The public instance of sigstore.
//
// https://docs.sigstore.dev/about/overview/
const (
	publicFulcio = "https://fulcio.sigstore.dev"
	publicRekor  = "https://rekor.sigstore.dev"
)

// noLog is what leaves the transparency log out.
const noLog = "none"

// services are whom keyless signing asks.
type services struct {
	fulcio string
	logs   []string
	stamps []string // timestamp authorities, with their paths
}

// servicesOf chooses them. It fails where nobody would vouch for the time of a
// signature, without which a certificate of some minutes proves nothing.
func servicesOf(k Keyless) (services, error) {
	s := services{fulcio: k.Fulcio, logs: []string{k.Rekor}}
	if s.fulcio == "" {
		s.fulcio = publicFulcio
	}
	switch k.Rekor {
	case "":
		s.logs = []string{publicRekor}
	case noLog:
		s.logs = nil
	}
	if k.TSA != "" {
		s.stamps = []string{k.TSA}
	}
	if k.SigningConfig != nil {
		var err error
		if s, err = configured(k.SigningConfig, k.now()); err != nil {
			return services{}, fmt.Errorf("read the signing config (--signing-config): %w", err)
		}
	}
	if len(s.logs) == 0 && len(s.stamps) == 0 {
		return services{}, errors.New("without a transparency log nobody could tell whether a keyless signature was made while its certificate was valid; name a timestamp authority (--timestamp-url)")
	}
	return s.checked()
}

// now is the zero time where nobody tells it.
func (k Keyless) now() time.Time {
	if k.Now == nil {
		return time.Time{}
	}
	return k.Now()
}

// checked fails where an address is none, and cuts slashes that paths are added after.
func (s services) checked() (services, error) {
	err := checkAddress("the certificate authority (--fulcio-url)", s.fulcio, true)
	for i, one := range s.logs {
		err = errors.Join(err, checkAddress("the transparency log (--rekor-url)", one, false))
		s.logs[i] = strings.TrimRight(one, "/")
	}
	for _, one := range s.stamps {
		err = errors.Join(err, checkAddress("the timestamp authority (--timestamp-url)", one, false))
	}
	s.fulcio = strings.TrimRight(s.fulcio, "/")
	return s, err
}

// The versions of the services' interfaces that are spoken. The second of logs gives
// entries no time and no promise, which cosign's tags have no place without.
func spoken() []uint32 { return []uint32{1} }

// configured reads a signing config and chooses services that are valid now, in the
// number that it says. With a zero time the newest are valid.
//
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto
func configured(raw []byte, now time.Time) (services, error) {
	read, err := root.NewSigningConfigProtobuf(raw)
	if err != nil {
		return services{}, err
	}
	for _, one := range []**prototrustroot.ServiceConfiguration{&read.RekorTlogConfig, &read.TsaConfig} {
		if *one == nil { // the library takes them for granted
			*one = &prototrustroot.ServiceConfiguration{Selector: prototrustroot.ServiceSelector_ANY}
		}
	}
	config, err := root.NewSigningConfigFromProtobuf(read)
	if err != nil {
		return services{}, err
	}
	authorities := config.FulcioCertificateAuthorityURLs()
	fulcio, err := root.SelectService(authorities, spoken(), validAt(authorities, now))
	if err != nil {
		return services{}, fmt.Errorf("choose a certificate authority: %w", err)
	}
	logs, err := chosen(config.RekorLogURLs(), config.RekorLogURLsConfig(), now)
	if err != nil {
		return services{}, fmt.Errorf("choose a transparency log: %w", err)
	}
	stamps, err := chosen(config.TimestampAuthorityURLs(), config.TimestampAuthorityURLsConfig(), now)
	if err != nil {
		return services{}, fmt.Errorf("choose a timestamp authority: %w", err)
	}
	return services{fulcio: fulcio.URL, logs: logs, stamps: stamps}, nil
}

// chosen returns the addresses of services; none where the config names none.
func chosen(all []root.Service, how root.ServiceConfiguration, now time.Time) ([]string, error) {
	if len(all) == 0 {
		return nil, nil
	}
	some, err := root.SelectServices(all, how, spoken(), validAt(all, now))
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, one := range some {
		addresses = append(addresses, one.URL)
	}
	return addresses, nil
}

// validAt is the time that services must be valid at: now, or when the last of them
// became valid where it is not known what time it is.
func validAt(all []root.Service, now time.Time) time.Time {
	if !now.IsZero() {
		return now
	}
	for _, one := range all {
		if one.ValidityPeriodStart.After(now) {
			now = one.ValidityPeriodStart
		}
	}
	return now
}
