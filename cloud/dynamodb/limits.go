package dynamodb

import "time"

// The service's quotas, from "Quotas in Amazon DynamoDB".
const (
	maxItemSize        = 400 << 10
	maxPartitionKey    = 2048 // bytes
	maxSortKey         = 1024 // bytes
	maxPage            = 1 << 20
	maxBatchGet        = 100 // keys
	maxBatchGetSize    = 16 << 20
	maxBatchWrite      = 25
	maxTransaction     = 100 // items
	maxTransactionSize = 4 << 20
	maxLocalIndexes    = 5
	maxGlobalIndexes   = 20
	maxTags            = 50
	maxSegments        = 1_000_000
	tokenLife          = 10 * time.Minute // of a ClientRequestToken
)

// Limits of this implementation.
const (
	maxBody = 16<<20 + 1<<20 // of a request: the largest batch, and its JSON

	// storeTimeout bounds one write to the store. It does not depend on the caller, who may go away: a write that has
	// begun is finished.
	storeTimeout = 10 * time.Second

	// sweepInterval is how often expired items are looked for. AWS promises "within a few days".
	sweepInterval = time.Minute
)
