package cloud

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"quotewire/atomicfile"
	"quotewire/cloud/iam"
)

// credentialsFile holds the credential of the account's root, as AWS's shared credentials files do, so that
// AWS_SHARED_CREDENTIALS_FILE=DIR/credentials is all that a tool needs. Only its owner may read it.
const credentialsFile = "credentials"

// rootFile is the root's credential as the file has it now. A running cloud looks at the file whenever somebody signs
// with a key that is no user's and no session's: a rotation needs no call and is in force with the next request.
type rootFile struct {
	name string
	log  *slog.Logger

	mu      sync.Mutex // protects what follows
	seen    fs.FileInfo
	current iam.Credentials
}

// openRoot reads the root's credential, or makes it at the first start. pinned, unless it is zero, takes its place; the
// next start without one makes a new secret, for a pinned one is known to whoever has read the command line.
func openRoot(dir string, pinned iam.Credentials, log *slog.Logger) (*rootFile, error) {
	r := &rootFile{name: filepath.Join(dir, credentialsFile), log: log}
	_, wasPinned, err := readRoot(r.name)
	switch {
	case pinned != iam.Credentials{}:
		log.Warn("the root's credential is pinned: anybody on this machine who knows it, functions too, can act as root")
		err = writeRoot(r.name, pinned, true)
	case errors.Is(err, fs.ErrNotExist) || err == nil && wasPinned:
		err = writeRoot(r.name, newRoot(), false)
	case err == nil:
		err = os.Chmod(r.name, 0o600) // whoever copied the folder may have opened it to others
	}
	if err != nil {
		return nil, fmt.Errorf("the root's credential: %w", err)
	}
	if r.seen, err = os.Stat(r.name); err == nil {
		r.current, _, err = readRoot(r.name)
	}
	return r, err
}

// credentials returns what the file says. If it has become unreadable, what it said before stays good: the cloud's
// owner must not be locked out by a slip of an editor.
func (r *rootFile) credentials() iam.Credentials {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, err := os.Stat(r.name)
	if err == nil && os.SameFile(now, r.seen) && now.ModTime().Equal(r.seen.ModTime()) && now.Size() == r.seen.Size() {
		return r.current
	}
	var next iam.Credentials
	if err == nil {
		r.seen = now
		next, _, err = readRoot(r.name)
	}
	if err != nil {
		r.log.Warn("the root's credential cannot be read; the one before stays good", "err", err)
		return r.current
	}
	if next != r.current {
		r.current = next
		r.log.Info("the root's credential has changed", "key", next.AccessKeyID)
	}
	return r.current
}

// newRoot makes a credential in AWS's form: the id of a long-term key, and forty characters of secret.
func newRoot() iam.Credentials {
	b := make([]byte, 10+30)
	rand.Read(b)
	return iam.Credentials{AccessKeyID: "AKIA" + base32.StdEncoding.EncodeToString(b[:10]), SecretAccessKey: base64.StdEncoding.EncodeToString(b[10:])}
}

// pinnedKey marks a credential that came from --root. AWS's tools pass over settings that they do not know.
const pinnedKey = "quotewire_pinned"

func writeRoot(name string, c iam.Credentials, pinned bool) error {
	var b bytes.Buffer
	b.WriteString("# The root of the cloud that keeps its state here: whoever has this may do everything in it.\n")
	fmt.Fprintf(&b, "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", c.AccessKeyID, c.SecretAccessKey)
	if pinned {
		fmt.Fprintf(&b, "%s = true\n", pinnedKey)
	}
	return atomicfile.Write(name, b.Bytes(), 0o600)
}

// readRoot reads the profile "default" of a shared credentials file.
func readRoot(name string) (c iam.Credentials, pinned bool, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return c, false, err
	}
	section := ""
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if rest, ok := strings.CutPrefix(line, "["); ok {
			section, _, _ = strings.Cut(rest, "]")
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") || strings.TrimSpace(section) != "default" {
			continue
		}
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "aws_access_key_id":
			c.AccessKeyID = value
		case "aws_secret_access_key":
			c.SecretAccessKey = value
		case pinnedKey:
			pinned = value == "true"
		}
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return c, false, fmt.Errorf("%s has no aws_access_key_id and aws_secret_access_key in [default]; remove it, and the next start makes a new one", name)
	}
	return c, pinned, nil
}

// ReadRoot returns the root's credential of the cloud that keeps its state in dir, running or not.
func ReadRoot(dir string) (iam.Credentials, error) {
	c, _, err := readRoot(filepath.Join(dir, credentialsFile))
	return c, err
}

// RotateRoot replaces the root's credential of the cloud that keeps its state in dir and returns the new one. A running
// cloud accepts only that from now on.
func RotateRoot(dir string) (iam.Credentials, error) {
	name := filepath.Join(dir, credentialsFile)
	if _, err := os.Stat(name); err != nil {
		return iam.Credentials{}, err
	}
	c := newRoot()
	return c, writeRoot(name, c, false)
}

// CredentialsFile is the path of the AWS shared credentials file that holds the root's credential.
func (c *Cloud) CredentialsFile() string { return c.root.name }

// Root returns the credential of the account's root.
func (c *Cloud) Root() iam.Credentials { return c.root.credentials() }
