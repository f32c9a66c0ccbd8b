package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"quotewire/cloud"
	"quotewire/cloud/iam"
)

var credentialsVerb = verb{
	name:  "credentials",
	short: "print the root credential of an embedded cloud, or rotate it",
	long: `
Prints the credential of the account's root as lines for a shell, with the cloud's address if it runs:

  eval "$(quotewire credentials)"

It is a secret of the state folder, made at the first start and kept in DIR/credentials, which AWS tools read as it is
(AWS_SHARED_CREDENTIALS_FILE). With --json it is printed as AWS's credential_process wants it. --rotate makes a new
one; a running cloud refuses the old one from then on.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		dir := flags.String("state", ".quotewire", "the `DIR` of the cloud's state")
		rotate := flags.Bool("rotate", false, "make a new one first")
		asJSON := flags.Bool("json", false, "print it as JSON, for credential_process")
		return func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usagef("credentials takes no arguments, got %q", args[0])
			}
			read := cloud.ReadRoot
			if *rotate {
				read = cloud.RotateRoot
			}
			root, err := read(*dir)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is no cloud's state: the first quotewire cloud or quotewire up makes it; name another folder with --state", *dir)
			}
			if err != nil {
				return err
			}
			if *asJSON {
				return json.NewEncoder(os.Stdout).Encode(struct {
					Version                      int
					AccessKeyId, SecretAccessKey string
				}{1, root.AccessKeyID, root.SecretAccessKey})
			}
			// Without endpoints.json the cloud does not run: the keys are good all the same.
			e, err := cloud.ReadEndpoints(*dir)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s: %w", filepath.Join(*dir, "endpoints.json"), err)
			}
			fmt.Print(shellSettings(e.Cloud, e.Region, root))
			return nil
		}
	},
}

// shellSettings are the lines that make a shell's AWS tools speak to a cloud as its root. What the shell has already
// and would come first with some tool is taken back.
func shellSettings(url, region string, root iam.Credentials) string {
	var b strings.Builder
	if url != "" {
		fmt.Fprintf(&b, "  export AWS_ENDPOINT_URL=%s AWS_DEFAULT_REGION=%s\n", url, region)
	}
	fmt.Fprintf(&b, "  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n", shellWord(root.AccessKeyID), shellWord(root.SecretAccessKey))
	for _, name := range []string{"AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		if os.Getenv(name) != "" {
			fmt.Fprintf(&b, "  unset %s\n", name)
		}
	}
	return b.String()
}

// shellWord quotes s if a shell would read it otherwise than as it stands.
func shellWord(s string) string {
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/+=_.-", c)) {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
	}
	return s
}

// rootFlag is a flag of the form KEY:SECRET.
type rootFlag iam.Credentials

func (r *rootFlag) String() string { return "" }

func (r *rootFlag) Set(s string) error {
	key, secret, ok := strings.Cut(s, ":")
	legible := func(c rune) bool { return c > ' ' && c <= '~' }
	switch {
	case !ok || key == "" || secret == "":
		return fmt.Errorf("want KEY:SECRET, got %q", s)
	case strings.ContainsAny(key, "/,=#;'\"") || strings.ContainsFunc(s, func(c rune) bool { return !legible(c) }):
		return errors.New("a key is letters and digits, a secret printable characters without spaces")
	}
	r.AccessKeyID, r.SecretAccessKey = key, secret
	return nil
}
