package lambda

import (
	"reflect"
	"regexp"
	"strconv"
)

// publish freezes $LATEST under the next number and returns it. When nothing has changed since the last version that
// was published, that one is returned instead.
func (f *function) publish(functionARN string, description *string) *release {
	next := *f.latest()
	if description != nil {
		next.Config.Description = *description
	}
	if last := f.Versions[strconv.Itoa(f.LastVersion)]; last != nil && last.sameAs(&next) {
		return last
	}
	f.LastVersion++
	next.Config.Version = strconv.Itoa(f.LastVersion)
	next.Config.FunctionArn = functionARN + ":" + next.Config.Version
	next.Config.touch()
	f.Versions[next.Config.Version] = &next
	return &next
}

// sameAs compares code and configuration, without what differs between any two releases.
func (r *release) sameAs(other *release) bool {
	a, b := r.Config, other.Config
	for _, c := range []*configuration{&a, &b} {
		c.Version, c.FunctionArn, c.RevisionId, c.LastModified = "", "", "", ""
		c.State, c.StateReason, c.StateReasonCode = "", "", ""
		c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = "", "", ""
	}
	return r.Code == other.Code && reflect.DeepEqual(a, b)
}

func (c *call) publishVersion(t target) (any, error) {
	var in struct {
		CodeSha256  string
		Description *string
		RevisionId  string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	var published *release
	_, err := c.edit(t, func(f *function) error {
		config := f.latest().Config
		if err := config.ready(true); err != nil {
			return err
		}
		if err := checkRevision(in.RevisionId, config.RevisionId); err != nil {
			return err
		}
		if in.CodeSha256 != "" && in.CodeSha256 != config.CodeSha256 {
			return errInvalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.",
				in.CodeSha256, config.CodeSha256)
		}
		published = f.publish(c.arn(target{name: t.name}), in.Description)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return published.Config, nil
}

func (c *call) listVersions(t target) (any, error) {
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, errNoFunction(c.arn(t))
	}
	var list []configuration
	for _, r := range f.versions() {
		config := listed(r)
		if config.Version == latest {
			config.FunctionArn += ":" + latest
		}
		list = append(list, config)
	}
	part, next, err := page(c.query, list)
	return struct {
		Versions   []configuration
		NextMarker string `json:",omitempty"`
	}{part, next}, err
}

// alias is a name for a version, or for two between which invocations are divided.
type alias struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string
	RoutingConfig   *routing `json:",omitempty"`
	RevisionId      string
}

type routing struct{ AdditionalVersionWeights map[string]float64 }

// pick chooses the version of one invocation; roll is a random number in [0, 1).
func (a *alias) pick(roll float64) string {
	if a.RoutingConfig != nil {
		for version, weight := range a.RoutingConfig.AdditionalVersionWeights { // there is one at most
			if roll < weight {
				return version
			}
		}
	}
	return a.FunctionVersion
}

func (a *alias) uses(version string) bool {
	if a.RoutingConfig != nil {
		if _, ok := a.RoutingConfig.AdditionalVersionWeights[version]; ok {
			return true
		}
	}
	return a.FunctionVersion == version
}

// check tells whether an alias of f may be as it is.
func (a *alias) check(f *function, functionARN string) error {
	if f.Versions[a.FunctionVersion] == nil {
		return errNoFunction(functionARN + ":" + a.FunctionVersion)
	}
	if a.RoutingConfig == nil {
		return nil
	}
	if len(a.RoutingConfig.AdditionalVersionWeights) > 1 {
		return errInvalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for version, weight := range a.RoutingConfig.AdditionalVersionWeights {
		switch {
		case version == latest || a.FunctionVersion == latest:
			return errInvalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case version == a.FunctionVersion:
			return errInvalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		case weight < 0 || weight > 1:
			return errConstraint(weight, "routingConfig.additionalVersionWeights", "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0]")
		case f.Versions[version] == nil:
			return errNoFunction(functionARN + ":" + version)
		}
	}
	if len(a.RoutingConfig.AdditionalVersionWeights) == 0 {
		a.RoutingConfig = nil
	}
	return nil
}

var aliasForm = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`)

func (c *call) createAlias(t target) (any, error) {
	var in struct {
		Name, FunctionVersion, Description string
		RoutingConfig                      *routing
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !aliasForm.MatchString(in.Name) || digitsForm.MatchString(in.Name) {
		return nil, errConstraint(in.Name, "name", `Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)`)
	}
	t.qualifier = ""
	a := &alias{c.arn(target{t.name, in.Name}), in.Name, in.FunctionVersion, in.Description, in.RoutingConfig, newRevision()}
	_, err := c.edit(t, func(f *function) error {
		if f.Aliases[in.Name] != nil {
			return errConflict("Alias already exists: %s", a.AliasArn)
		}
		if err := a.check(f, c.arn(t)); err != nil {
			return err
		}
		if f.Aliases == nil {
			f.Aliases = map[string]*alias{}
		}
		f.Aliases[in.Name] = a
		return nil
	})
	return a, err
}

func (c *call) getAlias(t target) (any, error) {
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, errNoFunction(c.arn(target{name: t.name}))
	}
	if a := f.Aliases[c.label]; a != nil {
		return a, nil
	}
	return nil, errNotFound("Cannot find alias arn: %s", c.arn(target{t.name, c.label}))
}

func (c *call) listAliases(t target) (any, error) {
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, errNoFunction(c.arn(target{name: t.name}))
	}
	version := c.query.Get("FunctionVersion")
	var list []*alias
	for _, name := range sortedKeys(f.Aliases) {
		if a := f.Aliases[name]; version == "" || a.FunctionVersion == version {
			list = append(list, a)
		}
	}
	part, next, err := page(c.query, list)
	return struct {
		Aliases    []*alias
		NextMarker string `json:",omitempty"`
	}{part, next}, err
}

func (c *call) updateAlias(t target) (any, error) {
	var in struct {
		FunctionVersion, Description *string
		RoutingConfig                *routing
		RevisionId                   string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t.qualifier = ""
	var a *alias
	f, err := c.edit(t, func(f *function) error {
		if a = f.Aliases[c.label]; a == nil {
			return errNotFound("Alias not found: %s", c.arn(target{t.name, c.label}))
		}
		if err := checkRevision(in.RevisionId, a.RevisionId); err != nil {
			return err
		}
		set(&a.FunctionVersion, in.FunctionVersion)
		set(&a.Description, in.Description)
		if in.RoutingConfig != nil {
			a.RoutingConfig = in.RoutingConfig
		}
		a.RevisionId = newRevision()
		return a.check(f, c.arn(t))
	})
	if err != nil {
		return nil, err
	}
	return f.Aliases[c.label], nil
}

// deleteAlias succeeds when there is no such alias.
func (c *call) deleteAlias(t target) (any, error) {
	_, err := c.edit(t, func(f *function) error {
		delete(f.Aliases, c.label)
		delete(f.Policies, c.label)
		delete(f.URLs, c.label)
		delete(f.Async, c.label)
		return nil
	})
	return nil, err
}
