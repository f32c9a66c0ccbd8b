package lambda

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"quotewire/cloud/protocol"
)

// function is a function with everything that belongs to it. See [catalog] for why it is never modified.
type function struct {
	Name          string
	Versions      map[string]*release           // "$LATEST" and the published ones
	LastVersion   int                           // the number of the last published version; numbers are never used again
	Aliases       map[string]*alias             `json:",omitempty"`
	Policies      map[string]*policy            `json:",omitempty"` // by qualifier, "" for the function itself
	URLs          map[string]*functionURL       `json:",omitempty"` // by qualifier, "" for the function itself
	Tags          map[string]string             `json:",omitempty"`
	Reserved      *int                          `json:",omitempty"` // concurrent executions
	Async         map[string]*eventInvokeConfig `json:",omitempty"` // by qualifier
	RecursiveLoop string                        `json:",omitempty"`

	revision uint64 // of the state bucket
}

// release is what execution environments are made of: one version of a function, as it was configured at one time.
type release struct {
	Config     configuration
	Code       string // SHA-256 of the zip, in hex
	Unzipped   int64
	Management *runtimeManagement `json:",omitempty"`
	Layers     []storedCode       `json:",omitempty"` // in the order in which they lie over each other, the lowest first
	ID         string             // new with each change of code or configuration, so that environments of two states are never mixed
}

// configuration is AWS's FunctionConfiguration, spelled as on the wire.
type configuration struct {
	Architectures              []string
	CodeSha256                 string // base64
	CodeSize                   int64
	Description                string
	Environment                *variables `json:",omitempty"`
	EphemeralStorage           storage
	FunctionArn                string
	FunctionName               string
	Handler                    string
	KMSKeyArn                  string `json:",omitempty"`
	LastModified               string
	LastUpdateStatus           string     `json:",omitempty"`
	LastUpdateStatusReason     string     `json:",omitempty"`
	LastUpdateStatusReasonCode string     `json:",omitempty"`
	Layers                     []layerUse `json:",omitempty"`
	LoggingConfig              loggingConfig
	MemorySize                 int
	PackageType                string
	RevisionId                 string
	Role                       string
	Runtime                    string
	RuntimeVersionConfig       *runtimeVersion `json:",omitempty"`
	SnapStart                  snapStart
	State                      string `json:",omitempty"`
	StateReason                string `json:",omitempty"`
	StateReasonCode            string `json:",omitempty"`
	Timeout                    int
	TracingConfig              tracingConfig
	Version                    string
	VpcConfig                  *vpcConfig `json:",omitempty"`
}

type (
	variables      struct{ Variables map[string]string }
	storage        struct{ Size int }
	runtimeVersion struct{ RuntimeVersionArn string }
	tracingConfig  struct{ Mode string }
	snapStart      struct {
		ApplyOn            string
		OptimizationStatus string
	}
	vpcConfig struct {
		SubnetIds               []string
		SecurityGroupIds        []string
		VpcId                   string
		Ipv6AllowedForDualStack bool
	}
)

const (
	statePending    = "Pending"
	stateActive     = "Active"
	stateFailed     = "Failed"
	updateRunning   = "InProgress"
	updateDone      = "Successful"
	reasonCreating  = "The function is being created."
	codeCreating    = "Creating"
	lastModifiedFmt = "2006-01-02T15:04:05.000-0700"
)

func (f *function) latest() *release { return f.Versions[latest] }

// version finds what a qualifier names: a version, or the one that an alias picks for this invocation by its weights.
func (f *function) version(qualifier string) *release {
	if qualifier == "" {
		return f.latest()
	}
	if a := f.Aliases[qualifier]; a != nil {
		return f.Versions[a.pick(rand.Float64())]
	}
	return f.Versions[qualifier]
}

// changed gives $LATEST a new identity after an edit. An update is announced as running; settle ends it.
func (r *release) changed() {
	r.ID = protocol.RequestID()
	r.Config.touch()
	r.Config.LastModified = time.Now().UTC().Format(lastModifiedFmt)
	r.Config.LastUpdateStatus = updateRunning
	r.Config.LastUpdateStatusReason = reasonCreating
	r.Config.LastUpdateStatusReasonCode = codeCreating
}

// touch gives the configuration a new revision id.
func (c *configuration) touch() { c.RevisionId = newRevision() }

func newRevision() string { return protocol.RequestID() }

func (c *configuration) activate() {
	c.State, c.StateReason, c.StateReasonCode = stateActive, "", ""
	c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = updateDone, "", ""
	c.touch()
}

// ready tells why the function cannot be changed or invoked now, if it cannot.
func (c *configuration) ready(update bool) error {
	if c.State != stateActive {
		return errConflict("The operation cannot be performed at this time. The function is currently in the following state: %s", c.State)
	}
	if update && c.LastUpdateStatus == updateRunning {
		return errConflict("The operation cannot be performed at this time. An update is in progress for resource: %s", c.FunctionArn)
	}
	return nil
}

// versions returns the releases in the order of lists: $LATEST, then by number.
func (f *function) versions() []*release {
	all := make([]*release, 0, len(f.Versions))
	for _, r := range f.Versions {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *release) int {
		na, _ := strconv.Atoi(a.Config.Version) // $LATEST is 0
		nb, _ := strconv.Atoi(b.Config.Version)
		return cmp.Compare(na, nb)
	})
	return all
}

// settings are the members that CreateFunction and UpdateFunctionConfiguration have in common. A nil one was not given.
type settings struct {
	Description      *string
	Environment      *variables
	EphemeralStorage *storage
	Handler          *string
	KMSKeyArn        *string
	Layers           []string // of versions; an empty list takes all away
	LoggingConfig    *loggingConfig
	MemorySize       *int
	Role             *string
	Runtime          *string
	SnapStart        *snapStart
	Timeout          *int
	TracingConfig    *tracingConfig
	VpcConfig        *vpcConfig
}

// runtimes are those whose functions bring their own bootstrap, which this cloud can start.
var runtimes = []string{"provided.al2023", "provided.al2"}

// awsRuntimes are all that AWS knows today.
var awsRuntimes = []string{
	"nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x", "java8.al2", "java11", "java17", "java21", "java25",
	"python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "dotnet6", "dotnet8", "dotnet10",
	"ruby3.2", "ruby3.3", "ruby3.4", "provided.al2", "provided.al2023",
}

// check tells what is wrong with the settings by themselves.
func (s *settings) check() error {
	if s.Role != nil && !roleForm.MatchString(*s.Role) {
		return errConstraint(*s.Role, "role", "Member must satisfy regular expression pattern: "+strings.Trim(roleForm.String(), "^$"))
	}
	if s.Runtime != nil && !slices.Contains(awsRuntimes, *s.Runtime) {
		return errInvalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN",
			*s.Runtime, strings.Join(awsRuntimes, ", "))
	}
	if s.Runtime != nil && !slices.Contains(runtimes, *s.Runtime) {
		return errInvalid("Runtime: the embedded cloud does not have %s. It runs provided.al2023 and provided.al2: put an executable named bootstrap into the zip, a Go program or a script that starts the interpreter.", *s.Runtime)
	}
	if s.Handler != nil && (len(*s.Handler) > 128 || strings.ContainsAny(*s.Handler, " \t\n")) {
		return errConstraint(*s.Handler, "handler", `Member must satisfy regular expression pattern: [^\s]+`)
	}
	if s.Description != nil && len(*s.Description) > 256 {
		return errConstraint(*s.Description, "description", "Member must have length less than or equal to 256")
	}
	for _, n := range []struct {
		value    *int
		name     string
		min, max int
	}{{s.Timeout, "timeout", 1, maxTimeout}, {s.MemorySize, "memorySize", minMemory, maxMemory}} {
		if n.value != nil && *n.value < n.min {
			return errConstraint(*n.value, n.name, fmt.Sprintf("Member must have value greater than or equal to %d", n.min))
		}
		if n.value != nil && *n.value > n.max {
			return errConstraint(*n.value, n.name, fmt.Sprintf("Member must have value less than or equal to %d", n.max))
		}
	}
	if e := s.EphemeralStorage; e != nil && (e.Size < 512 || e.Size > 10240) {
		return errConstraint(e.Size, "ephemeralStorage.size", "Member must have value between 512 and 10240")
	}
	if t := s.TracingConfig; t != nil && t.Mode != "PassThrough" && t.Mode != "Active" {
		return errConstraint(t.Mode, "tracingConfig.mode", "Member must satisfy enum value set: [Active, PassThrough]")
	}
	if p := s.SnapStart; p != nil && p.ApplyOn != "None" && p.ApplyOn != "" {
		return errInvalid("%s is not supported for SnapStart enabled functions.", strings.Join(runtimes, ", "))
	}
	if l := s.LoggingConfig; l != nil {
		if err := l.check(); err != nil {
			return err
		}
	}
	if s.Environment != nil {
		return checkVariables(s.Environment.Variables)
	}
	return nil
}

// apply writes the settings that were given over c.
func (s *settings) apply(c *configuration) {
	set(&c.Description, s.Description)
	set(&c.EphemeralStorage, s.EphemeralStorage)
	set(&c.Handler, s.Handler)
	set(&c.MemorySize, s.MemorySize)
	set(&c.Role, s.Role)
	set(&c.Timeout, s.Timeout)
	set(&c.TracingConfig, s.TracingConfig)
	if s.Runtime != nil {
		c.Runtime = *s.Runtime
		c.RuntimeVersionConfig = &runtimeVersion{runtimeVersionARN(c.FunctionArn, c.Runtime)}
	}
	if s.Environment != nil {
		c.Environment = s.Environment
		if len(s.Environment.Variables) == 0 {
			c.Environment = nil
		}
	}
	if s.LoggingConfig != nil {
		s.LoggingConfig.apply(&c.LoggingConfig)
	}
	set(&c.KMSKeyArn, s.KMSKeyArn)
}

func set[T any](member *T, value *T) {
	if value != nil {
		*member = *value
	}
}

// runtimeVersionARN names the version of a runtime by a hash, as AWS does. There is one version of each.
func runtimeVersionARN(functionARN, runtime string) string {
	sum := sha256.Sum256([]byte(runtime))
	region := strings.Split(functionARN, ":")[3]
	return "arn:aws:lambda:" + region + "::runtime:" + hex.EncodeToString(sum[:])
}
