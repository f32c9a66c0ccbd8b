package apigateway

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

func TestBucketFillsAtItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taken := func(b *bucket, r rate) (n int) {
			for b.take(r, time.Now()) {
				n++
			}
			return n
		}
		var b bucket
		r := rate{perSecond: 10, burst: 5}
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{0, 5}, {0, 0}, {99 * time.Millisecond, 0}, {time.Millisecond, 1}, {250 * time.Millisecond, 2}, {time.Hour, 5}} {
			time.Sleep(step.wait)
			if got := taken(&b, r); got != step.want {
				t.Errorf("%v later %d tokens were there, want %d", step.wait, got, step.want)
			}
		}
		for _, r := range []rate{{0, 5}, {5, 0}} {
			if new(bucket).take(r, time.Now()) {
				t.Errorf("%+v let a request through", r)
			}
		}
	})
}

func TestMostSpecificRateWins(t *testing.T) {
	view := served{&api{Properties: apiProperties{APIID: "a"}}, &stage{
		StageName:            "dev",
		DefaultRouteSettings: routeSettings{ThrottlingRateLimit: aws.Float64(7)},
		RouteSettings: map[string]routeSettings{
			"user":  {ThrottlingBurstLimit: aws.Int(2)},
			"other": {LoggingLevel: "OFF"},
		},
	}, nil}
	account := rate{100, 50}
	for _, test := range []struct {
		route string
		rate  rate
		key   throttleKey
	}{
		{"user", rate{7, 2}, throttleKey{"a", "dev", "user"}},
		{"other", rate{7, 50}, throttleKey{"a", "dev", ""}},
		{"$default", rate{7, 50}, throttleKey{"a", "dev", ""}},
	} {
		if r, key, limited := view.rate(test.route, account); !limited || r != test.rate || key != test.key {
			t.Errorf("%s has the rate %+v of %+v, want %+v of %+v", test.route, r, key, test.rate, test.key)
		}
	}
	view.stage = &stage{StageName: "dev"}
	if r, _, limited := view.rate("user", account); limited || r != account {
		t.Errorf("without settings: %+v, limited %t", r, limited)
	}
}

func TestThrottledRouteAnswersTooManyRequests(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "slow!", "fast!")
	g.functions.returns(`{"statusCode":200,"body":"done"}`)
	must(g.control.UpdateStage(t.Context(), &apigatewayv2.UpdateStageInput{
		ApiId: &id, StageName: aws.String("development"),
		RouteSettings: map[string]types.RouteSettings{"slow": {ThrottlingRateLimit: aws.Float64(0.001), ThrottlingBurstLimit: aws.Int32(1)}},
	}))
	c := g.dial(t, id, nil)
	for i, want := range []string{"done", `{"message": "Too Many Requests", "connectionId":"`} {
		write(t, c, `{"action":"slow"}`)
		if got := read(t, c); !strings.HasPrefix(got, want) {
			t.Errorf("message %d was answered with %s, want %s", i, got, want)
		}
	}
	write(t, c, `{"action":"fast"}`)
	if got := read(t, c); got != "done" {
		t.Errorf("another route was answered with %s", got)
	}
	if !strings.Contains(g.log.String(), "throttled by the stage's routeSettings") {
		t.Error("the log does not say what throttled")
	}
}
