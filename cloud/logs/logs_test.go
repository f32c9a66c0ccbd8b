package logs

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

type allowAll struct{}

func (allowAll) Authorize(context.Context, protocol.Protocol, string, string, map[string]string) error {
	return nil
}

// open starts the service on a state folder and returns it with a client of the AWS SDK.
func open(t *testing.T, dir string) (s *Service, client *cloudwatchlogs.Client, stop func()) {
	t.Helper()
	store, err := state.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s, err = New(t.Context(), Config{State: store, IAM: allowAll{}, Account: "111122223333", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	client = cloudwatchlogs.New(cloudwatchlogs.Options{Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	closed := false
	stop = func() {
		if !closed {
			closed = true
			server.Close()
			s.Close()
			store.Close()
		}
	}
	t.Cleanup(stop)
	return s, client, stop
}

const (
	groupName  = "/aws/lambda/watch"
	streamName = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"
)

func filtered(t *testing.T, c *cloudwatchlogs.Client, pattern string) []string {
	t.Helper()
	out, err := c.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(groupName), FilterPattern: aws.String(pattern)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range out.Events {
		got = append(got, *e.Message)
	}
	return got
}

func TestLinesAreFoundAndSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	s, c, stop := open(t, dir)
	now := time.Now()
	lines := []Event{{now, "START RequestId: 1\n"}, {now, "ERROR no ticker\n"}, {now, "END RequestId: 1\n"}}
	if err := s.Put(t.Context(), groupName, streamName, lines); err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]int{"": 3, "RequestId": 2, "RequestId -END": 1, "?START ?ERROR": 2, `"no ticker"`: 1, "nothing": 0} {
		if got := filtered(t, c, pattern); len(got) != want {
			t.Errorf("pattern %q finds %q, want %d", pattern, got, want)
		}
	}
	stop()
	_, c, _ = open(t, dir)
	if got := filtered(t, c, ""); len(got) != 3 || got[1] != "ERROR no ticker\n" {
		t.Errorf("after a restart there are %q", got)
	}
}

func TestGetLogEventsEndsWithTheSameToken(t *testing.T) {
	s, c, _ := open(t, t.TempDir())
	for range 5 {
		if err := s.Put(t.Context(), groupName, streamName, []Event{{time.Now(), "line"}}); err != nil {
			t.Fatal(err)
		}
	}
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String(groupName), LogStreamName: aws.String(streamName), StartFromHead: aws.Bool(true), Limit: aws.Int32(2)}
	var pages []int
	for {
		out, err := c.GetLogEvents(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if in.NextToken != nil && *in.NextToken == *out.NextForwardToken {
			break
		}
		pages = append(pages, len(out.Events))
		in.NextToken = out.NextForwardToken
	}
	if len(pages) != 3 || pages[2] != 1 {
		t.Errorf("pages of %v events, want 2, 2 and 1", pages)
	}
}

func TestGroupsAndStreamsAreMadeOnce(t *testing.T) {
	_, c, _ := open(t, t.TempDir())
	create := func() error {
		_, err := c.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(groupName)})
		return err
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	var exists *types.ResourceAlreadyExistsException
	if err := create(); !errors.As(err, &exists) {
		t.Errorf("a second CreateLogGroup: %v", err)
	}
	var missing *types.ResourceNotFoundException
	_, err := c.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String(groupName), LogStreamName: aws.String("none"),
		LogEvents: []types.InputLogEvent{{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: aws.String("x")}}})
	if !errors.As(err, &missing) {
		t.Errorf("PutLogEvents to no stream: %v", err)
	}
}
