package iam

import "time"

// IAM's quotas and STS's bounds, as AWS publishes them.
const (
	maxRoleName        = 64
	maxUserName        = 64
	maxPolicyName      = 128
	maxInlineSize      = 10240 // characters of all inline policies of a role, white space not counted
	maxUserInline      = 2048
	maxManagedSize     = 6144
	maxTrustSize       = 2048
	maxAttached        = 10
	maxVersions        = 5
	maxAccessKeys      = 2
	maxTags            = 50
	maxPage            = 1000
	defaultPage        = 100
	minSession         = 15 * time.Minute
	maxSession         = 12 * time.Hour
	maxUserSession     = 36 * time.Hour
	maxRootSession     = time.Hour // of GetSessionToken; a longer one that a root asks for is cut to it
	maxChained         = time.Hour // a role assumed by a role's session
	defaultSession     = time.Hour
	defaultUserSession = 12 * time.Hour
)

// Bounds of Signature Version 4.
const (
	maxSkew          = 15 * time.Minute
	maxPresigned     = 7 * 24 * time.Hour
	defaultPresigned = 15 * time.Minute // services other than S3 take a presigned request without X-Amz-Expires
)

// expiredKept is how long an expired session is remembered, so that its owner reads "expired" and not "invalid".
const expiredKept = 24 * time.Hour
