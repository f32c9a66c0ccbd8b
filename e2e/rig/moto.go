package rig

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
)

var motoRuns = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// StartMoto starts a moto server, and returns its address and how to end it. With AWS's own policies it takes seconds
// whenever it is reset.
func StartMoto(policies bool) (address string, kill func(), err error) {
	cmd := exec.Command("moto_server", "-H", "127.0.0.1", "-p", "0")
	// Python buffers what goes to a pipe; the port is in the first lines.
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1", "MOTO_ACM_VALIDATION_WAIT=0", "MOTO_EC2_LOAD_DEFAULT_AMIS=false",
		fmt.Sprintf("MOTO_IAM_LOAD_MANAGED_POLICIES=%t", policies))
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return "", nil, err
	}
	for s := bufio.NewScanner(stderr); s.Scan(); {
		if m := motoRuns.FindStringSubmatch(s.Text()); m != nil {
			go func() {
				for s.Scan() {
				}
			}()
			return m[1], func() { cmd.Process.Kill(); cmd.Wait() }, nil
		}
	}
	cmd.Process.Kill()
	return "", nil, fmt.Errorf("moto_server ended: %v", cmd.Wait())
}
