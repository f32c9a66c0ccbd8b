package quotes

import "encoding/json"

// A request is what a page sends. Fields that its action does not need are ignored.
type request struct {
	Action string `json:"action"`
	User   string `json:"id"`
	Ticker string `json:"ticker"`
}

func quotesMessage(to ConnectionID, list []Quote) []byte {
	if list == nil {
		list = []Quote{} // a user who watches nothing gets an empty list, not null
	}
	return encode(struct {
		Action       string       `json:"action"`
		ConnectionID ConnectionID `json:"connection-id"`
		Quotes       []Quote      `json:"quotes"`
	}{"quotes", to, list})
}

func watchesMessage(tickers []Ticker) []byte {
	if tickers == nil {
		tickers = []Ticker{}
	}
	return encode(struct {
		Action  string   `json:"action"`
		Tickers []Ticker `json:"tickers"`
	}{"watches", tickers})
}

func usersMessage(users []User) []byte {
	if users == nil {
		users = []User{}
	}
	return encode(struct {
		Action string `json:"action"`
		Users  []User `json:"users"`
	}{"users", users})
}

func errorMessage(text string) []byte {
	return encode(struct {
		Action  string `json:"action"`
		Message string `json:"message"`
	}{"error", text})
}

// encode cannot fail: the messages hold only strings and integers.
func encode(message any) []byte {
	text, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	return text
}
