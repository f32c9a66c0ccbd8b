package aws

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"quotewire/deploy"
	"quotewire/deploy/gobuild"
	"quotewire/dply/check"
	"quotewire/dply/schema"
	"quotewire/dply/token"
)

func init() {
	register(entry{Type: locationReader})
}

var locationReader = &schema.Type{
	Name: "aws.S3.Location",
	Doc:  "Where code lies in S3. A Go package is built and uploaded there when it differs: the folder that Source names, or else, for a key lambda-NAME.zip, the folder lambda/NAME beside the script.",
	Properties: []schema.Property{
		{Name: "Bucket", Kinds: objects, Objects: []string{"aws.S3.Bucket"}, Required: true, Doc: "The bucket: its name or the bucket itself."},
		{Name: "Key", Kinds: texts, Required: true, Doc: "The object's key."},
		{Name: "Source", Kinds: texts, Doc: "The folder of the Go package, relative to the script."},
	},
}

// hashHeader is the metadata of an uploaded archive that says its SHA-256, so that a HeadObject tells whether it differs.
const hashHeader = "sha256"

func objectKey(bucket, key string) deploy.Key {
	return deploy.Key{Type: "aws.S3.Object", Name: bucket + "/" + key}
}

// code is the archive of a function in a bucket. It is built here if its source is known: the folder that Source names,
// or, for a key lambda-NAME.zip, a folder lambda/NAME beside the script. Otherwise it must lie in the bucket already.
type codeObject struct {
	p       *Provider
	bucket  string
	key     string
	made    bool   // the run makes the bucket, in a statement above
	noneYet bool   // the bucket is not there
	source  string // the package's folder, or ""
	goarch  string
	cache   string
	local   bool
	mode    deploy.Mode
	pos     token.Position // of the Code
	keyPos  token.Position
	built   gobuild.Package
	exists  bool
	hash    string // of the object in the bucket, in hex
	changed bool   // uploaded in this run
}

// newCode adds the object that a Code property names, or takes the one that another function has added.
func newCode(p *Provider, g *deploy.Graph, s *check.Statement, loc *check.Compound, goarch string) (*deploy.Node, *codeObject, error) {
	bucketName, _ := g.String(loc.Prop("Bucket"))
	if r, ok := loc.Prop("Bucket").(check.Reference); ok {
		bucketName = r.Statement.Name
	}
	key, _ := g.String(loc.Prop("Key"))
	c := &codeObject{p: p, bucket: bucketName, key: key, made: g.Lookup(bucketKey(bucketName)) != nil, goarch: goarch,
		cache: g.Options.CacheDir, local: g.Options.Local, mode: g.Options.Mode, pos: loc.Pos, keyPos: loc.Prop("Key").Position()}
	var err error
	if c.source, err = sourceOf(g, s, loc, key); err != nil {
		return nil, nil, err
	}
	id := objectKey(bucketName, key)
	if n := g.Lookup(id); n != nil {
		other := n.Resource.(*codeObject)
		if other.source != c.source || other.goarch != c.goarch {
			return nil, nil, problem(c.pos, "E37", "Give one of them another Key.",
				"two functions want different code in %s/%s; the first is at %s", bucketName, key, other.pos)
		}
		return n, other, nil
	}
	n := g.Add(s, id, c).Mentions(bucketKey(bucketName))
	g.Uses(n, loc)
	return n, c, nil
}

// sourceOf returns the folder of the package that the code is built from, or "".
func sourceOf(g *deploy.Graph, s *check.Statement, loc *check.Compound, key string) (string, error) {
	base := g.Options.ScriptDir
	if base == "" {
		base = filepath.Dir(s.Pos.File)
	}
	if v := loc.Prop("Source"); v != nil {
		dir, _ := g.String(v)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(base, dir)
		}
		if !isPackage(dir) {
			return "", problem(v.Position(), "E55", "Name the folder of a Go package, relative to the script.", "no Go files in %s", dir)
		}
		return dir, nil
	}
	name, ok := strings.CutPrefix(filepath.Base(key), "lambda-")
	if name, zip := strings.CutSuffix(name, ".zip"); ok && zip && name != "" {
		if dir := filepath.Join(base, "lambda", name); isPackage(dir) {
			return dir, nil
		}
	}
	return "", nil
}

func isPackage(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	return len(files) > 0
}

func (c *codeObject) String() string { return fmt.Sprintf("code %s/%s", c.bucket, c.key) }
func (c *codeObject) Exists() bool   { return c.exists }

// Prepare builds the function.
func (c *codeObject) Prepare(ctx context.Context) error {
	if c.source == "" {
		return nil
	}
	var err error
	c.built, err = gobuild.Build(ctx, c.source, c.goarch, c.cache, c.local)
	if compile, ok := errors.AsType[*gobuild.CompileError](err); ok {
		return problem(c.pos, "E64", compile.Lines, "the function in %s does not compile", compile.Dir)
	}
	if errors.Is(err, gobuild.ErrNoToolchain) {
		return problem(c.pos, "E64", "Install Go from https://go.dev/dl/ and make sure that `go version` works.", "%v", err)
	}
	return err
}

func (c *codeObject) Read(ctx context.Context) error {
	out, err := c.p.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &c.bucket, Key: &c.key})
	if is(err, "NotFound", "NoSuchKey", "NoSuchBucket") {
		// The answer to a HEAD has no body: it does not tell a missing object from a missing bucket.
		if !c.made {
			_, err := c.p.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &c.bucket})
			c.noneYet = is(err, "NotFound", "NoSuchBucket")
		}
		return nil
	}
	if err != nil {
		return err
	}
	c.exists, c.hash = true, out.Metadata[hashHeader]
	if c.hash == "" && c.source == "" && c.mode == deploy.Deploy {
		c.hash, err = c.sum(ctx)
	}
	return err
}

// sum hashes an object that another tool has put there.
func (c *codeObject) sum(ctx context.Context) (string, error) {
	out, err := c.p.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &c.bucket, Key: &c.key})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, out.Body); err != nil {
		return "", fmt.Errorf("read s3://%s/%s: %w", c.bucket, c.key, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// want is the hash that the code should have, in hex.
func (c *codeObject) want() string {
	if c.source != "" {
		return hex.EncodeToString(c.built.SHA256[:])
	}
	return c.hash
}

// sha256 is the same as Lambda says it.
func (c *codeObject) sha256() string {
	sum, _ := hex.DecodeString(c.want())
	return base64.StdEncoding.EncodeToString(sum)
}

func (c *codeObject) Plan() (deploy.Step, error) {
	switch {
	case c.noneYet:
		return deploy.Step{}, problem(c.pos, "E57", "Make it with `ensure aws.S3.Bucket` in a statement above this one.", "no bucket named %q", c.bucket)
	case c.source == "" && !c.exists:
		return deploy.Step{}, problem(c.keyPos, "E57",
			"Upload it first, or name the folder of its Go package with `Source <- \"…\"`. For a key lambda-NAME.zip, a folder lambda/NAME beside the script is found without being named.",
			"no object %q in bucket %q, and no source to build it from", c.key, c.bucket)
	case c.source == "":
		return deploy.Step{}, nil
	case c.exists && c.hash == c.want():
		return deploy.Step{}, nil
	}
	if c.exists {
		return deploy.Step{Action: deploy.Update, Changes: []deploy.Change{{Property: "code"}}}, nil
	}
	return deploy.Step{Action: deploy.Create}, nil
}

func (c *codeObject) Apply(ctx context.Context) error {
	f, err := os.Open(c.built.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = c.p.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &c.key, Body: f, ContentLength: aws.Int64(c.built.Size),
		ContentType: aws.String("application/zip"), Metadata: map[string]string{hashHeader: c.want()}})
	if err != nil {
		return err
	}
	c.exists, c.hash, c.changed = true, c.want(), true
	return nil
}

func (c *codeObject) Member(string) (any, bool) { return nil, false }
