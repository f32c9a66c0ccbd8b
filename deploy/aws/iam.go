package aws

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
	"quotewire/dply/token"
)

func init() {
	register(entry{Type: roleType, ensure: ensureRole, find: findRole})
	register(entry{Type: withRoleReader})
}

var roleType = &schema.Type{
	Name: "aws.IAM.Role", Ensure: true, Find: true, Self: "arn",
	Doc: "A role. Inline policies are stored as NAME-0, NAME-1 and so on; those of that pattern that the script no longer has are removed.",
	Properties: []schema.Property{
		{Name: "Assume", Kinds: policies, Required: true, Doc: "Who may assume the role: a policy without resources."},
		{Name: "Inline", Kinds: []schema.Kind{schema.Policy, schema.List}, Items: policies, Doc: "What the role may do: a policy or a list of them."},
	},
	Members: []schema.Member{arnMember("role"), nameMember("role")},
}

var withRoleReader = &schema.Type{
	Name: "aws.IAM.WithRole",
	Doc:  "A role described where it is used: who may assume it, its inline policies, and the names of managed policies. Functions that name the same role share it, with the permissions of all of them.",
}

type (
	policyTypes   = types.Policy
	roleTypes     = types.RoleDetail
	documentTypes = types.ManagedPolicyDetail
)

func roleKey(name string) deploy.Key { return deploy.Key{Type: "aws.IAM.Role", Name: name} }

// role is a role with its trust policy, its inline policies NAME-0, NAME-1, … and the managed policies attached to it.
// What the script no longer has of these is removed; inline policies with other names are not the deployer's.
type role struct {
	p       *Provider
	graph   *deploy.Graph
	name    string
	assume  *check.Policy
	inline  []*check.Policy
	managed []check.String
	pos     token.Position // of the first block, for a second one that contradicts it

	arn        string // "" as long as it does not exist
	trust      string
	policies   map[string]string // inline, by name
	attached   map[string]string // name to ARN
	attachable map[string]string // of the managed ones wanted: name to ARN
	changed    bool              // made or changed in this run: AWS takes a while to believe in it
}

func ensureRole(p *Provider, g *deploy.Graph, s *check.Statement) error {
	_, err := ensured(g, s, roleKey(s.Name), func() deploy.Resource {
		p.counted(roleType.Name, s.Name)
		r := &role{p: p, graph: g, name: s.Name, assume: policyOf(s.Prop("Assume")), pos: s.Pos}
		switch inline := s.Prop("Inline").(type) {
		case nil:
		case check.List:
			for _, item := range inline.Items {
				r.inline = append(r.inline, policyOf(item))
			}
		default:
			r.inline = append(r.inline, policyOf(inline))
		}
		return r
	})
	return err
}

func findRole(p *Provider, g *deploy.Graph, s *check.Statement) error {
	p.counted(roleType.Name, s.Name)
	return found(g, s, roleKey(s.Name), &role{p: p, graph: g, name: s.Name})
}

// policyOf returns the document that a value stands for: its own, or that of a policy statement.
func policyOf(v check.Value) *check.Policy {
	switch v := v.(type) {
	case *check.Policy:
		return v
	case check.Reference:
		return v.Statement.Policy
	}
	return nil
}

// withRole adds the role of a WithRole block. Blocks of one name make one role: their inline policies and attachments
// add up, and each block's trust policy must be the same.
func withRole(p *Provider, g *deploy.Graph, s *check.Statement, block *check.Role) (*deploy.Node, error) {
	n := g.Lookup(roleKey(block.Name))
	if n == nil {
		p.counted(roleType.Name, block.Name)
		r := &role{p: p, graph: g, name: block.Name, assume: block.Assume, pos: block.Pos}
		n = g.Add(s, roleKey(block.Name), r)
	}
	r, ok := n.Resource.(*role)
	if !ok {
		return nil, fmt.Errorf("%s is no role", n.Resource)
	}
	if !deploy.Same(r.assume, block.Assume) {
		return nil, problem(block.Pos, "E44", fmt.Sprintf("The first is at %s. Make them alike, or give the roles different names.", r.pos),
			"role %s is given two different trust policies", block.Name)
	}
	for _, policy := range block.Inline {
		r.addInline(policy)
	}
	for _, name := range block.Managed {
		if !slices.ContainsFunc(r.managed, func(s check.String) bool { return s.Text == name.Text }) {
			r.managed = append(r.managed, name)
			n.Mentions(policyKey(name.Text))
		}
	}
	n.Preserve = n.Preserve || s.Teardown == check.Preserve
	g.Uses(n, block)
	return n, nil
}

// addInline appends a policy unless an equal one is there. An empty block keeps its number.
func (r *role) addInline(policy *check.Policy) {
	for _, other := range r.inline {
		if policy != nil && deploy.Same(policy, other) {
			return
		}
	}
	r.inline = append(r.inline, policy)
}

func (r *role) String() string { return "role " + r.name }
func (r *role) Exists() bool   { return r.arn != "" }

// listRoles lists all roles with everything that is compared of them.
func (p *Provider) listRoles() pages[types.RoleDetail] {
	list := p.listDetails(types.EntityTypeRole)
	return func(ctx context.Context, add func(string, types.RoleDetail)) (bool, error) {
		page, err := list.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, r := range page.RoleDetailList {
			add(aws.ToString(r.RoleName), r)
		}
		return list.HasMorePages(), nil
	}
}

// listDetails lists one kind of things of the account, of which IAM tells everything in one call.
func (p *Provider) listDetails(kind types.EntityType) *iam.GetAccountAuthorizationDetailsPaginator {
	return iam.NewGetAccountAuthorizationDetailsPaginator(p.iam, &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{kind}, MaxItems: aws.Int32(1000)})
}

func (r *role) Read(ctx context.Context) error {
	if err := r.findManaged(ctx); err != nil {
		return err
	}
	have, told := r.p.roles.get(ctx, r.p.many(roleType.Name), r.name, r.p.listRoles)
	switch {
	case !told:
		return r.look(ctx)
	case have == nil:
		return nil
	}
	r.arn, r.trust = aws.ToString(have.Arn), aws.ToString(have.AssumeRolePolicyDocument)
	r.policies, r.attached = map[string]string{}, map[string]string{}
	for _, p := range have.RolePolicyList {
		r.policies[aws.ToString(p.PolicyName)] = aws.ToString(p.PolicyDocument)
	}
	for _, a := range have.AttachedManagedPolicies {
		r.attached[aws.ToString(a.PolicyName)] = aws.ToString(a.PolicyArn)
	}
	return nil
}

// Reread asks for the role by its name.
func (r *role) Reread(ctx context.Context) error { return r.look(ctx) }

func (r *role) look(ctx context.Context) error {
	out, err := r.p.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &r.name})
	if is(err, "NoSuchEntity") {
		return nil
	}
	if err != nil {
		return err
	}
	r.arn, r.trust = aws.ToString(out.Role.Arn), aws.ToString(out.Role.AssumeRolePolicyDocument)
	r.policies, r.attached = map[string]string{}, map[string]string{}
	names := iam.NewListRolePoliciesPaginator(r.p.iam, &iam.ListRolePoliciesInput{RoleName: &r.name})
	for names.HasMorePages() {
		page, err := names.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, name := range page.PolicyNames {
			policy, err := r.p.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &r.name, PolicyName: &name})
			if err != nil {
				return err
			}
			r.policies[name] = aws.ToString(policy.PolicyDocument)
		}
	}
	attached := iam.NewListAttachedRolePoliciesPaginator(r.p.iam, &iam.ListAttachedRolePoliciesInput{RoleName: &r.name})
	for attached.HasMorePages() {
		page, err := attached.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, a := range page.AttachedPolicies {
			r.attached[aws.ToString(a.PolicyName)] = aws.ToString(a.PolicyArn)
		}
	}
	return nil
}

// findManaged looks up the managed policies that the script names. In a teardown run their absence is no matter.
func (r *role) findManaged(ctx context.Context) error {
	r.attachable = map[string]string{}
	var missing token.List
	for _, name := range r.managed {
		if n := r.graph.Lookup(policyKey(name.Text)); n != nil {
			continue // its node says
		}
		found, err := r.p.managedPolicy(ctx, name.Text)
		if err != nil {
			return err
		}
		if found == nil {
			missing = append(missing, token.Diagnostic{Pos: name.Pos, Code: "E51",
				Message: fmt.Sprintf("no managed policy named %q", name.Text),
				Hint:    "Give the name of a policy of AWS or of this account, not its ARN."})
			continue
		}
		r.attachable[name.Text] = aws.ToString(found.Arn)
	}
	if r.graph.Options.Mode != deploy.Deploy {
		return nil
	}
	return missing.Err()
}

// wanted returns the inline policies by name, and the names whose text is not known yet.
func (r *role) wanted() (policies map[string]string, unknown []string) {
	policies = map[string]string{}
	for i, policy := range r.inline {
		if policy == nil || len(policy.Statements) == 0 {
			continue
		}
		name := fmt.Sprintf("%s-%d", r.name, i)
		text, known := policyText(r.graph, policy, name, grants)
		if !known {
			unknown = append(unknown, name)
		}
		policies[name] = text
	}
	return policies, unknown
}

// attachments returns the ARNs to attach by name. An ARN that is not known yet is empty.
func (r *role) attachments() map[string]string {
	arns := maps.Clone(r.attachable)
	for _, name := range r.managed {
		if n := r.graph.Lookup(policyKey(name.Text)); n != nil {
			arn, _ := n.Resource.Member("arn")
			arns[name.Text], _ = arn.(string)
		}
	}
	return arns
}

// roleDiff is what has to be done to a role that exists.
type roleDiff struct {
	trust  string   // the new trust policy, or ""
	put    []string // inline policies, by name
	remove []string
	attach []string
	detach []string
}

func (r *role) diff() roleDiff {
	var d roleDiff
	if want, known := policyText(r.graph, r.assume, "", trust); !known || !samePolicy(want, r.trust) {
		d.trust = want
	}
	policies, unknown := r.wanted()
	for name, text := range policies {
		if have, ok := r.policies[name]; !ok || slices.Contains(unknown, name) || !samePolicy(have, text) {
			d.put = append(d.put, name)
		}
	}
	ours := regexp.MustCompile("^" + regexp.QuoteMeta(r.name) + `-\d+$`)
	for name := range r.policies {
		if _, ok := policies[name]; !ok && ours.MatchString(name) {
			d.remove = append(d.remove, name)
		}
	}
	wanted := r.attachments()
	for name, arn := range wanted {
		if have, ok := r.attached[name]; !ok || have != arn {
			d.attach = append(d.attach, name)
		}
	}
	for name := range r.attached {
		if _, ok := wanted[name]; !ok {
			d.detach = append(d.detach, name)
		}
	}
	for _, list := range [][]string{d.put, d.remove, d.attach, d.detach} {
		slices.Sort(list)
	}
	return d
}

func (r *role) Plan() (deploy.Step, error) {
	if r.arn == "" {
		return deploy.Step{Action: deploy.Create, Changes: r.grants()}, nil
	}
	d := r.diff()
	var changes []deploy.Change
	note := func(format string, names ...string) {
		for _, name := range names {
			changes = append(changes, deploy.Change{Property: fmt.Sprintf(format, name)})
		}
	}
	if d.trust != "" {
		changes = append(changes, permissions("trust policy", r.trust, d.trust))
	}
	wanted, _ := r.wanted()
	for _, name := range d.put {
		changes = append(changes, permissions("policy "+name, r.policies[name], wanted[name]))
	}
	for _, name := range d.remove {
		changes = append(changes, permissions("policy "+name+" removed", r.policies[name], ""))
	}
	note("policy %s attached", d.attach...)
	note("policy %s detached", d.detach...)
	return updateIf(changes), nil
}

// grants is what a new role may do, as far as it is known.
func (r *role) grants() []deploy.Change {
	text, _ := policyText(r.graph, r.assume, "", trust)
	changes := []deploy.Change{permissions("trust policy", "", text)}
	wanted, _ := r.wanted()
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		changes = append(changes, permissions("policy "+name, "", wanted[name]))
	}
	for _, name := range r.managed {
		changes = append(changes, deploy.Change{Property: "policy " + name.Text + " attached"})
	}
	return changes
}

// updateIf is an update for the reasons given, or nothing without any.
func updateIf(changes []deploy.Change) deploy.Step {
	if len(changes) == 0 {
		return deploy.Step{}
	}
	return deploy.Step{Action: deploy.Update, Changes: changes}
}

func (r *role) Apply(ctx context.Context) error {
	r.changed = true
	if r.arn == "" {
		text, _ := policyText(r.graph, r.assume, "", trust)
		out, err := r.p.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &r.name, AssumeRolePolicyDocument: &text})
		if err != nil {
			return err
		}
		r.arn, r.trust = aws.ToString(out.Role.Arn), text
	}
	d := r.diff()
	if d.trust != "" {
		if _, err := r.p.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &r.name, PolicyDocument: &d.trust}); err != nil {
			return err
		}
	}
	policies, _ := r.wanted()
	for _, name := range d.put {
		if _, err := r.p.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &r.name, PolicyName: &name, PolicyDocument: aws.String(policies[name])}); err != nil {
			return err
		}
	}
	arns := r.attachments()
	for _, name := range d.attach {
		if _, err := r.p.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &r.name, PolicyArn: aws.String(arns[name])}); err != nil {
			return err
		}
	}
	return r.drop(ctx, d.remove, d.detach)
}

// drop removes inline policies and attachments.
func (r *role) drop(ctx context.Context, inline, attached []string) error {
	for _, name := range inline {
		_, err := r.p.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &r.name, PolicyName: &name})
		if err := ignore(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	for _, name := range attached {
		_, err := r.p.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &r.name, PolicyArn: aws.String(r.attached[name])})
		if err := ignore(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	return nil
}

// Delete removes the role with all its policies, unless a function still uses it: one of another target, or one that
// somebody else made.
func (r *role) Delete(ctx context.Context) error {
	pages := lambda.NewListFunctionsPaginator(r.p.lambda, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, f := range page.Functions {
			if aws.ToString(f.Role) == r.arn {
				return deploy.Kept(fmt.Sprintf("function %s still uses it", aws.ToString(f.FunctionName)))
			}
		}
	}
	if err := r.drop(ctx, slices.Sorted(maps.Keys(r.policies)), slices.Sorted(maps.Keys(r.attached))); err != nil {
		return err
	}
	_, err := r.p.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &r.name})
	return ignore(err, "NoSuchEntity")
}

func (r *role) Member(name string) (any, bool) {
	switch name {
	case "arn":
		return r.arn, r.arn != ""
	case "name":
		return r.name, true
	}
	return nil, false
}
