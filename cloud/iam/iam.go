package iam

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"quotewire/cloud/state"
)

// Config is what a [Service] is made from.
type Config struct {
	State   *state.Store
	Account string // 12 digits
	Region  string
	Root    func() Credentials // those of the account's root at this moment
	Log     *slog.Logger
}

// Service is IAM and STS of one account. It is safe for concurrent use.
type Service struct {
	account, region string
	log             *slog.Logger
	bucket          *state.Bucket
	now             func() time.Time

	changing    sync.Mutex // orders changes from reading to publishing, the write to the store included; readers never take it
	dir         atomic.Pointer[directory]
	credentials sync.Map // access key id → *credential, of users and sessions
	root        func() Credentials
	rootKey     atomic.Pointer[credential] // what root said last
	denials     denials
}

var _ ResourceAuthorizer = (*Service)(nil)

// New opens the service on the state bucket "iam" and reads everything in it into memory.
func New(ctx context.Context, c Config) (*Service, error) {
	bucket, err := c.State.Bucket(ctx, "iam")
	if err != nil {
		return nil, err
	}
	s := &Service{account: c.Account, region: c.Region, log: c.Log, bucket: bucket, now: time.Now, root: c.Root}
	if s.log == nil {
		s.log = slog.Default()
	}
	d, err := s.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("open IAM: %w", err)
	}
	s.dir.Store(d)
	s.forgetExpired(ctx)
	return s, nil
}
