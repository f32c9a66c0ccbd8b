package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/token"
)

// attachment is what attachPolicy puts into the policy of a bucket: statements, recognised by the policy's name in their
// ids. A bucket has one policy for all who attach; the statements of others stay.
type attachment struct {
	graph  *deploy.Graph
	pos    token.Position
	bucket *bucket
	whole  *sharedPolicy
	name   string
	policy *check.Policy
	exists bool
}

// sharedPolicy is the policy of a bucket, read once in a run for all who attach to it.
type sharedPolicy struct {
	mu   sync.Mutex // one change after the other
	read bool       // guarded by mu
	doc  bucketDocument
}

// bucketDocument is a policy as S3 returns it; of its statements only the ids are known.
type bucketDocument struct {
	Version   string
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage // a document has a list of them, or a single one
}

func (d *bucketDocument) UnmarshalJSON(text []byte) error {
	var any struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := json.Unmarshal(text, &any); err != nil {
		return err
	}
	*d = bucketDocument{Version: any.Version, ID: any.ID}
	if len(any.Statement) > 0 && any.Statement[0] == '{' {
		d.Statement = []json.RawMessage{any.Statement}
		return nil
	}
	return json.Unmarshal(any.Statement, &d.Statement)
}

func expandAttach(p *Provider, g *deploy.Graph, s *check.Statement) error {
	bucket, policy := s.Args[0].(check.Reference), s.Args[1].(check.Reference)
	return attach(p, g, s, bucket, policy.Statement.Bind, policy.Statement.Policy)
}

// attach adds the statements of a policy to that of a bucket.
func attach(p *Provider, g *deploy.Graph, s *check.Statement, to check.Reference, name string, policy *check.Policy) error {
	maker := g.Bound(to.Statement)
	if maker == nil {
		return nil // something is wrong with the bucket, which is reported
	}
	b := maker.Resource.(*bucket)
	key := deploy.Key{Type: "attachPolicy", Name: name + " to " + b.name}
	if n := g.Lookup(key); n != nil {
		if a := n.Resource.(*attachment); !deploy.Same(a.policy, policy) {
			return problem(s.Pos, "E37", "Bind the policy to another variable: its name tells the statements apart.", "%s is attached at %s with other statements", a, a.pos)
		}
		return nil
	}
	whole, _ := p.bucketPolicies.LoadOrStore(b.name, &sharedPolicy{})
	a := &attachment{graph: g, pos: s.Pos, bucket: b, whole: whole.(*sharedPolicy), name: name, policy: policy}
	n := g.Add(s, key, a).Needs(maker)
	if policy != nil {
		g.Uses(n, policy)
	}
	return nil
}

func (a *attachment) String() string {
	return fmt.Sprintf("policy %s of bucket %s", a.name, a.bucket.name)
}
func (a *attachment) Exists() bool              { return a.exists }
func (a *attachment) Member(string) (any, bool) { return nil, false }

func (a *attachment) Read(ctx context.Context) error {
	a.whole.mu.Lock()
	defer a.whole.mu.Unlock()
	if !a.whole.read && a.bucket.exists {
		if err := a.fetch(ctx); err != nil {
			return err
		}
	}
	mine, _ := a.split()
	a.exists = len(mine) > 0
	return nil
}

// Reread asks the bucket again.
func (a *attachment) Reread(ctx context.Context) error {
	a.whole.mu.Lock()
	a.whole.read = false
	a.whole.mu.Unlock()
	return a.Read(ctx)
}

// fetch reads the policy. The lock is held.
func (a *attachment) fetch(ctx context.Context) error {
	out, err := a.bucket.p.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &a.bucket.name}, a.bucket.inRegion)
	if is(err, "NoSuchBucketPolicy", "NoSuchBucket") {
		a.whole.doc, a.whole.read = bucketDocument{}, true
		return nil
	}
	if err != nil {
		return err
	}
	var doc bucketDocument
	if err := json.Unmarshal([]byte(aws.ToString(out.Policy)), &doc); err != nil {
		return fmt.Errorf("read the policy of bucket %s: %w", a.bucket.name, err)
	}
	a.whole.doc, a.whole.read = doc, true
	return nil
}

// split tells the statements of this attachment from all others.
func (a *attachment) split() (mine, others []json.RawMessage) {
	own := regexp.MustCompile("^" + sidLetters.ReplaceAllString(a.name, "") + `Sid\d+$`)
	for _, s := range a.whole.doc.Statement {
		var id struct{ Sid string }
		if json.Unmarshal(s, &id) == nil && own.MatchString(id.Sid) {
			mine = append(mine, s)
		} else {
			others = append(others, s)
		}
	}
	return mine, others
}

func documentText(d bucketDocument) string {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // made of what was read as JSON
	}
	return string(text)
}

func (a *attachment) Plan() (deploy.Step, error) {
	want, known := policyText(a.graph, a.policy, a.name, grants)
	a.whole.mu.Lock()
	mine, _ := a.split()
	a.whole.mu.Unlock()
	have := documentText(bucketDocument{Version: "2012-10-17", Statement: append([]json.RawMessage{}, mine...)})
	if known && samePolicy(want, have) {
		return deploy.Step{}, nil
	}
	action := deploy.Update
	if len(mine) == 0 {
		action = deploy.Create
	}
	if !known {
		return deploy.Step{Action: action, Changes: []deploy.Change{{Property: "statements"}}}, nil
	}
	return deploy.Step{Action: action, Changes: []deploy.Change{permissions("statements", have, want)}}, nil
}

func (a *attachment) Apply(ctx context.Context) error {
	text, _ := policyText(a.graph, a.policy, a.name, grants)
	var want bucketDocument
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		panic(err) // policyText writes JSON
	}
	return a.put(ctx, want.Statement)
}

// Delete takes the statements out of the policy.
func (a *attachment) Delete(ctx context.Context) error { return a.put(ctx, nil) }

// put replaces the statements of this attachment.
func (a *attachment) put(ctx context.Context, statements []json.RawMessage) error {
	a.whole.mu.Lock()
	defer a.whole.mu.Unlock()
	if !a.whole.read { // the bucket was made in this run
		if err := a.fetch(ctx); err != nil {
			return err
		}
	}
	_, others := a.split()
	doc := bucketDocument{Version: "2012-10-17", ID: a.whole.doc.ID, Statement: append(others, statements...)}
	var err error
	if len(doc.Statement) == 0 {
		_, err = a.bucket.p.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &a.bucket.name}, a.bucket.inRegion)
		err = ignore(err, "NoSuchBucket")
	} else {
		_, err = a.bucket.p.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &a.bucket.name, Policy: aws.String(documentText(doc))}, a.bucket.inRegion)
	}
	if err == nil {
		a.whole.doc, a.exists = doc, len(statements) > 0
	}
	return err
}
