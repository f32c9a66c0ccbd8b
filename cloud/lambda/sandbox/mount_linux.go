package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// build makes the file system that all sandboxes have in common, on l.Root, where only this process sees it.
func (l *layout) build() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return failed("make mounts private", err)
	}
	if err := unix.Mount("sandbox", l.Root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=1m"); err != nil {
		return failed("mount a tmpfs", err)
	}
	for _, dir := range []string{Task, Layers, Tmp, Runtime, "/var/lang/bin", "/var/tmp", "/proc", "/dev", "/etc", "/run", oldRoot} {
		if err := os.MkdirAll(filepath.Join(l.Root, dir), 0o755); err != nil {
			return failed("make "+dir, err)
		}
	}
	for _, b := range l.Binds {
		flags := uint64(unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
		if b.Device {
			flags = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
		}
		if err := l.show(b.From, b.To, flags); err != nil {
			return err
		}
	}
	for _, link := range l.Links {
		if err := os.Symlink(link[1], filepath.Join(l.Root, link[0])); err != nil {
			return failed("link "+link[0], err)
		}
	}
	if err := unix.Sethostname([]byte(l.Hostname)); err != nil {
		return failed("set the host name", err)
	}
	return failed("mount /proc", unix.Mount("proc", filepath.Join(l.Root, "proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""))
}

// show makes a file or folder of the machine visible in the sandbox.
func (l *layout) show(from, to string, flags uint64) error {
	info, err := os.Stat(from)
	if err != nil {
		return failed("show "+to, err)
	}
	target := filepath.Join(l.Root, to)
	if _, err := os.Stat(target); err != nil {
		if info.IsDir() {
			err = os.MkdirAll(target, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(target), 0o755); err == nil {
			err = os.WriteFile(target, nil, 0o644)
		}
		if err != nil {
			return failed("make "+to, err)
		}
	}
	if err := unix.Mount(from, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return failed("show "+to, err)
	}
	return failed("protect "+to, unix.MountSetattr(unix.AT_FDCWD, target, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: flags}))
}

// oldRoot is where the machine's file system is for the moment of the change.
const oldRoot = "/.machine"

// enter adds what is the program's own and makes the sandbox the only file system there is.
func (o *order) enter(l *layout) error {
	const code = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	if err := l.show(o.Task, Task, code); err != nil {
		return err
	}
	if o.Layers != "" {
		if err := l.show(o.Layers, Layers, code); err != nil {
			return err
		}
	}
	for _, f := range o.Added {
		if err := l.show(f.From, f.To, code); err != nil {
			return err
		}
	}
	if err := l.show(o.Tmp, Tmp, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV); err != nil {
		return err
	}
	files := map[string]string{
		"etc/passwd": fmt.Sprintf("root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:%d:%d::/home/sbx_user1051:/sbin/nologin\n", o.UID, o.GID),
		"etc/group":  fmt.Sprintf("root:x:0:\nsbx_user1051:x:%d:\n", o.GID),
	}
	if o.Network != nil && o.Network.DNS != "" {
		files["etc/resolv.conf"] = "nameserver " + o.Network.DNS + "\n"
		unix.Unmount(filepath.Join(l.Root, "etc/resolv.conf"), unix.MNT_DETACH) // the machine's own is shown there
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(l.Root, name), []byte(text), 0o644); err != nil {
			return failed("write /"+name, err)
		}
	}
	if err := unix.PivotRoot(l.Root, filepath.Join(l.Root, oldRoot)); err != nil {
		return failed("change the root", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return failed("change the root", err)
	}
	if err := unix.Unmount(oldRoot, unix.MNT_DETACH); err != nil {
		return failed("hide the machine's files", err)
	}
	if err := os.Remove(oldRoot); err != nil {
		return failed("hide the machine's files", err)
	}
	return failed("protect /", unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}))
}
