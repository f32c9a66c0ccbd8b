package logs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// stores returns how many blocks the store has, and their bytes.
func stores(t *testing.T, s *Service) (blocks, bytes int) {
	t.Helper()
	all, err := s.blocks.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		bytes += len(e.Value)
	}
	return len(all), bytes
}

func TestBusyGroupTakesNoMoreRoomThanItKeeps(t *testing.T) {
	dir := t.TempDir()
	s, c, stop := open(t, dir)
	line := strings.Repeat("x", 1000)
	for round := range 60 { // each with more than a flush of one block could remove
		if err := s.Put(t.Context(), "quiet", "stream", []Event{{time.Now(), "here"}}); err != nil {
			t.Fatal(err)
		}
		var lines []Event
		for range 500 {
			lines = append(lines, Event{time.Now(), line})
		}
		if err := s.Put(t.Context(), groupName, fmt.Sprint("environment", round), lines); err != nil {
			t.Fatal(err)
		}
		if err := s.flush(); err != nil {
			t.Fatal(err)
		}
	}
	blocks, bytes := stores(t, s)
	if bytes > 2*maxGroupBytes || blocks > 2*maxGroupBytes/minBlock {
		t.Errorf("%d blocks of %d bytes are in the store for a group that keeps %d", blocks, bytes, maxGroupBytes)
	}
	s.mu.Lock()
	streams := len(s.byName[groupName].Streams)
	s.mu.Unlock()
	if streams > 20 {
		t.Errorf("%d streams are there, most of them empty", streams)
	}
	before := len(filtered(t, c, ""))
	stop()
	s, c, _ = open(t, dir)
	if got := len(filtered(t, c, "")); got != before {
		t.Errorf("after a restart there are %d events on the first page, want %d", got, before)
	}
	s.mu.Lock()
	quiet := len(s.byName["quiet"].events)
	s.mu.Unlock()
	if quiet != 60 {
		t.Errorf("the quiet group has %d events, want 60", quiet)
	}
}

func TestDeletedStreamDoesNotComeBack(t *testing.T) {
	dir := t.TempDir()
	s, c, stop := open(t, dir)
	for _, stream := range []string{"one", "two"} {
		if err := s.Put(t.Context(), groupName, stream, []Event{{time.Now(), "from " + stream}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	_, err := c.DeleteLogStream(t.Context(), &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: aws.String(groupName), LogStreamName: aws.String("one")})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	s, c, stop = open(t, dir)
	if got := filtered(t, c, ""); len(got) != 1 || got[0] != "from two" {
		t.Errorf("after a restart there are %q", got)
	}
	if _, err := c.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String(groupName)}); err != nil {
		t.Fatal(err)
	}
	stop()
	s, _, _ = open(t, dir)
	if blocks, _ := stores(t, s); blocks != 0 {
		t.Errorf("%d blocks of a deleted group are in the store", blocks)
	}
}
