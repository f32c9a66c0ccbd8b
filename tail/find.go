package tail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"

	"quotewire/dply/suggest"
)

// home is where Lambda keeps the log of a function that names no group of its own.
const home = "/aws/lambda/"

// find notes the log groups to read. Functions say where they log; groups of functions that were deleted are found by
// their names, and so is everything for a caller who may read logs and not list functions.
func (r *reader) find(ctx context.Context) error {
	if strings.Contains(r.Function, "/") {
		return r.findGroup(ctx)
	}
	found, err := r.list(ctx)
	if err != nil {
		return err
	}
	if r.Function == "" {
		for function, name := range found {
			r.add(name, function)
		}
		return nil
	}
	name, ok := found[r.Function]
	if !ok {
		var names []string
		for function := range found {
			names = append(names, function)
		}
		return fmt.Errorf("there is no function %q, nor a log of one%s", r.Function, suggest.Phrase(r.Function, names))
	}
	r.add(name, r.Function)
	return nil
}

// findGroup takes the function for the name of a log group.
func (r *reader) findGroup(ctx context.Context) error {
	page, err := r.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &r.Function})
	if err != nil {
		return fmt.Errorf("look for the log group %s: %w", r.Function, err)
	}
	for _, g := range page.LogGroups {
		if aws.ToString(g.LogGroupName) == r.Function {
			r.add(r.Function, strings.TrimPrefix(r.Function, home))
			return nil
		}
	}
	return fmt.Errorf("there is no log group %q", r.Function)
}

// list returns the log group of each function.
func (r *reader) list(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(r.logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String(home)})
	for groups.HasMorePages() {
		page, err := groups.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the functions' log groups: %w", err)
		}
		for _, g := range page.LogGroups {
			name := aws.ToString(g.LogGroupName)
			found[strings.TrimPrefix(name, home)] = name
		}
	}
	functions := lambda.NewListFunctionsPaginator(r.functions, &lambda.ListFunctionsInput{})
	for functions.HasMorePages() {
		page, err := functions.NextPage(ctx)
		if denied(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("list the functions: %w", err)
		}
		for _, f := range page.Functions {
			name := aws.ToString(f.FunctionName)
			found[name] = home + name
			if f.LoggingConfig != nil && aws.ToString(f.LoggingConfig.LogGroup) != "" {
				found[name] = aws.ToString(f.LoggingConfig.LogGroup)
			}
		}
	}
	return found, nil
}

func denied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains([]string{"AccessDeniedException", "AccessDenied"}, api.ErrorCode())
}
