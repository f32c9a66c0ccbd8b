package aws

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/token"
)

// copyTask is files.copy: the files of a folder become the objects of a bucket. Those that are there already with the same
// content are left, and nothing is removed.
type copyTask struct {
	p      *Provider
	folder string
	bucket string
	pos    token.Position    // of the folder in the script
	sums   map[string]string // of the files, by key: MD5 in hex, which is the ETag of an object put in one piece
	etags  map[string]string // of the objects
}

func expandCopy(p *Provider, g *deploy.Graph, s *check.Statement) error {
	folder, _ := g.String(s.Args[0])
	bucket, _ := g.String(s.Args[1])
	if r, ok := s.Args[1].(check.Reference); ok {
		bucket = r.Statement.Name
	}
	n := g.Add(s, deploy.Key{Type: s.Verb, Name: s.Pos.String()}, &copyTask{p: p, folder: folder, bucket: bucket, pos: s.Args[0].Position()})
	g.Uses(n.Mentions(bucketKey(bucket)), s.Args...)
	p.copies = append(p.copies, n)
	return nil
}

func (c *copyTask) String() string            { return fmt.Sprintf("copy of %s to %s", c.folder, c.bucket) }
func (c *copyTask) Exists() bool              { return false }
func (c *copyTask) Member(string) (any, bool) { return nil, false }

// Prepare sums the files up.
func (c *copyTask) Prepare(context.Context) error {
	if info, err := os.Stat(c.folder); err != nil || !info.IsDir() {
		return problem(c.pos, "E55", "Name a folder that exists.", "%s is not a directory", c.folder)
	}
	c.sums = map[string]string{}
	return filepath.WalkDir(c.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(c.folder, path)
		if err != nil {
			return err
		}
		sum := md5.Sum(text)
		c.sums[filepath.ToSlash(key)] = hex.EncodeToString(sum[:])
		return nil
	})
}

func (c *copyTask) Read(ctx context.Context) error {
	c.etags = map[string]string{}
	pages := s3.NewListObjectsV2Paginator(c.p.s3, &s3.ListObjectsV2Input{Bucket: &c.bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if is(err, "NoSuchBucket") {
			return nil
		}
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			c.etags[aws.ToString(o.Key)] = strings.Trim(aws.ToString(o.ETag), `"`)
		}
	}
	return nil
}

// stale lists the files whose objects are missing or differ.
func (c *copyTask) stale() []string {
	var keys []string
	for key, sum := range c.sums {
		if c.etags[key] != sum {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (c *copyTask) Plan() (deploy.Step, error) {
	stale := c.stale()
	if len(stale) == 0 {
		return deploy.Step{}, nil
	}
	return deploy.Step{Action: deploy.Act, Changes: []deploy.Change{{Property: fmt.Sprintf("%d files", len(stale))}}}, nil
}

func (c *copyTask) Apply(ctx context.Context) error {
	for _, key := range c.stale() {
		if err := c.put(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (c *copyTask) put(ctx context.Context, key string) error {
	f, err := os.Open(filepath.Join(c.folder, filepath.FromSlash(key)))
	if err != nil {
		return err
	}
	defer f.Close()
	kind := mime.TypeByExtension(filepath.Ext(key))
	_, err = c.p.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &key, Body: f, ContentType: optional(kind)})
	return err
}
