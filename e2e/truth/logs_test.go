package truth

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

const logStream = "2024/09/23/[$LATEST]0123456789abcdef0123456789abcdef"

// logGroup makes a log group with a stream.
func logGroup(t *testing.T, c caller) string {
	t.Helper()
	name := "/truth/" + unique("group")
	c.call(t, "logs", "CreateLogGroup", params{"logGroupName": name})
	c.call(t, "logs", "CreateLogStream", params{"logGroupName": name, "logStreamName": logStream})
	return name
}

// logEvents are events in a row, a millisecond after each other, the last of them now.
func logEvents(messages ...string) items {
	var list items
	at := time.Now().UnixMilli() - int64(len(messages))
	for i, m := range messages {
		list = append(list, params{"timestamp": at + int64(i), "message": m})
	}
	return list
}

func put(t *testing.T, c caller, group string, messages ...string) {
	t.Helper()
	c.call(t, "logs", "PutLogEvents", params{"logGroupName": group, "logStreamName": logStream, "logEvents": logEvents(messages...)})
}

func TestCloudWatchLogs(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "Services §4"
	// filtered are the messages that a pattern finds.
	filtered := func(t *testing.T, c caller, group, pattern string) string {
		t.Helper()
		var found []string
		got := c.call(t, "logs", "FilterLogEvents", params{"logGroupName": group, "filterPattern": pattern})
		for i := range got.list("events") {
			found = append(found, got.str(fmt.Sprintf("events.%d.message", i)))
		}
		return strings.Join(found, "|")
	}

	rule(t, "a group, or a stream, that is there is a ResourceAlreadyExistsException", source, boto3, func(t *testing.T) {
		group := logGroup(t, py)
		refusedAs(t, py.fail(t, "logs", "CreateLogGroup", params{"logGroupName": group}), 400, "ResourceAlreadyExistsException", "The specified log group already exists")
		refusedAs(t, py.fail(t, "logs", "CreateLogStream", params{"logGroupName": group, "logStreamName": logStream}), 400, "ResourceAlreadyExistsException", "The specified log stream already exists")
	})
	rule(t, "a group, or a stream, that is not there is a ResourceNotFoundException", source, jsSDK, func(t *testing.T) {
		js, group := c.js(t), logGroup(t, py)
		refusedAs(t, js.fail(t, "cloudwatch-logs", "FilterLogEvents", params{"logGroupName": "/none"}), 400, "ResourceNotFoundException", "The specified log group does not exist.")
		refusedAs(t, js.fail(t, "cloudwatch-logs", "GetLogEvents", params{"logGroupName": group, "logStreamName": "none"}), 400, "ResourceNotFoundException", "The specified log stream does not exist.")
	})
	rule(t, "events that are not in chronological order are refused", source, boto3, func(t *testing.T) {
		events := logEvents("one", "two")
		events[0], events[1] = events[1], events[0]
		refusedAs(t, py.fail(t, "logs", "PutLogEvents", params{"logGroupName": logGroup(t, py), "logStreamName": logStream, "logEvents": events}),
			400, "InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order.")
	})
	rule(t, "any sequence token is taken", source, boto3, func(t *testing.T) {
		got := py.call(t, "logs", "PutLogEvents", params{"logGroupName": logGroup(t, py), "logStreamName": logStream, "logEvents": logEvents("x"), "sequenceToken": "49590302938472038492"})
		if got.str("nextSequenceToken") == "" {
			t.Error("no nextSequenceToken")
		}
	})
	rule(t, "events over two hours ahead or over 14 days old are rejected by their indexes, and the others taken", source, boto3, func(t *testing.T) {
		group, now := logGroup(t, py), time.Now()
		first := py.call(t, "logs", "PutLogEvents", params{"logGroupName": group, "logStreamName": logStream, "logEvents": items{
			params{"timestamp": now.UnixMilli(), "message": "now"}, params{"timestamp": now.Add(3 * time.Hour).UnixMilli(), "message": "ahead"}}})
		second := py.call(t, "logs", "PutLogEvents", params{"logGroupName": group, "logStreamName": logStream, "logEvents": items{
			params{"timestamp": now.AddDate(0, 0, -15).UnixMilli(), "message": "old"}}})
		if first.num("rejectedLogEventsInfo.tooNewLogEventStartIndex") != 1 || second.num("rejectedLogEventsInfo.tooOldLogEventEndIndex") != 1 {
			t.Errorf("got %v and %v", first.Answer, second.Answer)
		}
		if got := filtered(t, py, group, ""); got != "now" {
			t.Errorf("the group has %q", got)
		}
	})
	rule(t, "events of one call that span more than 24 hours are refused", "PutLogEvents - Amazon CloudWatch Logs", boto3, func(t *testing.T) {
		now := time.Now()
		refusedAs(t, py.fail(t, "logs", "PutLogEvents", params{"logGroupName": logGroup(t, py), "logStreamName": logStream, "logEvents": items{
			params{"timestamp": now.Add(-25 * time.Hour).UnixMilli(), "message": "a"}, params{"timestamp": now.UnixMilli(), "message": "b"}}}), 400, "InvalidParameterException", "24 hours")
	})
	rule(t, "GetLogEvents begins at the end unless told otherwise, and gives the same token back at the end", source, boto3, func(t *testing.T) {
		group := logGroup(t, py)
		put(t, py, group, "one", "two", "three")
		read := params{"logGroupName": group, "logStreamName": logStream, "limit": 2}
		if got := py.call(t, "logs", "GetLogEvents", read); got.str("events.0.message") != "two" {
			t.Errorf("without startFromHead, the first is %v", got.get("events"))
		}
		read["startFromHead"] = true
		page := py.call(t, "logs", "GetLogEvents", read)
		read["nextToken"] = page.str("nextForwardToken")
		last := py.call(t, "logs", "GetLogEvents", read)
		read["nextToken"] = last.str("nextForwardToken")
		end := py.call(t, "logs", "GetLogEvents", read)
		if page.str("events.0.message") != "one" || last.str("events.0.message") != "three" || len(end.list("events")) != 0 || end.str("nextForwardToken") != last.str("nextForwardToken") {
			t.Errorf("pages: %v, %v, %v", page.Answer, last.Answer, end.Answer)
		}
		put(t, py, group, "four")
		if more := py.call(t, "logs", "GetLogEvents", read); more.str("events.0.message") != "four" {
			t.Errorf("what came later is not behind the last token: %v", more.Answer)
		}
	})
	rule(t, "FilterLogEvents has stable, unique event ids and pages by nextToken", source, goSDK, func(t *testing.T) {
		group := logGroup(t, py)
		put(t, py, group, "one", "two", "three", "four", "five")
		client := cloudwatchlogs.NewFromConfig(c.config())
		for range 2 {
			ids, messages := map[string]bool{}, ""
			for p := cloudwatchlogs.NewFilterLogEventsPaginator(client, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, Limit: aws.Int32(2)}); p.HasMorePages(); {
				page, err := p.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page.Events {
					ids[*e.EventId] = true
					messages += *e.Message + " "
				}
			}
			if len(ids) != 5 || messages != "one two three four five " {
				t.Errorf("%d ids, messages %q", len(ids), messages)
			}
		}
	})
	rule(t, "FilterLogEvents is in the order of the events' times, whatever stream and call they came by", source, boto3, func(t *testing.T) {
		group, now := logGroup(t, py), time.Now().UnixMilli()
		py.call(t, "logs", "CreateLogStream", params{"logGroupName": group, "logStreamName": "other"})
		put := func(stream, message string, at int64) {
			py.call(t, "logs", "PutLogEvents", params{"logGroupName": group, "logStreamName": stream, "logEvents": items{params{"timestamp": at, "message": message}}})
		}
		put(logStream, "second", now-2)
		put("other", "third", now-1)
		put("other", "first", now-3)
		if got := filtered(t, py, group, ""); got != "first|second|third" {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "words of a filter pattern are ANDed, ?words ORed, -words excluded, and case counts", source, jsSDK, func(t *testing.T) {
		js, group := c.js(t), logGroup(t, py)
		put(t, py, group, "ERROR timeout", "ERROR refused", "WARN timeout", "error")
		for pattern, want := range map[string]string{"ERROR": "ERROR timeout|ERROR refused", "ERROR timeout": "ERROR timeout", "?ERROR ?WARN": "ERROR timeout|ERROR refused|WARN timeout",
			"timeout -ERROR": "WARN timeout", `"ERROR refused"`: "ERROR refused"} {
			var found []string
			got := js.call(t, "cloudwatch-logs", "FilterLogEvents", params{"logGroupName": group, "filterPattern": pattern})
			for i := range got.list("events") {
				found = append(found, got.str(fmt.Sprintf("events.%d.message", i)))
			}
			if strings.Join(found, "|") != want {
				t.Errorf("%s finds %q, want %s", pattern, found, want)
			}
		}
	})
	rule(t, "a filter pattern in braces compares members of JSON messages", source, boto3, func(t *testing.T) {
		group := logGroup(t, py)
		put(t, py, group, `{"ticker":"EIQQ","price":2200}`, `{"ticker":"MODD","price":99}`, `EIQQ 2200`)
		for pattern, want := range map[string]string{`{ $.ticker = "EIQQ" && $.price > 2000 }`: `{"ticker":"EIQQ","price":2200}`, `{ $.price < 100 || $.ticker = E* }`: `{"ticker":"EIQQ","price":2200}|{"ticker":"MODD","price":99}`} {
			if got := filtered(t, py, group, pattern); got != want {
				t.Errorf("%s finds %s, want %s", pattern, got, want)
			}
		}
	})
	rule(t, "FilterLogEvents with interleaved, as aws logs tail asks, shows a function's platform lines and its output", source, awsCLI, func(t *testing.T) {
		f := c.function(t, "tailed")
		since := fmt.Sprint(time.Now().UnixMilli())
		f.probe(t, `{"do":"print","text":"hello from the probe"}`)
		for deadline := time.Now().Add(time.Minute); ; {
			out, stderr, exit := c.aws(t, "logs", "filter-log-events", "--log-group-name", "/aws/lambda/"+f.Name, "--start-time", since, "--interleaved")
			if strings.Contains(out, "REPORT RequestId: ") {
				if !strings.Contains(out, "START RequestId: ") || !strings.Contains(out, `hello from the probe\n`) {
					t.Errorf("got %s", out)
				}
				return
			}
			if exit != 0 && !strings.Contains(stderr, "ResourceNotFound") || time.Now().After(deadline) {
				t.Fatalf("%d: %s%s", exit, out, stderr)
			}
		}
	})
	rule(t, "retention is one of AWS's numbers of days, and what is older is not taken", source, boto3, func(t *testing.T) {
		group := logGroup(t, py)
		refusedAs(t, py.fail(t, "logs", "PutRetentionPolicy", params{"logGroupName": group, "retentionInDays": 2}), 400, "InvalidParameterException", "retentionInDays")
		py.call(t, "logs", "PutRetentionPolicy", params{"logGroupName": group, "retentionInDays": 1})
		got := py.call(t, "logs", "PutLogEvents", params{"logGroupName": group, "logStreamName": logStream, "logEvents": items{params{"timestamp": time.Now().Add(-30 * time.Hour).UnixMilli(), "message": "old"}}})
		if got.num("rejectedLogEventsInfo.expiredLogEventEndIndex") != 1 {
			t.Errorf("got %v", got.Answer)
		}
	})
	rule(t, "arn of a described group ends in :*, logGroupArn does not, and tags are found by the latter", source, boto3, func(t *testing.T) {
		group := logGroup(t, py)
		got := py.call(t, "logs", "DescribeLogGroups", params{"logGroupNamePrefix": group})
		arn := got.str("logGroups.0.logGroupArn")
		if arn != "arn:aws:logs:us-east-1:111122223333:log-group:"+group || got.str("logGroups.0.arn") != arn+":*" {
			t.Errorf("got %v", got.get("logGroups.0"))
		}
		py.call(t, "logs", "TagResource", params{"resourceArn": arn, "tags": params{"team": "quotes"}})
		if tags := py.call(t, "logs", "ListTagsForResource", params{"resourceArn": arn}); tags.str("tags.team") != "quotes" {
			t.Errorf("tags: %v", tags.Answer)
		}
	})
}
