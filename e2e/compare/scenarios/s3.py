"""Buckets and their settings, the objects in them, and what tools ask of a fresh bucket unasked."""

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::quotewire-code/*"}]}'


def play(do, _):
    b = "quotewire-code"
    do("CreateBucket", Bucket=b)
    do("CreateBucket", "again", Bucket=b)
    do("CreateBucket", "bad name", Bucket="A_B")
    do("CreateBucket", "bad location", Bucket="quotewire-there", CreateBucketConfiguration={"LocationConstraint": "us-east-1"})
    do("HeadBucket", Bucket=b)
    do("HeadBucket", "missing", Bucket="quotewire-nowhere")
    do("ListBuckets")
    do("GetBucketLocation", Bucket=b)
    fresh(do, b)

    do("PutBucketTagging", Bucket=b, Tagging={"TagSet": [{"Key": "team", "Value": "quotes"}]})
    do("GetBucketTagging", Bucket=b)
    do("DeleteBucketTagging", Bucket=b)
    do("PutBucketPolicy", Bucket=b, Policy=POLICY)
    do("PutBucketPolicy", "bad policy", Bucket=b, Policy="{")
    do("GetBucketPolicy", Bucket=b)
    do("GetBucketPolicyStatus", Bucket=b)
    do("DeleteBucketPolicy", Bucket=b)
    all_four = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    do("PutPublicAccessBlock", Bucket=b, PublicAccessBlockConfiguration=all_four)
    do("GetPublicAccessBlock", Bucket=b)
    do("DeletePublicAccessBlock", Bucket=b)

    do("PutObject", Bucket=b, Key="watch.zip", Body=b"one", ContentType="application/zip", Metadata={"made-by": "test"})
    do("GetObject", Bucket=b, Key="watch.zip")
    do("GetObject", "a range", Bucket=b, Key="watch.zip", Range="bytes=0-1")
    do("GetObject", "bad range", Bucket=b, Key="watch.zip", Range="bytes=10-20")
    do("GetObject", "missing", Bucket=b, Key="nowhere")
    do("GetObject", "no such bucket", Bucket="quotewire-nowhere", Key="x")
    do("HeadObject", Bucket=b, Key="watch.zip")
    do("HeadObject", "missing", Bucket=b, Key="nowhere")
    do("GetObjectAttributes", Bucket=b, Key="watch.zip", ObjectAttributes=["ETag", "ObjectSize", "StorageClass"])
    do("GetObjectAcl", Bucket=b, Key="watch.zip")
    do("CopyObject", Bucket=b, Key="folder/copy.zip", CopySource={"Bucket": b, "Key": "watch.zip"})
    do("CopyObject", "missing", Bucket=b, Key="c", CopySource={"Bucket": b, "Key": "nowhere"})
    do("PutObjectTagging", Bucket=b, Key="watch.zip", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    do("GetObjectTagging", Bucket=b, Key="watch.zip")
    do("DeleteObjectTagging", Bucket=b, Key="watch.zip")
    do("ListObjects", Bucket=b)
    do("ListObjectsV2", Bucket=b)
    do("ListObjectsV2", "folders", Bucket=b, Delimiter="/")
    do("ListObjectsV2", "a page of one", Bucket=b, MaxKeys=1)
    do("ListObjectsV2", "no such bucket", Bucket="quotewire-nowhere")
    do("DeleteBucket", "not empty", Bucket=b)

    upload = do("CreateMultipartUpload", Bucket=b, Key="large")["UploadId"]
    part = do("UploadPart", Bucket=b, Key="large", UploadId=upload, PartNumber=1, Body=b"x" * 100)
    do("ListParts", Bucket=b, Key="large", UploadId=upload)
    do("ListMultipartUploads", Bucket=b)
    do("CompleteMultipartUpload", Bucket=b, Key="large", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    upload = do("CreateMultipartUpload", Bucket=b, Key="larger")["UploadId"]
    do("UploadPartCopy", Bucket=b, Key="larger", UploadId=upload, PartNumber=1, CopySource={"Bucket": b, "Key": "large"})
    do("AbortMultipartUpload", Bucket=b, Key="larger", UploadId=upload)
    do("ListParts", "missing", Bucket=b, Key="larger", UploadId=upload)

    do("PutBucketVersioning", Bucket=b, VersioningConfiguration={"Status": "Enabled"})
    do("GetBucketVersioning", Bucket=b)
    version = do("PutObject", "versioned", Bucket=b, Key="watch.zip", Body=b"two")["VersionId"]
    do("DeleteObject", "versioned", Bucket=b, Key="watch.zip")
    do("ListObjectVersions", Bucket=b)
    do("GetObject", "version", Bucket=b, Key="watch.zip", VersionId=version)
    do("DeleteObject", "missing", Bucket=b, Key="nowhere")
    do("DeleteObject", "a version", Bucket=b, Key="watch.zip", VersionId=version)
    do("DeleteObject", "the null version", Bucket=b, Key="watch.zip", VersionId="null")
    versions = do("ListObjectVersions", "to delete", Bucket=b)
    everything = versions.get("Versions", []) + versions.get("DeleteMarkers", [])
    do("DeleteObjects", Bucket=b, Delete={"Objects": [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in everything]})
    do("DeleteBucket", Bucket=b)
    do("DeleteBucket", "missing", Bucket=b)


def fresh(do, b):
    for operation in ("GetBucketAnalyticsConfiguration", "GetBucketInventoryConfiguration", "GetBucketMetricsConfiguration",
                      "GetBucketIntelligentTieringConfiguration"):
        do(operation, "missing", Bucket=b, Id="nowhere")
    do("GetBucketLifecycle", "fresh bucket", Bucket=b)
    do("GetBucketNotification", "fresh bucket", Bucket=b)
    for operation in (
        "GetBucketVersioning", "GetBucketTagging", "GetBucketPolicy", "GetBucketPolicyStatus", "GetPublicAccessBlock", "GetBucketEncryption", "GetBucketAcl",
        "GetBucketCors", "GetBucketLifecycleConfiguration", "GetBucketLogging", "GetBucketNotificationConfiguration", "GetBucketOwnershipControls",
        "GetBucketReplication", "GetBucketRequestPayment", "GetBucketWebsite", "GetBucketAccelerateConfiguration", "GetObjectLockConfiguration",
        "ListBucketAnalyticsConfigurations", "ListBucketInventoryConfigurations", "ListBucketMetricsConfigurations",
        "ListBucketIntelligentTieringConfigurations",
    ):
        do(operation, "fresh bucket", Bucket=b)
        do(operation, "no such bucket", Bucket="quotewire-nowhere")
