// Package desk opens the desk of quotes in the environment of a Lambda function: what is kept is in DynamoDB, the
// pages are behind API Gateway. The functions are thin over it.
//
// These variables of the environment count, beside AWS's own:
//
//	PRICES_TABLE, USERS_TABLE, WATCHES_TABLE, CONNECTIONS_TABLE, SESSIONS_TABLE, WATCHERS_TABLE
//	                the names of the tables; without them quotewire-prices, quotewire-users and so on
//	WATCH_ENDPOINT  the address of the WebSocket API's stage; without it each connection is answered where it came from
package desk

import (
	"log/slog"
	"os"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"quotewire/quotes"
	"quotewire/quotes/apigateway"
	"quotewire/quotes/dynamodb"
)

// Open returns the desk that the environment describes. It makes no call: the first request pays for the first
// connection, not the start of the function.
func Open() *quotes.Desk {
	config := Config(os.Getenv)
	client := sdk.NewFromConfig(config, dualStack(os.Getenv))
	gateway := apigateway.New(config, os.Getenv("WATCH_ENDPOINT"))
	return &quotes.Desk{
		Store:  dynamodb.New(client, dynamodb.TablesFrom(os.Getenv)),
		Poster: gateway,
		Boards: gateway,
		Log:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
}
