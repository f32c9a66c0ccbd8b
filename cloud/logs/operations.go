package logs

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"quotewire/cloud/protocol"
)

// input has the members of all operations; each uses its own.
type input struct {
	LogGroupName        string       `json:"logGroupName"`
	LogGroupIdentifier  string       `json:"logGroupIdentifier"`
	LogGroupNamePrefix  string       `json:"logGroupNamePrefix"`
	LogGroupNamePattern string       `json:"logGroupNamePattern"`
	LogStreamName       string       `json:"logStreamName"`
	LogStreamNamePrefix string       `json:"logStreamNamePrefix"`
	LogStreamNames      []string     `json:"logStreamNames"`
	LogEvents           []inputEvent `json:"logEvents"`
	StartTime           *int64       `json:"startTime"`
	EndTime             *int64       `json:"endTime"`
	StartFromHead       bool         `json:"startFromHead"`
	FilterPattern       string       `json:"filterPattern"`
	Limit               int          `json:"limit"`
	NextToken           string       `json:"nextToken"`
	OrderBy             string       `json:"orderBy"`
	Descending          bool         `json:"descending"`
	RetentionInDays     int          `json:"retentionInDays"`
	Tags                inputTags    `json:"tags"`
	TagKeys             []string     `json:"tagKeys"`
	ResourceARN         string       `json:"resourceArn"`
}

type inputEvent struct {
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// inputTags are tags to set, or, where a call removes some, their keys.
type inputTags struct {
	set  map[string]string
	keys []string
}

func (t *inputTags) UnmarshalJSON(text []byte) error {
	if strings.HasPrefix(string(text), "[") {
		return json.Unmarshal(text, &t.keys)
	}
	return json.Unmarshal(text, &t.set)
}

type object map[string]any

var operations = map[string]func(*Service, *http.Request, input) (any, error){
	"CreateLogGroup":        (*Service).createLogGroup,
	"DeleteLogGroup":        (*Service).deleteLogGroup,
	"DescribeLogGroups":     (*Service).describeLogGroups,
	"CreateLogStream":       (*Service).createLogStream,
	"DeleteLogStream":       (*Service).deleteLogStream,
	"DescribeLogStreams":    (*Service).describeLogStreams,
	"PutLogEvents":          (*Service).putLogEvents,
	"GetLogEvents":          (*Service).getLogEvents,
	"FilterLogEvents":       (*Service).filterLogEvents,
	"PutRetentionPolicy":    (*Service).putRetentionPolicy,
	"DeleteRetentionPolicy": (*Service).deleteRetentionPolicy,
	"ListTagsForResource":   (*Service).listTags,
	"ListTagsLogGroup":      (*Service).listTags,
	"TagResource":           (*Service).tag,
	"TagLogGroup":           (*Service).tag,
	"UntagResource":         (*Service).untag,
	"UntagLogGroup":         (*Service).untag,
}

// ServeHTTP answers one request. Who signed it is in the request's context.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "Logs_20140328.")
	operation := operations[name]
	if operation == nil {
		protocol.WriteError(w, protocol.JSON11, protocol.UnknownOperation(protocol.JSON11, "logs", name))
		return
	}
	var in input
	body, err := protocol.ReadBody(r, maxRequest)
	if err == nil {
		if json.Unmarshal(body, &in) != nil {
			err = protocol.Errorf(http.StatusBadRequest, "SerializationException", "the request is not the JSON of %s", name)
		}
	}
	if in.LogGroupName == "" {
		in.LogGroupName = groupOf(cmp.Or(in.LogGroupIdentifier, in.ResourceARN))
	}
	if err == nil {
		err = s.allow(r.Context(), name, cmp.Or(in.LogGroupName, in.LogGroupNamePrefix), in.LogStreamName)
	}
	var answer any
	if err == nil {
		answer, err = operation(s, r, in)
	}
	if err != nil {
		if _, ok := err.(*protocol.Error); !ok {
			s.config.Log.Error("logs: "+name, "err", err)
		}
		protocol.WriteError(w, protocol.JSON11, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("x-amzn-RequestId", protocol.RequestID())
	if answer != nil {
		json.NewEncoder(w).Encode(answer)
	}
}

// groupOf is the name in a group's ARN, or the name itself.
func groupOf(identifier string) string {
	if parts := strings.SplitN(identifier, ":", 7); len(parts) == 7 && parts[0] == "arn" {
		return strings.TrimSuffix(parts[6], ":*")
	}
	return identifier
}

func wrong(code, format string, args ...any) error {
	return protocol.Errorf(http.StatusBadRequest, code, format, args...)
}

var (
	errNoGroup  = protocol.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "The specified log group does not exist.")
	errNoStream = protocol.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "The specified log stream does not exist.")
	groupNames  = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)
	streamNames = regexp.MustCompile(`^[^:*]{1,512}$`)
)

func (s *Service) createLogGroup(r *http.Request, in input) (any, error) {
	if !groupNames.MatchString(in.LogGroupName) {
		return nil, wrong("InvalidParameterException", "1 validation error detected: Value '%s' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+", in.LogGroupName)
	}
	s.mu.Lock()
	_, exists := s.byName[in.LogGroupName]
	s.mu.Unlock()
	if exists {
		return nil, wrong("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	if err := checkTags(in.Tags.set); err != nil {
		return nil, err
	}
	return nil, s.ensure(r.Context(), in.LogGroupName, "", in.Tags.set)
}

func (s *Service) deleteLogGroup(r *http.Request, in input) (any, error) {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	_, exists := s.byName[in.LogGroupName]
	s.mu.Unlock()
	if !exists {
		return nil, errNoGroup
	}
	if err := s.groups.Delete(r.Context(), in.LogGroupName); err != nil {
		return nil, err
	}
	s.mu.Lock()
	for number := range s.byName[in.LogGroupName].blocks {
		s.dead = append(s.dead, number)
	}
	delete(s.byName, in.LogGroupName)
	s.mu.Unlock()
	return nil, nil
}

func (s *Service) describeLogGroups(_ *http.Request, in input) (any, error) {
	if in.LogGroupNamePrefix != "" && in.LogGroupNamePattern != "" {
		return nil, wrong("InvalidParameterException", "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.byName))
	for name := range s.byName {
		if strings.HasPrefix(name, in.LogGroupNamePrefix) && strings.Contains(name, in.LogGroupNamePattern) && name > in.NextToken {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	answer := object{}
	if limit := bounded(in.Limit, 50); len(names) > limit {
		names = names[:limit]
		answer["nextToken"] = names[limit-1]
	}
	groups := make([]object, 0, len(names))
	for _, name := range names {
		g := s.byName[name]
		arn := "arn:aws:logs:" + s.config.Region + ":" + s.config.Account + ":log-group:" + name
		o := object{"logGroupName": name, "arn": arn + ":*", "logGroupArn": arn, "creationTime": g.Created,
			"metricFilterCount": 0, "storedBytes": g.bytes, "logGroupClass": "STANDARD"}
		if g.Retention > 0 {
			o["retentionInDays"] = g.Retention
		}
		groups = append(groups, o)
	}
	answer["logGroups"] = groups
	return answer, nil
}

func (s *Service) createLogStream(r *http.Request, in input) (any, error) {
	if !streamNames.MatchString(in.LogStreamName) {
		return nil, wrong("InvalidParameterException", "1 validation error detected: Value '%s' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*", in.LogStreamName)
	}
	s.mu.Lock()
	g := s.byName[in.LogGroupName]
	exists := g != nil && g.Streams[in.LogStreamName] != nil
	s.mu.Unlock()
	switch {
	case g == nil:
		return nil, errNoGroup
	case exists:
		return nil, wrong("ResourceAlreadyExistsException", "The specified log stream already exists")
	}
	return nil, s.ensure(r.Context(), in.LogGroupName, in.LogStreamName, nil)
}

func (s *Service) deleteLogStream(r *http.Request, in input) (any, error) {
	err := s.change(r, in.LogGroupName, func(g *group) error {
		if g.Streams[in.LogStreamName] == nil {
			return errNoStream
		}
		s.removeStream(g, in.LogStreamName)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return nil, s.flush() // the store must not give the events back to a stream of the same name
}

func (s *Service) putRetentionPolicy(r *http.Request, in input) (any, error) {
	days := []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
	if !slices.Contains(days, in.RetentionInDays) {
		return nil, wrong("InvalidParameterException", "1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: %v", in.RetentionInDays, days)
	}
	return nil, s.change(r, in.LogGroupName, func(g *group) error { g.Retention = in.RetentionInDays; return nil })
}

func (s *Service) deleteRetentionPolicy(r *http.Request, in input) (any, error) {
	return nil, s.change(r, in.LogGroupName, func(g *group) error { g.Retention = 0; return nil })
}

// change changes a group and writes it.
func (s *Service) change(r *http.Request, name string, f func(*group) error) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	g := s.byName[name]
	if g == nil {
		s.mu.Unlock()
		return errNoGroup
	}
	err := f(g)
	var text []byte
	if err == nil {
		text, err = g.record()
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.save(r.Context(), name, text)
}

func (s *Service) describeLogStreams(_ *http.Request, in input) (any, error) {
	if in.OrderBy == "LastEventTime" && in.LogStreamNamePrefix != "" {
		return nil, wrong("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.byName[in.LogGroupName]
	if g == nil {
		return nil, errNoGroup
	}
	type row struct {
		name        string
		first, last int64
		ingested    int64
	}
	rows := map[string]*row{}
	for name := range g.Streams {
		if strings.HasPrefix(name, in.LogStreamNamePrefix) {
			rows[name] = &row{name: name}
		}
	}
	for _, e := range g.events {
		if r := rows[e.Stream]; r != nil {
			if r.first == 0 {
				r.first = e.Time
			}
			r.last, r.ingested = e.Time, e.Ingested
		}
	}
	list := make([]*row, 0, len(rows))
	for _, r := range rows {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *row) int {
		order := cmp.Compare(a.name, b.name)
		if in.OrderBy == "LastEventTime" {
			order = cmp.Or(cmp.Compare(a.last, b.last), order)
		}
		if in.Descending {
			order = -order
		}
		return order
	})
	start, _ := strconv.Atoi(in.NextToken)
	list = list[min(max(start, 0), len(list)):]
	answer := object{}
	if limit := bounded(in.Limit, 50); len(list) > limit {
		list = list[:limit]
		answer["nextToken"] = strconv.Itoa(start + limit)
	}
	streams := make([]object, 0, len(list))
	for _, r := range list {
		o := object{"logStreamName": r.name, "creationTime": g.Streams[r.name].Created, "storedBytes": 0, "uploadSequenceToken": "0",
			"arn": "arn:aws:logs:" + s.config.Region + ":" + s.config.Account + ":log-group:" + g.Name + ":log-stream:" + r.name}
		if r.first != 0 {
			o["firstEventTimestamp"], o["lastEventTimestamp"], o["lastIngestionTime"] = r.first, r.last, r.ingested
		}
		streams = append(streams, o)
	}
	answer["logStreams"] = streams
	return answer, nil
}

func bounded(limit, most int) int {
	if limit <= 0 || limit > most {
		return most
	}
	return limit
}
