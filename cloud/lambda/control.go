package lambda

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

var roleForm = regexp.MustCompile(`^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)

func (c *call) createFunction(target) (any, error) {
	var in struct {
		settings
		FunctionName  string
		Code          codeSource
		PackageType   string
		Publish       bool
		Tags          map[string]string
		Architectures []string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := c.parse(in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	t.qualifier = ""
	if err := c.authorizeSettings("CreateFunction", t, &in.settings, in.Tags); err != nil {
		return nil, err
	}
	switch {
	case in.Role == nil:
		return nil, errConstraint("null", "role", "Member must not be null")
	case in.PackageType != "" && in.PackageType != "Zip" && in.PackageType != "Image":
		return nil, errConstraint(in.PackageType, "packageType", "Member must satisfy enum value set: [Image, Zip]")
	case in.PackageType == "Image", in.Code.ImageUri != "":
		return nil, errInvalid("PackageType: the embedded cloud runs functions of the package type Zip only.")
	case in.Runtime == nil || in.Handler == nil:
		return nil, errInvalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if err := firstOf(in.check(), checkArchitectures(in.Architectures), checkTags(in.Tags)); err != nil {
		return nil, err
	}
	if err := c.passRole(*in.Role); err != nil {
		return nil, err
	}
	config := configuration{
		FunctionName: t.name, FunctionArn: c.arn(t), Version: latest, PackageType: "Zip",
		Architectures: []string{"x86_64"}, EphemeralStorage: storage{512}, MemorySize: 128, Timeout: 3,
		LoggingConfig: loggingConfig{LogFormat: "Text", LogGroup: "/aws/lambda/" + t.name},
		SnapStart:     snapStart{"None", "Off"}, TracingConfig: tracingConfig{"PassThrough"},
		State: statePending, StateReason: reasonCreating, StateReasonCode: codeCreating,
		LastModified: time.Now().UTC().Format(lastModifiedFmt),
	}
	if in.Architectures != nil {
		config.Architectures = in.Architectures
	}
	if err := in.LoggingConfig.checkOver(config.LoggingConfig); err != nil {
		return nil, err
	}
	in.apply(&config)
	config.touch()
	if c.catalog.get(t.name) != nil {
		return nil, errConflict("Function already exist: %s", t.name)
	}
	if err := firstOf(c.checkTracing(config.Role, t.name, in.TracingConfig), c.place(&config, in.VpcConfig)); err != nil {
		return nil, err
	}
	uses, codes, err := c.use(in.Layers)
	if err != nil {
		return nil, err
	}
	stored, err := c.fetch(in.Code)
	if err != nil {
		return nil, err
	}
	config.Layers = uses
	config.CodeSha256, config.CodeSize = stored.base64(), stored.Size
	f := &function{Name: t.name, Tags: in.Tags, Versions: map[string]*release{
		latest: {Config: config, Code: stored.Hash, Unzipped: stored.Unzipped, Layers: codes, ID: protocol.RequestID()},
	}}
	if err := checkUnzipped(f.latest()); err != nil {
		return nil, err
	}
	answer := config
	if in.Publish {
		answer = f.publish(c.arn(t), nil).Config
	}
	if err := c.catalog.create(c.ctx, f); errors.Is(err, state.ErrConflict) {
		return nil, errConflict("Function already exist: %s", t.name)
	} else if err != nil {
		return nil, err
	}
	c.settle(f)
	return answer, nil
}

// authorizeSettings asks for the permission to create or update a function, and to tag it.
func (c *call) authorizeSettings(action string, t target, in *settings, tags map[string]string) error {
	c.know("lambda:Layer", in.Layers...)
	if v := in.VpcConfig; v != nil {
		c.know("lambda:SubnetIds", v.SubnetIds...)
		c.know("lambda:SecurityGroupIds", v.SecurityGroupIds...)
		if vpc, _, err := c.Network.Placement(c.ctx, v.SubnetIds, v.SecurityGroupIds); err == nil && vpc != "" {
			c.know("lambda:VpcIds", vpc)
		}
	}
	c.knowTags(tags)
	if err := c.authorize(action, c.arn(t)); err != nil {
		return err
	}
	if len(tags) > 0 {
		return c.authorize("TagResource", c.arn(t))
	}
	return nil
}

// settle ends what is under way for a function: it makes its code ready and the function active.
func (s *Service) settle(f *function) {
	if c := f.latest().Config; c.State == stateActive && c.LastUpdateStatus == updateDone {
		return
	}
	s.running.Go(func() {
		_, err := s.code.folder(s.ctx, f.latest().Code)
		if err == nil {
			_, err = s.code.layers(s.ctx, f.latest().Layers)
		}
		if err != nil && s.ctx.Err() == nil {
			s.Log.Error("lambda: the code of a function could not be unpacked", "function", f.Name, "error", err)
		}
		_, _, err = s.catalog.change(context.WithoutCancel(s.ctx), f.Name, func(f *function) error {
			for _, r := range f.Versions {
				switch c := &r.Config; {
				case c.State == stateActive && c.LastUpdateStatus == updateDone:
				case err != nil:
					c.State, c.StateReason, c.StateReasonCode = stateFailed, "The code could not be unpacked: see the cloud's log.", "InternalError"
				default:
					c.activate()
				}
			}
			return nil
		})
		if err != nil {
			s.Log.Error("lambda: a function did not become active", "function", f.Name, "error", err)
		}
	})
}

// passRole checks that the caller may hand a role to Lambda, and that Lambda may assume it.
func (c *call) passRole(role string) error {
	keys := map[string]string{"iam:PassedToService": servicePrincipal}
	if err := c.IAM.Authorize(c.ctx, protocol.RESTJSON, "iam:PassRole", role, keys); err != nil {
		return err
	}
	if err := c.IAM.CheckAssumable(c.ctx, role, servicePrincipal); err != nil {
		return errUnassumable()
	}
	return nil
}

// place attaches a configuration to the network, or detaches it when the lists are empty. The role must be allowed to
// manage network interfaces at this moment; later nobody asks.
func (c *call) place(config *configuration, want *vpcConfig) error {
	if want == nil {
		return nil
	}
	if len(want.SubnetIds) == 0 && len(want.SecurityGroupIds) == 0 {
		if config.VpcConfig != nil {
			config.VpcConfig = &vpcConfig{SubnetIds: []string{}, SecurityGroupIds: []string{}}
		}
		return nil
	}
	if len(want.SubnetIds) == 0 || len(want.SecurityGroupIds) == 0 {
		return errInvalid("SubnetIds and SecurityIds must coexist or be both empty list.")
	}
	vpc, dualStack, err := c.Network.Placement(c.ctx, want.SubnetIds, want.SecurityGroupIds)
	var e *protocol.Error
	if errors.As(err, &e) {
		call := "DescribeSubnets"
		if strings.HasPrefix(e.Code, "InvalidGroup") {
			call = "DescribeSecurityGroups"
		}
		return errInvalid("Error occurred while %s. EC2 Error Code: %s. EC2 Error Message: %s", call, e.Code, e.Message)
	}
	if err != nil {
		return err
	}
	if want.Ipv6AllowedForDualStack && !dualStack {
		return errInvalid("Ipv6AllowedForDualStack needs subnets that all have an IPv6 CIDR block.")
	}
	if err := c.checkInterfaces(config.Role, config.FunctionName); err != nil {
		return err
	}
	config.VpcConfig = &vpcConfig{want.SubnetIds, want.SecurityGroupIds, vpc, want.Ipv6AllowedForDualStack}
	return nil
}

// checkInterfaces tells whether a role may manage the network interfaces of a function in a VPC.
func (c *call) checkInterfaces(role, function string) error {
	return c.checkRole(role, function, protocol.EC2Query, "ec2", "EC2", "CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface")
}

// checkTracing tells whether a role may send the traces that a function asks for.
func (c *call) checkTracing(role, function string, want *tracingConfig) error {
	if want == nil || want.Mode != "Active" {
		return nil
	}
	return c.checkRole(role, function, protocol.RESTJSON, "xray", "XRAY", "PutTraceSegments", "PutTelemetryRecords")
}

// checkRole asks IAM in the name of the role.
func (c *call) checkRole(role, function string, p protocol.Protocol, prefix, service string, actions ...string) error {
	credentials, who, err := c.assume(c.ctx, role, function)
	if err != nil {
		return err
	}
	defer c.IAM.Revoke(credentials.AccessKeyID)
	ctx := iam.WithPrincipal(c.ctx, who)
	for _, action := range actions {
		if c.IAM.Authorize(ctx, p, prefix+":"+action, "*", nil) != nil {
			return errInvalid("The provided execution role does not have permissions to call %s on %s", action, service)
		}
	}
	return nil
}

// find returns a function and the version that a qualifier names.
func (c *call) find(t target) (*function, *release, error) {
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, nil, errNoFunction(c.arn(t))
	}
	r := f.version(t.qualifier)
	if r == nil {
		return nil, nil, errNoFunction(c.arn(t))
	}
	return f, r, nil
}

// view is a release's configuration as it is read under a qualifier: an alias shows its own ARN.
func (c *call) view(r *release, t target) configuration {
	config := r.Config
	if t.qualifier != "" {
		config.FunctionArn = c.arn(t)
	}
	return config
}

// edit changes a function that is ready for it.
func (c *call) edit(t target, edit func(*function) error) (*function, error) {
	f, ok, err := c.catalog.change(c.ctx, t.name, edit)
	if err == nil && !ok {
		err = errNoFunction(c.arn(t))
	}
	return f, err
}

// unqualified refuses the qualifier of a version or an alias: only $LATEST changes.
func unqualified(t target) error {
	if t.qualifier != "" && t.qualifier != latest {
		return errInvalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	return nil
}

func checkRevision(given, have string) error {
	if given != "" && given != have {
		return errRevision()
	}
	return nil
}

func (c *call) getFunction(t target) (any, error) {
	f, r, err := c.find(t)
	if err != nil {
		return nil, err
	}
	type concurrency struct{ ReservedConcurrentExecutions int }
	type location struct{ RepositoryType, Location string }
	answer := struct {
		Configuration configuration
		Code          location
		Tags          map[string]string `json:",omitempty"`
		Concurrency   *concurrency      `json:",omitempty"`
	}{c.view(r, t), location{"S3", c.codeLocation(r.Code)}, f.Tags, nil}
	if f.Reserved != nil {
		answer.Concurrency = &concurrency{*f.Reserved}
	}
	return answer, nil
}

func (c *call) getFunctionConfiguration(t target) (any, error) {
	_, r, err := c.find(t)
	if err != nil {
		return nil, err
	}
	return c.view(r, t), nil
}

func (c *call) listFunctions(target) (any, error) {
	var list []configuration
	for _, f := range c.catalog.all() {
		for _, r := range f.versions() {
			if r.Config.Version == latest || c.query.Get("FunctionVersion") == "ALL" {
				list = append(list, listed(r))
			}
		}
	}
	part, next, err := page(c.query, list)
	return struct {
		Functions  []configuration
		NextMarker string `json:",omitempty"`
	}{part, next}, err
}

// listed is an item of a list: those tell neither the state nor the version of the runtime.
func listed(r *release) configuration {
	config := r.Config
	config.State, config.StateReason, config.StateReasonCode = "", "", ""
	config.LastUpdateStatus, config.LastUpdateStatusReason, config.LastUpdateStatusReasonCode = "", "", ""
	config.RuntimeVersionConfig = nil
	return config
}

func (c *call) updateFunctionConfiguration(t target) (any, error) {
	var in struct {
		settings
		RevisionId string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.authorizeSettings("UpdateFunctionConfiguration", t, &in.settings, nil); err != nil {
		return nil, err
	}
	if err := firstOf(unqualified(t), in.check()); err != nil {
		return nil, err
	}
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, errNoFunction(c.arn(t))
	}
	config := f.latest().Config
	if in.Role != nil && *in.Role != config.Role {
		if err := c.passRole(*in.Role); err != nil {
			return nil, err
		}
	}
	uses, codes, err := c.use(in.Layers)
	if err != nil {
		return nil, err
	}
	if err := in.LoggingConfig.checkOver(config.LoggingConfig); err != nil {
		return nil, err
	}
	in.apply(&config) // place looks at the role that the function will have
	if err := firstOf(c.checkTracing(config.Role, t.name, in.TracingConfig), c.place(&config, in.VpcConfig)); err != nil {
		return nil, err
	}
	f, err = c.edit(t, func(f *function) error {
		r := f.latest()
		if err := firstOf(r.Config.ready(true), checkRevision(in.RevisionId, r.Config.RevisionId)); err != nil {
			return err
		}
		in.apply(&r.Config)
		if in.Layers != nil {
			r.Config.Layers, r.Layers = uses, codes
			if err := checkUnzipped(r); err != nil {
				return err
			}
		}
		if in.VpcConfig != nil {
			r.Config.VpcConfig = config.VpcConfig
		}
		r.changed()
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.settle(f)
	c.pool.retire(f.Name)
	return f.latest().Config, nil
}

func (c *call) updateFunctionCode(t target) (any, error) {
	var in struct {
		codeSource
		Architectures []string
		DryRun        bool
		Publish       bool
		RevisionId    string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := unqualified(t); err != nil {
		return nil, err
	}
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, errNoFunction(c.arn(t))
	}
	if in.ImageUri != "" {
		return nil, errMissing(c.operation, "ImageUri")
	}
	if err := firstOf(f.latest().Config.ready(true), checkArchitectures(in.Architectures)); err != nil {
		return nil, err
	}
	stored, err := c.fetch(in.codeSource)
	if err != nil {
		return nil, err
	}
	// New environments start on the new code from now on: have it unpacked before anyone waits for it.
	if _, err := c.Service.code.folder(c.ctx, stored.Hash); err != nil {
		return nil, err
	}
	edit := func(f *function) error {
		r := f.latest()
		if err := firstOf(r.Config.ready(true), checkRevision(in.RevisionId, r.Config.RevisionId)); err != nil {
			return err
		}
		r.Code, r.Unzipped, r.Config.CodeSha256, r.Config.CodeSize = stored.Hash, stored.Unzipped, stored.base64(), stored.Size
		if in.Architectures != nil {
			r.Config.Architectures = in.Architectures
		}
		r.changed()
		return checkUnzipped(r)
	}
	if in.DryRun {
		dry, err := decodeFunction(state.Entry{Key: f.Name, Value: mustJSON(f)})
		if err == nil {
			err = edit(dry)
		}
		if err != nil {
			return nil, err
		}
		return dry.latest().Config, nil
	}
	var answer configuration
	f, err = c.edit(t, func(f *function) error {
		if err := edit(f); err != nil {
			return err
		}
		answer = f.latest().Config
		if in.Publish {
			answer = f.publish(c.arn(target{name: t.name}), nil).Config
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.settle(f)
	c.pool.retire(f.Name)
	return answer, nil
}

func (c *call) deleteFunction(t target) (any, error) {
	switch {
	case t.qualifier == latest:
		return nil, errInvalid("$LATEST version cannot be deleted without deleting the function.")
	case t.qualifier != "" && !digitsForm.MatchString(t.qualifier):
		return nil, errInvalid("Deletion of aliases is not currently supported.")
	case t.qualifier != "":
		_, err := c.edit(t, func(f *function) error {
			if f.Versions[t.qualifier] == nil {
				return errNoFunction(c.arn(t))
			}
			for name, a := range f.Aliases {
				if a.uses(t.qualifier) {
					return errConflict("Version %s is referenced by the alias %s. Change or delete the alias first.", t.qualifier, name)
				}
			}
			delete(f.Versions, t.qualifier)
			delete(f.Policies, t.qualifier)
			delete(f.Async, t.qualifier)
			return nil
		})
		c.pool.retire(t.name)
		return nil, err
	}
	if c.catalog.get(t.name) == nil {
		return nil, errNoFunction(c.arn(t))
	}
	if err := c.catalog.remove(c.ctx, t.name); err != nil {
		return nil, err
	}
	c.pool.retire(t.name)
	return nil, nil
}

func checkArchitectures(list []string) error {
	if list != nil && (len(list) != 1 || list[0] != "x86_64" && list[0] != "arm64") {
		return errConstraint(list, "architectures", "Member must be one of [x86_64, arm64]")
	}
	return nil
}

// firstOf is the first of some errors.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *call) getAccountSettings(target) (any, error) {
	var size int64
	all := c.catalog.all()
	for _, f := range all {
		for _, r := range f.Versions {
			size += r.Config.CodeSize
		}
	}
	return map[string]any{
		"AccountLimit": map[string]any{
			"TotalCodeSize": 80530636800, "CodeSizeUnzipped": maxUnzipped, "CodeSizeZipped": maxZip,
			"ConcurrentExecutions": c.Concurrency, "UnreservedConcurrentExecutions": c.catalog.unreserved(c.Concurrency, ""),
		},
		"AccountUsage": map[string]any{"TotalCodeSize": size, "FunctionCount": len(all)},
	}, nil
}
