package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"quotewire/cloud/state"
)

// layer is the versions of one layer. As a function, it is never modified: see [catalog].
type layer struct {
	Name     string
	Versions map[int]*layerVersion
	Last     int // numbers are never used again

	revision uint64 // of the state bucket
}

// layerVersion is a zip that functions get unpacked below /opt.
type layerVersion struct {
	Version                 int
	Description             string
	CreatedDate             string
	CompatibleArchitectures []string `json:",omitempty"`
	CompatibleRuntimes      []string `json:",omitempty"`
	LicenseInfo             string   `json:",omitempty"`
	Code                    storedCode
	Policy                  *policy `json:",omitempty"`
}

var (
	layerForm        = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,140}$`)
	layerVersionForm = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:lambda:([a-z0-9-]+):(\d{12}):layer:([a-zA-Z0-9-_]+):([0-9]+)$`)
)

// layers holds all layers, in memory and in package state.
type layers struct {
	bucket *state.Bucket

	mu     sync.RWMutex // protects byName
	byName map[string]*layer
}

func openLayers(ctx context.Context, store *state.Store) (*layers, error) {
	bucket, err := store.Bucket(ctx, "lambda_layers")
	if err != nil {
		return nil, err
	}
	entries, err := bucket.All(ctx)
	if err != nil {
		return nil, err
	}
	l := &layers{bucket: bucket, byName: map[string]*layer{}}
	for _, e := range entries {
		one, err := decodeLayer(e)
		if err != nil {
			return nil, err
		}
		l.byName[one.Name] = one
	}
	return l, nil
}

func decodeLayer(e state.Entry) (*layer, error) {
	l := &layer{revision: e.Revision}
	if err := json.Unmarshal(e.Value, l); err != nil {
		return nil, fmt.Errorf("the layer %s in the state folder: %w", e.Key, err)
	}
	return l, nil
}

func (l *layers) get(name string) *layer {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.byName[name]
}

// addCodeInUse adds the zips of all versions.
func (l *layers) addCodeInUse(used map[string]bool) {
	for _, one := range l.all() {
		for _, v := range one.Versions {
			used[v.Code.Hash] = true
		}
	}
}

// version finds a version, or returns nil.
func (l *layers) version(name string, number int) *layerVersion {
	if one := l.get(name); one != nil {
		return one.Versions[number]
	}
	return nil
}

func (l *layers) all() []*layer {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.SortedFunc(maps.Values(l.byName), func(a, b *layer) int { return strings.Compare(a.Name, b.Name) })
}

// change writes what edit makes of a layer, which may be new. As in [catalog.change], edit may run more than once.
func (l *layers) change(ctx context.Context, name string, edit func(*layer) error) error {
	for have := l.get(name); ; {
		next := &layer{Name: name, Versions: map[int]*layerVersion{}}
		if have != nil {
			var err error
			if next, err = decodeLayer(state.Entry{Key: name, Value: mustJSON(have), Revision: have.revision}); err != nil {
				return err
			}
		}
		if err := edit(next); err != nil {
			return err
		}
		var err error
		if next.revision == 0 {
			next.revision, err = l.bucket.Create(ctx, name, mustJSON(next))
		} else {
			next.revision, err = l.bucket.Update(ctx, name, mustJSON(next), next.revision)
		}
		if err == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			if now := l.byName[name]; now == nil || now.revision < next.revision {
				l.byName[name] = next
			}
			return nil
		}
		if !errors.Is(err, state.ErrConflict) {
			return err
		}
		entry, err := l.bucket.Get(ctx, name)
		if err != nil {
			return err
		}
		if have, err = decodeLayer(entry); err != nil {
			return err
		}
	}
}

func (s *Service) layerARN(name string, version int) string {
	arn := "arn:aws:lambda:" + s.Region + ":" + s.Account + ":layer:" + name
	if version > 0 {
		arn += ":" + strconv.Itoa(version)
	}
	return arn
}

// layerName reads the name of a layer, which may be its ARN.
func (c *call) layerName(text string) (string, error) {
	name := strings.TrimPrefix(text, c.layerARN("", 0))
	if !layerForm.MatchString(name) {
		return "", errConstraint(text, "layerName",
			`Member must satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+`)
	}
	return name, nil
}

func layerNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, errConstraint(text, "versionNumber", "Member must have value greater than or equal to 1")
	}
	return n, nil
}

// layerUse is a layer as a function's configuration names it.
type layerUse struct {
	Arn      string
	CodeSize int64
}

// use finds the layers that a function asks for by ARNs of their versions. The caller must be allowed to read them.
func (c *call) use(arns []string) (uses []layerUse, codes []storedCode, err error) {
	if len(arns) > maxLayers {
		return nil, nil, errInvalid("Cannot reference more than %d layers.", maxLayers)
	}
	seen := map[string]bool{}
	for _, arn := range arns {
		parts := layerVersionForm.FindStringSubmatch(arn)
		if parts == nil {
			return nil, nil, errConstraint(arns, "layers", "Member must satisfy constraint: [Member must have length less than or equal to 140, Member must satisfy regular expression pattern: arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+]")
		}
		number, err := strconv.Atoi(parts[4])
		if err != nil {
			return nil, nil, errInvalid("Layer version %s does not exist.", arn)
		}
		if parts[1] != c.Region {
			return nil, nil, errInvalid("Layers are not in the same region as the function. Layers are expected to be in region %s.", c.Region)
		}
		if seen[parts[3]] {
			return nil, nil, errInvalid("Two different versions of the same layer are not allowed to be referenced in the same function.")
		}
		seen[parts[3]] = true
		if err := c.authorize("GetLayerVersion", arn); err != nil {
			return nil, nil, err
		}
		if parts[2] != c.Account {
			return nil, nil, failure(http.StatusForbidden, "AccessDeniedException",
				"the layer %s belongs to the account %s, and this cloud is the account %s: publish the layer here as well", arn, parts[2], c.Account)
		}
		v := c.layers.version(parts[3], number)
		if v == nil {
			return nil, nil, errInvalid("Layer version %s does not exist.", arn)
		}
		uses, codes = append(uses, layerUse{arn, v.Code.Size}), append(codes, v.Code)
	}
	return uses, codes, nil
}

// checkUnzipped holds the code of a function and its layers to the size that they may have together.
func checkUnzipped(r *release) error {
	total := r.Unzipped
	for _, l := range r.Layers {
		total += l.Unzipped
	}
	if total > maxUnzipped {
		return errInvalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", maxUnzipped, total)
	}
	return nil
}

// layerView is a version as the API shows it.
type layerView struct {
	Content                 *layerContent `json:",omitempty"`
	LayerArn                string        `json:",omitempty"`
	LayerVersionArn         string
	Version                 int
	Description             string
	CreatedDate             string
	CompatibleArchitectures []string `json:",omitempty"`
	CompatibleRuntimes      []string `json:",omitempty"`
	LicenseInfo             string   `json:",omitempty"`
}

type layerContent struct {
	Location, CodeSha256 string
	CodeSize             int64
}

// listedLayer is a version as lists show it.
func (s *Service) listedLayer(name string, v *layerVersion) layerView {
	return layerView{
		LayerVersionArn: s.layerARN(name, v.Version), Version: v.Version, Description: v.Description, CreatedDate: v.CreatedDate,
		CompatibleArchitectures: v.CompatibleArchitectures, CompatibleRuntimes: v.CompatibleRuntimes, LicenseInfo: v.LicenseInfo,
	}
}

func (s *Service) layerView(name string, v *layerVersion) layerView {
	view := s.listedLayer(name, v)
	view.LayerArn = s.layerARN(name, 0)
	view.Content = &layerContent{s.codeLocation(v.Code.Hash), v.Code.base64(), v.Code.Size}
	return view
}

func errNoLayer() error { return errNotFound("The resource you requested does not exist.") }

func (c *call) publishLayerVersion(labels []string) (any, error) {
	name, err := c.layerName(labels[0])
	if err != nil {
		return nil, err
	}
	if err := c.authorize("PublishLayerVersion", c.layerARN(name, 0)); err != nil {
		return nil, err
	}
	var in struct {
		Description, LicenseInfo                    string
		Content                                     codeSource
		CompatibleArchitectures, CompatibleRuntimes []string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	switch {
	case len(in.Description) > 256:
		return nil, errConstraint(in.Description, "description", "Member must have length less than or equal to 256")
	case len(in.LicenseInfo) > 512:
		return nil, errConstraint(in.LicenseInfo, "licenseInfo", "Member must have length less than or equal to 512")
	case len(in.CompatibleRuntimes) > 15:
		return nil, errConstraint(in.CompatibleRuntimes, "compatibleRuntimes", "Member must have length less than or equal to 15")
	}
	for _, r := range in.CompatibleRuntimes {
		if !slices.Contains(awsRuntimes, r) {
			return nil, errConstraint(in.CompatibleRuntimes, "compatibleRuntimes", "Member must satisfy constraint: [Member must satisfy enum value set: ["+strings.Join(awsRuntimes, ", ")+"]]")
		}
	}
	for _, a := range in.CompatibleArchitectures {
		if a != "x86_64" && a != "arm64" {
			return nil, errConstraint(in.CompatibleArchitectures, "compatibleArchitectures", "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]")
		}
	}
	stored, err := c.fetch(in.Content)
	if err != nil {
		return nil, err
	}
	v := &layerVersion{
		Description: in.Description, LicenseInfo: in.LicenseInfo, CompatibleArchitectures: in.CompatibleArchitectures,
		CompatibleRuntimes: in.CompatibleRuntimes, Code: stored, CreatedDate: time.Now().UTC().Format(lastModifiedFmt),
	}
	if err := c.layers.change(c.ctx, name, func(l *layer) error {
		l.Last++
		v.Version = l.Last
		l.Versions[v.Version] = v
		return nil
	}); err != nil {
		return nil, err
	}
	return c.layerView(name, v), nil
}

// theLayer finds the version that the labels of a path name, for a caller who may do action on it.
func (c *call) theLayer(action string, labels []string) (name string, number int, v *layerVersion, err error) {
	if name, err = c.layerName(labels[0]); err != nil {
		return "", 0, nil, err
	}
	if number, err = layerNumber(labels[1]); err != nil {
		return "", 0, nil, err
	}
	err = c.authorize(action, c.layerARN(name, number))
	return name, number, c.layers.version(name, number), err
}

func (c *call) getLayerVersion(labels []string) (any, error) {
	name, _, v, err := c.theLayer("GetLayerVersion", labels)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, errNoLayer()
	}
	return c.layerView(name, v), nil
}

// listLayers is ListLayers, and GetLayerVersionByArn, which AWS has put on the same path.
func (c *call) listLayers([]string) (any, error) {
	if c.query.Get("find") == "LayerVersion" {
		arn := c.query.Get("Arn")
		parts := layerVersionForm.FindStringSubmatch(arn)
		if parts == nil || parts[1] != c.Region || parts[2] != c.Account {
			return nil, errConstraint(arn, "arn", `Member must satisfy regular expression pattern: arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+`)
		}
		return c.getLayerVersion(parts[3:])
	}
	if err := c.authorize("ListLayers", "*"); err != nil {
		return nil, err
	}
	type item struct {
		LayerName, LayerArn   string
		LatestMatchingVersion layerView
	}
	var list []item
	for _, l := range c.layers.all() {
		if matching := c.matching(l); len(matching) > 0 {
			list = append(list, item{l.Name, c.layerARN(l.Name, 0), c.listedLayer(l.Name, matching[0])})
		}
	}
	part, next, err := page(c.query, list)
	return struct {
		Layers     []item
		NextMarker string `json:",omitempty"`
	}{part, next}, err
}

// matching is the versions that fit the runtime and the architecture in the query, the newest first.
func (c *call) matching(l *layer) []*layerVersion {
	var list []*layerVersion
	for _, number := range slices.Backward(slices.Sorted(maps.Keys(l.Versions))) {
		v := l.Versions[number]
		runtime, architecture := c.query.Get("CompatibleRuntime"), c.query.Get("CompatibleArchitecture")
		if (runtime == "" || slices.Contains(v.CompatibleRuntimes, runtime)) && (architecture == "" || slices.Contains(v.CompatibleArchitectures, architecture)) {
			list = append(list, v)
		}
	}
	return list
}

func (c *call) listLayerVersions(labels []string) (any, error) {
	name, err := c.layerName(labels[0])
	if err != nil {
		return nil, err
	}
	if err := c.authorize("ListLayerVersions", "*"); err != nil {
		return nil, err
	}
	var list []layerView
	if l := c.layers.get(name); l != nil {
		for _, v := range c.matching(l) {
			list = append(list, c.listedLayer(name, v))
		}
	}
	part, next, err := page(c.query, list)
	return struct {
		LayerVersions []layerView
		NextMarker    string `json:",omitempty"`
	}{part, next}, err
}

// deleteLayerVersion succeeds when there is no such version. Functions that use it go on doing so.
func (c *call) deleteLayerVersion(labels []string) (any, error) {
	name, number, v, err := c.theLayer("DeleteLayerVersion", labels)
	if err != nil || v == nil {
		return nil, err
	}
	return nil, c.layers.change(c.ctx, name, func(l *layer) error {
		delete(l.Versions, number)
		return nil
	})
}

var layerPrincipalForm = regexp.MustCompile(`^(\d{12}|\*|arn:aws[a-zA-Z-]*:iam::\d{12}:root)$`)

func (c *call) addLayerPermission(labels []string) (any, error) {
	name, number, v, err := c.theLayer("AddLayerVersionPermission", labels)
	if err != nil {
		return nil, err
	}
	var in struct{ StatementId, Action, Principal, OrganizationId string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	switch {
	case v == nil:
		return nil, errNotFound("Layer version %s does not exist.", c.layerARN(name, number))
	case !sidForm.MatchString(in.StatementId):
		return nil, errConstraint(in.StatementId, "statementId", `Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)`)
	case in.Action != "lambda:GetLayerVersion":
		return nil, errConstraint(in.Action, "action", "Member must satisfy regular expression pattern: lambda:GetLayerVersion")
	case !layerPrincipalForm.MatchString(in.Principal):
		return nil, errConstraint(in.Principal, "principal", `Member must satisfy regular expression pattern: \d{12}|\*|arn:(aws[a-zA-Z-]*):iam::\d{12}:root`)
	case in.OrganizationId != "" && in.Principal != "*":
		return nil, errInvalid("OrganizationId needs the principal *.")
	}
	principal, _ := principalElement(in.Principal)
	s := statement{Sid: in.StatementId, Effect: "Allow", Principal: principal, Action: in.Action, Resource: c.layerARN(name, number)}
	if in.OrganizationId != "" {
		s.Condition = map[string]map[string]string{"StringEquals": {"aws:PrincipalOrgID": in.OrganizationId}}
	}
	var p *policy
	if err := c.layers.change(c.ctx, name, func(l *layer) error {
		v := l.Versions[number]
		if v == nil {
			return errNoLayer()
		}
		if v.Policy == nil {
			v.Policy = &policy{}
		}
		p = v.Policy
		return p.add(s, c.query.Get("RevisionId"))
	}); err != nil {
		return nil, err
	}
	return struct{ Statement, RevisionId string }{string(mustJSON(s)), p.RevisionId}, nil
}

func (c *call) getLayerPolicy(labels []string) (any, error) {
	name, number, v, err := c.theLayer("GetLayerVersionPolicy", labels)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, errNotFound("Layer version %s does not exist.", c.layerARN(name, number))
	}
	if v.Policy == nil || len(v.Policy.Statements) == 0 {
		return nil, errNotFound("No policy is associated with the given resource.")
	}
	return struct{ Policy, RevisionId string }{v.Policy.text(), v.Policy.RevisionId}, nil
}

func (c *call) removeLayerPermission(labels []string) (any, error) {
	name, number, v, err := c.theLayer("RemoveLayerVersionPermission", labels)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, errNotFound("Layer version %s does not exist.", c.layerARN(name, number))
	}
	return nil, c.layers.change(c.ctx, name, func(l *layer) error {
		v := l.Versions[number]
		if v == nil {
			return errNoLayer()
		}
		return v.Policy.remove(labels[2], c.query.Get("RevisionId"))
	})
}
