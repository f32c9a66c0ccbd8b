// Command watch is the Lambda function behind the WebSocket API: it serves the routes $connect, $disconnect and
// $default and hands what pages send to the desk of package quotes.
package main

import (
	"sync"

	"quotewire/lambda/bootstrap"
	"quotewire/lambda/desk"
)

func main() {
	bootstrap.Start(handler{sync.OnceValue(desk.Open)}.handle)
}
