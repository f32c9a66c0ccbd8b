package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// load is everything that happens to the cloud at once.
type load struct {
	s    *system
	book *ledger

	ctx    context.Context // ends with the load
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// newLoad starts a load. It goes on until stop.
func newLoad(ctx context.Context, s *system, book *ledger) *load {
	l := &load{s: s, book: book}
	l.ctx, l.cancel = context.WithCancel(ctx)
	for range 8 {
		l.every(20*time.Millisecond, l.socket)
	}
	l.every(100*time.Millisecond, l.deleted)
	l.every(200*time.Millisecond, l.halfOpen)
	for range 2 {
		l.every(20*time.Millisecond, l.request)
	}
	for i := range 3 {
		l.every(10*time.Millisecond, l.writer(tablePrefix, i))
	}
	l.every(50*time.Millisecond, l.writer(objectPrefix, 0))
	l.every(100*time.Millisecond, l.malformed)
	l.every(500*time.Millisecond, l.slowHandshake)
	l.every(200*time.Millisecond, l.skewed)
	l.every(3*time.Second, l.kill)
	l.every(7*time.Second, l.update)
	return l
}

// every does something again and again, with a pause of about d in between.
func (l *load) every(d time.Duration, do func(ctx context.Context)) {
	l.done.Go(func() {
		for wait(l.ctx, d/2+rand.N(d)) == nil {
			// What is begun is finished: the end of the load breaks nothing.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), patience)
			do(ctx)
			cancel()
		}
	})
}

// patience is when a call counts as one that hangs.
const patience = 40 * time.Second

// stop ends the load, waits for what it has begun, and returns err.
func (l *load) stop(err error) error {
	l.cancel()
	l.done.Wait()
	return err
}

// kill kills the process of some function.
func (l *load) kill(context.Context) {
	_, processes := descendants(l.s.process.Cmd.Process.Pid)
	if len(processes) == 0 {
		return
	}
	l.book.set(afterKill, false)
	if syscall.Kill(processes[rand.IntN(len(processes))], syscall.SIGKILL) == nil {
		l.book.count("environments killed")
	}
}

// update gives the function its other code.
func (l *load) update(ctx context.Context) {
	client := lambda.NewFromConfig(l.s.config)
	now, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(functionName)})
	if err != nil {
		l.book.failed("GetFunctionConfiguration", err)
		return
	}
	next := 0
	if *now.CodeSha256 == l.s.hashes[0] {
		next = 1
	}
	name := aws.String(functionName)
	updated, err := client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: l.s.zips[next]})
	if err != nil {
		l.book.failed("UpdateFunctionCode", err)
		return
	}
	if *updated.CodeSha256 != l.s.hashes[next] {
		l.book.fail("UpdateFunctionCode: the answer has another hash than the code")
	}
	err = lambda.NewFunctionUpdatedV2Waiter(client, func(o *lambda.FunctionUpdatedV2WaiterOptions) { o.MinDelay = 50 * time.Millisecond }).
		Wait(ctx, &lambda.GetFunctionInput{FunctionName: name}, patience)
	if err != nil {
		l.book.failed("wait for the code", err)
		return
	}
	l.book.count("code exchanged")
}
