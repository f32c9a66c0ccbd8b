package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
)

// A page that stops reading costs the others nothing and the gateway little: of each ticker only the newest price waits
// for it, and when it reads again no price turns back and the last of each arrives.
func TestPageThatStopsReadingGetsTheNewestPrices(t *testing.T) {
	p := start(t, t.TempDir(), "up", "--feed", "none")
	// The kernel keeps little for a page with small buffers and segments.
	narrow := &net.Dialer{Control: func(network, address string, conn syscall.RawConn) (err error) {
		if e := conn.Control(func(fd uintptr) {
			err = errors.Join(
				syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10),
				syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536),
			)
		}); e != nil {
			return e
		}
		return err
	}}
	slow := dial(t, p.Endpoints.APIs["stock-watch"], &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: narrow.DialContext}},
	})
	brisk := dial(t, p.Endpoints.APIs["stock-watch"], nil)
	first := slow.identify("user003")
	brisk.identify("user003")

	const posts, lowest = 250, 1000
	for n := range posts {
		var prices []string
		for _, q := range first.Quotes {
			prices = append(prices, fmt.Sprintf("%s=%d", q.Ticker, lowest+n))
		}
		if status, answer := post(t, p.Endpoints.APIs["stock-publish"], "application/x-www-form-urlencoded", strings.Join(prices, "&")); status != 200 {
			t.Fatalf("post %d: %d %s", n, status, answer)
		}
		for range first.Quotes {
			if got := brisk.message(); len(got.Quotes) != 1 || got.Quotes[0].Price != int64(lowest+n) {
				t.Fatalf("after post %d the page that reads got %+v", n, got)
			}
		}
	}

	last := map[string]int64{}
	messages := 0
	for done := 0; done < len(first.Quotes); {
		messages++
		for _, q := range slow.message().Quotes {
			if q.Price <= last[q.Ticker] {
				t.Errorf("%s went from %d to %d", q.Ticker, last[q.Ticker], q.Price)
			}
			if last[q.Ticker] = q.Price; q.Price == lowest+posts-1 {
				done++
			}
		}
	}
	if messages == posts*len(first.Quotes) {
		t.Errorf("all %d messages waited for the page: no price was replaced by a newer one", messages)
	}
	t.Logf("of %d prices the page that stopped reading got %d", posts*len(first.Quotes), messages)
}
