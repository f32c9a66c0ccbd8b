package apigateway

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/coder/websocket"
)

const quotesTemplate = `{\"id\":\"$context.connectionId\",\"quotes\":[$data]}`

// topics posts to the topics API of the stage development, signed.
func (g *gateway) topics(t testing.TB, id, body string) (status int, answer string) {
	t.Helper()
	status, header, answer := get(t, "POST", "http://"+g.Authority+"/development/@topics/"+id, http.Header{"Authorization": {"signed"}}, body)
	if header.Get("x-amzn-RequestId") == "" {
		t.Errorf("the answer has no id: %v", header)
	}
	return status, answer
}

// subscribe makes a connection listen to topics and returns the board.
func (g *gateway) subscribe(t testing.TB, connection string, topics ...string) string {
	t.Helper()
	status, answer := g.topics(t, connection, string(encode(map[string]any{"subscribe": topics})))
	var got subscribed
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != 200 {
		t.Fatalf("subscribe: %d %s", status, answer)
	}
	return got.Board
}

func (g *gateway) publishTopic(t testing.TB, board, topic string, version int64, data string) (delivered int) {
	t.Helper()
	status, answer := g.topics(t, board, fmt.Sprintf(`{"template":"%s","messages":[{"topic":%q,"version":%d,"data":%s}]}`, quotesTemplate, topic, version, data))
	var got published
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != 200 {
		t.Fatalf("publish: %d %s", status, answer)
	}
	return got.Delivered
}

func wantRead(t testing.TB, c *websocket.Conn, want string) {
	t.Helper()
	if got := read(t, c); got != want {
		t.Errorf("the client reads %s, want %s", got, want)
	}
}

func TestPublishedTopicReachesItsListenersOnly(t *testing.T) {
	g := start(t, t.TempDir())
	events := g.events()
	api := g.webSocketAPI(t, "$connect")
	a, idA := g.open(t, api, events)
	b, idB := g.open(t, api, events)
	c, idC := g.open(t, api, events)
	board := g.subscribe(t, *idA, "EIQQ", "MODD")
	g.subscribe(t, *idB, "EIQQ")
	g.subscribe(t, *idC, "QUTI")
	if n := g.publishTopic(t, board, "EIQQ", 7, `{"price":2210}`); n != 2 {
		t.Errorf("%d connections get to hear of it, want 2", n)
	}
	wantRead(t, a, `{"id":"`+*idA+`","quotes":[{"price":2210}]}`)
	wantRead(t, b, `{"id":"`+*idB+`","quotes":[{"price":2210}]}`)
	for version, why := range map[int64]string{7: "the same version again", 6: "an older version"} {
		if n := g.publishTopic(t, board, "EIQQ", version, `"late"`); n != 0 {
			t.Errorf("%s reaches %d connections, want none", why, n)
		}
	}
	if n := g.publishTopic(t, board, "NONE", 1, `1`); n != 0 {
		t.Errorf("a topic without listeners reaches %d", n)
	}
	g.topics(t, *idB, `{"unsubscribe":["EIQQ"]}`)
	status, answer := g.topics(t, board, `{"template":"$data","messages":[{"topic":"EIQQ","version":8,"data":"e"},{"topic":"MODD","version":1,"data":"m"},{"topic":"QUTI","version":1,"data":"q"}]}`)
	if status != 200 || answer != `{"delivered":2}` {
		t.Errorf("three topics to two connections: %d %s", status, answer)
	}
	wantRead(t, a, `"e"`)
	wantRead(t, a, `"m"`)
	wantRead(t, c, `"q"`)
	g.topics(t, *idB, `{"template":"$data","messages":[]}`)
	wantRead(t, b, ``) // and nothing of EIQQ
}

func TestWhoSubscribesIsShownTheNewest(t *testing.T) {
	g := start(t, t.TempDir())
	events := g.events()
	api := g.webSocketAPI(t, "$connect")
	a, idA := g.open(t, api, events)
	_, idB := g.open(t, api, events)
	board := g.subscribe(t, *idB, "EIQQ", "MODD", "QUTI", "OTHER")
	g.publishTopic(t, board, "MODD", 5, `"m5"`)
	g.publishTopic(t, board, "QUTI", 5, `"q5"`)
	status, answer := g.topics(t, *idA, `{"subscribe":["EIQQ","MODD","QUTI"],"template":"$context.connectionId $data",
		"messages":[{"topic":"EIQQ","version":2,"data":"e2"},{"topic":"MODD","version":4,"data":"m4"},{"topic":"QUTI","version":6,"data":"q6"},{"topic":"OTHER","version":1,"data":"o"}]}`)
	if status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	wantRead(t, a, *idA+` "e2","m5","q6"`)
	// QUTI 6 was stored but not published yet: it reaches the others only. What is older reaches nobody.
	g.publishTopic(t, board, "EIQQ", 1, `"e1"`)
	g.publishTopic(t, board, "QUTI", 6, `"q6"`)
	g.publishTopic(t, board, "QUTI", 7, `"q7"`)
	wantRead(t, a, `{"id":"`+*idA+`","quotes":["q7"]}`)
	g.topics(t, *idA, `{"template":"$data","messages":[{"topic":"QUTI","version":3,"data":"q3"}]}`)
	wantRead(t, a, `"q7"`)
}

func TestTopicsAreAnnouncedUntilThatIsConfirmed(t *testing.T) {
	g := start(t, t.TempDir())
	events := g.events()
	api := g.webSocketAPI(t, "$connect")
	_, a := g.open(t, api, events)
	cb, b := g.open(t, api, events)
	announce := func(id, body string) string {
		t.Helper()
		_, answer := g.topics(t, id, body)
		var got subscribed
		if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Lease < int64(AWSLimits.Lifetime.Seconds()) {
			t.Fatalf("answer %s; want a lease as long as the life of a connection", answer)
		}
		return strings.Join(got.Announce, " ")
	}
	for _, test := range []struct{ id, body, want string }{
		{*a, `{"subscribe":["EIQQ","MODD"]}`, "EIQQ MODD"},
		{*b, `{"subscribe":["EIQQ"]}`, "EIQQ"}, // nobody has said yet that it was done
		{*a, `{"announced":["EIQQ"]}`, ""},
		{*b, `{"subscribe":["EIQQ","MODD"]}`, "MODD"},
		{*b, `{"announced":["MODD"],"unsubscribe":["MODD"]}`, ""},
		{*a, `{"subscribe":["EIQQ","MODD"]}`, ""},
		{*a, `{"unsubscribe":["MODD"]}`, ""},
		{*a, `{"subscribe":["MODD"]}`, "MODD"}, // it was forgotten with its last listener
	} {
		if got := announce(test.id, test.body); got != test.want {
			t.Errorf("%s is answered by the topics %q, want %q", test.body, got, test.want)
		}
	}
	cb.CloseNow()
}

func TestErrorsOfTheTopicsAPI(t *testing.T) {
	g := start(t, t.TempDir())
	events := g.events()
	api := g.webSocketAPI(t, "$connect", "$disconnect")
	must(g.control.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &api, StageName: aws.String("other"), DeploymentId: stageOf(t, g, api).DeploymentId}))
	_, alive := g.open(t, api, events)
	board := g.subscribe(t, *alive, "EIQQ")
	ended, endedID := g.open(t, api, events)
	g.subscribe(t, *endedID, "EIQQ")
	ended.Close(websocket.StatusNormalClosure, "")
	next(t, events) // $disconnect
	if n := g.publishTopic(t, board, "EIQQ", 1, "1"); n != 1 {
		t.Errorf("%d connections get to hear of it, want only the one that is open", n)
	}
	signed := http.Header{"Authorization": {"signed"}}
	message := func(s string) string { return string(encode(map[string]string{"message": s})) }
	for _, test := range []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		want                     string
	}{
		{"not signed", "POST", "/development/@topics/" + *alive, "{}", nil, 403, message("Missing Authentication Token")},
		{"another method", "GET", "/development/@topics/" + *alive, "", signed, 403, message("Missing Authentication Token")},
		{"unknown stage", "POST", "/nope/@topics/" + *alive, "{}", signed, 403, message("Forbidden")},
		{"another API's address", "POST", pathPrefix + "nosuchapi0/development/@topics/" + board, "{}", signed, 403, message("Forbidden")},
		{"closed connection", "POST", "/development/@topics/" + *endedID, `{"subscribe":["EIQQ"]}`, signed, 410, ""},
		{"connection of another stage", "POST", "/other/@topics/" + *alive, "{}", signed, 410, ""},
		{"board of another stage", "POST", "/other/@topics/" + board, "{}", signed, 410, ""},
		{"board of another process", "POST", "/development/@topics/" + boardID(api), "{}", signed, 410, ""},
		{"escaped", "POST", "/development/%40topics/" + strings.ReplaceAll(boardID(api), "=", "%3D"), "{}", signed, 410, ""},
		{"no JSON", "POST", "/development/@topics/" + *alive, "x", signed, 400, message("the request is no JSON of the topics API: invalid character 'x' looking for beginning of value")},
		{"misspelt", "POST", "/development/@topics/" + *alive, `{"subscripe":[]}`, signed, 400, message(`the request is no JSON of the topics API: json: unknown field "subscripe"`)},
		{"no UTF-8", "POST", "/development/@topics/" + *alive, "{\"subscribe\":[\"\xff\"]}", signed, 400, message("the request is not UTF-8")},
		{"empty name", "POST", "/development/@topics/" + *alive, `{"subscribe":[""]}`, signed, 400, message(`the name of a topic has 1 to 256 bytes; got ""`)},
		{"no template", "POST", "/development/@topics/" + board, `{"messages":[{"topic":"EIQQ","version":1,"data":1}]}`, signed, 400, message(`"template" must have $data once, where the data of the messages goes; got ""`)},
		{"nothing to publish", "POST", "/development/@topics/" + board, `{}`, signed, 400, message(`"template" is missing`)},
		{"no version", "POST", "/development/@topics/" + board, `{"template":"$data","messages":[{"topic":"EIQQ","data":1}]}`, signed, 400, message(`the version of "EIQQ" must be a number from 1`)},
		{"no data", "POST", "/development/@topics/" + board, `{"template":"$data","messages":[{"topic":"EIQQ","version":1}]}`, signed, 400, message(`"data" of "EIQQ" is missing`)},
		{"too much data", "POST", "/development/@topics/" + board, `{"template":"$data","messages":[{"topic":"EIQQ","version":1,"data":"` + strings.Repeat("x", 128<<10) + `"}]}`, signed, 400, message(`the data of "EIQQ" is too long: a message may have 131072 bytes`)},
		{"too long", "POST", "/development/@topics/" + board, strings.Repeat(" ", maxTopicsBody+1), signed, 413, message("the request is too long: it may have 1048576 bytes")},
	} {
		status, _, body := get(t, test.method, "http://"+g.Authority+test.path, test.header, test.body)
		if status != test.status || body != test.want {
			t.Errorf("%s: %d %s, want %d %s", test.name, status, body, test.status, test.want)
		}
	}
	many := make([]string, maxSubscriptions)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	if status, answer := g.topics(t, *alive, string(encode(map[string]any{"subscribe": many}))); status != 400 || !strings.Contains(answer, "2000 topics at most") {
		t.Errorf("one topic too many: %d %s", status, answer)
	}
	g.denial.mu.Lock()
	g.denial.resource = "arn:aws:execute-api:us-east-1:111122223333:" + api + "/development/POST/@connections/{connectionId}"
	g.denial.mu.Unlock()
	if n := g.publishTopic(t, board, "EIQQ", 2, "1"); n != 1 {
		t.Errorf("whoever may post to connections publishes to %d, want 1", n)
	}
	g.denial.mu.Lock()
	g.denial.resource = "another"
	g.denial.mu.Unlock()
	if status, answer := g.topics(t, board, `{}`); status != 403 || !strings.Contains(answer, "not authorized to perform: execute-api:ManageConnections") {
		t.Errorf("without the permission: %d %s", status, answer)
	}
}

// Topics, publishers and sockets in a bustle: no socket ever sees a version turn back, and each ends on the newest of all
// that it listens to.
func TestNoVersionTurnsBackAndTheNewestArrives(t *testing.T) {
	const topics, publishers, rounds, sockets = 5, 4, 150, 12
	g := start(t, t.TempDir(), func(c *Config) { c.RequestRate, c.RequestBurst = 1e6, 1e6 })
	events := g.events()
	api := g.webSocketAPI(t, "$connect")
	_, first := g.open(t, api, events)
	name := func(i int) string { return fmt.Sprint("T", i) }
	board := g.subscribe(t, *first, name(0))
	var stored [topics]atomic.Int64 // the tables: the newest version of each topic
	value := func(topic int, version int64) topicValue {
		return topicValue{name(topic), version, encode([2]int64{int64(topic), version})}
	}
	post := func(id string, body any) {
		if status, answer := g.topics(t, id, string(encode(body))); status != 200 {
			t.Errorf("%d %s", status, answer)
		}
	}
	read := func(c *websocket.Conn, seen *[topics]int64) bool {
		_, text, err := c.Read(context.Background())
		if err != nil {
			return false
		}
		var list [][2]int64
		if err := json.Unmarshal(text, &list); err != nil {
			t.Errorf("the client reads %s", text)
			return false
		}
		for _, v := range list {
			if v[1] < seen[v[0]] {
				t.Errorf("topic %d turns back from %d to %d", v[0], seen[v[0]], v[1])
			}
			seen[v[0]] = v[1]
		}
		return true
	}
	var dialing sync.Mutex // so that the event is that of the socket
	connect := func() (*websocket.Conn, string, []int) {
		dialing.Lock()
		c, id := g.open(t, api, events)
		dialing.Unlock()
		mine := rand.Perm(topics)[:3]
		var names []string
		for _, topic := range mine {
			names = append(names, name(topic))
		}
		post(*id, subscription{Subscribe: names})
		values := []topicValue{}
		for _, topic := range mine {
			if v := stored[topic].Load(); v > 0 {
				values = append(values, value(topic, v))
			}
		}
		post(*id, subscription{Template: "[$data]", Messages: values})
		return c, *id, mine
	}
	var publishing, passing, staying sync.WaitGroup
	for range publishers {
		publishing.Go(func() {
			for range rounds {
				topic := rand.IntN(topics)
				post(board, publication{"[$data]", []topicValue{value(topic, stored[topic].Add(1))}})
			}
		})
	}
	published, done := context.WithCancel(t.Context())
	for range 3 {
		passing.Go(func() {
			for published.Err() == nil {
				c, _, _ := connect()
				stop := context.AfterFunc(published, func() { c.CloseNow() })
				var seen [topics]int64
				for range rand.IntN(20) {
					read(c, &seen)
				}
				stop()
				c.CloseNow()
			}
		})
	}
	for range sockets {
		staying.Go(func() {
			c, id, mine := connect()
			var seen [topics]int64
			var finished atomic.Bool
			staying.Go(func() {
				publishing.Wait()
				finished.Store(true)
				post(id, subscription{Template: "[$data]", Messages: []topicValue{}}) // wakes the reader
			})
			newest := func() bool {
				for _, topic := range mine {
					if seen[topic] < stored[topic].Load() {
						return false
					}
				}
				return true
			}
			for !finished.Load() || !newest() { // hangs if the newest does not arrive
				if !read(c, &seen) {
					return
				}
			}
		})
	}
	publishing.Wait()
	done()
	passing.Wait()
	staying.Wait()
}

// A reader that has fallen behind is not cut, and nobody keeps for it what is old: when it reads on, it skips to the newest.
func TestSlowReaderSkipsToTheNewest(t *testing.T) {
	g := start(t, t.TempDir())
	events := g.events()
	api := g.webSocketAPI(t, "$connect")
	c, id := g.open(t, api, events)
	board := g.subscribe(t, *id, "EIQQ")
	c.SetReadLimit(-1)
	const versions = 400 // of 64 KB: more than the kernel takes, and what a gateway keeps for a connection
	frame, padding := must(parseTemplate("$data")), strings.Repeat("x", 64<<10)
	for v := range versions {
		value := topicValue{"EIQQ", int64(v + 1), encode(fmt.Sprint(v+1, padding))}
		if v == versions-2 { // a message to this connection alone stands between: neither may overtake the other
			if err := g.boards.find(board).show(g.hub.find(*id), []topicValue{value}, frame, 1<<20); err != nil {
				t.Fatal(err)
			}
		} else if n := g.boards.find(board).publish([]topicValue{value}, frame); n != 1 {
			t.Fatalf("version %d reaches %d connections, want 1", v+1, n)
		}
	}
	last, messages := 0, 0
	for last < versions {
		var version int
		fmt.Sscanf(read(t, c), `"%d`, &version)
		if version <= last {
			t.Errorf("version %d follows %d", version, last)
		}
		last = version
		messages++
	}
	if messages == versions {
		t.Error("nothing was skipped")
	}
}
