package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

const loginLong = `Asks the registry whether it takes the user name and the password, and stores them
where Docker looks for them: in config.json of DOCKER_CONFIG or ~/.docker, or in
the credential helper that this file configures. Wrong ones are not stored.

The password is asked for on the terminal, or read from stdin. There is no flag
for it, since other users can see the arguments of a program. The user name <token>
says that it is an identity token.`

const loginExample = `  nanobuild login ghcr.io -u me
  az acr login --name myregistry --expose-token --output tsv --query accessToken |
    nanobuild login myregistry.azurecr.io -u 00000000-0000-0000-0000-000000000000 --password-stdin`

// loginFlags are the flags of login, as the command line gives them.
type loginFlags struct {
	options flow.LoginOptions
	stdin   bool
	network networkFlags
}

func (a *app) login() *cobra.Command {
	f := &loginFlags{}
	cmd := &cobra.Command{
		Use:     "login REGISTRY",
		Short:   "Store the credentials of a registry, as docker login does",
		Long:    loginLong,
		Example: loginExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.options.Registry = args[0]
			return a.runLogin(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.options.User, "username", "u", "", "`user` name")
	flags.BoolVar(&f.stdin, "password-stdin", false, "read the password from stdin")
	addNetworkFlags(flags, &f.network)
	return cmd
}

func (a *app) runLogin(ctx context.Context, f *loginFlags) error {
	o := &f.options
	if err := a.askWho(ctx, f); err != nil {
		return err
	}
	switch {
	case o.User == "":
		return usageError{errors.New("the user name is empty")}
	case strings.Contains(o.User, ":"):
		return usageError{fmt.Errorf("the user name %s has a colon in it, which ends a user name (RFC 7617)", o.User)}
	case o.Password == "":
		return usageError{errors.New("the password is empty")}
	}
	deps, err := a.networkDeps(&f.network, &o.NetworkOptions)
	if err != nil {
		return err
	}
	account, err := flow.Login(ctx, *o, deps)
	if err != nil {
		return err
	}
	a.log.Info(fmt.Sprintf("logged in to %s as %s; stored %s", account.Registry, o.User, account.Where))
	return nil
}

// askWho fills in what the arguments leave out.
func (a *app) askWho(ctx context.Context, f *loginFlags) (err error) {
	o := &f.options
	switch {
	case f.stdin && o.User == "":
		return usageError{errors.New("--password-stdin needs the user name too: -u USER")}
	case f.stdin:
		o.Password, err = a.passwordFromStdin(ctx)
		return err
	case a.AskSecret == nil:
		return usageError{errors.New("there is no terminal to ask for the password: pipe it in, with -u USER --password-stdin")}
	}
	if o.User == "" {
		fmt.Fprint(a.Stderr, "Username: ")
		if o.User, err = interruptible(ctx, func() (string, error) { return readLine(a.stdin()) }); err != nil {
			return fmt.Errorf("read the user name: %w", err)
		}
		o.User = strings.TrimSpace(o.User)
	}
	fmt.Fprint(a.Stderr, "Password: ")
	o.Password, err = a.AskSecret(ctx)
	fmt.Fprintln(a.Stderr)
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	return nil
}

// maxPassword is the longest password that is read, in bytes. Tokens of clouds
// have a few thousand.
const maxPassword = 256 << 10

func (a *app) passwordFromStdin(ctx context.Context) (string, error) {
	text, err := interruptible(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(a.stdin(), maxPassword+1)) })
	if err != nil {
		return "", fmt.Errorf("read the password from stdin: %w", err)
	}
	if len(text) > maxPassword {
		return "", usageError{fmt.Errorf("what stdin holds is no password: it has more than %d KiB", maxPassword>>10)}
	}
	return cleanPassword(text), nil
}

// cleanPassword takes off what shells add: PowerShell a byte order mark in front,
// and all of them the end of a line.
func cleanPassword(text []byte) string {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	for _, end := range []string{"\r\n", "\n", "\r"} {
		if rest, ok := bytes.CutSuffix(text, []byte(end)); ok {
			return string(rest)
		}
	}
	return string(text)
}

func (p Process) stdin() io.Reader {
	if p.Stdin == nil {
		return strings.NewReader("")
	}
	return p.Stdin
}

func (a *app) logout() *cobra.Command {
	return &cobra.Command{
		Use:   "logout REGISTRY",
		Short: "Remove the stored credentials of a registry, as docker logout does",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			account, err := flow.Logout(cmd.Context(), args[0], a.deps(a.log))
			switch {
			case err != nil:
				return err
			case account.Where.File == "":
				a.log.Info(fmt.Sprintf("not logged in to %s: nothing is stored for it", account.Registry))
			default:
				a.log.Info(fmt.Sprintf("logged out of %s; the credentials were stored %s", account.Registry, account.Where))
			}
			return nil
		},
	}
}
