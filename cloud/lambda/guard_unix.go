//go:build unix

package lambda

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// guard is a small shell that outlives this process by a moment. It knows the process groups of all functions, and
// kills them when the pipe from this process ends, for whatever reason: so not even kill -9 leaves anything behind
// that a function had started. Where there is no shell, functions still die with this process on Linux, see
// [attributes]; the processes that they have started themselves may not.
type guard struct {
	once sync.Once
	pipe *os.File
	os   *os.Process
}

// The shell keeps the groups in a list with a space around each. It is in a group of its own and ignores what a
// terminal sends, so that it is there until the end.
const guardScript = `trap '' HUP INT QUIT TERM
groups=' '
while read -r sign id; do
	case $sign in
	+) groups="$groups$id " ;;
	-) case $groups in *" $id "*) groups="${groups%% $id *} ${groups#* $id }" ;; esac ;;
	esac
done
for id in $groups; do kill -s KILL -- "-$id" 2>/dev/null; done
`

// start starts the shell, once.
func (g *guard) start() {
	g.once.Do(func() {
		r, w, err := os.Pipe()
		if err != nil {
			return
		}
		defer r.Close()
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			w.Close()
			return
		}
		defer null.Close()
		g.os, err = os.StartProcess("/bin/sh", []string{"sh", "-c", guardScript}, &os.ProcAttr{
			Env: []string{}, Dir: "/", Files: []*os.File{r, null, null}, Sys: &syscall.SysProcAttr{Setpgid: true},
		})
		if err != nil {
			w.Close()
			return
		}
		g.pipe = w
	})
}

// watch puts a process group under guard.
func (g *guard) watch(group int) {
	g.start()
	g.tell('+', group)
}

// forget is told when a group is gone, before its number can be used again.
func (g *guard) forget(group int) { g.tell('-', group) }

func (g *guard) tell(sign rune, group int) {
	if g.pipe != nil {
		fmt.Fprintf(g.pipe, "%c %d\n", sign, group) // an error means that somebody has killed the guard: there is none then
	}
}

// stop ends the guard. All groups are gone.
func (g *guard) stop() {
	g.once.Do(func() {}) // none is started from here on
	if g.pipe != nil {
		g.pipe.Close()
		g.os.Wait()
		g.pipe = nil
	}
}
