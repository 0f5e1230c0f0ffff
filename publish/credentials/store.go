package credentials

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
)

// Store keeps credentials where Docker's command line looks for them: in its
// config file, or in the helper that the file configures for the host.
type Store struct {
	// File is the path of the config file. It and its folder are created where
	// they are missing.
	File string
	// Home is the user's home folder, only to write paths the way people do.
	Home string
	// Program starts a credential helper, given the name of its program; nil
	// means the one on PATH.
	Program func(name string) client.ProgramFunc
}

// Login are the credentials of a host.
type Login struct {
	Host     string
	User     string // "<token>" where Password is an identity token
	Password string
}

// Save stores the credentials, in place of older ones of the host, and says where.
// It fails with a *StoreError, and then the file is as it was.
func (s Store) Save(ctx context.Context, l Login) (Where, error) {
	_, helper, err := s.read(l.Host)
	if err != nil {
		return Where{}, s.problem("store", l.Host, "", err)
	}
	key := serverKey(l.Host)
	value := l.entry()
	where := Where{File: s.fileName()}
	if helper != "" {
		where.Program = programName(helper)
		err := tellHelper(ctx, s.start(helper), func(p client.ProgramFunc) error {
			return client.Store(p, &credentials.Credentials{ServerURL: key, Username: l.User, Secret: l.Password})
		})
		if err != nil {
			return Where{}, s.problem("store", l.Host, helper, err)
		}
		value = entry{} // Docker leaves an empty entry, as a list of what its helper has
	}
	err = s.edit(ctx, func(auths object) (object, error) {
		raw, err := marshal(value)
		return auths.with(key, raw), err
	})
	if err != nil {
		return Where{}, s.problem("store", l.Host, "", err)
	}
	return where, nil
}

func (l Login) entry() entry {
	if l.User == IdentityUser {
		return entry{IdentityToken: l.Password}
	}
	return entry{Auth: basicText(l.User, l.Password)}
}

// Remove forgets the credentials of a host, however its name is spelled in the
// file, and says where they were, if they were anywhere. It fails with a
// *StoreError.
func (s Store) Remove(ctx context.Context, host string) (where Where, err error) {
	c, helper, err := s.read(host)
	if err != nil {
		return Where{}, s.problem("remove", host, "", err)
	}
	if helper != "" {
		erased, err := s.erase(ctx, helper, serverKey(host))
		if err != nil {
			return Where{}, s.problem("remove", host, helper, err)
		}
		if erased {
			where = Where{File: s.fileName(), Program: programName(helper)}
		}
	}
	if !c.names(host) {
		return where, nil
	}
	err = s.edit(ctx, func(auths object) (object, error) {
		var rest object
		for _, m := range auths {
			if !isFor(m.key, host) {
				rest = append(rest, m)
			} else if where == (Where{}) && !emptyEntry(m.value) {
				where.File = s.fileName()
			}
		}
		return rest, nil
	})
	if err != nil {
		return Where{}, s.problem("remove", host, "", err)
	}
	return where, nil
}

// isFor says whether a key of auths means the host as a whole.
func isFor(key, host string) bool {
	h, path := splitKey(key)
	return h == CanonicalHost(host) && path == ""
}

// names says whether the config has any entry for the host, even an empty one.
func (c *config) names(host string) bool {
	for key := range c.Auths {
		if isFor(key, host) {
			return true
		}
	}
	return false
}

// erase removes what the helper has, and says whether it had something.
func (s Store) erase(ctx context.Context, helper, server string) (bool, error) {
	_, known, err := newHelpers(s.Program).get(ctx, helper, server)
	if err != nil || !known {
		return false, err
	}
	return true, tellHelper(ctx, s.start(helper), func(p client.ProgramFunc) error { return client.Erase(p, server) })
}

func (s Store) start(helper string) client.ProgramFunc {
	return programOr(s.Program)(programName(helper))
}

// read returns the config, and the helper that it configures for the host or "".
func (s Store) read(host string) (c *config, helper string, err error) {
	if s.File == "" {
		return nil, "", errors.New("there is no home folder to store it in: set DOCKER_CONFIG to a folder")
	}
	text, err := readConfig(s.File)
	if err != nil {
		return nil, "", err
	}
	if c, err = parseConfig(text); err != nil {
		return nil, "", err
	}
	helper, by := c.helperFor(CanonicalHost(host))
	if helper == "" {
		return c, "", nil
	}
	if err := checkHelper(helper); err != nil {
		return nil, "", fmt.Errorf("%s: %w", by, err)
	}
	return c, helper, nil
}

func (s Store) fileName() string { return shortPath(s.File, s.Home) }

func (s Store) problem(doing, host, helper string, err error) error {
	where := s.fileName()
	if where == "" {
		where = "config.json"
	}
	if helper != "" {
		where = programName(helper) + ", named in " + where
	}
	return &StoreError{Doing: doing, Host: host, Where: where, Err: err}
}

// edit lets change replace the auths of the file. Others who do so too wait.
func (s Store) edit(ctx context.Context, change func(auths object) (object, error)) error {
	return editFile(ctx, s.File, func(text []byte) ([]byte, error) { return changeAuths(text, change) })
}

// changeAuths returns the text of a config file with its auths changed. Where
// they stay the same the text does too.
func changeAuths(text []byte, change func(auths object) (object, error)) ([]byte, error) {
	whole, err := parseObject(text)
	if err != nil {
		return nil, err
	}
	old, err := whole.part("auths")
	if err != nil {
		return nil, err
	}
	auths, err := change(old)
	if err != nil {
		return nil, err
	}
	before, err := marshal(old)
	if err != nil {
		return nil, err
	}
	after, err := marshal(auths)
	if err != nil || bytes.Equal(before, after) {
		return text, err
	}
	return whole.with("auths", json.RawMessage(after)).indented()
}
