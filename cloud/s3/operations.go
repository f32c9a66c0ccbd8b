package s3

import (
	"net/http"
	"strings"

	"quotewire/cloud/protocol"
)

// An operation is known by method, by what its address names (the service, a bucket or an object) and by a
// subresource, which is a query parameter such as "tagging".
type operation struct {
	action string // the IAM action; "" when the operation asks by itself
	do     func(s *Service, w http.ResponseWriter, r *request) error
}

var operations = map[string]operation{
	"GET service": {"s3:ListAllMyBuckets", (*Service).listBuckets},

	"PUT bucket":                      {"s3:CreateBucket", (*Service).createBucket},
	"HEAD bucket":                     {"s3:ListBucket", (*Service).headBucket},
	"DELETE bucket":                   {"s3:DeleteBucket", (*Service).deleteBucket},
	"GET bucket":                      {"s3:ListBucket", (*Service).listObjects},
	"GET bucket?list-type":            {"s3:ListBucket", (*Service).listObjectsV2},
	"GET bucket?versions":             {"s3:ListBucketVersions", (*Service).listVersions},
	"GET bucket?uploads":              {"s3:ListBucketMultipartUploads", (*Service).listUploads},
	"GET bucket?location":             {"s3:GetBucketLocation", (*Service).getLocation},
	"POST bucket?delete":              {"", (*Service).deleteObjects},
	"GET bucket?tagging":              {"s3:GetBucketTagging", (*Service).getBucketTagging},
	"PUT bucket?tagging":              {"s3:PutBucketTagging", (*Service).putBucketTagging},
	"DELETE bucket?tagging":           {"s3:PutBucketTagging", (*Service).deleteBucketTagging},
	"GET bucket?policy":               {"s3:GetBucketPolicy", (*Service).getPolicy},
	"PUT bucket?policy":               {"s3:PutBucketPolicy", (*Service).putPolicy},
	"DELETE bucket?policy":            {"s3:DeleteBucketPolicy", (*Service).deletePolicy},
	"GET bucket?versioning":           {"s3:GetBucketVersioning", (*Service).getVersioning},
	"PUT bucket?versioning":           {"s3:PutBucketVersioning", (*Service).putVersioning},
	"GET bucket?publicAccessBlock":    {"s3:GetBucketPublicAccessBlock", (*Service).getPublicAccessBlock},
	"PUT bucket?publicAccessBlock":    {"s3:PutBucketPublicAccessBlock", (*Service).putPublicAccessBlock},
	"DELETE bucket?publicAccessBlock": {"s3:PutBucketPublicAccessBlock", (*Service).deletePublicAccessBlock},

	"GET bucket?encryption":          {"s3:GetEncryptionConfiguration", initial("ServerSideEncryptionConfiguration", encryption)},
	"GET bucket?ownershipControls":   {"s3:GetBucketOwnershipControls", initial("OwnershipControls", ownership)},
	"GET bucket?acl":                 {"s3:GetBucketAcl", initial("AccessControlPolicy", accessControlList)},
	"GET bucket?requestPayment":      {"s3:GetBucketRequestPayment", initial("RequestPaymentConfiguration", requester)},
	"GET bucket?logging":             {"s3:GetBucketLogging", initial("BucketLoggingStatus", empty)},
	"GET bucket?notification":        {"s3:GetBucketNotification", initial("NotificationConfiguration", empty)},
	"GET bucket?accelerate":          {"s3:GetAccelerateConfiguration", initial("AccelerateConfiguration", empty)},
	"GET bucket?cors":                {"s3:GetBucketCORS", unset("NoSuchCORSConfiguration", "The CORS configuration does not exist")},
	"GET bucket?lifecycle":           {"s3:GetLifecycleConfiguration", unset("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")},
	"GET bucket?replication":         {"s3:GetReplicationConfiguration", unset("ReplicationConfigurationNotFoundError", "The replication configuration was not found")},
	"GET bucket?website":             {"s3:GetBucketWebsite", unset("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")},
	"GET bucket?object-lock":         {"s3:GetBucketObjectLockConfiguration", unset("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")},
	"GET bucket?analytics":           {"s3:GetAnalyticsConfiguration", configurations("ListBucketAnalyticsConfigurationResult")},
	"GET bucket?inventory":           {"s3:GetInventoryConfiguration", configurations("ListInventoryConfigurationsResult")},
	"GET bucket?metrics":             {"s3:GetMetricsConfiguration", configurations("ListMetricsConfigurationsResult")},
	"GET bucket?intelligent-tiering": {"s3:GetIntelligentTieringConfiguration", configurations("ListBucketIntelligentTieringConfigurationsOutput")},

	"GET object":             {"s3:GetObject", (*Service).getObject},
	"HEAD object":            {"s3:GetObject", (*Service).getObject},
	"PUT object":             {"s3:PutObject", (*Service).putObject},
	"DELETE object":          {"s3:DeleteObject", (*Service).deleteObject},
	"GET object?acl":         {"s3:GetObjectAcl", (*Service).getObjectACL},
	"GET object?attributes":  {"s3:GetObjectAttributes", (*Service).getObjectAttributes},
	"GET object?tagging":     {"s3:GetObjectTagging", (*Service).getObjectTagging},
	"PUT object?tagging":     {"s3:PutObjectTagging", (*Service).putObjectTagging},
	"DELETE object?tagging":  {"s3:DeleteObjectTagging", (*Service).deleteObjectTagging},
	"POST object?uploads":    {"s3:PutObject", (*Service).createUpload},
	"PUT object?uploadId":    {"s3:PutObject", (*Service).uploadPart},
	"POST object?uploadId":   {"s3:PutObject", (*Service).completeUpload},
	"DELETE object?uploadId": {"s3:AbortMultipartUpload", (*Service).abortUpload},
	"GET object?uploadId":    {"s3:ListMultipartUploadParts", (*Service).listParts},
}

// subresources are the query parameters that choose an operation, also those of operations that are not here: such a
// request must not be taken for the plain one.
var subresources = []string{
	"uploadId", "uploads", "delete", "location", "tagging", "policy", "versioning", "versions", "publicAccessBlock", "list-type",
	"accelerate", "acl", "analytics", "attributes", "cors", "encryption", "intelligent-tiering", "inventory", "legal-hold",
	"lifecycle", "logging", "metrics", "notification", "object-lock", "ownershipControls", "policyStatus", "replication",
	"requestPayment", "restore", "retention", "select", "session", "torrent", "website", "abac", "annotation", "renameObject",
	"metadataConfiguration", "metadataTable", "metadataInventoryTable", "metadataJournalTable", "metadataAnnotationTable",
}

// find names the operation of a request.
func find(r *request) (operation, error) {
	level := "object"
	switch {
	case r.bucket == "":
		level = "service"
	case r.key == "":
		level = "bucket"
	}
	name := r.Method + " " + level
	var sub string
	for _, q := range subresources {
		if r.query.Has(q) {
			sub = q
			name += "?" + q
			break
		}
	}
	if op, ok := operations[name]; ok {
		return op, nil
	}
	if sub == "" {
		return operation{}, protocol.Errorf(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
	return operation{}, protocol.UnknownOperation(protocol.RESTXML, "s3", apiName(r.Method, level, sub))
}

// oddNames are the operations whose names do not follow from their addresses.
var oddNames = map[string]string{
	"PUT bucket?accelerate": "PutBucketAccelerateConfiguration", "PUT bucket?lifecycle": "PutBucketLifecycleConfiguration",
	"PUT bucket?notification": "PutBucketNotificationConfiguration", "PUT bucket?object-lock": "PutObjectLockConfiguration",
	"PUT bucket?analytics": "PutBucketAnalyticsConfiguration", "DELETE bucket?analytics": "DeleteBucketAnalyticsConfiguration",
	"PUT bucket?inventory": "PutBucketInventoryConfiguration", "DELETE bucket?inventory": "DeleteBucketInventoryConfiguration",
	"PUT bucket?metrics": "PutBucketMetricsConfiguration", "DELETE bucket?metrics": "DeleteBucketMetricsConfiguration",
	"PUT bucket?intelligent-tiering":    "PutBucketIntelligentTieringConfiguration",
	"DELETE bucket?intelligent-tiering": "DeleteBucketIntelligentTieringConfiguration",
	"POST bucket?metadataConfiguration": "CreateBucketMetadataConfiguration", "POST bucket?metadataTable": "CreateBucketMetadataTableConfiguration",
	"GET bucket?metadataTable": "GetBucketMetadataTableConfiguration", "DELETE bucket?metadataTable": "DeleteBucketMetadataTableConfiguration",
	"PUT bucket?metadataInventoryTable":  "UpdateBucketMetadataInventoryTableConfiguration",
	"PUT bucket?metadataJournalTable":    "UpdateBucketMetadataJournalTableConfiguration",
	"PUT bucket?metadataAnnotationTable": "UpdateBucketMetadataAnnotationTableConfiguration",
	"PUT object?renameObject":            "RenameObject", "POST object?restore": "RestoreObject", "POST object?select": "SelectObjectContent",
	"PUT object?encryption": "UpdateObjectEncryption", "GET bucket?session": "CreateSession",
}

// apiName says an operation as the API reference does: GetBucketAcl for GET bucket?acl.
func apiName(method, level, sub string) string {
	if name, ok := oddNames[method+" "+level+"?"+sub]; ok {
		return name
	}
	title := func(s string) string { return strings.ToUpper(s[:1]) + strings.ToLower(s[1:]) }
	var name strings.Builder
	name.WriteString(title(method) + title(level))
	for word := range strings.SplitSeq(sub, "-") {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}

// actionFor is the IAM action of the operation on this request: reads and deletes of a named version have their own.
func (op operation) actionFor(r *request) string {
	if r.version() != "" {
		switch op.action {
		case "s3:GetObject", "s3:DeleteObject":
			return op.action + "Version"
		case "s3:GetObjectAttributes":
			return "s3:GetObjectVersionAttributes"
		case "s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObjectTagging":
			return strings.TrimSuffix(op.action, "Tagging") + "VersionTagging"
		}
	}
	return op.action
}

// authorize asks whether the caller may do action on the bucket or, with a key, on the object.
func (s *Service) authorize(r *request, action, bucket, key string) error {
	resource := "*"
	switch {
	case key != "":
		resource = objectARN(bucket, key)
	case bucket != "":
		resource = bucketARN(bucket)
	}
	keys := map[string]string{}
	if strings.HasPrefix(action, "s3:ListBucket") {
		for _, q := range []string{"prefix", "delimiter", "max-keys"} {
			if r.query.Has(q) {
				keys["s3:"+q] = r.query.Get(q)
			}
		}
	}
	if v := r.version(); v != "" && strings.HasSuffix(action, "Version") {
		keys["s3:VersionId"] = v
	}
	return s.IAM.AuthorizeResource(r.Context(), protocol.RESTXML, action, resource, keys, s.policy(r.Context(), action, bucket))
}
