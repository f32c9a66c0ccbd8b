package truth

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"quotewire/cloud"
	"quotewire/e2e/rig"
)

// testCloud is a running quotewire cloud.
type testCloud struct {
	*rig.Process
	Endpoint    string
	key, secret string // of the root
	setUp       setUp
}

// start starts a cloud of the test's own, with flags of quotewire cloud.
func start(t testing.TB, flags ...string) *testCloud {
	t.Helper()
	c, err := open(rig.Start(t, binary, t.TempDir(), "cloud", flags...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func open(p *rig.Process) (*testCloud, error) {
	root, err := cloud.ReadRoot(p.Dir)
	return &testCloud{Process: p, Endpoint: p.Endpoints.Cloud, key: root.AccessKeyID, secret: root.SecretAccessKey}, err
}

var sharedCloud struct {
	once  sync.Once
	dir   string
	cloud *testCloud
	err   error
}

// shared is the cloud that tests share: with AWS's limits, and at debug level.
func shared(t testing.TB) *testCloud {
	t.Helper()
	s := &sharedCloud
	s.once.Do(func() {
		if s.dir, s.err = os.MkdirTemp("", "quotewire-shared-"); s.err != nil {
			return
		}
		for _, folder := range []string{"/state", "/tmp"} {
			if s.err = os.Mkdir(s.dir+folder, 0o700); s.err != nil {
				return
			}
		}
		var p *rig.Process
		if p, s.err = rig.Launch(binary, s.dir+"/state", s.dir+"/tmp", "cloud", "--verbose"); s.err == nil {
			s.cloud, s.err = open(p)
		}
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.cloud
}

func stopShared() {
	if c := sharedCloud.cloud; c != nil {
		c.Kill()
	}
	os.RemoveAll(sharedCloud.dir)
}

// boto3 calls the cloud with boto3, as its root.
func (c *testCloud) boto3(testing.TB) caller {
	return caller{driver: python, endpoint: c.Endpoint, key: c.key, secret: c.secret}
}

// js calls the cloud with the AWS SDK for JavaScript, as its root.
func (c *testCloud) js(testing.TB) caller {
	return caller{driver: node, endpoint: c.Endpoint, key: c.key, secret: c.secret}
}

// config is the Go SDK's configuration for the cloud, as its root.
func (c *testCloud) config() aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(c.Endpoint), Credentials: credentials.NewStaticCredentialsProvider(c.key, c.secret, "")}
}

// aws runs the AWS CLI as the cloud's root.
func (c *testCloud) aws(t testing.TB, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	rig.Need(t, "aws")
	return rig.Run(t, append(c.Env(), "AWS_MAX_ATTEMPTS=1"), "aws", args...)
}

var names atomic.Int64

// unique makes a name that no other test uses.
func unique(prefix string) string { return fmt.Sprintf("%s-%d", prefix, names.Add(1)) }

// dial opens a connection with a stock WebSocket client that ends with the test.
func dial(t testing.TB, url string) *rig.Socket {
	t.Helper()
	return rig.Dial(t, url, nil)
}

// httpURL is the address of a WebSocket API for plain HTTP.
func httpURL(ws string) string { return strings.Replace(ws, "ws", "http", 1) }
