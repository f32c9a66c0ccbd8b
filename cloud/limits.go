package cloud

import (
	"fmt"
	"reflect"
	"strings"

	"quotewire/cloud/apigateway"
	"quotewire/cloud/lambda"
	"quotewire/cloud/limits"
)

// Limits are the numbers of the services that a person may change. Zero ones are AWS's.
type Limits struct {
	APIGateway apigateway.Limits `service:"apigateway"`
	Lambda     lambda.Limits     `service:"lambda"`
}

// AWSLimits are the numbers of AWS.
var AWSLimits = Limits{apigateway.AWSLimits, lambda.AWSLimits}

// List returns all limits, with names such as apigateway.idle-timeout.
func (l Limits) List() []limits.Limit {
	var all []limits.Limit
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		for _, limit := range limits.List(v.Field(i).Interface()) {
			limit.Name = v.Type().Field(i).Tag.Get("service") + "." + limit.Name
			all = append(all, limit)
		}
	}
	return all
}

// Set parses value and sets the limit of that name, such as apigateway.idle-timeout.
func (l *Limits) Set(name, value string) error {
	service, limit, _ := strings.Cut(name, ".")
	v := reflect.ValueOf(l).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("service") != service {
			continue
		}
		if ok, err := limits.Set(v.Field(i).Addr().Interface(), limit, value); ok {
			return err
		}
	}
	return fmt.Errorf("there is no limit %q", name)
}
