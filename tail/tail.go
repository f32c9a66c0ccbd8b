// Package tail reads the logs of Lambda functions and follows them, through the CloudWatch Logs API and with nothing
// else, so that it works on AWS as it does on the embedded cloud.
//
// It polls, as every reader of CloudWatch Logs does that is not on the streaming host. A function that is deployed while
// it follows joins by itself.
package tail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

const (
	// lookForFunctions is how often a reader that follows all functions asks which there are.
	lookForFunctions = 2 * time.Second
	// overlap is how late an event may turn up behind a newer one of its group and still be shown.
	overlap = 5 * time.Second
)

// Options say what to read.
type Options struct {
	Function string    // its name, or the name of a log group, which has a slash; "" for all functions
	Since    time.Time // where to begin
	Request  string    // only the lines of this request; "" for all
	Follow   bool      // go on with what is logged from now on, until the context ends
	Pause    time.Duration
}

// Line is one event of a log.
type Line struct {
	Function string
	Time     time.Time
	Message  string // without the line break at its end
}

// reader is one run.
type reader struct {
	Options
	logs      *cloudwatchlogs.Client
	functions *lambda.Client
	groups    map[string]*group // by name
	looked    time.Time         // when the groups were last looked for
}

// group is a log group and how far it has been read.
type group struct {
	name   string
	label  string // of the function
	newest time.Time
	seen   map[string]time.Time // by the id of the event, of those that the next look finds again
	inside map[string]bool      // by stream: the request that is asked for runs
}

// Run shows the lines that o asks for, in the order of their times, and returns when there are no more. If it follows,
// it shows each line soon after it was printed, and returns nil when ctx ends.
func Run(ctx context.Context, cfg aws.Config, o Options, show func([]Line)) error {
	r := &reader{Options: o, logs: cloudwatchlogs.NewFromConfig(cfg), functions: lambda.NewFromConfig(cfg), groups: map[string]*group{}}
	err := r.run(ctx, show)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (r *reader) run(ctx context.Context, show func([]Line)) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if now := time.Now(); len(r.groups) == 0 || r.Function == "" && now.Sub(r.looked) >= lookForFunctions {
			r.looked = now
			if err := r.find(ctx); err != nil {
				return err
			}
		}
		lines, err := r.read(ctx)
		if err != nil {
			return err
		}
		if len(lines) > 0 {
			show(lines)
		}
		if !r.Follow {
			return nil
		}
		timer.Reset(r.Pause)
	}
}

// read returns what is new in all groups.
func (r *reader) read(ctx context.Context) ([]Line, error) {
	var lines []Line
	for _, name := range slices.Sorted(keys(r.groups)) {
		more, err := r.readGroup(ctx, r.groups[name])
		if err != nil {
			return nil, fmt.Errorf("read the log group %s: %w", name, err)
		}
		lines = append(lines, more...)
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.Time.Compare(b.Time) })
	return lines, nil
}

func (r *reader) readGroup(ctx context.Context, g *group) ([]Line, error) {
	from := r.Since
	if again := g.newest.Add(-overlap); again.After(from) {
		from = again
	}
	for id, at := range g.seen {
		if at.Before(from) {
			delete(g.seen, id)
		}
	}
	var lines []Line
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(r.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &g.name, StartTime: aws.Int64(from.UnixMilli())})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if absent(err) { // not logged to yet, or deleted
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			id, at := aws.ToString(e.EventId), time.UnixMilli(aws.ToInt64(e.Timestamp))
			if _, again := g.seen[id]; again {
				continue
			}
			g.seen[id] = at
			if at.After(g.newest) {
				g.newest = at
			}
			message := strings.TrimRight(aws.ToString(e.Message), "\r\n")
			if r.Request == "" || g.belongs(aws.ToString(e.LogStreamName), message, r.Request) {
				lines = append(lines, Line{g.label, at, message})
			}
		}
	}
	return lines, nil
}

// belongs reports whether an event is one of a request: it names the request, or it stands between the lines that begin
// and end it. An environment serves one request at a time and has a stream of its own, so what stands between is the
// request's.
func (g *group) belongs(stream, message, request string) bool {
	names := strings.Contains(message, request)
	switch {
	case begins(message, "START RequestId: ", "platform.start"):
		g.inside[stream] = names
	case begins(message, "REPORT RequestId: ", "platform.report"):
		g.inside[stream] = false
	}
	return names || g.inside[stream]
}

// begins reports whether an event is a line of the platform, in the text format or in the JSON one.
func begins(message, text, record string) bool {
	return strings.HasPrefix(message, text) || strings.HasPrefix(message, "{") && strings.Contains(message, `"type":"`+record+`"`)
}

func absent(err error) bool {
	var not *types.ResourceNotFoundException
	return errors.As(err, &not)
}

func keys(m map[string]*group) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// add notes a function's log group. A group that several functions share goes by its own name.
func (r *reader) add(name, function string) {
	g := r.groups[name]
	if g == nil {
		r.groups[name] = &group{name: name, label: function, seen: map[string]time.Time{}, inside: map[string]bool{}}
		return
	}
	if g.label != function && cmp.Or(g.label, function) != name {
		g.label = name
	}
}
