package lambda

import (
	"regexp"
	"strings"
	"time"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

// eventInvokeConfig says, for one qualifier of a function, how asynchronous invocations are tried again, and where the
// records of those that have ended go.
type eventInvokeConfig struct {
	MaximumRetryAttempts     *int               `json:",omitempty"`
	MaximumEventAgeInSeconds *int               `json:",omitempty"`
	DestinationConfig        *destinationConfig `json:",omitempty"`
	Changed                  time.Time
}

type destinationConfig struct{ OnSuccess, OnFailure *destination }

type destination struct {
	Destination string `json:",omitempty"`
}

// onSuccess and onFailure are the ARNs of the destinations, "" if there is none.
func (c *eventInvokeConfig) onSuccess() string {
	if c == nil || c.DestinationConfig == nil || c.DestinationConfig.OnSuccess == nil {
		return ""
	}
	return c.DestinationConfig.OnSuccess.Destination
}

func (c *eventInvokeConfig) onFailure() string {
	if c == nil || c.DestinationConfig == nil || c.DestinationConfig.OnFailure == nil {
		return ""
	}
	return c.DestinationConfig.OnFailure.Destination
}

// eventSettings are the members of a request.
type eventSettings struct {
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds *int
	DestinationConfig        *destinationConfig
}

func (s *eventSettings) check() error {
	if n := s.MaximumRetryAttempts; n != nil && *n < 0 {
		return errConstraint(*n, "maximumRetryAttempts", "Member must have value greater than or equal to 0")
	}
	if n := s.MaximumRetryAttempts; n != nil && *n > 2 {
		return errConstraint(*n, "maximumRetryAttempts", "Member must have value less than or equal to 2")
	}
	if n := s.MaximumEventAgeInSeconds; n != nil && *n < 60 {
		return errConstraint(*n, "maximumEventAgeInSeconds", "Member must have value greater than or equal to 60")
	}
	if n := s.MaximumEventAgeInSeconds; n != nil && *n > 21600 {
		return errConstraint(*n, "maximumEventAgeInSeconds", "Member must have value less than or equal to 21600")
	}
	if s.MaximumRetryAttempts == nil && s.MaximumEventAgeInSeconds == nil && s.DestinationConfig == nil {
		return errInvalid("You must specify at least one of error handling or destination setting.")
	}
	return nil
}

var bucketARNForm = regexp.MustCompile(`^arn:aws:s3:::[a-z0-9.-]{3,63}$`)

// checkDestination tells whether records of f may go to a destination. Its role must be allowed to bring them there.
func (c *call) checkDestination(f *function, arn string, failures bool) error {
	switch service := arnService(arn); {
	case arn == "":
		return nil
	case service == "lambda":
		t, err := c.parse(arn, "")
		if err != nil || c.catalog.get(t.name) == nil {
			return errInvalid("The destination ARN %s is invalid.", arn)
		}
		return c.mayReach(f, arn, "InvokeFunction", "lambda:InvokeFunction", arn)
	case service == "s3" && bucketARNForm.MatchString(arn) && failures:
		return firstOf(c.mayReach(f, arn, "PutObject", "s3:PutObject", arn+"/aws/lambda/async/"+f.Name), c.mayReach(f, arn, "ListBucket", "s3:ListBucket", arn))
	case service == "s3":
		return errInvalid("The destination ARN %s is invalid: a bucket takes records of failures only.", arn)
	case service == "sqs" || service == "sns" || service == "events" || strings.HasPrefix(arn, "kafka://"):
		return errInvalid("DestinationConfig: the embedded cloud does not have the service of %s. Records go to Lambda functions and, if they tell of failures, to S3 buckets.", arn)
	}
	return errInvalid("The destination ARN %s is invalid.", arn)
}

func arnService(arn string) string {
	if parts := strings.SplitN(arn, ":", 4); len(parts) == 4 && parts[0] == "arn" {
		return parts[2]
	}
	return ""
}

// mayReach asks IAM in the name of the function's role.
func (c *call) mayReach(f *function, destination, name, action, resource string) error {
	credentials, who, err := c.assume(c.ctx, f.latest().Config.Role, f.Name)
	if err != nil {
		return err
	}
	defer c.IAM.Revoke(credentials.AccessKeyID)
	if c.IAM.Authorize(iam.WithPrincipal(c.ctx, who), protocol.RESTJSON, action, resource, nil) != nil {
		return errInvalid("The function's execution role does not have permissions to call %s on %s", name, destination)
	}
	return nil
}

// eventQualifier is under which qualifier a configuration is kept: a function without one stands for $LATEST.
func eventQualifier(qualifier string) string {
	if qualifier == "" {
		return latest
	}
	return qualifier
}

func (c *call) errNoEventConfig(t target) error {
	return errNotFound("The function %s doesn't have an EventInvokeConfig", c.arn(target{t.name, eventQualifier(t.qualifier)}))
}

// putEventInvokeConfig replaces a configuration; updateEventInvokeConfig changes the members that are given.
func (c *call) putEventInvokeConfig(t target) (any, error) { return c.setEventInvokeConfig(t, true) }
func (c *call) updateEventInvokeConfig(t target) (any, error) {
	return c.setEventInvokeConfig(t, false)
}

func (c *call) setEventInvokeConfig(t target, replace bool) (any, error) {
	var in eventSettings
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	f, _, err := c.find(t)
	if err != nil {
		return nil, err
	}
	given := &eventInvokeConfig{DestinationConfig: in.DestinationConfig}
	if err := firstOf(c.checkDestination(f, given.onFailure(), true), c.checkDestination(f, given.onSuccess(), false)); err != nil {
		return nil, err
	}
	qualifier := eventQualifier(t.qualifier)
	f, err = c.edit(t, func(f *function) error {
		next := &eventInvokeConfig{}
		if have := f.Async[qualifier]; have != nil && !replace {
			*next = *have
		} else if !replace {
			return c.errNoEventConfig(t)
		}
		if in.MaximumRetryAttempts != nil {
			next.MaximumRetryAttempts = in.MaximumRetryAttempts
		}
		if in.MaximumEventAgeInSeconds != nil {
			next.MaximumEventAgeInSeconds = in.MaximumEventAgeInSeconds
		}
		if in.DestinationConfig != nil {
			next.DestinationConfig = in.DestinationConfig
		}
		next.Changed = time.Now()
		if f.Async == nil {
			f.Async = map[string]*eventInvokeConfig{}
		}
		f.Async[qualifier] = next
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.eventInvokeConfig(f, qualifier), nil
}

func (c *call) getEventInvokeConfig(t target) (any, error) {
	f := c.catalog.get(t.name)
	if f == nil || f.Async[eventQualifier(t.qualifier)] == nil {
		return nil, c.errNoEventConfig(t)
	}
	return c.eventInvokeConfig(f, eventQualifier(t.qualifier)), nil
}

func (c *call) deleteEventInvokeConfig(t target) (any, error) {
	qualifier := eventQualifier(t.qualifier)
	_, err := c.edit(t, func(f *function) error {
		if f.Async[qualifier] == nil {
			return c.errNoEventConfig(t)
		}
		delete(f.Async, qualifier)
		return nil
	})
	return nil, err
}

func (c *call) listEventInvokeConfigs(t target) (any, error) {
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, errNoFunction(c.arn(t))
	}
	var list []any
	for _, qualifier := range sortedKeys(f.Async) {
		list = append(list, c.eventInvokeConfig(f, qualifier))
	}
	part, next, err := page(c.query, list)
	return struct {
		FunctionEventInvokeConfigs []any
		NextMarker                 string `json:",omitempty"`
	}{part, next}, err
}

// eventInvokeConfig is a configuration as the API shows it.
func (c *call) eventInvokeConfig(f *function, qualifier string) any {
	config := f.Async[qualifier]
	return struct {
		FunctionArn              string
		LastModified             float64 // seconds since 1970
		MaximumRetryAttempts     *int    `json:",omitempty"`
		MaximumEventAgeInSeconds *int    `json:",omitempty"`
		DestinationConfig        map[string]destination
	}{
		c.arn(target{f.Name, qualifier}), float64(config.Changed.UnixMilli()) / 1000, config.MaximumRetryAttempts, config.MaximumEventAgeInSeconds,
		map[string]destination{"OnSuccess": {config.onSuccess()}, "OnFailure": {config.onFailure()}},
	}
}
