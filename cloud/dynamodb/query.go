package dynamodb

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strconv"

	"quotewire/cloud/dynamodb/attribute"
	"quotewire/cloud/dynamodb/expression"
)

// queryInput is the input of Query and of Scan, which differ in a few members.
type queryInput struct {
	TableName              string
	IndexName              string
	ConsistentRead         bool
	ExclusiveStartKey      attribute.Item
	FilterExpression       *string
	ProjectionExpression   *string
	Limit                  *int
	Select                 string
	ReturnConsumedCapacity string

	KeyConditionExpression *string // of Query
	ScanIndexForward       *bool

	Segment       *int // of Scan
	TotalSegments *int

	expressions
	legacy
}

// search is a checked Query or Scan.
type search struct {
	table      *table
	index      *index // nil for the table itself
	span       span
	descending bool
	limit      int // of entries looked at; 0 for none
	filter     *expression.Condition
	project    *expression.Projection // nil for whole items
	count      bool
	consistent bool
	mode       string
}

func (s *Service) query(c call) ([]byte, error) {
	var in queryInput
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	return s.search(c, "Query", &in)
}

func (s *Service) scan(c call) ([]byte, error) {
	var in queryInput
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	return s.search(c, "Scan", &in)
}

func (s *Service) search(c call, operation string, in *queryInput) ([]byte, error) {
	// The expressions are read first: the partition that a query asks for is part of what the caller must be allowed.
	p, badParams := in.params(in.KeyConditionExpression, in.FilterExpression, in.ProjectionExpression)
	var terms []expression.KeyTerm
	var badTerms error
	if badParams == nil && in.KeyConditionExpression != nil {
		terms, badTerms = p.KeyCondition(*in.KeyConditionExpression)
	}
	t, err := s.openIndex(c, operation, in, terms)
	if err != nil {
		return nil, err
	}
	if err := in.check(operation); err != nil {
		return nil, err
	}
	if badParams != nil {
		return nil, badParams
	}
	if badTerms != nil {
		return nil, inExpression(badTerms)
	}
	q := &search{table: t, consistent: in.ConsistentRead, mode: in.ReturnConsumedCapacity, count: in.Select == "COUNT"}
	if in.Limit != nil {
		q.limit = *in.Limit
	}
	q.descending = in.ScanIndexForward != nil && !*in.ScanIndexForward
	if q.filter, err = condition(p, "FilterExpression", in.FilterExpression); err != nil {
		return nil, err
	}
	if q.project, err = projection(p, in.ProjectionExpression); err != nil {
		return nil, err
	}
	if err := p.Unused(); err != nil {
		return nil, inExpression(err)
	}
	if err := q.choose(in); err != nil {
		return nil, err
	}
	if operation == "Query" {
		if q.span, err = q.keys().span(terms); err != nil {
			return nil, err
		}
		if err := q.checkFilter(); err != nil {
			return nil, err
		}
	} else if in.TotalSegments != nil {
		q.span = segment(*in.Segment, *in.TotalSegments)
	}
	if err := q.startAt(in.ExclusiveStartKey, operation == "Query"); err != nil {
		return nil, err
	}
	return q.run(), nil
}

// openIndex returns the table, once the caller is allowed the operation on it or on the index that is named.
func (s *Service) openIndex(c call, operation string, in *queryInput, terms []expression.KeyTerm) (*table, error) {
	name, err := s.tableName(in.TableName)
	if err != nil {
		return nil, err
	}
	resource := s.arn + name
	if in.IndexName != "" {
		resource += "/index/" + in.IndexName
	}
	t := s.lookup(name)
	var keys map[string]string
	for _, term := range terms {
		if t != nil && term.Op == "=" && term.Name == t.partitionOf(in.IndexName) {
			keys = leading(term.Values[0])
		}
	}
	if err := s.allow(c.ctx, operation, resource, keys); err != nil {
		return nil, err
	}
	if t == nil {
		return nil, errNotFound
	}
	return t, nil
}

// partitionOf returns the name of the partition key of an index, or of the table.
func (t *table) partitionOf(indexName string) string {
	if x := t.index(indexName); x != nil {
		return x.keys[0].name
	}
	return t.keys[0].name
}

// index returns the index of that name, nil if there is none.
func (t *table) index(name string) *index {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, x := range t.indexes {
		if x.name == name {
			return x
		}
	}
	return nil
}

// check checks what needs no table.
func (in *queryInput) check(operation string) error {
	if err := in.legacy.check(); err != nil {
		return err
	}
	if err := checkConsumed(in.ReturnConsumedCapacity); err != nil {
		return err
	}
	if err := oneOf(in.Select, "select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"); err != nil {
		return err
	}
	if in.Limit != nil && *in.Limit < 1 {
		return constraint("'"+strconv.Itoa(*in.Limit)+"'", "limit", "Member must have value greater than or equal to 1")
	}
	if in.ProjectionExpression != nil && in.Select != "" && in.Select != "SPECIFIC_ATTRIBUTES" {
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
	}
	if in.ProjectionExpression == nil && in.Select == "SPECIFIC_ATTRIBUTES" {
		return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	}
	if operation == "Query" {
		if in.KeyConditionExpression == nil {
			return invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
		}
		return nil
	}
	switch {
	case in.KeyConditionExpression != nil:
		return invalid("KeyConditionExpression is not a parameter of Scan: use Query, or a FilterExpression")
	case in.Segment != nil && in.TotalSegments == nil:
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil && in.TotalSegments != nil:
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case in.Segment == nil:
		return nil
	case *in.TotalSegments < 1:
		return constraint("'"+strconv.Itoa(*in.TotalSegments)+"'", "totalSegments", "Member must have value greater than or equal to 1")
	case *in.TotalSegments > maxSegments:
		return constraint("'"+strconv.Itoa(*in.TotalSegments)+"'", "totalSegments", "Member must have value less than or equal to 1000000")
	case *in.Segment < 0:
		return constraint("'"+strconv.Itoa(*in.Segment)+"'", "segment", "Member must have value greater than or equal to 0")
	case *in.Segment >= *in.TotalSegments:
		return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *in.Segment, *in.TotalSegments)
	}
	return nil
}

// choose finds the index, and checks that it has what is asked of it.
func (q *search) choose(in *queryInput) error {
	if q.project != nil {
		if err := q.table.checkPaths(q.project.Paths()); err != nil {
			return err
		}
	}
	if q.filter != nil {
		if err := q.table.checkPaths(q.filter.Paths()); err != nil {
			return err
		}
	}
	if in.IndexName == "" {
		if in.Select == "ALL_PROJECTED_ATTRIBUTES" {
			return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
		return nil
	}
	x := q.table.index(in.IndexName)
	if x == nil {
		return invalid("The table does not have the specified index: %s", in.IndexName)
	}
	q.index = x
	if x.global && in.ConsistentRead {
		return invalid("Consistent reads are not supported on global secondary indexes")
	}
	if x.project == nil {
		return nil
	}
	// A local index fetches what it lacks from the table; a global one cannot.
	switch {
	case in.Select == "ALL_ATTRIBUTES" && x.global:
		return invalid("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.name)
	case q.project == nil && in.Select != "ALL_ATTRIBUTES":
		q.project = x.project
	case q.project != nil && x.global:
		has := map[string]bool{}
		for _, p := range x.project.Paths() {
			has[p[0].Name] = true
		}
		for _, p := range q.project.Paths() {
			if !has[p[0].Name] {
				return invalid("One or more parameter values were invalid: Global secondary index %s does not project [%s]", x.name, p[0].Name)
			}
		}
	}
	return nil
}

// keys is the key of what is searched.
func (q *search) keys() keySchema {
	if q.index != nil {
		return q.index.keys
	}
	return q.table.keys
}

// checkFilter keeps the key out of a query's filter: it belongs to the key condition.
func (q *search) checkFilter() error {
	if q.filter == nil {
		return nil
	}
	for _, p := range q.filter.Paths() {
		if q.keys().has(p[0].Name) {
			return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", p[0].Name)
		}
	}
	return nil
}

// segment is the part of a parallel scan: partitions whose hashes lie in the i-th of n equal ranges.
func segment(i, n int) span {
	bound := func(i int) string {
		if i == n {
			return ""
		}
		quotient, _ := bits.Div64(uint64(i), 0, uint64(n)) // i/n of 2^64
		return string(binary.BigEndian.AppendUint64(nil, quotient))
	}
	s := span{bound(i), bound(i + 1)}
	return s
}

// startAt moves the range behind the key that the last page ended with.
func (q *search) startAt(start attribute.Item, query bool) error {
	if start == nil {
		return nil
	}
	var attrs keySchema
	attrs = append(attrs, q.table.keys...)
	for _, a := range q.keys() {
		if !q.table.keys.has(a.name) {
			attrs = append(attrs, a)
		}
	}
	if len(start) != len(attrs) {
		return invalid("The provided starting key is invalid")
	}
	for _, a := range attrs {
		if v := start.Get(a.name); v.Kind != a.kind {
			return invalid("The provided starting key is invalid")
		} else if checkKeyValue(a.name, v, true) != nil {
			return invalid("The provided starting key is invalid")
		}
	}
	key := q.table.keys.entryKey(start)
	if q.index != nil {
		key, _ = q.index.keys.indexKey(start, key)
	}
	if key < q.span.low || q.span.high != "" && key >= q.span.high {
		if query {
			return invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
		return invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments may have changed")
	}
	if q.descending {
		q.span.high = key
	} else {
		q.span.low = key + "\x00"
	}
	return nil
}

// run reads one page. The lock of the table is held only while the page's records are collected.
func (q *search) run() []byte {
	records, size, more := q.page()
	a := newAnswer(min(size*3/2, maxPage) + 256)
	found := 0
	if !q.count {
		a.name("Items")
		a = append(a, '[')
	}
	for _, r := range records {
		var it attribute.Item
		if q.filter != nil || q.project != nil && !q.count {
			it = r.item()
		}
		if q.filter != nil && !q.filter.Match(it) {
			continue
		}
		if found++; q.count {
			continue
		}
		if found > 1 {
			a = append(a, ',')
		}
		if q.project != nil {
			a = q.project.Apply(it).AppendJSON(a)
		} else {
			a = append(a, r.json...)
		}
	}
	if !q.count {
		a = append(a, ']')
	}
	a.number("Count", found)
	a.number("ScannedCount", len(records))
	if more {
		last := records[len(records)-1].item()
		key := q.table.keys.of(last)
		for _, e := range q.keys().of(last) {
			key = key.With(e.Name, e.Value)
		}
		a.item("LastEvaluatedKey", key)
	}
	used := capacity{table: q.table}
	if u := readUnits(size, q.consistent); q.index != nil {
		used.addIndex(q.index, u)
	} else {
		used.own = u
	}
	used.report(&a, q.mode)
	return a.end()
}

// page collects the records of one page, which ends at the limit or at 1 MB; more says that it did. A page that ends at
// its limit does not look whether there is anything behind it, and neither does DynamoDB.
func (q *search) page() (records []*record, size int, more bool) {
	q.table.mu.RLock()
	defer q.table.mu.RUnlock()
	entries := &q.table.primary
	if q.index != nil {
		entries = &q.index.entries
	}
	for _, r := range entries.walk(q.span, q.descending) {
		if size += r.size; size > maxPage && len(records) > 0 {
			return records, size - r.size, true
		}
		records = append(records, r)
		if len(records) == q.limit {
			return records, size, true
		}
	}
	return records, size, false
}

// marshal writes what cannot fail to be written.
func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("dynamodb: " + err.Error())
	}
	return text
}
