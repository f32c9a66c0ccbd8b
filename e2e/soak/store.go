package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	objects "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// store keeps a number for each key.
type store interface {
	write(ctx context.Context, key string, old, n int) error
	read(ctx context.Context, key string) (int, error) // 0 for a key that is not there
}

const (
	tablePrefix  = "item"
	objectPrefix = "object"
	bucketName   = "soaked"
	keysOfWriter = 20
)

// storeOf returns where a key is kept.
func storeOf(s *system, key string) store {
	if strings.HasPrefix(key, objectPrefix) {
		return bucket{s3.NewFromConfig(s.config, func(o *s3.Options) { o.UsePathStyle = true })}
	}
	return table{dynamodb.NewFromConfig(s.config)}
}

// table writes only if the item holds what it is believed to hold.
type table struct{ client *dynamodb.Client }

func itemKey(key string) map[string]dynamo.AttributeValue {
	return map[string]dynamo.AttributeValue{"id": &dynamo.AttributeValueMemberS{Value: key}}
}

func number(n int) dynamo.AttributeValue {
	return &dynamo.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func (t table) write(ctx context.Context, key string, old, n int) error {
	in := &dynamodb.UpdateItemInput{
		TableName: aws.String(tableName), Key: itemKey(key),
		UpdateExpression:    aws.String("SET n = :new, padding = :padding"),
		ConditionExpression: aws.String("n = :old"),
		ExpressionAttributeValues: map[string]dynamo.AttributeValue{
			":old": number(old), ":new": number(n), ":padding": &dynamo.AttributeValueMemberS{Value: strings.Repeat("x", rand.IntN(2000))},
		},
	}
	if old == 0 {
		in.ConditionExpression = aws.String("attribute_not_exists(id)")
		delete(in.ExpressionAttributeValues, ":old")
	}
	_, err := t.client.UpdateItem(ctx, in)
	return err
}

func (t table) read(ctx context.Context, key string) (int, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: itemKey(key), ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item == nil {
		return 0, err
	}
	n, ok := out.Item["n"].(*dynamo.AttributeValueMemberN)
	if !ok {
		return 0, fmt.Errorf("the item %v has no number n", out.Item)
	}
	return strconv.Atoi(n.Value)
}

type bucket struct{ client *s3.Client }

func (b bucket) write(ctx context.Context, key string, _, n int) error {
	body := append(fmt.Appendf(nil, "%d ", n), bytes.Repeat([]byte("x"), rand.IntN(20_000))...)
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucketName), Key: &key, Body: bytes.NewReader(body)})
	return err
}

func (b bucket) read(ctx context.Context, key string) (int, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucketName), Key: &key})
	var none *objects.NoSuchKey
	switch {
	case errors.As(err, &none):
		return 0, nil
	case err != nil:
		return 0, err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return 0, err
	}
	n, _, _ := strings.Cut(string(body), " ")
	return strconv.Atoi(n)
}

// writer returns what writes and reads back keys of its own.
func (l *load) writer(prefix string, i int) func(context.Context) {
	return func(ctx context.Context) {
		key := fmt.Sprintf("%s-%d-%d", prefix, i, rand.IntN(keysOfWriter))
		st := storeOf(l.s, key)
		old, certain := l.book.last(key)
		if !certain || rand.IntN(4) == 0 {
			n, err := st.read(ctx, key)
			if err != nil {
				l.book.failed("read of an "+prefix, err)
				return
			}
			l.book.found(key, n)
			l.book.count(prefix + "s read back")
			return
		}
		if prefix == tablePrefix && old > 0 && rand.IntN(10) == 0 {
			err := st.write(ctx, key, old+1, old+2)
			if code := answer(err); code == "ConditionalCheckFailedException" {
				l.book.refused("update of an item that holds another value", code, "the condition is false")
			} else if err == nil {
				l.book.fail("an update whose condition is false was acknowledged")
			} else {
				l.book.failed("update of an item", err)
			}
			return
		}
		switch err := st.write(ctx, key, old, old+1); {
		case err == nil:
			l.book.acknowledged(key, old+1)
			l.book.count(prefix + "s written")
		case answer(err) == noAnswer:
			l.book.unsure(key, old+1)
			l.book.failed("write of an "+prefix, err)
		default: // refused: nothing was written
			l.book.failed("write of an "+prefix, err)
		}
	}
}
