package tail_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"quotewire/cloud"
	"quotewire/tail"
)

const stream = "2024/09/23/[$LATEST]0123456789abcdef0123456789abcdef"

// logged is an embedded cloud to log to.
type logged struct {
	t    *testing.T
	cfg  aws.Config
	logs *cloudwatchlogs.Client
}

func newLogged(t *testing.T) *logged {
	c, err := cloud.Start(t.Context(), cloud.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	cfg := aws.Config{Region: c.Region(), BaseEndpoint: aws.String(c.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(c.Root().AccessKeyID, c.Root().SecretAccessKey, "")}
	return &logged{t, cfg, cloudwatchlogs.NewFromConfig(cfg)}
}

func (l *logged) group(function string) {
	l.t.Helper()
	name := aws.String("/aws/lambda/" + function)
	if _, err := l.logs.CreateLogGroup(l.t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name}); err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.logs.CreateLogStream(l.t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: name, LogStreamName: aws.String(stream)}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *logged) put(function string, at time.Time, texts ...string) {
	l.t.Helper()
	var events []types.InputLogEvent
	for _, text := range texts {
		events = append(events, types.InputLogEvent{Timestamp: aws.Int64(at.UnixMilli()), Message: &text})
	}
	_, err := l.logs.PutLogEvents(l.t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: aws.String("/aws/lambda/" + function), LogStreamName: aws.String(stream), LogEvents: events})
	if err != nil {
		l.t.Fatal(err)
	}
}

func TestFollowShowsEachLineOnceAndLetsFunctionsJoin(t *testing.T) {
	l := newLogged(t)
	l.group("watch")
	now := time.Now()
	l.put("watch", now, "before")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	lines := make(chan tail.Line, 100)
	ended := make(chan error, 1)
	go func() {
		ended <- tail.Run(ctx, l.cfg, tail.Options{Since: now.Add(-time.Minute), Follow: true, Pause: 10 * time.Millisecond}, func(batch []tail.Line) {
			for _, line := range batch {
				lines <- line
			}
		})
	}()
	want := func(function, message string) {
		t.Helper()
		select {
		case got := <-lines:
			if got.Function != function || got.Message != message {
				t.Fatalf("got %s: %q, want %s: %q", got.Function, got.Message, function, message)
			}
		case err := <-ended:
			t.Fatalf("it has ended: %v", err)
		case <-time.After(time.Minute):
			t.Fatalf("%q of %s is not shown", message, function)
		}
	}
	want("watch", "before")
	l.put("watch", now.Add(10*time.Millisecond), "after")
	want("watch", "after")
	l.put("watch", now.Add(5*time.Millisecond), "late, behind a newer one")
	want("watch", "late, behind a newer one")
	l.group("publish")
	l.put("publish", now, "a function that came later")
	want("publish", "a function that came later")
	stop()
	if err := <-ended; err != nil {
		t.Errorf("a reader that was stopped says %v", err)
	}
}

func TestRequestOwnsWhatItsEnvironmentPrints(t *testing.T) {
	l := newLogged(t)
	l.group("watch")
	now := time.Now()
	l.put("watch", now, "START RequestId: a1 Version: 1\n", "one\n", "END RequestId: a1\n", "REPORT RequestId: a1\tDuration: 1 ms\n", "between\n",
		`{"time":"","type":"platform.start","record":{"requestId":"b2"}}`, "two\n", `{"type":"platform.report","record":{"requestId":"b2"}}`, "behind\n")
	for request, want := range map[string]string{"a1": "START RequestId: a1 Version: 1|one|END RequestId: a1|REPORT RequestId: a1\tDuration: 1 ms",
		"b2": `{"time":"","type":"platform.start","record":{"requestId":"b2"}}|two|{"type":"platform.report","record":{"requestId":"b2"}}`} {
		var got []string
		err := tail.Run(t.Context(), l.cfg, tail.Options{Function: "watch", Since: now.Add(-time.Minute), Request: request}, func(lines []tail.Line) {
			for _, line := range lines {
				got = append(got, line.Message)
			}
		})
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("request %s: %q, %v; want %q", request, got, err, want)
		}
	}
}

func TestPrinter(t *testing.T) {
	at := time.Date(2024, 9, 23, 19, 41, 30, 123e6, time.UTC)
	lines := []tail.Line{{"a", at, "one\ntwo"}, {"bcd", at, "\x1b[2Jgone"}}
	var plain, coloured bytes.Buffer
	if err := tail.NewPrinter(&plain, true, false).Print(lines); err != nil {
		t.Fatal(err)
	}
	if want := "a    19:41:30.123  one\na    19:41:30.123  two\nbcd  19:41:30.123  �[2Jgone\n"; plain.String() != want {
		t.Errorf("got %q, want %q", plain.String(), want)
	}
	if err := tail.NewPrinter(&coloured, false, true).Print([]tail.Line{{"a", at, "REPORT RequestId: x Status: timeout"}}); err != nil {
		t.Fatal(err)
	}
	if want := "\x1b[2m19:41:30.123\x1b[0m  \x1b[31mREPORT RequestId: x Status: timeout\x1b[0m\n"; coloured.String() != want {
		t.Errorf("got %q, want %q", coloured.String(), want)
	}
}
