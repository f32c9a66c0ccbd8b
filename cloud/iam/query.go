package iam

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"quotewire/cloud/protocol"
)

// call is one request to the query API.
type call struct {
	*Service
	ctx  context.Context
	form url.Values
	dir  *directory // as it was when the call came in
	keys map[string]string
}

// operation is one action of IAM or STS.
type operation struct {
	// resource is the ARN that the caller must be allowed to do this to; nil if the operation authorizes by itself. It
	// may add condition keys to the call.
	resource func(c *call) string
	run      func(c *call) (result any, err error) // a nil result answers without a Result element
}

const (
	iamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/"
	stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
)

// ServeHTTP answers the query APIs of IAM and STS: a form with an Action, in the body or, as presigned requests do it,
// in the query.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		protocol.WriteError(w, protocol.Query, protocol.Errorf(http.StatusBadRequest, "MalformedInput", "the request is no readable form: %v", err))
		return
	}
	action := r.Form.Get("Action")
	service, namespace, prefix := "IAM", iamNamespace, "iam:"
	op, ok := iamOperations[action]
	if !ok {
		if op, ok = stsOperations[action]; ok {
			service, namespace, prefix = "STS", stsNamespace, "sts:"
		}
	}
	if !ok {
		if strings.HasPrefix(r.Form.Get("Version"), "2011-") {
			service = "STS"
		}
		protocol.WriteError(w, protocol.Query, protocol.UnknownOperation(protocol.Query, service, action))
		return
	}
	c := &call{Service: s, ctx: r.Context(), form: r.Form, dir: s.dir.Load(), keys: map[string]string{}}
	result, err := c.do(op, prefix+action)
	if err != nil {
		if _, ok := err.(*protocol.Error); !ok {
			s.log.ErrorContext(r.Context(), service+" operation failed", "action", action, "err", err)
		}
		protocol.WriteError(w, protocol.Query, err)
		return
	}
	writeResult(w, action, namespace, result)
}

func (c *call) do(op operation, action string) (any, error) {
	if op.resource != nil {
		c.addTagKeys()
		if err := c.Authorize(c.ctx, protocol.Query, action, op.resource(c), c.keys); err != nil {
			return nil, err
		}
	}
	return op.run(c)
}

func writeResult(w http.ResponseWriter, action, namespace string, result any) {
	id := protocol.RequestID()
	w.Header().Set("x-amzn-RequestId", id)
	w.Header().Set("Content-Type", "text/xml")
	io.WriteString(w, `<`+action+`Response xmlns="`+namespace+`">`)
	if result != nil {
		xml.NewEncoder(w).EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}})
	}
	io.WriteString(w, `<ResponseMetadata><RequestId>`+id+`</RequestId></ResponseMetadata></`+action+`Response>`)
}

// members is a list as the query protocol writes it.
type members[T any] struct {
	Member []T `xml:"member"`
}

// paging is what each list answers beside its members.
type paging struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// page sorts all by name and cuts out what Marker and MaxItems ask for. A marker is the last name that was answered, so
// a page is right even if entries came or went in between.
func page[T any](c *call, all []T, name func(T) string) (members[T], paging, error) {
	none := members[T]{}
	limit := defaultPage
	if text := c.form.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPage {
			return none, paging{}, validation("1 validation error detected: Value '%s' at 'maxItems' failed to satisfy constraint: Member must be between 1 and %d", text, maxPage)
		}
		limit = n
	}
	sort.Slice(all, func(i, j int) bool { return name(all[i]) < name(all[j]) })
	if marker := c.form.Get("Marker"); marker != "" {
		after, err := base64.StdEncoding.DecodeString(marker)
		if err != nil {
			return none, paging{}, validation("Invalid Marker: give back the Marker of the page before")
		}
		all = all[sort.Search(len(all), func(i int) bool { return name(all[i]) > string(after) }):]
	}
	if len(all) <= limit {
		return members[T]{all}, paging{}, nil
	}
	all = all[:limit]
	return members[T]{all}, paging{true, base64.StdEncoding.EncodeToString([]byte(name(all[limit-1])))}, nil
}

// text returns a parameter that must be there.
func (c *call) text(name string) (string, error) {
	v := c.form.Get(name)
	if v == "" {
		return "", validation("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", memberName(name))
	}
	return v, nil
}

// name returns a parameter that is the name of something.
func (c *call) name(param string, maxLength int) (string, error) {
	v, err := c.text(param)
	switch {
	case err != nil:
	case len(v) > maxLength:
		err = validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", v, memberName(param), maxLength)
	case !validName(v):
		err = validation(`1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+`, v, memberName(param))
	}
	return v, err
}

// path returns the parameter Path, "/" if it is not there.
func (c *call) path() (string, error) {
	p := c.form.Get("Path")
	if p == "" {
		return "/", nil
	}
	if !validPath(p) {
		return "", validation("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return p, nil
}

// seconds returns a parameter that is a duration within bounds, or the default.
func (c *call) seconds(param string, def, low, high time.Duration) (time.Duration, error) {
	text := c.form.Get(param)
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if d := time.Duration(n) * time.Second; err == nil && d >= low && d <= high {
		return d, nil
	}
	return 0, validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must be between %d and %d",
		text, memberName(param), int(low.Seconds()), int(high.Seconds()))
}

// list returns the values of X.member.1, X.member.2, and so on; each may be a structure's member, as in X.member.1.arn.
func (c *call) list(param, member string) (all []string) {
	for i := 1; ; i++ {
		key := param + ".member." + strconv.Itoa(i) + member
		if !c.form.Has(key) {
			return all
		}
		all = append(all, c.form.Get(key))
	}
}

// tags returns the parameter Tags.
func (c *call) tags() ([]tag, error) {
	keys := c.list("Tags", ".Key")
	all := make([]tag, len(keys))
	seen := map[string]bool{}
	for i, key := range keys {
		if key == "" || len(key) > 128 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, protocol.Errorf(http.StatusBadRequest, "InvalidInput", "Tag key %q is invalid: 1 to 128 characters that do not begin with aws:", key)
		}
		if seen[strings.ToLower(key)] {
			return nil, protocol.Errorf(http.StatusBadRequest, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[strings.ToLower(key)] = true
		all[i] = tag{key, c.form.Get("Tags.member." + strconv.Itoa(i+1) + ".Value")}
	}
	if len(all) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit of %d.", maxTags)
	}
	return all, nil
}

// addTagKeys fills the condition keys about the tags in the request.
func (c *call) addTagKeys() {
	keys := c.list("Tags", ".Key")
	for i, key := range keys {
		c.keys["aws:RequestTag/"+key] = c.form.Get("Tags.member." + strconv.Itoa(i+1) + ".Value")
	}
	if keys = append(keys, c.list("TagKeys", "")...); len(keys) > 0 {
		c.keys["aws:TagKeys"] = strings.Join(keys, listSeparator)
	}
}

// addResourceTags fills the condition keys about the tags of what the request is about.
func (c *call) addResourceTags(tags []tag) {
	for _, t := range tags {
		c.keys["aws:ResourceTag/"+t.Key] = t.Value
		c.keys["iam:ResourceTag/"+t.Key] = t.Value
	}
}

func memberName(param string) string { return strings.ToLower(param[:1]) + param[1:] }

// iso is the form of times in answers.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// encodeDocument percent-encodes a policy as RFC 3986 has it: so every answer carries it.
func encodeDocument(text string) string { return string(appendEscaped(nil, text, false)) }
