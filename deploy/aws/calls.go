package aws

import (
	"context"
	"maps"
	"sync"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// calls counts what is sent to the cloud, what is sent again included, by operation.
type calls struct {
	mu     sync.Mutex
	number map[string]int // guarded by mu
}

// count is a step of each call of the SDK. It stands behind the one that repeats.
func (c *calls) count(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("quotewire.Counting",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			c.mu.Lock()
			c.number[awsmiddleware.GetServiceID(ctx)+" "+awsmiddleware.GetOperationName(ctx)]++
			c.mu.Unlock()
			return next.HandleDeserialize(ctx, in)
		}), middleware.After)
}

// Calls is how often the provider has asked the cloud for what, such as "Lambda ListFunctions".
func (p *Provider) Calls() map[string]int {
	p.calls.mu.Lock()
	defer p.calls.mu.Unlock()
	return maps.Clone(p.calls.number)
}
