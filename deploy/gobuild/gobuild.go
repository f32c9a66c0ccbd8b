// Package gobuild makes a function's code from a Go package: a static Linux executable named bootstrap in a zip archive,
// as the provided.al2023 runtime of Lambda wants it.
//
// The same source and toolchain give the same archive byte for byte, on every machine and at any time, so that a hash
// tells whether code differs. Results are kept in a cache folder; a package that has not changed is neither linked nor
// packed again.
package gobuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoToolchain is returned when there is no go command.
var ErrNoToolchain = errors.New("building a function needs the Go toolchain, and there is no go command on the PATH: install Go from https://go.dev/dl/")

// CompileError is what the compiler said about a package.
type CompileError struct {
	Dir   string
	Lines string
}

func (e *CompileError) Error() string {
	return fmt.Sprintf("%s does not compile:\n%s", e.Dir, e.Lines)
}

// Package is a function's code, ready for upload.
type Package struct {
	Path   string // of the zip archive in the cache folder
	SHA256 [sha256.Size]byte
	Size   int64
}

// Build makes the package in dir for a GOARCH and keeps the result below cache. An empty cache is a folder of the user's
// cache directory. Builds of different packages may run at the same time. Equal sources give an equal archive on any machine,
// unless local leaves this machine's paths in it, which spares compiling anew what "go run" has compiled.
func Build(ctx context.Context, dir, goarch, cache string, local bool) (Package, error) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return Package{}, ErrNoToolchain
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return Package{}, fmt.Errorf("build %s: %w", dir, err)
	}
	out, err := folder(cache, dir, goarch)
	if err != nil {
		return Package{}, fmt.Errorf("build %s: %w", dir, err)
	}
	bootstrap := filepath.Join(out, "bootstrap")
	// lambda.norpc leaves out the RPC server of the go1.x runtime. A go build to the same file links only if it must.
	cmd := exec.CommandContext(ctx, goTool, "build", "-o", bootstrap, fmt.Sprintf("-trimpath=%t", !local), "-buildvcs=false",
		"-tags", "lambda.norpc", "-ldflags", "-s -w", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0", "PWD="+dir)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return Package{}, context.Cause(ctx)
		}
		lines := strings.TrimSpace(output.String())
		if lines == "" {
			lines = err.Error()
		}
		return Package{}, &CompileError{Dir: dir, Lines: lines}
	}
	return pack(out, bootstrap)
}

// folder is where the results of one package for one architecture lie.
func folder(cache, dir, goarch string) (string, error) {
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(user, "quotewire", "build")
	}
	cache, err := filepath.Abs(cache)
	if err != nil {
		return "", err
	}
	id := sha256.Sum256([]byte(dir + "\x00" + goarch))
	out := filepath.Join(cache, filepath.Base(dir)+"-"+hex.EncodeToString(id[:6]))
	return out, os.MkdirAll(out, 0o755)
}

// pack returns the archive of the executable. Archives are named by the executable's hash: one that is there is right.
func pack(out, bootstrap string) (Package, error) {
	code, err := os.ReadFile(bootstrap)
	if err != nil {
		return Package{}, fmt.Errorf("pack: %w", err)
	}
	sum := sha256.Sum256(code)
	path := filepath.Join(out, hex.EncodeToString(sum[:8])+".zip")
	archive, err := os.ReadFile(path)
	if err != nil {
		if archive, err = archiveOf(code); err != nil {
			return Package{}, fmt.Errorf("pack: %w", err)
		}
		if err := replace(out, path, archive); err != nil {
			return Package{}, fmt.Errorf("pack: %w", err)
		}
	}
	return Package{Path: path, SHA256: sha256.Sum256(archive), Size: int64(len(archive))}, nil
}

// replace writes the archive whole or not at all, and removes those of earlier builds.
func replace(out, path string, archive []byte) error {
	old, _ := filepath.Glob(filepath.Join(out, "*.zip"))
	f, err := os.CreateTemp(out, "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(archive)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	for _, name := range old {
		os.Remove(name)
	}
	return nil
}
