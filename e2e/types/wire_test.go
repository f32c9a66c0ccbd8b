package types

import (
	"context"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// call is one operation that the deployer has asked the SDK for, with its input under the names of the SDK.
type call struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Input     any    `json:"input"`
}

// wire notes the calls of one configuration.
type wire struct {
	mu    sync.Mutex // protects calls
	calls []call
}

// through makes every client of the configuration note its calls.
func (w *wire) through(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("note", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			c := call{awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx), plain(reflect.ValueOf(in.Parameters))}
			w.mu.Lock()
			w.calls = append(w.calls, c)
			w.mu.Unlock()
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
	})
	return cfg
}

// take returns the calls so far and forgets them.
func (w *wire) take() []call {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}

// writes are the calls that are not known as reads.
func writes(calls []call) []string {
	var names []string
	for _, c := range calls {
		if !slices.ContainsFunc([]string{"Get", "List", "Describe", "Head"}, func(p string) bool { return strings.HasPrefix(c.Operation, p) }) {
			names = append(names, c.Operation)
		}
	}
	return names
}

// plain turns an input of the SDK into what JSON can hold; what is not set is left out, as the SDK leaves it out.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if _, stream := v.Interface().(io.Reader); stream {
			return "a stream"
		}
		return plain(v.Elem())
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			return at
		}
		m := map[string]any{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			zero := v.Field(i).Kind() != reflect.Slice && v.Field(i).Kind() != reflect.Map && v.Field(i).IsZero()
			if !f.IsExported() || zero {
				continue
			}
			if x := plain(v.Field(i)); x != nil {
				m[f.Name] = x
			}
		}
		return m
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		list := []any{}
		for i := range v.Len() {
			list = append(list, plain(v.Index(i)))
		}
		return list
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		m := map[string]any{}
		for _, key := range v.MapKeys() {
			m[key.String()] = plain(v.MapIndex(key))
		}
		return m
	}
	return v.Interface()
}

// lines are the calls as JSON, one a line, without repetitions.
func lines(calls []call) ([]string, error) {
	var all []string
	for _, c := range calls {
		text, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
