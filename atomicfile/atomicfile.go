// Package atomicfile replaces files as a whole.
package atomicfile

import (
	"os"
	"path/filepath"
)

// Write makes text the content of a file and mode its permissions, whatever the umask. A reader, and whoever comes after
// a crash of this process, finds the old text or the new one, never half of it.
func Write(name string, text []byte, mode os.FileMode) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, text, mode) // a pipe or a device, such as /dev/stdout, is written to and stays
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".tmp-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err = tmp.Write(text); err == nil {
		err = tmp.Chmod(mode)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
