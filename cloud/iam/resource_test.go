package iam

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"quotewire/cloud/protocol"
)

// TestResourcePolicies follows AWS's description of how the policies of an identity and of a resource are judged together
// within an account: who is named decides which of the others still count.
func TestResourcePolicies(t *testing.T) {
	t.Parallel()
	const object = "arn:aws:s3:::stock-code/watch.zip"
	parse := func(text string) *Document {
		d, err := ParsePolicy(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	names := func(effect, principal string) *Document {
		return parse(`{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::stock-code/*"}]}`)
	}
	const (
		user    = `{"AWS":"arn:aws:iam::111122223333:user/dev"}`
		userID  = `{"AWS":"AIDAQ3EGVEXAMPLE00DEV"}`
		role    = `{"AWS":"arn:aws:iam::111122223333:role/watch-role"}`
		roleID  = `{"AWS":"AROAQ3EGVEXAMPLE0WATC"}`
		session = `{"AWS":"arn:aws:sts::111122223333:assumed-role/watch-role/watch"}`
		account = `{"AWS":"111122223333"}`
		other   = `{"AWS":"444455556666"}`
		service = `{"Service":"lambda.amazonaws.com"}`
		all     = `"*"`
	)
	for _, c := range []struct {
		who                       string // user or session
		identity, bounds, session string // "allow", "deny" or "" for policies that say nothing; "-" for none
		effect, principal         string
		want                      bool
	}{
		// Without an identity policy, the resource's is enough if it names the caller, its role or everybody.
		{"user", "", "-", "-", "Allow", user, true},
		{"user", "", "-", "-", "Allow", userID, true},
		{"user", "", "-", "-", "Allow", all, true},
		{"user", "", "-", "-", "Allow", account, false},
		{"user", "", "-", "-", "Allow", other, false},
		{"user", "", "-", "-", "Allow", service, false},
		{"user", "", "-", "-", "Allow", role, false},
		{"session", "", "-", "-", "Allow", role, true},
		{"session", "", "-", "-", "Allow", roleID, true},
		{"session", "", "-", "-", "Allow", session, true},
		{"session", "", "-", "-", "Allow", account, false},
		{"session", "", "-", "-", "Allow", user, false},
		// The account's name leaves the decision to the identity policy.
		{"user", "allow", "-", "-", "Allow", account, true},
		{"session", "allow", "-", "-", "Allow", other, true},
		// A deny wins, wherever it stands.
		{"user", "allow", "-", "-", "Deny", all, false},
		{"user", "allow", "-", "-", "Deny", account, false},
		{"session", "allow", "-", "-", "Deny", session, false},
		{"session", "allow", "-", "-", "Deny", role, false},
		{"session", "allow", "-", "-", "Deny", user, true},
		{"user", "deny", "-", "-", "Allow", user, false},
		{"session", "", "deny", "-", "Allow", session, false},
		{"session", "", "-", "deny", "Allow", session, false},
		// Whoever is named as user or session is not bound by what boundary and session policies leave out.
		{"user", "", "", "-", "Allow", user, true},
		{"session", "", "", "-", "Allow", session, true},
		{"session", "", "-", "", "Allow", session, true},
		{"session", "", "", "", "Allow", session, true},
		// Whoever is named by the role, or as anybody, is.
		{"session", "", "", "-", "Allow", role, false},
		{"session", "", "-", "", "Allow", role, false},
		{"session", "", "", "-", "Allow", all, false},
		{"session", "", "allow", "allow", "Allow", role, true},
		{"user", "", "", "-", "Allow", all, false},
	} {
		says := func(what string) *Document {
			switch what {
			case "allow":
				return parse(allow("s3:*", "*"))
			case "deny":
				return parse(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`)
			}
			return parse(allow("sqs:*", "*"))
		}
		d := &directory{policies: map[string]*managedPolicy{}}
		id := &identity{inline: []grant{{"inline policy p", says(c.identity)}}}
		if c.bounds != "-" {
			id.Boundary = "arn:aws:iam::111122223333:policy/bounds"
			d.policies[id.Boundary] = &managedPolicy{Name: "bounds", Default: "v1", Versions: []policyVersion{{ID: "v1", doc: says(c.bounds)}}}
		}
		who := Principal{Kind: User, Account: testAccount, ARN: "arn:aws:iam::111122223333:user/dev", UserID: "AIDAQ3EGVEXAMPLE00DEV"}
		if c.who == "session" {
			who = Principal{Kind: AssumedRole, Account: testAccount, ARN: "arn:aws:sts::111122223333:assumed-role/watch-role/watch", UserID: "AROAQ3EGVEXAMPLE0WATC:watch", RoleName: "watch-role"}
		}
		key := &credential{Who: who, Identity: "arn:aws:iam::111122223333:role/watch-role"}
		if c.session != "-" {
			key.Policies, key.session = []string{"p"}, []grant{{"session policy", says(c.session)}}
		}
		who.session = key
		if c.who == "user" {
			who.session.Identity = who.ARN
		}
		q := &inquiry{Request: Request{Principal: who, Action: "s3:GetObject", Resource: object}}
		if got := decide(d, id, key, q, names(c.effect, c.principal)); got.allowed != c.want {
			t.Errorf("%+v: allowed %v (%s)", c, got.allowed, got.because)
		}
	}
}

// A key of the root's own ends with the secret; so does what the root made with it.
func TestARotatedRootIsNobody(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	out, err := h.stsAs(root).GetSessionToken(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	session := Credentials{*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken}
	verify := func(c Credentials) string {
		_, err := h.Verify(signed(t, c, "iam", "POST", "/", "", time.Now()), nil, protocol.Query)
		return codeOf(err)
	}
	if verify(root) != "" || verify(session) != "" {
		t.Fatalf("before: %q, %q", verify(root), verify(session))
	}
	next := Credentials{AccessKeyID: "AKIANEXT", SecretAccessKey: "another"}
	h.root = func() Credentials { return next }
	for _, c := range []Credentials{root, session} {
		if got := verify(c); got != "InvalidClientTokenId" {
			t.Errorf("%s afterwards: %q", c.AccessKeyID, got)
		}
	}
	if got := verify(next); got != "" {
		t.Errorf("the new one: %s", got)
	}
	// A long-term key with a token is no key of anybody's.
	made := next
	made.SessionToken = "of another cloud"
	if got := verify(made); got != "InvalidClientTokenId" {
		t.Errorf("with a token: %q", got)
	}
}

// TestDenialsAreReadable looks at the whole of what the log says.
func TestDenialsAreReadable(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	arn := h.role(t, "watch-role", trustLambda, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"logs:*","Resource":"*"},
		{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"arn:aws:dynamodb:*:*:table/other"},
		{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"},"StringLike":{"aws:PrincipalTag/desk":"*"}}}]}`)
	ctx, _ := h.lambdaSession(t, arn)
	h.Authorize(ctx, protocol.JSON10, "dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:111122223333:table/Watchers", nil)
	for _, want := range []string{
		"principal=arn:aws:sts::111122223333:assumed-role/watch-role/watch", "action=dynamodb:PutItem", "resource=arn:aws:dynamodb:us-east-1:111122223333:table/Watchers",
		"inline policy p: Allow logs:* on * (another action)", "Allow dynamodb:PutItem on arn:aws:dynamodb:*:*:table/other (another resource)",
		"its condition does not hold: ", `"to allow it, write in the policy of the role watch-role"="[allow \"dynamodb:PutItem\" \"arn:aws:dynamodb:us-east-1:111122223333:table/Watchers\"]"`,
	} {
		if !strings.Contains(h.log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, h.log)
		}
	}
}

func TestPoliciesOfResourcesAreChecked(t *testing.T) {
	t.Parallel()
	owns := func(r string) bool { return strings.HasPrefix(r, "arn:aws:s3:::stock-code") }
	for text, want := range map[string]string{
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::stock-code/*"}}`:                    "",
		`{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::stock-code/*"}}`:                                    "Missing required field Principal",
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}}`:                                                           "Missing required field Resource",
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"arn:aws:s3:::stock-code/*"}}`:                 "Policy has invalid action",
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":["arn:aws:s3:::stock-code/*","arn:aws:s3:::x"]}}`: "Policy has invalid resource",
	} {
		d, err := ParsePolicy(text)
		if err != nil {
			t.Fatal(err)
		}
		if err = d.CheckResourcePolicy("s3", owns); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// Nothing of a body is read before the head has proved a key.
func TestAdmitReadsNoBodyOfAStranger(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	for _, service := range []string{"iam", "s3"} {
		r := signed(t, Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"}, service, "POST", "/", "", time.Now())
		body := &watched{}
		r.Body = body
		if _, err := h.Admit(r, 10, protocolOf[service]); err == nil || body.read {
			t.Errorf("%s: %v, read: %v", service, err, body.read)
		}
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", 11)))
	signedRequest := signed(t, root, "iam", "POST", "/", strings.Repeat("x", 11), time.Now())
	signedRequest.Body = r.Body
	if _, err := h.Admit(signedRequest, 10, protocol.Query); codeOf(err) != "RequestEntityTooLargeException" {
		t.Errorf("a longer body: %v", err)
	}
}

type watched struct{ read bool }

func (w *watched) Read([]byte) (int, error) { w.read = true; return 0, nil }
func (w *watched) Close() error             { return nil }
