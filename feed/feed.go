// Package feed brings prices to Quotewire. A [Source] says what the next prices are: [Replay] repeats recorded ones,
// [Walk] makes them up. [Run] publishes a step of a source at each interval, through the same HTTP API that any other
// client uses ([Publisher]).
package feed

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"quotewire/quotes"
)

// Source is where prices come from. It is used by one goroutine at a time.
type Source interface {
	// Next returns the prices of the next step, at least one, or io.EOF when there are no more.
	Next(context.Context) ([]quotes.Quote, error)
}

// A Sink takes the prices of one step. [Publisher] is one.
type Sink interface {
	Publish(context.Context, []quotes.Quote) (quotes.Delivery, error)
}

// Run publishes a step of the source at each interval until ctx ends or the source does, and then returns nil. It waits
// for each step to be published before it begins the next, so prices arrive in their order; while publishing takes
// longer than the interval, the source waits too. A step that cannot be published is dropped, as the next prices are
// newer; the first of such failures is logged with what to do, and so is the end of them with how many steps were lost.
// An error is the source's.
func Run(ctx context.Context, source Source, sink Sink, interval time.Duration, log *slog.Logger) error {
	clock := time.NewTicker(interval)
	defer clock.Stop()
	lost := 0
	for {
		step, err := source.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		_, err = sink.Publish(ctx, step)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if lost++; lost == 1 {
				log.Warn("prices are not published; the feed goes on trying", "err", err)
			}
		case lost > 0:
			log.Info("prices are published again", "lost steps", lost)
			lost = 0
		}
		select {
		case <-clock.C:
		case <-ctx.Done():
			return nil
		}
	}
}
