package quotes_test

import (
	"fmt"
	"strings"
	"testing"

	"quotewire/quotes"
)

func TestParseQuotes(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`{"ticker":"EIQQ","price":2210}`, `[{EIQQ 2210}]`},
		{` [{"ticker":"EIQQ","price":2210},{"ticker":"BRK.B","price":0}]`, `[{EIQQ 2210} {BRK.B 0}]`},
		{`{"quotes":[{"ticker":"A-1","price":9007199254740991}]}`, `[{A-1 9007199254740991}]`},
		{``, `there is no price in the request; send at least one, such as {"ticker":"EIQQ","price":2210}`},
		{`[]`, `there is no price in the request; send at least one, such as {"ticker":"EIQQ","price":2210}`},
		{`{"quotes":[]}`, `there is no price in the request; send at least one, such as {"ticker":"EIQQ","price":2210}`},
		{`{"quotes":5}`, `prices must be JSON: {"ticker":"EIQQ","price":2210}, a list of such, or {"quotes":[…]}; got "{\"quotes\":5}"`},
		{`[{"ticker":"EIQQ"`, `prices must be JSON: {"ticker":"EIQQ","price":2210}, a list of such, or {"quotes":[…]}; got "[{\"ticker\":\"EIQQ\""`},
		{`{"price":1}`, `no "ticker" in "{\"price\":1}"; write {"ticker":"EIQQ","price":2210}`},
		{`{"ticker":"eiqq","price":1}`, `"eiqq" is not a ticker; a ticker is 1 to 16 of A-Z, 0-9, dot and hyphen, such as EIQQ`},
		{`{"ticker":"EIQQ"}`, `the price of EIQQ must be a whole number of cents, such as 2210; got none`},
		{`{"ticker":"EIQQ","price":"2210"}`, `the price of EIQQ must be a whole number of cents, such as 2210; got "2210"`},
		{`{"ticker":"EIQQ","price":22.10}`, `the price of EIQQ must be a whole number of cents, such as 2210; got 22.10`},
		{`{"ticker":"EIQQ","price":-1}`, `the price of EIQQ must be a whole number of cents, such as 2210; got -1`},
		{`{"ticker":"EIQQ","price":9007199254740992}`, `the price of EIQQ must be a whole number of cents, such as 2210; got 9007199254740992`},
		{`[{"ticker":"EIQQ","price":1},{"ticker":"MODD","price":null}]`, `item 2: the price of MODD must be a whole number of cents, such as 2210; got null`},
		{"[" + strings.TrimSuffix(strings.Repeat(`{"ticker":"EIQQ","price":1},`, 5001), ",") + "]", `5001 prices are too many for one request; send at most 5000`},
	} {
		list, err := quotes.ParseQuotes([]byte(test.text))
		got := fmt.Sprint(list)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("ParseQuotes(%.60s)\n got %s\nwant %s", test.text, got, test.want)
		}
	}
}

func FuzzParseQuotes(f *testing.F) {
	f.Add(`{"ticker":"EIQQ","price":2210}`)
	f.Add(`[{"ticker":"EIQQ","price":1e3}]`)
	f.Add(`{"quotes":[null]}`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := quotes.ParseQuotes([]byte(text))
		if (err == nil) != (len(list) > 0) && err == nil {
			t.Errorf("no error and no quotes from %q", text)
		}
		for _, q := range list {
			if _, err := quotes.ParseTicker(string(q.Ticker)); err != nil || q.Price < 0 {
				t.Errorf("%q yields %v", text, q)
			}
		}
	})
}
