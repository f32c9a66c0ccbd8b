package dynamodb

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"quotewire/cloud/state"
)

func TestEverythingIsThereAfterReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := openState(t, dir)
	s, c := serve(t, st, allowed{})
	history(t, c)
	makeTable(t, c, "Gone", "k:S", "")
	put(t, c, "Gone", item{"k": str("x")})
	long := strings.Repeat("lång ", 300)
	put(t, c, "History", item{"ticker": str(long), "time": num("1")})
	put(t, c, "History", item{"ticker": str("A"), "time": num("1"), "price": num("1234")})
	if _, err := c.DeleteItem(t.Context(), &client.DeleteItemInput{TableName: aws.String("History"), Key: item{"ticker": str("A"), "time": num("2")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteTable(t.Context(), &client.DeleteTableInput{TableName: aws.String("Gone")}); err != nil {
		t.Fatal(err)
	}
	_, err := c.UpdateTimeToLive(t.Context(), &client.UpdateTimeToLiveInput{TableName: aws.String("History"), TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("until"), Enabled: aws.Bool(true)}})
	if err != nil {
		t.Fatal(err)
	}
	arn := aws.String("arn:aws:dynamodb:us-east-1:111122223333:table/History")
	if _, err := c.TagResource(t.Context(), &client.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("app"), Value: aws.String("stock watch")}}}); err != nil {
		t.Fatal(err)
	}
	_, scanned := post(t, s, "Scan", `{"TableName":"History"}`)
	_, described := post(t, s, "DescribeTable", `{"TableName":"History"}`)
	_, indexed := post(t, s, "Scan", `{"TableName":"History","IndexName":"by-user"}`)
	st.Close()

	s, c = serve(t, openState(t, dir), allowed{})
	for _, again := range []struct{ operation, body, want string }{
		{"Scan", `{"TableName":"History"}`, scanned},
		{"DescribeTable", `{"TableName":"History"}`, described},
		{"Scan", `{"TableName":"History","IndexName":"by-user"}`, indexed},
		{"ListTables", `{}`, `{"TableNames":["History"]}`},
		{"DescribeTimeToLive", `{"TableName":"History"}`, `{"TimeToLiveDescription":{"AttributeName":"until","TimeToLiveStatus":"ENABLED"}}`},
		{"ListTagsOfResource", `{"ResourceArn":"` + *arn + `"}`, `{"Tags":[{"Key":"app","Value":"stock watch"}]}`},
	} {
		if _, got := post(t, s, again.operation, again.body); got != again.want {
			t.Errorf("%s after reopening\n got %s\nwant %s", again.operation, got, again.want)
		}
	}
	makeTable(t, c, "Gone", "k:S", "")
	if got := get(t, c, "Gone", item{"k": str("x")}); got != nil {
		t.Errorf("a table that was created again has the old item %v", got)
	}
}

func TestATransactionThatWasCutShortIsFinishedAtTheStart(t *testing.T) {
	t.Parallel()
	st := openState(t, t.TempDir())
	s, c := serve(t, st, allowed{})
	makeTable(t, c, "Prices", "ticker:S", "")
	put(t, c, "Prices", item{"ticker": str("OLD")})
	table := s.lookup("Prices")
	record := func(ticker, json string) journalWrite {
		w := journalWrite{Table: table.id, Key: storeKey(table.keys.entryKey(mustItem(t, `{"ticker":{"S":"`+ticker+`"}}`)))}
		w.Item = []byte(json)
		return w
	}
	entry := journalEntry{[]journalWrite{record("NEW", `{"n":{"N":"1"},"ticker":{"S":"NEW"}}`), record("OLD", ""), {Table: "dropped", Key: "x"}}}
	if _, err := s.journal.Put(t.Context(), "cut short", marshal(entry)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start finds it done
		s, c = serve(t, st, allowed{})
		if got := get(t, c, "Prices", item{"ticker": str("NEW")}); len(got) != 2 {
			t.Errorf("the new item is %v", got)
		}
		if got := get(t, c, "Prices", item{"ticker": str("OLD")}); got != nil {
			t.Errorf("the old item is still there: %v", got)
		}
		if left, err := s.journal.All(t.Context()); err != nil || len(left) != 0 {
			t.Errorf("the journal has %v, %v", left, err)
		}
	}
}

func TestAWriteThatTheStoreRefusesIsNotVisible(t *testing.T) {
	t.Parallel()
	st := openState(t, t.TempDir())
	s, c := serve(t, st, allowed{})
	makeTable(t, c, "Prices", "ticker:S", "")
	put(t, c, "Prices", item{"ticker": str("E"), "n": num("1")})
	st.Close()
	for operation, body := range map[string]string{
		"PutItem":            `{"TableName":"Prices","Item":{"ticker":{"S":"E"},"n":{"N":"2"}}}`,
		"DeleteItem":         `{"TableName":"Prices","Key":{"ticker":{"S":"E"}}}`,
		"BatchWriteItem":     `{"RequestItems":{"Prices":[{"DeleteRequest":{"Key":{"ticker":{"S":"E"}}}}]}}`,
		"TransactWriteItems": `{"TransactItems":[{"Delete":{"TableName":"Prices","Key":{"ticker":{"S":"E"}}}},{"Put":{"TableName":"Prices","Item":{"ticker":{"S":"F"}}}}]}`,
		"CreateTable":        `{"TableName":"abc","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}`,
	} {
		if status, got := post(t, s, operation, body); status != 500 || !strings.Contains(got, "InternalServerError") || strings.Contains(got, "nats") {
			t.Errorf("%s: %d %s", operation, status, got)
		}
	}
	if _, got := post(t, s, "GetItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"}}}`); got != `{"Item":{"n":{"N":"1"},"ticker":{"S":"E"}}}` {
		t.Errorf("after refused writes: %s", got)
	}
	if _, got := post(t, s, "ListTables", `{}`); got != `{"TableNames":["Prices"]}` {
		t.Errorf("after refused writes: %s", got)
	}
}

// childDir names the state folder to the process that [TestAKilledProcessLosesNothingThatItAnswered] starts.
const childDir = "DYNAMODB_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// child writes items and transactions without end, and a line for each that was answered.
func child(dir string) {
	log := slog.New(slog.DiscardHandler)
	st, err := state.Open(context.Background(), dir, log)
	if err != nil {
		panic(err)
	}
	s, err := New(context.Background(), Config{State: st, IAM: allowed{}, Account: "111122223333", Region: "us-east-1", Log: log})
	if err != nil {
		panic(err)
	}
	send := func(operation, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != 200 {
			panic(w.Body.String())
		}
	}
	send("CreateTable", `{"TableName":"Numbers","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}],"KeySchema":[{"AttributeName":"k","KeyType":"HASH"}]}`)
	for i := 0; ; i++ {
		send("PutItem", fmt.Sprintf(`{"TableName":"Numbers","Item":{"k":{"S":"put%d"}}}`, i))
		send("TransactWriteItems", fmt.Sprintf(`{"TransactItems":[{"Put":{"TableName":"Numbers","Item":{"k":{"S":"a%d"}}}},{"Put":{"TableName":"Numbers","Item":{"k":{"S":"b%d"}}}}]}`, i, i))
		fmt.Println(i)
	}
}

func TestAKilledProcessLosesNothingThatItAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := -1
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Sscan(lines.Text(), &last)
		if last == 100 {
			cmd.Process.Kill() // what is still in the pipe was answered, too
		}
	}
	cmd.Wait()
	if last < 100 {
		t.Fatalf("the process ended at %d", last)
	}
	s, c := serve(t, openState(t, dir), allowed{})
	for i := range last + 1 {
		for _, k := range []string{"put", "a", "b"} {
			if got := get(t, c, "Numbers", item{"k": str(fmt.Sprint(k, i))}); got == nil {
				t.Errorf("%s%d was answered, and is not there", k, i)
			}
		}
	}
	for i := last + 1; i < last+3; i++ {
		a, b := get(t, c, "Numbers", item{"k": str(fmt.Sprint("a", i))}), get(t, c, "Numbers", item{"k": str(fmt.Sprint("b", i))})
		if (a == nil) != (b == nil) {
			t.Errorf("half of transaction %d is there: %v, %v", i, a, b)
		}
	}
	if left, err := s.journal.All(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("the journal has %v, %v", left, err)
	}
}
