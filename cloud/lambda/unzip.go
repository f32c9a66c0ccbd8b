package lambda

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxLink bounds the target of a symbolic link, in bytes.
const maxLink = 4096

func errZip() error {
	return errInvalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
}

func errUnzipped() error {
	return errInvalid("Unzipped size must be smaller than %d bytes", maxUnzipped)
}

// zipFault is why an archive cannot be unpacked. AWS only says [errZip] of it.
type zipFault struct{ text string }

func (f *zipFault) Error() string { return f.text }

func zipFaultf(format string, args ...any) error { return &zipFault{fmt.Sprintf(format, args...)} }

// openZip reads the directory of an archive and refuses what must not be unpacked: entries that leave the folder, that
// come twice or lie below what is no folder, that are neither files nor folders nor links, or are far too many. The
// sizes that the directory names are promises; unzip does not trust them. openZip returns their sum.
func openZip(data []byte) (_ *zip.Reader, unzipped int64, err error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	switch {
	case err != nil && !errors.Is(err, zip.ErrInsecurePath) || archive == nil:
		return nil, 0, zipFaultf("it is no zip archive: %v", err)
	case len(archive.File) == 0:
		return nil, 0, zipFaultf("it is empty")
	case len(archive.File) > maxEntries:
		return nil, 0, zipFaultf("it has %d entries, more than %d", len(archive.File), maxEntries)
	}
	var total uint64
	leaf := map[string]bool{} // files and links
	folders := map[string]bool{}
	for _, f := range archive.File {
		name, err := entryName(f)
		if err != nil {
			return nil, 0, err
		}
		mode := f.Mode()
		folder := strings.HasSuffix(f.Name, "/") || mode.IsDir()
		if !folder && !mode.IsRegular() && mode.Type() != fs.ModeSymlink {
			return nil, 0, zipFaultf("the entry %q is neither a file, a folder nor a symbolic link", f.Name)
		}
		for above := path.Dir(name); above != "." && !folders[above]; above = path.Dir(above) {
			folders[above] = true
		}
		if folder {
			folders[name] = true
		} else if leaf[name] {
			return nil, 0, zipFaultf("the entry %q is there twice", f.Name)
		} else {
			leaf[name] = true
		}
		if total += f.UncompressedSize64; total > maxUnzipped || f.UncompressedSize64 > maxUnzipped {
			return nil, 0, errUnzipped()
		}
	}
	for name := range leaf {
		if folders[name] {
			return nil, 0, zipFaultf("the entry %q is a file and a folder", name)
		}
	}
	return archive, int64(total), nil
}

// Longest names that every file system takes, in bytes.
const (
	maxFileName = 255
	maxFilePath = 2048
)

// entryName is the clean relative name of an entry; one that would leave the folder is refused.
func entryName(f *zip.File) (string, error) {
	name := strings.TrimSuffix(f.Name, "/")
	if strings.ContainsAny(name, "\\\x00") || !fs.ValidPath(path.Clean(name)) || strings.HasPrefix(name, "/") || len(name) > maxFilePath {
		return "", zipFaultf("the entry %.300q does not name a file below the function's folder", f.Name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", zipFaultf("the entry %q climbs out of the function's folder", f.Name)
		}
		if len(part) > maxFileName {
			return "", zipFaultf("the entry %.300q has a name that is too long", f.Name)
		}
	}
	return path.Clean(name), nil
}

// unzip unpacks an archive below dir. Every file is opened through [os.Root], so neither a name nor a symbolic link
// inside the archive leads out of dir. Modes are those of the entries; symbolic links are made last, when nothing is
// written anymore. An archive that grows beyond limit, whatever its directory says, is abandoned there.
func unzip(data []byte, dir string, limit int64) error {
	archive, _, err := openZip(data)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := limit
	var links []*zip.File
	for _, f := range archive.File {
		name, err := entryName(f)
		if err != nil {
			return err
		}
		switch mode := f.Mode(); {
		case strings.HasSuffix(f.Name, "/") || mode.IsDir():
			err = root.MkdirAll(name, 0o755)
		case mode&fs.ModeSymlink != 0:
			links = append(links, f)
		default:
			err = unzipFile(root, f, name, &left)
		}
		if err != nil {
			return err
		}
	}
	for _, f := range links {
		if err := unzipLink(root, f); err != nil {
			return err
		}
	}
	// Each link is harmless by itself, but a path through several may still climb: the root notices.
	for _, f := range links {
		name, _ := entryName(f)
		if _, err := root.Stat(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return zipFaultf("the symbolic link %q: %v", name, err)
		}
	}
	return nil
}

func unzipFile(root *os.Root, f *zip.File, name string, left *int64) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	from, err := f.Open()
	if err != nil {
		return zipFaultf("the entry %q: %v", f.Name, err)
	}
	defer from.Close()
	root.Remove(name) // of a layer below; a folder that is not empty stays, and the entry fails
	// The cloud has to be able to read and to remove the file, whatever its mode says of others.
	perm := f.Mode().Perm() | 0o600
	to, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	content := &entryReader{from: io.LimitReader(from, *left+1)}
	n, err := io.Copy(to, content)
	switch *left -= n; {
	case content.failed != nil:
		err = zipFaultf("the entry %q: %v", f.Name, content.failed)
	case err == nil && *left < 0:
		err = errUnzipped()
	}
	return errors.Join(err, to.Chmod(perm), to.Close())
}

// entryReader tells a bad archive from a disk that cannot be written to.
type entryReader struct {
	from   io.Reader
	failed error
}

func (r *entryReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && err != io.EOF {
		r.failed = err
	}
	return n, err
}

// unzipLink makes a symbolic link that stays below the folder. One that points elsewhere is refused: on AWS it would
// show the function another file system than here, and here it could lead to the files of the machine's owner.
func unzipLink(root *os.Root, f *zip.File) error {
	name, err := entryName(f)
	if err != nil {
		return err
	}
	from, err := f.Open()
	if err != nil {
		return zipFaultf("the symbolic link %q: %v", name, err)
	}
	defer from.Close()
	text, err := io.ReadAll(io.LimitReader(from, maxLink))
	if err != nil {
		return zipFaultf("the symbolic link %q: %v", name, err)
	}
	to := string(text)
	if to == "" || path.IsAbs(to) || !fs.ValidPath(path.Join(path.Dir(name), to)) {
		return zipFaultf("the symbolic link %q points to %q, outside of the function's folder", name, to)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	root.Remove(name)
	return root.Symlink(to, name)
}
