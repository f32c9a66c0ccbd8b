package aws

import (
	"context"
	"time"

	"quotewire/deploy"
)

// How long CloudFront may take.
const (
	distributionWait = 40 * time.Minute // to carry a change to all its places
	versionWait      = time.Minute      // for a change of somebody else, or of a call whose answer was lost
	unusedWait       = time.Minute      // to notice that what used a policy is gone
	trustWait        = time.Minute      // to know a certificate that was just issued
)

// versioned makes a change that names the version which it is a change of, and makes it again of the newer one if that has
// changed meanwhile: also when it was this change, whose answer was lost.
func versioned(ctx context.Context, change func(context.Context) error) error {
	return deploy.Retry(ctx, versionWait, func(err error) string {
		if is(err, "PreconditionFailed", "InvalidIfMatchVersion") {
			return "for another change to end"
		}
		return ""
	}, change)
}

// unused deletes something that CloudFront keeps as long as a distribution has it. A distribution that this run does not
// remove may have it as well: then it stays.
func unused(ctx context.Context, inUse string, remove func(context.Context) error) error {
	err := deploy.Retry(ctx, unusedWait, func(err error) string {
		if is(err, inUse) {
			return "until no distribution uses it any more"
		}
		return ""
	}, func(ctx context.Context) error { return versioned(ctx, remove) })
	if is(err, inUse) {
		return deploy.Kept("a distribution still uses it")
	}
	return err
}
