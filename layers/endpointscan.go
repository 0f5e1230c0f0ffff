package layers

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// spot is where a manifest holds the Last-Modified value of an asset, quotes
// included.
type spot struct {
	asset      string
	start, end int
}

// scanner reads the part of a manifest that matters, as dotnet writes it:
//
//	{"Endpoints":[{"AssetFile":"a.css","ResponseHeaders":[{"Name":"Last-Modified","Value":"…"}]}]}
//
// https://github.com/dotnet/aspnetcore/blob/main/src/StaticAssets/src/StaticAssetDescriptor.cs
type scanner struct {
	dec   *json.Decoder
	shift int // bytes in front of what dec reads
	spots []spot
}

// findLastModified returns the values in the order of the file.
func findLastModified(data []byte) ([]spot, error) {
	body := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	s := &scanner{dec: json.NewDecoder(bytes.NewReader(body)), shift: len(data) - len(body)}
	err := s.object(func(key string) error {
		if key != "Endpoints" {
			return s.skip()
		}
		return s.array(s.endpoint)
	})
	return s.spots, err
}

func (s *scanner) endpoint() error {
	var asset string
	first := len(s.spots)
	err := s.object(func(key string) error {
		switch key {
		case "AssetFile":
			return s.dec.Decode(&asset)
		case "ResponseHeaders":
			return s.array(s.header)
		}
		return s.skip()
	})
	for i := range s.spots[first:] {
		s.spots[first+i].asset = asset
	}
	return err
}

func (s *scanner) header() error {
	var name string
	var value spot
	err := s.object(func(key string) (err error) {
		switch key {
		case "Name":
			return s.dec.Decode(&name)
		case "Value":
			value, err = s.text()
			return err
		}
		return s.skip()
	})
	if name == "Last-Modified" && value.end > 0 {
		s.spots = append(s.spots, value)
	}
	return err
}

// text reads a string and says where it is.
func (s *scanner) text() (spot, error) {
	var raw json.RawMessage
	if err := s.dec.Decode(&raw); err != nil {
		return spot{}, err
	}
	if raw[0] != '"' {
		return spot{}, nil
	}
	end := s.shift + int(s.dec.InputOffset())
	return spot{start: end - len(raw), end: end}, nil
}

func (s *scanner) skip() error {
	var raw json.RawMessage
	return s.dec.Decode(&raw)
}

// object calls member for each key; member reads the value.
func (s *scanner) object(member func(key string) error) error {
	if err := s.delim('{'); err != nil {
		return err
	}
	for s.dec.More() {
		key, err := s.dec.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("%v is not a key", key)
		}
		if err := member(name); err != nil {
			return err
		}
	}
	return s.delim('}')
}

// array calls element for each element, which reads it.
func (s *scanner) array(element func() error) error {
	if err := s.delim('['); err != nil {
		return err
	}
	for s.dec.More() {
		if err := element(); err != nil {
			return err
		}
	}
	return s.delim(']')
}

func (s *scanner) delim(want json.Delim) error {
	got, err := s.dec.Token()
	if err == nil && got != want {
		err = fmt.Errorf("%v in place of %v", got, want)
	}
	return err
}
