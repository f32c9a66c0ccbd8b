package aws

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	register(entry{Type: policyType, ensure: ensurePolicy, find: findPolicy})
}

var policyType = &schema.Type{
	Name: "aws.IAM.Policy", Ensure: true, Find: true, Self: "arn",
	Doc: "A managed policy. When the script's document differs, it becomes the new default version.",
	Properties: []schema.Property{
		{Name: "Policy", Kinds: policies, Required: true, Doc: "The document, from a policy statement."},
	},
	Members: []schema.Member{arnMember("policy"), nameMember("policy")},
}

// policyVersions is how many versions of a managed policy IAM keeps; a further one needs one of them deleted.
const policyVersions = 5

func policyKey(name string) deploy.Key { return deploy.Key{Type: "aws.IAM.Policy", Name: name} }

// managedPolicy returns the managed policy of that name, one of this account before one of AWS, or nil.
func (p *Provider) managedPolicy(ctx context.Context, name string) (*types.Policy, error) {
	for _, scope := range []types.PolicyScopeType{types.PolicyScopeTypeLocal, types.PolicyScopeTypeAws} {
		if found, err := p.policyIn(ctx, scope, name); err != nil || found != nil {
			return found, err
		}
	}
	return nil, nil
}

// policyIn returns the managed policy of that name of the account, or of AWS; nil if there is none.
func (p *Provider) policyIn(ctx context.Context, scope types.PolicyScopeType, name string) (*types.Policy, error) {
	list := &p.localPolicies
	if scope == types.PolicyScopeTypeAws {
		list = &p.awsPolicies
	}
	all, err := list.get(func() (all []types.Policy, err error) {
		pages := iam.NewListPoliciesPaginator(p.iam, &iam.ListPoliciesInput{Scope: scope, MaxItems: aws.Int32(1000)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			all = append(all, page.Policies...)
		}
		return all, nil
	})
	i := slices.IndexFunc(all, func(p types.Policy) bool { return aws.ToString(p.PolicyName) == name })
	if err != nil || i < 0 {
		return nil, err
	}
	return &all[i], nil
}

// listDocuments lists the managed policies of the account with their documents.
func (p *Provider) listDocuments() pages[types.ManagedPolicyDetail] {
	list := p.listDetails(types.EntityTypeLocalManagedPolicy)
	return func(ctx context.Context, add func(string, types.ManagedPolicyDetail)) (bool, error) {
		page, err := list.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, d := range page.Policies {
			add(aws.ToString(d.PolicyName), d)
		}
		return list.HasMorePages(), nil
	}
}

// managed is an aws.IAM.Policy.
type managed struct {
	p        *Provider
	graph    *deploy.Graph
	name     string
	policy   *check.Policy
	arn      string
	version  string
	document string
}

func ensurePolicy(p *Provider, g *deploy.Graph, s *check.Statement) error {
	_, err := ensured(g, s, policyKey(s.Name), func() deploy.Resource {
		p.counted(policyType.Name, s.Name)
		return &managed{p: p, graph: g, name: s.Name, policy: policyOf(s.Prop("Policy"))}
	})
	return err
}

func findPolicy(p *Provider, g *deploy.Graph, s *check.Statement) error {
	return found(g, s, policyKey(s.Name), &managed{p: p, graph: g, name: s.Name})
}

func (m *managed) String() string { return "policy " + m.name }
func (m *managed) Exists() bool   { return m.arn != "" }

// Reread lists the policies again.
func (m *managed) Reread(ctx context.Context) error {
	m.p.localPolicies.forget()
	return m.look(ctx)
}

func (m *managed) Read(ctx context.Context) error {
	if m.policy == nil { // it is only looked up
		have, err := m.p.managedPolicy(ctx, m.name)
		if err == nil && have != nil {
			m.arn, m.version = aws.ToString(have.Arn), aws.ToString(have.DefaultVersionId)
		}
		return err
	}
	have, told := m.p.documents.get(ctx, m.p.many(policyType.Name), m.name, m.p.listDocuments)
	switch {
	case !told:
		return m.look(ctx)
	case have == nil:
		return nil
	}
	m.arn, m.version = aws.ToString(have.Arn), aws.ToString(have.DefaultVersionId)
	for _, v := range have.PolicyVersionList {
		if v.IsDefaultVersion {
			m.document = aws.ToString(v.Document)
		}
	}
	return nil
}

// look asks for the policy by its name.
func (m *managed) look(ctx context.Context) error {
	have, err := m.p.policyIn(ctx, types.PolicyScopeTypeLocal, m.name)
	if err != nil || have == nil {
		return err
	}
	m.arn, m.version = aws.ToString(have.Arn), aws.ToString(have.DefaultVersionId)
	out, err := m.p.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &m.arn, VersionId: &m.version})
	if err != nil {
		return err
	}
	m.document = aws.ToString(out.PolicyVersion.Document)
	return nil
}

func (m *managed) Plan() (deploy.Step, error) {
	if m.arn == "" {
		return deploy.Step{Action: deploy.Create}, nil
	}
	if m.policy == nil {
		return deploy.Step{}, nil
	}
	text, known := policyText(m.graph, m.policy, m.name, grants)
	if known && samePolicy(text, m.document) {
		return deploy.Step{}, nil
	}
	return updateIf([]deploy.Change{permissions("document", m.document, text)}), nil
}

func (m *managed) Apply(ctx context.Context) error {
	text, _ := policyText(m.graph, m.policy, m.name, grants)
	if m.arn == "" {
		out, err := m.p.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &m.name, PolicyDocument: &text})
		if err != nil {
			return err
		}
		m.arn, m.document = aws.ToString(out.Policy.Arn), text
		return nil
	}
	versions, err := m.versions(ctx)
	if err != nil {
		return err
	}
	if len(versions)+1 >= policyVersions { // these and the default one
		oldest := versions[0]
		if _, err := m.p.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &m.arn, VersionId: &oldest}); ignore(err, "NoSuchEntity") != nil {
			return err
		}
	}
	_, err = m.p.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &m.arn, PolicyDocument: &text, SetAsDefault: true})
	m.document = text
	return err
}

// versions lists the ids of the versions that are not the default, oldest first.
func (m *managed) versions(ctx context.Context) ([]string, error) {
	out, err := m.p.iam.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: &m.arn})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out.Versions, func(a, b types.PolicyVersion) int { return aws.ToTime(a.CreateDate).Compare(aws.ToTime(b.CreateDate)) })
	var ids []string
	for _, v := range out.Versions {
		if !v.IsDefaultVersion {
			ids = append(ids, aws.ToString(v.VersionId))
		}
	}
	return ids, nil
}

func (m *managed) Delete(ctx context.Context) error {
	versions, err := m.versions(ctx)
	if err != nil {
		return err
	}
	for _, id := range versions {
		if _, err := m.p.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &m.arn, VersionId: &id}); ignore(err, "NoSuchEntity") != nil {
			return err
		}
	}
	if _, err := m.p.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &m.arn}); err != nil {
		if is(err, "DeleteConflict") {
			return deploy.Kept(fmt.Sprintf("something still has it attached: %s", m.arn))
		}
		return ignore(err, "NoSuchEntity")
	}
	return nil
}

func (m *managed) Member(name string) (any, bool) {
	switch name {
	case "arn":
		return m.arn, m.arn != ""
	case "name":
		return m.name, true
	}
	return nil, false
}
