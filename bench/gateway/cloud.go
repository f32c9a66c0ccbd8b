package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"quotewire/cloud"
)

// openCloud starts an embedded cloud with the API, and a user who may post to its connections.
func openCloud(ctx context.Context, dir string, connect bool) (a Address, closed func() error, err error) {
	if connect {
		return a, nil, fmt.Errorf("-connect goes with -door open: a cloud's functions are processes of their own")
	}
	c, err := cloud.Start(ctx, cloud.Config{
		Dir: dir, Listen: "127.0.0.1:0", Region: region, Limits: cloud.Limits{APIGateway: unlimited}, Log: warnings,
	})
	if err != nil {
		return a, nil, err
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	root := c.Root()
	config := aws.Config{
		Region: region, BaseEndpoint: aws.String(c.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, ""),
	}
	id, err := deploy(ctx, config, "")
	if err != nil {
		return a, nil, err
	}
	a = address(c.URL(), id)
	a.Sign, err = poster(ctx, config, id)
	return a, c.Close, err
}

// address is where the API of that id is, of a server on an address such as http://127.0.0.1:4566.
func address(url, id string) Address {
	path := strings.TrimPrefix(url, "http://") + "/_aws/execute-api/" + id + "/" + stage
	return Address{
		WS: "ws://" + path, WSS: "wss://" + path,
		Post: "http://" + path + "/@connections/{id}", Listen: "http://" + path + "/@topics/{id}", Publish: "http://" + path + "/@topics/{board}",
	}
}

// poster makes a user whose policies let it post to the connections of the API, and returns its key: unlike the root's,
// its posts are judged.
func poster(ctx context.Context, config aws.Config, id string) (string, error) {
	client := iam.NewFromConfig(config)
	name := aws.String("poster")
	if _, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: name}); err != nil {
		return "", err
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:ManageConnections","Resource":"arn:aws:execute-api:*:*:%s/%s/*"}]}`, id, stage)
	if _, err := client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("post"), PolicyDocument: &policy}); err != nil {
		return "", err
	}
	key, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		return "", err
	}
	return *key.AccessKey.AccessKeyId + ":" + *key.AccessKey.SecretAccessKey, nil
}
