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

// checkZip tells whether an archive will unpack, as far as its directory can tell. The sizes that it names are
// promises; unzip does not trust them. It returns their sum.
func checkZip(data []byte) (unzipped int64, err error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) || archive == nil || len(archive.File) == 0 || len(archive.File) > maxEntries {
		return 0, errZip()
	}
	var total uint64
	for _, f := range archive.File {
		if _, err := entryName(f); err != nil {
			return 0, errZip()
		}
		if total += f.UncompressedSize64; total > maxUnzipped || f.UncompressedSize64 > maxUnzipped {
			return 0, errUnzipped()
		}
	}
	return int64(total), nil
}

// entryName is the clean relative name of an entry; one that would leave the folder is refused.
func entryName(f *zip.File) (string, error) {
	name := strings.TrimSuffix(f.Name, "/")
	if strings.ContainsAny(name, "\\\x00") || !fs.ValidPath(path.Clean(name)) || strings.HasPrefix(name, "/") {
		return "", fmt.Errorf("the entry %q does not name a file below the function's folder", f.Name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fmt.Errorf("the entry %q climbs out of the function's folder", f.Name)
		}
	}
	return path.Clean(name), nil
}

// unzip unpacks an archive below dir. Every file is opened through [os.Root], so neither a name nor a symbolic link
// inside the archive leads out of dir. Modes are those of the entries; symbolic links are made last, when nothing is
// written anymore. An archive that grows beyond limit, whatever its directory says, is abandoned there.
func unzip(data []byte, dir string, limit int64) error {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return errZip()
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
		case mode.IsRegular():
			err = unzipFile(root, f, name, &left)
		default:
			err = fmt.Errorf("the entry %q is neither a file, a folder nor a symbolic link", f.Name)
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
			return fmt.Errorf("the symbolic link %q: %w", name, err)
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
		return errZip()
	}
	defer from.Close()
	root.Remove(name) // of a layer below; a folder that is not empty stays, and the entry fails
	// The cloud has to be able to read and to remove the file, whatever its mode says of others.
	perm := f.Mode().Perm() | 0o600
	to, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	n, err := io.Copy(to, io.LimitReader(from, *left+1))
	if *left -= n; err == nil && *left < 0 {
		err = errUnzipped()
	}
	return errors.Join(err, to.Chmod(perm), to.Close())
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
		return errZip()
	}
	defer from.Close()
	text, err := io.ReadAll(io.LimitReader(from, maxLink))
	if err != nil {
		return errZip()
	}
	to := string(text)
	if path.IsAbs(to) || !fs.ValidPath(path.Join(path.Dir(name), to)) {
		return fmt.Errorf("the symbolic link %q points to %q, outside of the function's folder", name, to)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	root.Remove(name)
	return root.Symlink(to, name)
}
