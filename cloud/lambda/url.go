package lambda

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// functionURL is the web address of one qualifier of a function.
type functionURL struct {
	ID               string
	AuthType         string
	InvokeMode       string
	Cors             *cors `json:",omitempty"`
	Created, Changed time.Time
}

const (
	authNone       = "NONE"
	authIAM        = "AWS_IAM"
	modeBuffered   = "BUFFERED"
	modeStream     = "RESPONSE_STREAM"
	urlPathPrefix  = "/_aws/lambda-url/" // begins the address of a function on every host, with no help of DNS
	urlIDLength    = 32
	urlIDAlphabet  = "abcdefghijklmnopqrstuvwxyz234567"
	urlTimeForm    = "2006-01-02T15:04:05.000000Z"
	maxCORSEntries = 100
)

// urlSettings are the members that CreateFunctionUrlConfig and UpdateFunctionUrlConfig have in common.
type urlSettings struct {
	AuthType   *string
	InvokeMode *string
	Cors       *cors
}

func (s *urlSettings) check() error {
	if s.AuthType != nil && *s.AuthType != authNone && *s.AuthType != authIAM {
		return errConstraint(*s.AuthType, "authType", "Member must satisfy enum value set: [NONE, AWS_IAM]")
	}
	if s.InvokeMode != nil && *s.InvokeMode != modeBuffered && *s.InvokeMode != modeStream {
		return errConstraint(*s.InvokeMode, "invokeMode", "Member must satisfy enum value set: [BUFFERED, RESPONSE_STREAM]")
	}
	if s.Cors != nil {
		return s.Cors.check()
	}
	return nil
}

// aString is the values of a condition key that may not be there.
func aString(s *string) []string {
	if s == nil {
		return nil
	}
	return []string{*s}
}

func (s *urlSettings) apply(u *functionURL) {
	set(&u.AuthType, s.AuthType)
	set(&u.InvokeMode, s.InvokeMode)
	if s.Cors != nil {
		if u.Cors = s.Cors; u.Cors.empty() {
			u.Cors = nil
		}
	}
	u.Changed = time.Now().UTC()
}

// urlConfig is a function's URL as the API shows it.
type urlConfig struct {
	FunctionUrl      string
	FunctionArn      string
	AuthType         string
	Cors             *cors `json:",omitempty"`
	CreationTime     string
	LastModifiedTime string `json:",omitempty"`
	InvokeMode       string
}

func (s *Service) urlConfig(u *functionURL, t target) urlConfig {
	return urlConfig{
		FunctionUrl: s.Endpoint + urlPathPrefix + u.ID + "/", FunctionArn: s.arn(t), AuthType: u.AuthType, Cors: u.Cors,
		CreationTime: u.Created.Format(urlTimeForm), LastModifiedTime: u.Changed.Format(urlTimeForm), InvokeMode: u.InvokeMode,
	}
}

func newURLID() string {
	id := randomBytes(urlIDLength)
	for i, b := range id {
		id[i] = urlIDAlphabet[int(b)%len(urlIDAlphabet)]
	}
	return string(id)
}

// checkURLQualifier: a function has a URL for itself and for each of its aliases, and none for a version.
func checkURLQualifier(qualifier string) error {
	if qualifier == latest || digitsForm.MatchString(qualifier) {
		return errConstraint(qualifier, "qualifier", `Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)`)
	}
	return nil
}

func errNoURL() error { return errNotFound("The resource you requested does not exist.") }

func (c *call) createFunctionURL(t target) (any, error) {
	var in urlSettings
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	c.know("lambda:FunctionUrlAuthType", aString(in.AuthType)...)
	if err := c.authorize("CreateFunctionUrlConfig", c.arn(t)); err != nil {
		return nil, err
	}
	if in.AuthType == nil {
		return nil, errConstraint("null", "authType", "Member must not be null")
	}
	if err := firstOf(checkURLQualifier(t.qualifier), in.check()); err != nil {
		return nil, err
	}
	u := &functionURL{ID: newURLID(), InvokeMode: modeBuffered, Created: time.Now().UTC()}
	in.apply(u)
	_, err := c.edit(t, func(f *function) error {
		if f.version(t.qualifier) == nil {
			return errNoFunction(c.arn(t))
		}
		if f.URLs[t.qualifier] != nil {
			return errConflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", c.arn(t))
		}
		if f.URLs == nil {
			f.URLs = map[string]*functionURL{}
		}
		f.URLs[t.qualifier] = u
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer := c.urlConfig(u, t)
	answer.LastModifiedTime = ""
	return answer, nil
}

func (c *call) getFunctionURL(t target) (any, error) {
	if err := checkURLQualifier(t.qualifier); err != nil {
		return nil, err
	}
	f := c.catalog.get(t.name)
	if f == nil || f.URLs[t.qualifier] == nil {
		return nil, errNoURL()
	}
	return c.urlConfig(f.URLs[t.qualifier], t), nil
}

func (c *call) updateFunctionURL(t target) (any, error) {
	var in urlSettings
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	c.know("lambda:FunctionUrlAuthType", aString(in.AuthType)...)
	if err := c.authorize("UpdateFunctionUrlConfig", c.arn(t)); err != nil {
		return nil, err
	}
	if err := firstOf(checkURLQualifier(t.qualifier), in.check()); err != nil {
		return nil, err
	}
	f, err := c.edit(t, func(f *function) error {
		if f.URLs[t.qualifier] == nil {
			return errNoURL()
		}
		in.apply(f.URLs[t.qualifier])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.urlConfig(f.URLs[t.qualifier], t), nil
}

func (c *call) deleteFunctionURL(t target) (any, error) {
	if err := checkURLQualifier(t.qualifier); err != nil {
		return nil, err
	}
	_, err := c.edit(t, func(f *function) error {
		if f.URLs[t.qualifier] == nil {
			return errNoURL()
		}
		delete(f.URLs, t.qualifier)
		return nil
	})
	return nil, err
}

func (c *call) listFunctionURLs(t target) (any, error) {
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, errNoFunction(c.arn(t))
	}
	var list []urlConfig
	for _, qualifier := range sortedKeys(f.URLs) {
		list = append(list, c.urlConfig(f.URLs[qualifier], target{f.Name, qualifier}))
	}
	part, next, err := page(c.query, list)
	return struct {
		FunctionUrlConfigs []urlConfig
		NextMarker         string `json:",omitempty"`
	}{part, next}, err
}

// cors says what pages of other origins may do with a function's URL.
type cors struct {
	AllowCredentials bool     `json:",omitempty"`
	AllowHeaders     []string `json:",omitempty"`
	AllowMethods     []string `json:",omitempty"`
	AllowOrigins     []string `json:",omitempty"`
	ExposeHeaders    []string `json:",omitempty"`
	MaxAge           *int     `json:",omitempty"`
}

func (c *cors) empty() bool {
	return !c.AllowCredentials && c.MaxAge == nil && len(c.AllowHeaders)+len(c.AllowMethods)+len(c.AllowOrigins)+len(c.ExposeHeaders) == 0
}

func (c *cors) check() error {
	if c.MaxAge != nil && (*c.MaxAge < 0 || *c.MaxAge > 86400) {
		return errConstraint(*c.MaxAge, "cors.maxAge", "Member must have value less than or equal to 86400")
	}
	if len(c.AllowMethods) > 6 {
		return errConstraint(c.AllowMethods, "cors.allowMethods", "Member must have length less than or equal to 6")
	}
	for _, method := range c.AllowMethods {
		if len(method) > 6 { // which is why OPTIONS cannot be named
			return errConstraint(c.AllowMethods, "cors.allowMethods", "Member must satisfy constraint: [Member must have length less than or equal to 6, Member must have length greater than or equal to 0]")
		}
	}
	for _, list := range [][]string{c.AllowHeaders, c.AllowOrigins, c.ExposeHeaders} {
		if len(list) > maxCORSEntries {
			return errConstraint(list, "cors", "Member must have length less than or equal to 100")
		}
	}
	if c.AllowCredentials && slices.Contains(c.AllowOrigins, "*") {
		return errInvalid("AllowCredentials cannot be true when AllowOrigins contains the wildcard character *. Name the origins.")
	}
	return nil
}

// allowed is what to answer an origin: itself, "*", or "" if it is not allowed.
func (c *cors) allowed(origin string) string {
	if slices.Contains(c.AllowOrigins, "*") {
		return "*"
	}
	if slices.ContainsFunc(c.AllowOrigins, func(o string) bool { return strings.EqualFold(o, origin) }) {
		return origin
	}
	return ""
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// decorate puts the CORS headers of the URL in the place of those that the function gave.
func (c *cors) decorate(h http.Header, r *http.Request) {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			h.Del(name)
		}
	}
	origin := r.Header.Get("Origin")
	allowed := c.allowed(origin)
	if origin == "" || allowed == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", allowed)
	if allowed != "*" {
		h.Add("Vary", "Origin")
	}
	list := func(name string, values []string) {
		if len(values) > 0 {
			h.Set(name, strings.Join(values, ","))
		}
	}
	list("Access-Control-Expose-Headers", c.ExposeHeaders)
	if c.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if isPreflight(r) {
		list("Access-Control-Allow-Methods", c.AllowMethods)
		list("Access-Control-Allow-Headers", c.AllowHeaders)
		if c.MaxAge != nil {
			h.Set("Access-Control-Max-Age", strconv.Itoa(*c.MaxAge))
		}
	}
}
