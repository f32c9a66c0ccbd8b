package s3

import "time"

// The numbers of the S3 user guide, "Amazon S3 multipart upload limits" and "Object key naming guidelines".
const (
	maxKey       = 1024      // bytes of UTF-8
	maxObject    = 5 << 30   // bytes of one PUT, and of one part
	minPart      = 5 << 20   // bytes of a part that is not the last
	maxParts     = 10000     // of one upload
	maxMetadata  = 2 << 10   // bytes of names and values of x-amz-meta-*
	maxList      = 1000      // keys of one listing, and of one DeleteObjects
	maxTags      = 50        // of a bucket
	maxObjTags   = 10        // of an object
	maxPolicy    = 20 << 10  // bytes of a bucket policy
	maxXML       = 2 << 20   // bytes of a request in XML; a thousand long keys fit
	transferTime = time.Hour // the store bounds every call; this is the bound of one transfer of an object's bytes
)
