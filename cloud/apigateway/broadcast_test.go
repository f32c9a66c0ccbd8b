package apigateway

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"quotewire/cloud/apigateway/socket"
)

// BenchmarkBroadcast sends one message to every connection, and waits until every client has its copy: an iteration is
// one delivery to each. The frame is made once, as it is for a post.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := start(b, b.TempDir(), func(c *Config) { c.ConnectionRate = 1 << 20 })
			id := g.webSocketAPI(b, "$default")
			payload := []byte(`{"action":"quotes","connection-id":"O9iVddyboAMCJ1A=","quotes":[{"ticker":"EIQQ","price":2200}]}`)
			frame := socket.Text(payload)
			var received sync.WaitGroup // deliveries of the current message
			var readers sync.WaitGroup
			var clients []net.Conn
			for range n {
				c, r, response := handshake(b, g.Authority, pathPrefix+id+"/development")
				if response.StatusCode != http.StatusSwitchingProtocols {
					b.Fatal(response.Status)
				}
				clients = append(clients, c)
				readers.Go(func() {
					buf := make([]byte, frame.Size())
					for {
						for got := 0; got < frame.Size(); {
							m, err := r.Read(buf[got:])
							if err != nil {
								return
							}
							got += m
						}
						received.Done()
					}
				})
			}
			var conns []*conn
			g.hub.each(func(c *conn) { conns = append(conns, c) })
			b.ReportAllocs()
			b.ResetTimer()
			began := time.Now()
			for range b.N {
				received.Add(n)
				frame := socket.Text(payload)
				if sent := g.sendAll(conns, frame); sent < n {
					b.Fatalf("sent to %d of %d", sent, n)
				}
				received.Wait()
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N*n)/time.Since(began).Seconds(), "deliveries/s")
			for _, c := range clients {
				c.Close()
			}
			readers.Wait()
		})
	}
}
