package sandbox

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// The user that a program is on a machine of AWS, and here where users cannot be chosen.
const (
	insideUID = 993
	insideGID = 990
)

// systemFolders are the programs and libraries of a machine; those that are symbolic links stay such.
var systemFolders = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/run/current-system"}

// settings are what programs and libraries read of /etc. None of it is a secret of the machine's owner.
var settings = []string{
	"ssl", "pki", "ca-certificates", "crypto-policies", "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld-musl-x86_64.path",
	"resolv.conf", "hosts", "host.conf", "gai.conf", "nsswitch.conf", "protocols", "services", "localtime", "timezone",
	"mime.types", "os-release", "debian_version", "terminfo", "inputrc", "bash.bashrc", "profile", "fonts", "java", "python3", "perl", "php",
}

// devices are those that every program may use.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// interpreters are programs that scripts begin with. One that the machine's owner has outside of the system's folders
// is shown below /var/lang, where AWS has its own.
var interpreters = []string{"node", "python3", "python", "ruby", "perl", "php", "deno", "bun", "java", "bash", "lua"}

// machineLayout finds what of this machine is shown in a sandbox.
func machineLayout(dir string) (layout, error) {
	l := layout{Root: filepath.Join(dir, "root"), UserNS: os.Geteuid() != 0, Hostname: "169.254.100.6"}
	if err := os.MkdirAll(l.Root, 0o700); err != nil {
		return l, err
	}
	for _, folder := range systemFolders {
		l.showFolder(folder)
	}
	for _, name := range settings {
		if real, err := filepath.EvalSymlinks("/etc/" + name); err == nil {
			l.Binds = append(l.Binds, bind{From: real, To: "/etc/" + name})
		}
	}
	for _, name := range devices {
		l.Binds = append(l.Binds, bind{From: "/dev/" + name, To: "/dev/" + name, Device: true})
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		l.Links = append(l.Links, [2]string{"/dev/" + name, target})
	}
	for _, name := range interpreters {
		l.showInterpreter(name)
	}
	return l, nil
}

func (l *layout) showFolder(folder string) {
	info, err := os.Lstat(folder)
	switch {
	case err != nil:
	case info.Mode()&os.ModeSymlink != 0:
		if target, err := os.Readlink(folder); err == nil {
			l.Links = append(l.Links, [2]string{folder, target})
		}
	case info.IsDir():
		l.Binds = append(l.Binds, bind{From: folder, To: folder})
	}
}

// showInterpreter shows an interpreter that lies outside of the system's folders, with the folder that it was
// installed into: it finds its libraries beside it.
func (l *layout) showInterpreter(name string) {
	real := findProgram(name)
	if real == "" || inSystem(real) {
		return
	}
	home, inside := filepath.Dir(real), filepath.Base(real)
	if filepath.Base(home) == "bin" && filepath.Dir(home) != "/" && !isHome(filepath.Dir(home)) {
		home, inside = filepath.Dir(home), path.Join("bin", inside)
	}
	if isHome(home) {
		return // it would show everything that its owner has
	}
	to := path.Join("/var/lang", "on-machine", name)
	l.Binds = append(l.Binds, bind{From: home, To: to})
	l.Links = append(l.Links, [2]string{"/var/lang/bin/" + name, path.Join(to, inside)})
}

// findProgram finds the real file of the first program of that name on the PATH. Scripts that stand for a program, as
// version managers have them, are passed over: they need what a sandbox does not show.
func findProgram(name string) string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil || !filepath.IsAbs(real) {
			continue
		}
		f, err := os.Open(real)
		if err != nil {
			continue
		}
		magic := make([]byte, 4)
		_, err = io.ReadFull(f, magic)
		f.Close()
		if err == nil && string(magic) == "\x7fELF" {
			return real
		}
	}
	return ""
}

func inSystem(file string) bool {
	for _, folder := range systemFolders {
		if strings.HasPrefix(file, folder+"/") {
			return true
		}
	}
	return false
}

// isHome reports whether a folder is somebody's home, or has homes in it, or has an own life such as ~/.local.
func isHome(folder string) bool {
	own, _ := os.UserHomeDir()
	switch folder {
	case own, filepath.Join(own, ".local"), "/", "/home", "/root", "/tmp", "/var", "/etc", "/opt":
		return true
	}
	return filepath.Dir(folder) == "/home"
}
