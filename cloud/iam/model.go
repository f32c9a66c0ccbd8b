package iam

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"strings"
	"time"
)

// The records below are kept as JSON. Once they are in a [directory] they are never changed: a change makes a copy,
// so that readers need no lock.

// identity is what roles and users have in common.
type identity struct {
	Name     string            `json:"name"`
	Path     string            `json:"path"`
	ID       string            `json:"id"`
	ARN      string            `json:"arn"`
	Created  time.Time         `json:"created"`
	Boundary string            `json:"boundary,omitempty"` // ARN of the permissions boundary
	Inline   map[string]string `json:"inline,omitempty"`
	Attached []string          `json:"attached,omitempty"` // ARNs of managed policies
	Tags     []tag             `json:"tags,omitempty"`

	inline []grant // Inline, parsed and sorted by name
}

// grant is a parsed policy with what it is called in the log.
type grant struct {
	source string
	doc    *Document
}

type role struct {
	identity
	Description string        `json:"description,omitempty"`
	Trust       string        `json:"trust"`
	MaxSession  time.Duration `json:"maxSession"`

	Trusted map[string]string `json:"trusted,omitempty"` // ARN → unique id of the roles and users that Trust names

	trust *Document
}

type user struct {
	identity
	Keys []accessKey `json:"keys,omitempty"`
}

type accessKey struct {
	ID      string    `json:"id"`
	Secret  string    `json:"secret"`
	Active  bool      `json:"active"`
	Created time.Time `json:"created"`
}

type managedPolicy struct {
	Name        string          `json:"name"`
	Path        string          `json:"path"`
	ID          string          `json:"id"`
	ARN         string          `json:"arn"`
	Description string          `json:"description,omitempty"`
	Created     time.Time       `json:"created"`
	Updated     time.Time       `json:"updated"`
	Versions    []policyVersion `json:"versions"`
	Default     string          `json:"default"`
	Last        int             `json:"last"` // number of the newest version ever: numbers are not used again
	Tags        []tag           `json:"tags,omitempty"`
}

type policyVersion struct {
	ID      string    `json:"id"`
	Text    string    `json:"text"`
	Created time.Time `json:"created"`

	doc *Document
}

func (p *managedPolicy) version(id string) *policyVersion {
	for i := range p.Versions {
		if p.Versions[i].ID == id {
			return &p.Versions[i]
		}
	}
	return nil
}

type tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// awsOwned reports whether an ARN names one of AWS's managed policies, which belong to no account.
func awsOwned(arn string) bool { return strings.HasPrefix(arn, "arn:aws:iam::aws:policy/") }

// Prefixes of unique ids and of access key ids, as AWS publishes them.
const (
	roleIDPrefix   = "AROA"
	userIDPrefix   = "AIDA"
	policyIDPrefix = "ANPA"
	userKeyPrefix  = "AKIA"
	tempKeyPrefix  = "ASIA"
)

// uniqueID returns a new id of 21 characters.
func uniqueID(prefix string) string { return prefix + base32Text(17) }

// accessKeyID returns a new id of 20 characters.
func accessKeyID(prefix string) string { return prefix + base32Text(16) }

func base32Text(n int) string {
	b := make([]byte, (n*5+7)/8)
	rand.Read(b)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:n]
}

// secret returns n random bytes as base64; 30 bytes are the 40 characters of a secret access key.
func secret(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}
