package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"quotewire/cloud"
	"quotewire/quotes"
	"quotewire/quotes/dynamodb"
)

// store is what the functions keep in the tables of a cloud.
func store(t *testing.T, p *process) *dynamodb.Store {
	t.Helper()
	root, err := cloud.ReadRoot(p.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return dynamodb.New(sdk.NewFromConfig(aws.Config{
		Region: p.Endpoints.Region, BaseEndpoint: &p.Endpoints.Cloud,
		Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, ""),
	}), dynamodb.Tables{})
}

// All pages of a gateway share one row of a ticker. A gateway that was killed takes its row with it, and prices that are
// posted at the same time end with every page on the newest.
func TestPagesOfAGatewayShareABoard(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "up", "--feed", "none")
	board := func() string {
		t.Helper()
		connections, boards, err := store(t, p).Subscribers(t.Context(), "EIQQ")
		if err != nil || len(connections) != 0 || len(boards) != 1 {
			t.Fatalf("the table has %v and %v for EIQQ, %v; want one board", connections, boards, err)
		}
		return boards[0].ID
	}
	publish := func(price int, want string) {
		t.Helper()
		if status, answer := post(t, p.Endpoints.APIs["stock-publish"], "application/x-www-form-urlencoded", fmt.Sprint("EIQQ=", price)); status != 200 || !strings.Contains(answer, want) {
			t.Errorf("EIQQ=%d: %d %s; want %s", price, status, answer, want)
		}
	}
	pages := []*socket{dial(t, p.Endpoints.APIs["stock-watch"], nil), dial(t, p.Endpoints.APIs["stock-watch"], nil)}
	for _, page := range pages {
		page.identify("user003")
	}
	first := board()
	publish(2210, `"delivered":2,"gone":0}`)

	p.Kill()
	p = start(t, dir, "up", "--feed", "none", "--listen", strings.TrimPrefix(p.Endpoints.Cloud, "http://"))
	publish(2220, `"delivered":0,"gone":0}`)
	if connections, boards, err := store(t, p).Subscribers(t.Context(), "EIQQ"); err != nil || len(connections)+len(boards) != 0 {
		t.Errorf("after the gateway was killed the table has %v and %v, %v; want nobody", connections, boards, err)
	}
	pages = []*socket{dial(t, p.Endpoints.APIs["stock-watch"], nil), dial(t, p.Endpoints.APIs["stock-watch"], nil)}
	for _, page := range pages {
		if got, _ := page.identify("user003").price("EIQQ"); got != 2220 {
			t.Errorf("the page shows EIQQ at %d, want 2220", got)
		}
	}
	if board() == first {
		t.Error("the board has the id of the one before")
	}

	var posting sync.WaitGroup
	for i := range 8 {
		posting.Go(func() {
			for j := range 5 {
				publish(3000+10*i+j, `"published":1`)
			}
		})
	}
	posting.Wait()
	prices, err := store(t, p).Prices(t.Context(), []quotes.Ticker{"EIQQ"})
	if err != nil {
		t.Fatal(err)
	}
	newest := int64(prices["EIQQ"].Price)
	for _, page := range pages {
		page.until(func(m message) bool { got, _ := m.price("EIQQ"); return got == newest })
		page.Send(`{"action":"watches"}`)
		if m := page.message(); m.Action != "watches" {
			t.Errorf("after the newest price, %d, the page gets %+v", newest, m)
		}
	}
}
