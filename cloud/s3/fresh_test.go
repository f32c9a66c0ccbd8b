package s3

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

func TestSettingsOfAFreshBucketReadAsOnS3(t *testing.T) {
	t.Parallel()
	c, _, _ := open(t, t.TempDir())
	b := aws.String("stock-code")
	if _, err := c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: b}); err != nil {
		t.Fatal(err)
	}
	encryption, err := c.GetBucketEncryption(t.Context(), &sdk.GetBucketEncryptionInput{Bucket: b})
	if err != nil || encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAes256 {
		t.Errorf("encryption: %v, %v", encryption, err)
	}
	block, err := c.GetPublicAccessBlock(t.Context(), &sdk.GetPublicAccessBlockInput{Bucket: b})
	if err != nil || !aws.ToBool(block.PublicAccessBlockConfiguration.BlockPublicPolicy) {
		t.Errorf("public access block: %v, %v", block, err)
	}
	acl, err := c.GetBucketAcl(t.Context(), &sdk.GetBucketAclInput{Bucket: b})
	if err != nil || len(acl.Grants) != 1 || acl.Grants[0].Permission != types.PermissionFullControl || acl.Grants[0].Grantee.Type != types.TypeCanonicalUser {
		t.Errorf("access control list: %+v, %v", acl, err)
	}
	_, err = c.GetBucketLifecycleConfiguration(t.Context(), &sdk.GetBucketLifecycleConfigurationInput{Bucket: b})
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "NoSuchLifecycleConfiguration" {
		t.Errorf("lifecycle: %v, want NoSuchLifecycleConfiguration", err)
	}
}

// A request for a setting that is not here must not be taken for the operation on the whole bucket or object.
func TestUnknownSubresourceIsRefusedByName(t *testing.T) {
	t.Parallel()
	c, _, _ := open(t, t.TempDir())
	b := aws.String("stock-code")
	if _, err := c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: b}); err != nil {
		t.Fatal(err)
	}
	_, err := c.DeleteBucketMetadataConfiguration(t.Context(), &sdk.DeleteBucketMetadataConfigurationInput{Bucket: b})
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "NotImplemented" {
		t.Errorf("%v, want NotImplemented", err)
	}
	if _, err := c.HeadBucket(t.Context(), &sdk.HeadBucketInput{Bucket: b}); err != nil {
		t.Errorf("the bucket is gone: %v", err)
	}
}
