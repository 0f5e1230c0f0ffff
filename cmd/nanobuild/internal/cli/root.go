package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nanobuild/nanobuild/publish"
)

// app is one run of the program.
type app struct {
	Process
	log       *logger
	quiet     bool
	verbose   bool
	logFormat string
	started   bool // the arguments were understood
}

// Run runs the command line and returns its exit code. The context is the one
// that Signals returns.
func Run(ctx context.Context, p Process, args []string) int {
	a := &app{Process: p}
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if a.log == nil { // refused before the flags were applied
		a.log = newLogger(a.Stderr, a.earlyFormat(root.PersistentFlags()), slog.LevelInfo)
	}
	if !a.started { // cobra refused a command, a flag or an argument
		err = usageError{fmt.Errorf("%s; see %s --help", oneLine(err.Error()), cmd.CommandPath())}
	}
	a.report(ctx, err)
	return exitCode(ctx, err)
}

// earlyFormat is the log format as far as it is known before setup is done.
func (a *app) earlyFormat(flags *pflag.FlagSet) string {
	if v := a.getenv(flagVariable("log-format")); v != "" && !flags.Changed("log-format") {
		return v
	}
	return a.logFormat
}

// oneLine joins the lines of cobra's suggestions.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (a *app) report(ctx context.Context, err error) {
	var signalled interrupted
	if errors.As(context.Cause(ctx), &signalled) {
		// Most of err only says that it was interrupted. What has moved is news.
		var tag *publish.TagError
		if errors.As(err, &tag) {
			a.log.Error(tag.Error())
		}
		a.log.Debug(err.Error())
		a.log.Error(signalled.Error() + "; only images whose references were printed are finished")
		return
	}
	text := err.Error()
	if diskFull(err) {
		text += "; make room there, or take a folder on another disk"
	}
	a.log.Error(text)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "nanobuild",
		Short: "Publish .NET apps as Windows container images from any machine",
		Long: `nanobuild publishes .NET applications as Windows container images, from Linux,
macOS or Windows, without a Docker daemon and without a Windows machine.`,
		Example: `  nanobuild demo
  nanobuild publish ./src/Web --repo ghcr.io/me/web -t v1`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.setup(cmd)
		},
	}
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	flags := root.PersistentFlags()
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "show only warnings and errors")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "show more of what happens")
	flags.StringVar(&a.logFormat, "log-format", "text", "`format` of the messages on stderr: text or json")
	root.AddCommand(a.publish(), a.push(), a.rebase(), a.inspect(), a.verify(), a.sign(), a.generateKeyPair(), a.login(), a.logout(), a.cacheCommand(), a.demo(), a.versionCommand())
	root.CompletionOptions.HiddenDefaultCmd = false
	return root
}

// setup applies environment and the flags that every command has.
func (a *app) setup(cmd *cobra.Command) error {
	a.started = true
	asked := [2]bool{cmd.Flags().Changed("quiet"), cmd.Flags().Changed("verbose")}
	if err := a.applyEnvironment(cmd.Flags()); err != nil {
		return err
	}
	switch asked { // one of the two as a flag wins over the other as a variable
	case [2]bool{true, false}:
		a.verbose = a.verbose && !a.quiet
	case [2]bool{false, true}:
		a.quiet = a.quiet && !a.verbose
	}
	if a.logFormat != "text" && a.logFormat != "json" {
		return usageError{fmt.Errorf("--log-format %s is unknown: use text or json", a.logFormat)}
	}
	level := slog.LevelInfo
	switch {
	case a.quiet && a.verbose:
		return usageError{errors.New("--quiet and --verbose contradict each other")}
	case a.quiet:
		level = slog.LevelWarn
	case a.verbose:
		level = slog.LevelDebug
	}
	a.log = newLogger(a.Stderr, a.logFormat, level)
	return nil
}
