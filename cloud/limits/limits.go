// Package limits lets the numbers of a service be changed by name: two hours can be two seconds in a test.
//
// A service declares them as a struct whose zero fields stand for AWS's numbers:
//
//	type Limits struct {
//		Lifetime time.Duration `limit:"lifetime" text:"of a connection; closes with 1001"`
//	}
//
// and has a value of it that holds AWS's numbers. Fields are of the types int, float64, time.Duration and
// []time.Duration.
package limits

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Limit is one number of a service.
type Limit struct {
	Name, Value, Text string
}

// Fill gives each zero field of the struct that of points to the value that it has in defaults, a struct of the same type.
func Fill(of, defaults any) {
	v, d := reflect.ValueOf(of).Elem(), reflect.ValueOf(defaults)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			v.Field(i).Set(d.Field(i))
		}
	}
}

// List returns the limits of a struct in the order of their declaration.
func List(of any) []Limit {
	v := reflect.ValueOf(of)
	var all []Limit
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if name := tag.Get("limit"); name != "" {
			all = append(all, Limit{name, format(v.Field(i).Interface()), tag.Get("text")})
		}
	}
	return all
}

// Set parses value and sets the limit of that name in the struct that of points to. A limit is above zero: zero stands
// for AWS's number. It returns false if there is no limit of that name.
func Set(of any, name, value string) (bool, error) {
	v := reflect.ValueOf(of).Elem()
	for i := range v.NumField() {
		if name == "" || v.Type().Field(i).Tag.Get("limit") != name {
			continue
		}
		parsed, err := parse(v.Field(i).Interface(), value)
		if err != nil {
			return true, err
		}
		v.Field(i).Set(reflect.ValueOf(parsed))
		return true, nil
	}
	return false, nil
}

func parse(like any, value string) (any, error) {
	switch like.(type) {
	case int:
		n, err := strconv.Atoi(value)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("want a whole number above 0, got %q", value)
		}
		return n, nil
	case float64:
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || !(n > 0) {
			return nil, fmt.Errorf("want a number above 0, got %q", value)
		}
		return n, nil
	case time.Duration:
		return duration(value)
	case []time.Duration:
		var all []time.Duration
		for part := range strings.SplitSeq(value, ",") {
			d, err := duration(part)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
		return all, nil
	}
	panic(fmt.Sprintf("limits: a limit of the type %T", like))
}

func duration(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("want a duration above 0 such as 90s or 2h, got %q", value)
	}
	return d, nil
}

func format(value any) string {
	delays, ok := value.([]time.Duration)
	if !ok {
		return fmt.Sprint(value)
	}
	var all []string
	for _, d := range delays {
		all = append(all, d.String())
	}
	return strings.Join(all, ",")
}
