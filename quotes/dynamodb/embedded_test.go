package dynamodb_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"

	cloud "quotewire/cloud/dynamodb"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// allow lets everyone do everything.
type allow struct{}

func (allow) Authorize(context.Context, protocol.Protocol, string, string, map[string]string) error {
	return nil
}

// embedded starts the embedded cloud's DynamoDB and returns its address.
func embedded(t *testing.T) string {
	quiet := slog.New(slog.DiscardHandler)
	store, err := state.Open(t.Context(), t.TempDir(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	service, err := cloud.New(t.Context(), cloud.Config{
		State: store, IAM: allow{}, Account: "111122223333", Region: "us-east-1", Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return server.URL
}
