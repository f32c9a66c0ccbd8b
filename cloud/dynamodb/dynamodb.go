// Package dynamodb is DynamoDB as Quotewire uses it: tables with secondary indexes, single and batch reads and writes,
// queries, scans, transactions, and the expression language, over the JSON 1.0 protocol.
//
// Every item is in memory, as the JSON that answers carry, and is written through to a bucket of the table in the state
// store before a write is answered. So a read never waits for a disk, and a get or a query copies bytes and encodes
// nothing. The order of writes to one item is kept by a lock of a stripe of the table's keys, which is held while the store
// writes; the lock of the table is held only to look up and to install what the store has taken.
//
// Reads are always consistent; the parameter only changes the capacity that is reported. Throughput is recorded and never
// throttled. Streams, backups, global tables, PartiQL and the parameters from before the expressions are refused by name.
package dynamodb

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// Config is what a [Service] needs. All fields must be set.
type Config struct {
	State   *state.Store
	IAM     iam.Authorizer
	Account string
	Region  string
	Log     *slog.Logger
}

// Service answers DynamoDB's API. It is safe for concurrent use.
type Service struct {
	state   *state.Store
	iam     iam.Authorizer
	log     *slog.Logger
	account string
	region  string
	arn     string        // of a table, up to its name
	catalog *state.Bucket // a definition per table
	journal *state.Bucket // transactions that are being written
	tokens  tokens
	ended   <-chan struct{} // closed when the service ends

	control sync.Mutex // held, also while the store writes, by operations that create, change or delete a table

	mu     sync.RWMutex // protects following
	tables map[string]*table
}

// New reads all tables from the store, finishes the transactions that a crash cut short, and removes expired items until
// ctx ends.
func New(ctx context.Context, c Config) (*Service, error) {
	s := &Service{state: c.State, iam: c.IAM, log: c.Log, account: c.Account, region: c.Region, ended: ctx.Done(), tables: map[string]*table{}}
	s.arn = "arn:aws:dynamodb:" + c.Region + ":" + c.Account + ":table/"
	var err error
	if s.catalog, err = c.State.Bucket(ctx, "dynamodb"); err == nil {
		s.journal, err = c.State.Bucket(ctx, "dynamodb-journal")
	}
	if err == nil {
		err = s.load(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("dynamodb: %w", err)
	}
	go s.expire(ctx)
	return s, nil
}

// call is one request to an operation.
type call struct {
	ctx  context.Context
	host string
	body []byte
}

// operations are what the service can do. Each answers with the JSON of its output.
var operations = map[string]func(*Service, call) ([]byte, error){
	"GetItem":      (*Service).getItem,
	"BatchGetItem": (*Service).batchGetItem,
	"Query":        (*Service).query,
	"Scan":         (*Service).scan,

	"PutItem":        (*Service).putItem,
	"UpdateItem":     (*Service).updateItem,
	"DeleteItem":     (*Service).deleteItem,
	"BatchWriteItem": (*Service).batchWriteItem,

	"TransactGetItems":   (*Service).transactGetItems,
	"TransactWriteItems": (*Service).transactWriteItems,

	"CreateTable":   (*Service).createTable,
	"DescribeTable": (*Service).describeTable,
	"ListTables":    (*Service).listTables,
	"UpdateTable":   (*Service).updateTable,
	"DeleteTable":   (*Service).deleteTable,

	"UpdateTimeToLive":   (*Service).updateTimeToLive,
	"DescribeTimeToLive": (*Service).describeTimeToLive,
	"TagResource":        (*Service).tagResource,
	"UntagResource":      (*Service).untagResource,
	"ListTagsOfResource": (*Service).listTagsOfResource,

	"DescribeLimits":            (*Service).describeLimits,
	"DescribeEndpoints":         (*Service).describeEndpoints,
	"DescribeContinuousBackups": (*Service).describeContinuousBackups,
}

// ServeHTTP answers one request. Who signed it is in the request's context.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	operation := operations[name]
	if !ok || operation == nil {
		s.writeError(w, name, protocol.UnknownOperation(protocol.JSON10, "dynamodb", name))
		return
	}
	body, err := readBody(r)
	if err != nil {
		s.writeError(w, name, err)
		return
	}
	answer, err := operation(s, call{r.Context(), r.Host, body})
	if err != nil {
		s.writeError(w, name, asError(err))
		return
	}
	write(w, http.StatusOK, answer)
}

// readBody reads the request at one go when its length is known.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > maxBody {
		return protocol.ReadBody(r, maxBody)
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, serialization("the request body did not arrive whole")
	}
	return body, nil
}

// requestID returns an id in DynamoDB's form of 52 characters.
func requestID() string {
	var b [32]byte
	rand.Read(b[:])
	return base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])
}

// allow asks whether the caller may do an action on a resource.
func (s *Service) allow(ctx context.Context, action, resource string, keys map[string]string) error {
	return s.iam.Authorize(ctx, protocol.JSON10, "dynamodb:"+action, resource, keys)
}
