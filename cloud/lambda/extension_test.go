package lambda

import (
	"strings"
	"testing"
)

func TestExtensionGetsInvocationsAndHoldsTheEnvironment(t *testing.T) {
	t.Parallel()
	c := start(t)
	m := meet(t)
	c.function(t, "raw", env("EXTENSION", m.Addr().String()))
	if got, _ := c.invoke(t, "watch", `"one"`); got != `"one"` {
		t.Errorf("got %s", got)
	}
	// The caller has its answer, but the environment is not free while the extension works.
	conn := <-m.conns
	c.pool.mu.Lock()
	fleet := c.pool.fleets["watch"]
	if n := len(fleet.crew(c.catalog.get("watch").latest()).idle); n != 0 || len(fleet.environments) != 1 {
		t.Errorf("%d environments are idle while the extension works", n)
	}
	c.pool.mu.Unlock()
	conn.Close()
	text := c.logs.wait(t, "/aws/lambda/watch", "REPORT RequestId")
	for _, want := range []string{
		`shutdown: 403 Forbidden {"errorMessage":"SHUTDOWN: ShutdownEventNotSupportedForInternalExtension","errorType":"Extension.InvalidEventType"}`,
		`register: 200 OK {"functionName":"watch","functionVersion":"$LATEST","handler":"bootstrap"}`,
		`"eventType":"INVOKE"`, `"invokedFunctionArn":"arn:aws:lambda:us-east-1:111122223333:function:watch"`, `"type":"X-Amzn-Trace-Id"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
}

func TestExtensionThatCannotStartEndsTheInit(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw", env("EXTENSION", "fail"))
	got, failed := c.invoke(t, "watch", `"one"`)
	if !failed || !strings.Contains(got, `"errorType":"Extension.InitError"`) {
		t.Errorf("got %s", got)
	}
}
