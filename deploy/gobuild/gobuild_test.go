package gobuild

import (
	"archive/zip"
	"debug/elf"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module with one main package and returns its folder.
func module(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.org/hello\n\ngo 1.26\n", "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestArchiveHoldsOneStaticExecutableBootstrap(t *testing.T) {
	t.Parallel()
	p, err := Build(t.Context(), module(t, hello), "arm64", t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(p.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" {
		t.Fatalf("entries: %v; want bootstrap alone", z.File)
	}
	f := z.File[0]
	if f.Mode() != 0o755 || f.CreatorVersion>>8 != 3 {
		t.Errorf("mode %v made by %d; want -rwxr-xr-x made by 3 (Unix)", f.Mode(), f.CreatorVersion>>8)
	}
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	code, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	e, err := elf.NewFile(strings.NewReader(string(code)))
	if err != nil {
		t.Fatal(err)
	}
	if e.Machine != elf.EM_AARCH64 {
		t.Errorf("machine %v; want arm64", e.Machine)
	}
	if libs, _ := e.ImportedLibraries(); len(libs) > 0 {
		t.Errorf("linked against %v; want a static executable", libs)
	}
}

func TestSameSourceInAnotherFolderGivesTheSameArchive(t *testing.T) {
	t.Parallel()
	one, err := Build(t.Context(), module(t, hello), "amd64", t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Build(t.Context(), module(t, hello), "amd64", t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	if one.SHA256 != two.SHA256 {
		t.Errorf("hashes %x and %x differ", one.SHA256, two.SHA256)
	}
}

func TestUnchangedPackageIsNotPackedAgain(t *testing.T) {
	t.Parallel()
	dir, cache := module(t, hello), t.TempDir()
	one, err := Build(t.Context(), dir, "amd64", cache, false)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(one.Path)
	two, err := Build(t.Context(), dir, "amd64", cache, false)
	if err != nil {
		t.Fatal(err)
	}
	after, _ := os.Stat(two.Path)
	if one.Path != two.Path || !os.SameFile(before, after) {
		t.Errorf("packed again: %s, then %s", one.Path, two.Path)
	}

	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(strings.Replace(hello, "hello", "good bye", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	three, err := Build(t.Context(), dir, "amd64", cache, false)
	if err != nil {
		t.Fatal(err)
	}
	if three.SHA256 == one.SHA256 {
		t.Error("changed source gave the same archive")
	}
	if _, err := os.Stat(one.Path); !os.IsNotExist(err) {
		t.Errorf("the archive of the earlier build is still there: %v", err)
	}
}

func TestCompilerSpeaksForItself(t *testing.T) {
	t.Parallel()
	_, err := Build(t.Context(), module(t, "package main\n\nfunc main() { nonsense() }\n"), "amd64", t.TempDir(), false)
	var compile *CompileError
	if !errors.As(err, &compile) || !strings.Contains(compile.Lines, "main.go:3:15: undefined: nonsense") {
		t.Fatalf("got %v; want the compiler's line", err)
	}
}

func TestMissingToolchainSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Build(t.Context(), t.TempDir(), "amd64", t.TempDir(), false); !errors.Is(err, ErrNoToolchain) {
		t.Fatalf("got %v; want %v", err, ErrNoToolchain)
	}
}
