package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"quotewire/e2e/rig"
)

// Two browsers as different users see exactly their own tickers, and both see a shared one change. QUOTEWIRE_SCREENSHOT
// names a file for a picture of the page.
func TestTwoBrowsersSeeTheirOwnTickers(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("chromium is not installed: run scripts/test")
	}
	feed := "none"
	if os.Getenv("QUOTEWIRE_SCREENSHOT") != "" {
		feed = "replay" // a picture of prices that have moved
	}
	p := start(t, t.TempDir(), "up", "--feed", feed)
	var watched [2][]string // what the sample data says, as the socket tells it
	for i, user := range []string{"user003", "user001"} {
		for _, q := range dial(t, p.Endpoints.APIs["stock-watch"], nil).identify(user).Quotes {
			watched[i] = append(watched[i], q.Ticker)
		}
		slices.Sort(watched[i])
	}
	out := rig.Tool(t, os.Environ(), "node", "page.mjs", p.Endpoints.Web, p.Endpoints.APIs["stock-publish"], os.Getenv("QUOTEWIRE_SCREENSHOT"))
	var saw struct {
		Before                [2][]string
		Shared, Own           string
		Text                  string
		Added                 string
		AfterAdd, AfterRemove []string
		Overflow              int
	}
	if err := json.Unmarshal([]byte(out), &saw); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	for i := range watched {
		if !slices.Equal(saw.Before[i], watched[i]) {
			t.Errorf("browser %d shows %q, its user watches %q", i, saw.Before[i], watched[i])
		}
	}
	if !strings.Contains(saw.Text, "1,234.56") {
		t.Errorf("the row of %s reads %q, want the price $1,234.56 in it", saw.Shared, saw.Text)
	}
	if slices.Contains(saw.AfterAdd, saw.Own) {
		t.Errorf("the second browser shows %s, which only the first user watches", saw.Own)
	}
	if !slices.Contains(saw.AfterAdd, saw.Added) || slices.Contains(saw.AfterRemove, saw.Added) {
		t.Errorf("%s was added and removed; the rows were %q and then %q", saw.Added, saw.AfterAdd, saw.AfterRemove)
	}
	if saw.Overflow > 0 {
		t.Errorf("on a phone's width the page is %d px too wide", saw.Overflow)
	}
}
