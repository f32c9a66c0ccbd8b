package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"quotewire/cloud/dynamodb/expression"
	"quotewire/cloud/protocol"
)

// transactWrite is one element of a TransactWriteItems.
type transactWrite struct {
	Put            *writeInput
	Update         *writeInput
	Delete         *writeInput
	ConditionCheck *writeInput
}

// one returns what the element does; false unless it does exactly one thing.
func (w *transactWrite) one() (in *writeInput, action string, ok bool) {
	n := 0
	for _, c := range []struct {
		in     *writeInput
		action string
	}{{w.Put, putItem}, {w.Update, updateItem}, {w.Delete, deleteItem}, {w.ConditionCheck, conditionCheck}} {
		if c.in != nil {
			in, action, n = c.in, c.action, n+1
		}
	}
	return in, action, n == 1
}

func (s *Service) transactWriteItems(c call) ([]byte, error) {
	var in struct {
		TransactItems               []transactWrite
		ClientRequestToken          string
		ReturnConsumedCapacity      string
		ReturnItemCollectionMetrics string
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	if err := checkTransaction(len(in.TransactItems), in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	plans := make([]*plan, len(in.TransactItems))
	size := 0
	for i := range in.TransactItems {
		w, action, ok := in.TransactItems[i].one()
		if !ok {
			return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		t, err := s.open(c.ctx, action, w.TableName, w.target(action))
		if err != nil {
			return nil, err
		}
		if w.ReturnValues != "" && w.ReturnValues != "NONE" {
			return nil, invalid("ReturnValues is not a parameter of a transaction's items: use ReturnValuesOnConditionCheckFailure")
		}
		if action == updateItem && w.UpdateExpression == nil {
			return nil, missing("transactItems.member.update.updateExpression")
		}
		if action == conditionCheck && w.ConditionExpression == nil {
			return nil, missing("transactItems.member.conditionCheck.conditionExpression")
		}
		if plans[i], err = w.plan(t, action); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(plans[:i], func(p *plan) bool { return p.table == t && p.key == plans[i].key }) {
			return nil, errTwoOperations
		}
		if size += plans[i].size; size > maxTransactionSize {
			return nil, invalid("Transaction request size exceeded 4 MB: split it into several transactions")
		}
	}
	finish, done, err := s.tokens.begin(in.ClientRequestToken, c.body)
	if err != nil {
		return nil, err
	}
	var changes []change
	if !done {
		changes, err = s.commit(c.ctx, plans)
		finish(err == nil)
		if err != nil {
			return nil, err
		}
	}
	a := newAnswer(64)
	var used capacities
	for _, ch := range changes {
		used.of(ch.table).add(ch)
	}
	for _, u := range used {
		u.times(2)
	}
	used.report(&a, in.ReturnConsumedCapacity)
	return a.end(), nil
}

func checkTransaction(n int, consumed string) error {
	switch {
	case n == 0:
		return constraint("'[]'", "transactItems", "Member must have length greater than or equal to 1")
	case n > maxTransaction:
		return tooMany(n, maxTransaction, "transactItems")
	}
	return checkConsumed(consumed)
}

// commit makes all changes of a transaction or none.
//
// All stripes of its items are held from the first condition to the last write. Once every condition holds, one record in
// the journal has all the new items; with that record the transaction is decided. The writes to the tables' buckets
// follow, then all tables are locked and the changes installed together, so that no reader of a transaction sees half of
// them; last the record is removed. After a crash [Service.replay] does what a record says again. The stripes stay held
// until the record is gone, so no later write to these items can be undone by that; should the store refuse the writes of
// a decided transaction, they are tried again until it takes them or the process ends.
func (s *Service) commit(ctx context.Context, plans []*plan) ([]change, error) {
	defer lockStripes(plans)()
	changes := make([]change, len(plans))
	reasons := make([]cancellation, len(plans))
	cancelled := false
	for i, p := range plans {
		var err error
		changes[i], err = p.table.prepare(p.key, p.decide)
		if err == nil {
			reasons[i].Code = "None"
			continue
		}
		if reasons[i], err = reasonOf(err); err != nil {
			return nil, err
		}
		cancelled = true
	}
	if cancelled {
		return nil, cancel(reasons)
	}
	var writes []*change
	for i := range changes {
		if !changes[i].kept {
			writes = append(writes, &changes[i])
		}
	}
	if len(writes) == 1 { // one write is atomic by itself
		if err := writes[0].store(ctx); err != nil {
			return nil, err
		}
	} else if len(writes) > 1 {
		if err := s.record(ctx, writes); err != nil {
			return nil, err
		}
	}
	defer lockTables(plans)()
	for _, ch := range writes {
		ch.table.install(ch)
	}
	return changes, nil
}

// lockStripes takes the stripes of all items, in the order of table and number, and returns what releases them.
func lockStripes(plans []*plan) (unlock func()) {
	type stripe struct {
		table  *table
		number int
	}
	var all []stripe
	for _, p := range plans {
		all = append(all, stripe{p.table, stripeOf(p.key)})
	}
	slices.SortFunc(all, func(a, b stripe) int {
		if order := a.table.compare(b.table); order != 0 {
			return order
		}
		return a.number - b.number
	})
	all = slices.Compact(all)
	for _, st := range all {
		st.table.writing[st.number].Lock()
	}
	return func() {
		for _, st := range all {
			st.table.writing[st.number].Unlock()
		}
	}
}

// compare is the order in which the locks of several tables are taken.
func (t *table) compare(other *table) int { return strings.Compare(t.id, other.id) }

// lockTables takes the locks of all tables, in the same order, and returns what releases them.
func lockTables(plans []*plan) (unlock func()) {
	tables := distinctTables(plans)
	for _, t := range tables {
		t.mu.Lock()
	}
	return func() {
		for _, t := range tables {
			t.mu.Unlock()
		}
	}
}

func distinctTables(plans []*plan) []*table {
	var tables []*table
	for _, p := range plans {
		tables = append(tables, p.table)
	}
	slices.SortFunc(tables, (*table).compare)
	return slices.Compact(tables)
}

// cancellation says what one element of a transaction had to do with its end.
type cancellation struct {
	Code    string
	Message string          `json:",omitempty"`
	Item    json.RawMessage `json:",omitempty"`
}

// reasonOf turns the error of one element into a reason; an error that is none of the request's comes back.
func reasonOf(err error) (cancellation, error) {
	var r refused
	var e *protocol.Error
	switch {
	case errors.As(err, &r):
		return cancellation{"ConditionalCheckFailed", r.cause.Message, r.members["Item"]}, nil
	case errors.Is(err, errCondition):
		return cancellation{"ConditionalCheckFailed", errCondition.Message, nil}, nil
	case errors.As(err, &e) && strings.HasSuffix(e.Code, "#ValidationException"):
		return cancellation{"ValidationError", e.Message, nil}, nil
	}
	return cancellation{}, err
}

func cancel(reasons []cancellation) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return refused{
		protocol.Errorf(http.StatusBadRequest, shape+"TransactionCanceledException",
			"Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", ")),
		map[string]json.RawMessage{"CancellationReasons": marshal(reasons)},
	}
}

func (s *Service) transactGetItems(c call) ([]byte, error) {
	var in struct {
		TransactItems          []struct{ Get *getItemInput }
		ReturnConsumedCapacity string
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	if err := checkTransaction(len(in.TransactItems), in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	plans := make([]*plan, len(in.TransactItems))
	projections := make([]*expression.Projection, len(plans))
	for i, e := range in.TransactItems {
		if e.Get == nil {
			return nil, missing("transactItems.member.get")
		}
		t, err := s.open(c.ctx, "GetItem", e.Get.TableName, e.Get.Key)
		if err != nil {
			return nil, err
		}
		if _, projections[i], err = t.find(e.Get); err != nil {
			return nil, err
		}
		plans[i] = &plan{table: t, key: t.keys.entryKey(e.Get.Key)}
		if slices.ContainsFunc(plans[:i], func(p *plan) bool { return p.table == t && p.key == plans[i].key }) {
			return nil, errTwoOperations
		}
	}
	records := snapshot(plans)
	a := newAnswer(1024)
	a.list("Responses", len(records), func(i int) {
		a = append(a, '{')
		if records[i] != nil {
			a.name("Item")
			a = records[i].append(a, projections[i])
		}
		a = append(a, '}')
	})
	var used capacities
	for i, r := range records {
		used.of(plans[i].table).own += 2 * readUnits(r.bytes(), true)
	}
	used.report(&a, in.ReturnConsumedCapacity)
	return a.end(), nil
}

// snapshot reads items of several tables as they are at one moment.
func snapshot(plans []*plan) []*record {
	tables := distinctTables(plans)
	for _, t := range tables {
		t.mu.RLock()
	}
	records := make([]*record, len(plans))
	for i, p := range plans {
		records[i] = p.table.primary.get(p.key)
	}
	for _, t := range tables {
		t.mu.RUnlock()
	}
	return records
}

// tokens remembers the ClientRequestTokens of the last ten minutes: a transaction that is sent again is not done again.
// They are not kept over a restart.
type tokens struct {
	mu   sync.Mutex // protects following
	seen map[string]*token
}

type token struct {
	request [sha256.Size]byte
	done    bool
	began   time.Time
}

// begin says whether the request was done already. If it was not, the caller does it and calls finish.
func (ts *tokens) begin(id string, body []byte) (finish func(ok bool), done bool, err error) {
	if id == "" {
		return func(bool) {}, false, nil
	}
	if len(id) > 36 {
		return nil, false, constraint("'"+id+"'", "clientRequestToken", "Member must have length less than or equal to 36")
	}
	request := sha256.Sum256(body)
	now := time.Now()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.seen == nil {
		ts.seen = map[string]*token{}
	}
	for k, t := range ts.seen {
		if t.done && now.Sub(t.began) > tokenLife {
			delete(ts.seen, k)
		}
	}
	if t := ts.seen[id]; t != nil {
		switch {
		case t.request != request:
			return nil, false, errTokenMismatch
		case !t.done:
			return nil, false, errTokenInFlight
		}
		return nil, true, nil
	}
	t := &token{request: request, began: now}
	ts.seen[id] = t
	return func(ok bool) {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		if t.done = ok; !ok {
			delete(ts.seen, id)
		}
	}, false, nil
}
