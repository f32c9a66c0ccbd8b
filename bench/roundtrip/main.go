// Command roundtrip measures what a message costs that goes to a Go function and comes back: from the client's frame
// through the gateway to the function, and through @connections to the client again. It builds and starts the real
// binary, deploys an API to it as any AWS tool would, and prints a line of JSON for each number of sockets and one for
// the cold start.
//
//	go run ./bench/roundtrip [-sockets 1,16,64] [-time 5s] [-cold 20] [-binary PATH] [-libraries]
//
// A socket has one message under way at a time. CPU times are those of the kernel for the processes of the cloud and of
// the functions, divided by the round trips. Clients are on the same machine and take their share of it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

func main() {
	sockets := flag.String("sockets", "1,16,64", "how many sockets to measure with, one after the other: `N,N,…`")
	span := flag.Duration("time", 5*time.Second, "how long each number of sockets is measured")
	cold := flag.Int("cold", 20, "how many cold starts are measured")
	binary := flag.String("binary", "", "the quotewire to measure; without it, one is built of this module")
	libraries := flag.Bool("libraries", false, "the function is made of AWS's libraries, not of what the product's own functions use")
	wait := flag.Bool("wait", false, "print the cloud's process id and wait for a line before each measurement, to attach a profiler")
	flag.Parse()
	program := "quotewire/bench/roundtrip/echo"
	if *libraries {
		program = "quotewire/bench/roundtrip/libraries"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *sockets, *span, *cold, *binary, program, *wait); err != nil {
		fmt.Fprintln(os.Stderr, "roundtrip:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, sockets string, span time.Duration, cold int, binary, program string, wait bool) error {
	dir, err := os.MkdirTemp("", "roundtrip-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := deploy(ctx, dir, binary, program)
	if err != nil {
		return err
	}
	defer s.stop()
	out := json.NewEncoder(os.Stdout)
	for text := range strings.SplitSeq(sockets, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of sockets", text)
		}
		if wait {
			fmt.Fprintf(os.Stderr, "the cloud is process %d; Enter measures %d sockets\n", s.process.Pid, n)
			fmt.Scanln()
		}
		result, err := s.measure(ctx, n, span)
		if err != nil {
			return fmt.Errorf("%d sockets: %w", n, err)
		}
		out.Encode(result)
	}
	if cold > 0 {
		result, err := s.coldStart(ctx, cold)
		if err != nil {
			return fmt.Errorf("cold start: %w", err)
		}
		out.Encode(result)
	}
	return nil
}
