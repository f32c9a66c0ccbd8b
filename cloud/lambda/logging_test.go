package lambda

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func jsonLogs(application types.ApplicationLogLevel, system types.SystemLogLevel) func(*awslambda.CreateFunctionInput) {
	return func(in *awslambda.CreateFunctionInput) {
		in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, ApplicationLogLevel: application, SystemLogLevel: system, LogGroup: aws.String("/custom/group")}
	}
}

func TestPlatformRecordsAsJSON(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library", jsonLogs("WARN", "DEBUG"))
	c.invoke(t, "watch", `{"Do":"print","Lines":["{\"level\":\"info\",\"msg\":\"quiet\"}","{\"level\":\"ERROR\",\"msg\":\"loud\"}","plain"]}`)
	text := c.logs.wait(t, "/custom/group", `"platform.report"`)
	kinds := map[string]map[string]any{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		var r struct {
			Time, Type string
			Record     map[string]any
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Errorf("no JSON: %s", lines.Text())
		}
		kinds[r.Type] = r.Record
	}
	for _, kind := range []string{"initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"} {
		if kinds["platform."+kind] == nil {
			t.Errorf("there is no platform.%s in\n%s", kind, text)
		}
	}
	metrics, _ := kinds["platform.report"]["metrics"].(map[string]any)
	if metrics["memorySizeMB"] != 128.0 || metrics["initDurationMs"] == nil || kinds["platform.report"]["status"] != "success" {
		t.Errorf("the report is %v", kinds["platform.report"])
	}
	if strings.Contains(text, "quiet") || strings.Contains(text, "plain") || !strings.Contains(text, "loud") {
		t.Errorf("lines below WARN are to be left out:\n%s", text)
	}
}

func TestSystemLogLevelWARNTellsOfFailuresOnly(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library", jsonLogs("INFO", "WARN"))
	c.invoke(t, "watch", `{}`)
	c.invoke(t, "watch", `{"Do":"exit","Code":1}`)
	text := c.logs.wait(t, "/custom/group", `"platform.report"`)
	if strings.Contains(text, "platform.start") || strings.Contains(text, `"success"`) || !strings.Contains(text, `"errorType":"Runtime.ExitError"`) {
		t.Errorf("logged\n%s", text)
	}
}
