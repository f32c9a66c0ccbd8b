// Command publish is the Lambda function behind the HTTP API: whoever has prices posts them to it, as JSON or as a
// form, and it hands them to the desk of package quotes.
package main

import (
	"sync"

	"quotewire/lambda/bootstrap"
	"quotewire/lambda/desk"
)

func main() {
	bootstrap.Start(handler{sync.OnceValue(desk.Open)}.handle)
}
