package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPublishReachesTheSocketThatWatches(t *testing.T) {
	p := start(t, t.TempDir(), "up", "--feed", "none")
	alice, bob := dial(t, p.Endpoints.APIs["stock-watch"], nil), dial(t, p.Endpoints.APIs["stock-watch"], nil)
	first := alice.identify("user003")
	if _, ok := first.price("EIQQ"); !ok || len(first.Quotes) < 10 {
		t.Fatalf("user003's first quotes are %+v, want all that the user watches in one message, EIQQ among them", first)
	}
	bob.identify("user001")

	if out, status := quotewire(t, os.Environ(), "publish", "--state", p.Dir, "EIQQ=2210"); status != 0 {
		t.Fatalf("publish: status %d, %s", status, out)
	}
	if m := alice.message(); len(m.Quotes) != 1 || m.Quotes[0] != (quote{"EIQQ", 2210}) || m.ConnectionID != first.ConnectionID {
		t.Errorf("after the publish the socket got %+v", m)
	}

	// A ticker that is added arrives with its price, and from then on with each change; one that is removed does not.
	own := map[string]bool{}
	for _, q := range bob.identify("user001").Quotes {
		own[q.Ticker] = true
	}
	added := "EIQQ"
	for _, ticker := range []string{"EIQQ", "MODD", "QUTI", "AAPL", "IBM"} {
		if !own[ticker] {
			added = ticker
		}
	}
	bob.Send(`{"action":"watch","ticker":"` + added + `"}`)
	bob.until(func(m message) bool { _, ok := m.price(added); return ok })
	if status, answer := post(t, p.Endpoints.APIs["stock-publish"], "application/json", `{"ticker":"`+added+`","price":3333}`); status != 200 {
		t.Fatalf("POST: %d %s", status, answer)
	}
	bob.until(func(m message) bool { got, ok := m.price(added); return ok && got == 3333 })
	bob.Send(`{"action":"unwatch","ticker":"` + added + `"}`)
	bob.until(func(m message) bool { return m.Action == "watches" }) // a message does not wait for the one before it
	bob.Send(`{"action":"user","id":"user001"}`)
	bob.until(func(m message) bool {
		_, still := m.price(added)
		return m.Action == "quotes" && !still && len(m.Quotes) > 1
	})
}

func TestMistakesOnTheSocketAndTheAPIAreExplained(t *testing.T) {
	p := start(t, t.TempDir(), "up", "--feed", "none")
	s := dial(t, p.Endpoints.APIs["stock-watch"], nil)
	s.identify("user003")
	for _, test := range []struct{ send, want string }{
		{`hello`, "JSON"},
		{`{"action":"dance"}`, "dance"},
		{`{"action":"user","id":"nobody"}`, "nobody"},
		{`{"action":"watch","ticker":"NOSUCH"}`, "NOSUCH"},
	} {
		s.Send(test.send)
		if m := s.message(); !strings.Contains(m.Message, test.want) || len(m.Quotes) > 0 {
			t.Errorf("to %s the socket got %+v, want a message that names %q", test.send, m, test.want)
		}
	}
	for _, body := range []string{"EIQQ=abc", "EIQQ=2210&MODD=-", "ticker=EIQQ"} {
		status, answer := post(t, p.Endpoints.APIs["stock-publish"], "application/x-www-form-urlencoded", body)
		if status != http.StatusBadRequest || !strings.Contains(answer, `"message"`) {
			t.Errorf("POST %s: %d %s", body, status, answer)
		}
	}
	if out, status := quotewire(t, os.Environ(), "publish", "--state", p.Dir, "EIQQ=abc"); status != 2 || !strings.Contains(out, "EIQQ") {
		t.Errorf("publish EIQQ=abc: status %d, %s", status, out)
	}
	// Nothing of the bad posts was stored, and the rest goes on.
	if got, _ := s.identify("user003").price("EIQQ"); got == 2210 {
		t.Error("a price of a refused post was stored")
	}
	if status, answer := post(t, p.Endpoints.APIs["stock-publish"], "application/x-www-form-urlencoded", "EIQQ=2211"); status != 200 {
		t.Fatalf("POST: %d %s", status, answer)
	}
	s.until(func(m message) bool { got, ok := m.price("EIQQ"); return ok && got == 2211 })
}

// kill -9 in the middle of the replay: the next up comes back with all watches and the last prices.
func TestNothingIsLostByKillNine(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "up", "--feed", "replay", "--speed", "50")
	s := dial(t, p.Endpoints.APIs["stock-watch"], nil)
	own := map[string]bool{}
	for _, q := range s.identify("user003").Quotes {
		own[q.Ticker] = true
	}
	s.Send(`{"action":"watch","ticker":"MODD"}`)
	s.until(func(m message) bool { _, ok := m.price("MODD"); return ok })
	own["MODD"] = true
	last := map[string]int64{}
	for moves := 0; moves < 20; {
		for _, q := range s.message().Quotes {
			last[q.Ticker] = q.Price
			moves++
		}
	}
	if status, answer := post(t, p.Endpoints.APIs["stock-publish"], "application/json", `{"ticker":"MODD","price":7777}`); status != 200 {
		t.Fatalf("POST: %d %s", status, answer)
	}
	p.Kill()
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("after kill -9 there are still %q", left)
	}

	p = start(t, dir, "up", "--feed", "none")
	again := dial(t, p.Endpoints.APIs["stock-watch"], nil).identify("user003")
	if len(again.Quotes) != len(own) {
		t.Errorf("user003 watches %d tickers after the restart, %d before", len(again.Quotes), len(own))
	}
	for _, q := range again.Quotes {
		if !own[q.Ticker] {
			t.Errorf("user003 did not watch %s", q.Ticker)
		}
	}
	if got, _ := again.price("MODD"); got != 7777 {
		t.Errorf("the last price of MODD is %d, want 7777", got)
	}
}

// After Ctrl-C no process, no socket and no temporary folder is left, also while functions run and sockets are open.
func TestCtrlCLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "up", "--feed", "walk", "--speed", "200")
	s := dial(t, p.Endpoints.APIs["stock-watch"], nil)
	s.identify("user003")
	if len(processesOf(t, dir)) == 0 {
		t.Fatal("no function runs: this test would prove nothing")
	}
	p.Interrupt(t)
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("processes left: %q", left)
	}
	for _, address := range []string{p.Endpoints.Cloud, p.Endpoints.Web} {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://")); err == nil {
			conn.Close()
			t.Errorf("something still listens on %s", address)
		}
	}
	left, err := os.ReadDir(p.Tmp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if !strings.HasPrefix(e.Name(), "go-build") || e.IsDir() {
			t.Errorf("left in TMPDIR: %s", e.Name())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "endpoints.json")); !os.IsNotExist(err) {
		t.Errorf("endpoints.json still tells of a cloud that is gone: %v", err)
	}

	// And up again finds everything as it was.
	p = start(t, dir, "up", "--feed", "none")
	if got := dial(t, p.Endpoints.APIs["stock-watch"], nil).identify("user003"); len(got.Quotes) < 10 {
		t.Errorf("after the restart user003 has %+v", got)
	}
}

// processesOf lists the processes whose program lies in the state folder, or that have something of it in a file
// system of their own: functions, and what confines them.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(procs) == 0 {
		t.Skip("this machine has no /proc to look for processes in")
	}
	for _, proc := range procs {
		exe, err := os.Readlink(filepath.Join(proc, "exe"))
		mounts, _ := os.ReadFile(filepath.Join(proc, "mountinfo"))
		state := filepath.Join(filepath.Base(filepath.Dir(dir)), filepath.Base(dir), "lambda") + "/" // mounts are told by where they lie on their disk
		if err == nil && strings.HasPrefix(exe, dir) || strings.Contains(string(mounts), state) {
			found = append(found, fmt.Sprintf("%s %s", filepath.Base(proc), exe))
		}
	}
	return found
}
