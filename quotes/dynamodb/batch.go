package dynamodb

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"
)

// What DynamoDB takes in one call.
const (
	maxBatchWrite = 25
	maxBatchGet   = 100
)

// maxTries bounds how often what a batch left over is sent again: 0.05 s, 0.1 s, 0.2 s, … apart, 6 s in all.
const maxTries = 8

// errBusy says that DynamoDB leaves parts of batches undone for seconds.
var errBusy = errors.New("the tables take no more requests at the moment; try again, or raise their capacity")

// A write is one put or delete of a batch.
type write struct {
	table   string
	request types.WriteRequest
}

func put(table string, i item) write {
	return write{table, types.WriteRequest{PutRequest: &types.PutRequest{Item: i}}}
}

func remove(table string, key item) write {
	return write{table, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}}}
}

// write carries out any number of writes of different items, in no particular order.
func (s *Store) write(ctx context.Context, writes ...write) error {
	if len(writes) == 1 {
		return s.writeOne(ctx, writes[0])
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for batch := range slices.Chunk(writes, maxBatchWrite) {
		g.Go(func() error {
			left := make(map[string][]types.WriteRequest)
			for _, w := range batch {
				left[w.table] = append(left[w.table], w.request)
			}
			return untilDone(ctx, func() (bool, error) {
				out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: left})
				if err != nil {
					return false, err
				}
				left = out.UnprocessedItems
				return len(left) == 0, nil
			})
		})
	}
	return g.Wait()
}

func (s *Store) writeOne(ctx context.Context, w write) error {
	var err error
	if p := w.request.PutRequest; p != nil {
		_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &w.table, Item: p.Item})
	} else {
		_, err = s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &w.table, Key: w.request.DeleteRequest.Key})
	}
	return err
}

// get returns one item, nil if it is not there.
func (s *Store) get(ctx context.Context, table string, key item) (item, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// getAll returns those of the items that are there, in no particular order.
func (s *Store) getAll(ctx context.Context, table string, keys []map[string]types.AttributeValue) ([]item, error) {
	var mu sync.Mutex
	var items []item // protected by mu
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for batch := range slices.Chunk(keys, maxBatchGet) {
		g.Go(func() error {
			left := map[string]types.KeysAndAttributes{table: {Keys: batch, ConsistentRead: aws.Bool(true)}}
			return untilDone(ctx, func() (bool, error) {
				out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: left})
				if err != nil {
					return false, err
				}
				mu.Lock()
				defer mu.Unlock()
				for _, found := range out.Responses[table] {
					items = append(items, found)
				}
				left = out.UnprocessedKeys
				return len(left) == 0, nil
			})
		})
	}
	return items, g.Wait()
}

// query returns all items of a partition, in the order of their sort key.
func (s *Store) query(ctx context.Context, table, key string, value types.AttributeValue) ([]item, error) {
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName:                 &table,
		KeyConditionExpression:    aws.String("#key = :key"),
		ExpressionAttributeNames:  map[string]string{"#key": key},
		ExpressionAttributeValues: item{":key": value},
		ConsistentRead:            aws.Bool(true),
	})
	var items []item
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, found := range page.Items {
			items = append(items, found)
		}
	}
	return items, nil
}

// untilDone calls try until it is done, with growing random pauses between.
func untilDone(ctx context.Context, try func() (done bool, err error)) error {
	pause := 50 * time.Millisecond
	for range maxTries {
		done, err := try()
		if done || err != nil {
			return err
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause *= 2
	}
	return errBusy
}
