//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// server is one of those that are compared.
type server struct {
	name    string
	program string
	args    []string
	own     bool   // the program prints its address, as Quotewire's does; the others are told where to listen
	hello   string // what a client has to say first
	greet   int    // and how many may wait for an answer to it
	secure  bool   // clients come over TLS
}

const natsHello = `CONNECT {"verbose":false,"pedantic":false,"protocol":1}\r\nSUB quotes 1\r\n`

// servers by name. limit is the least work that still is a fan-out, in C, and golimit the same in Go: neither is a server
// that one could run. The word after the hyphen is a way of writing that they have; see limit/limit.c.
var servers = map[string]server{
	"limit":           {program: "limit"},
	"limit-batch":     {program: "limit", args: []string{"-mode", "batch"}},
	"limit-send":      {program: "limit", args: []string{"-mode", "send"}},
	"limit-uring":     {program: "limit", args: []string{"-mode", "uring"}},
	"limit-uringf":    {program: "limit", args: []string{"-mode", "uringf"}},
	"golimit":         {program: "golimit"},
	"golimit-syscall": {program: "golimit", args: []string{"-mode", "syscall"}},
	"gobwas":          {program: "gobwas"},
	"nbio":            {program: "nbio"},
	"gws":             {program: "gws"},
	"coder":           {program: "coder"},
	"centrifuge":      {program: "centrifuge", hello: `{"id":1,"connect":{}}`},
	"nats":            {program: "nats", hello: natsHello},

	// A whole embedded cloud, whose posts are signed and judged, also for clients over TLS; and the gateway alone, which admits
	// everybody, also with a function of $connect in its own process.
	"quotewire":          {program: "gateway", own: true, args: []string{"-door", "cloud"}, hello: `{"action":"hello"}`, greet: 64},
	"quotewire-unsigned": {program: "gateway", own: true, args: []string{"-door", "open"}, hello: `{"action":"hello"}`, greet: 64},
	"quotewire-tls":      {program: "gateway", own: true, args: []string{"-door", "cloud"}, hello: `{"action":"hello"}`, greet: 64, secure: true},
	"quotewire-connect":  {program: "gateway", own: true, args: []string{"-door", "open", "-connect"}},
}

// address says how a server that runs is reached. It is what Quotewire's prints.
type address struct {
	WS, WSS, Post, Listen, Publish, Sign string
}

// running is a server that runs.
type running struct {
	address
	pid  int
	stop func()
}

// start starts a server on core 0. What it says goes to a file of its own in the folder of the results.
func (b *bench) start(ctx context.Context, name string) (*running, error) {
	s, ok := servers[name]
	if !ok {
		return nil, fmt.Errorf("there is no server %q", name)
	}
	program := filepath.Join(b.bin, s.program)
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("%s was not built: %s", s.program, b.unbuilt[s.program])
	}
	args := append([]string{program}, s.args...)
	r := &running{}
	if !s.own {
		ws, err := freeAddress()
		if err != nil {
			return nil, err
		}
		post, err := freeAddress()
		if err != nil {
			return nil, err
		}
		args = append(args, "-ws", ws, "-http", post)
		r.WS, r.Post = "ws://"+ws+"/ws", "http://"+post+"/publish"
		r.Publish = r.Post
	}
	log, err := os.Create(filepath.Join(b.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(args[0], args[1:]...)
	if b.pin {
		cmd = exec.Command("taskset", append([]string{"-c", "0"}, args...)...) // which becomes the program
	}
	cmd.Stderr = log
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout = in
	err = cmd.Start()
	in.Close()
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	r.pid = cmd.Process.Pid
	r.stop = func() {
		cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
	}
	if s.own {
		err = json.NewDecoder(bufio.NewReader(out)).Decode(&r.address)
	} else {
		err = listening(ctx, r.WS, r.Post)
	}
	if err != nil {
		r.stop()
		said, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%s did not start: %v\n%s", name, err, said)
	}
	return r, nil
}

// nextPort is below the ports that the kernel gives to clients: of those, one that is free now may be taken by a client
// before the server has it.
var nextPort = 20000

// freeAddress is one that nobody listens on, and that no earlier server of this run had: its connections may linger.
func freeAddress() (string, error) {
	for ; nextPort < 30000; nextPort++ {
		address := fmt.Sprintf("127.0.0.1:%d", nextPort)
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		nextPort++
		return address, l.Close()
	}
	return "", errors.New("the ports 20000 to 29999 of the loopback are taken")
}

// listening waits until the ports of URLs accept connections.
func listening(ctx context.Context, urls ...string) error {
	for _, u := range urls {
		_, hostport, _ := strings.Cut(u, "://")
		hostport, _, _ = strings.Cut(hostport, "/")
		for deadline := time.Now().Add(10 * time.Second); ; {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", hostport)
			if err == nil {
				c.Close()
				break
			}
			if time.Now().After(deadline) || ctx.Err() != nil {
				return err
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}
