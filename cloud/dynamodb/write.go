package dynamodb

import (
	"encoding/json"

	"quotewire/cloud/dynamodb/attribute"
	"quotewire/cloud/dynamodb/expression"
)

// writeInput is the input of PutItem, UpdateItem and DeleteItem, and of the elements of a transaction.
type writeInput struct {
	TableName string
	Item      attribute.Item // of PutItem
	Key       attribute.Item // of the others

	UpdateExpression    *string
	ConditionExpression *string
	expressions

	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string
	ReturnItemCollectionMetrics         string
	legacy
}

// plan is a checked write: where it goes, and how the new item follows from the old one.
type plan struct {
	table  *table
	key    string
	decide decision
	update *expression.Update // of an update that has one
	size   int                // of what the request brings
}

// The actions of a write, as IAM names them.
const (
	putItem        = "PutItem"
	updateItem     = "UpdateItem"
	deleteItem     = "DeleteItem"
	conditionCheck = "ConditionCheckItem"
)

// target is the item or the key that the write names.
func (in *writeInput) target(action string) attribute.Item {
	if action == putItem {
		return in.Item
	}
	return in.Key
}

// plan checks a write against its table.
func (in *writeInput) plan(t *table, action string) (*plan, error) {
	target := in.target(action)
	switch {
	case target == nil && action == putItem:
		return nil, missing("item")
	case target == nil:
		return nil, missing("key")
	}
	if err := in.check(action); err != nil {
		return nil, err
	}
	params, err := in.params(in.UpdateExpression, in.ConditionExpression)
	if err != nil {
		return nil, err
	}
	p := &plan{table: t, size: target.Size()}
	if in.UpdateExpression != nil {
		if p.update, err = params.Update(*in.UpdateExpression); err != nil {
			return nil, inExpression(err)
		}
	}
	cond, err := condition(params, "ConditionExpression", in.ConditionExpression)
	if err == nil {
		err = inExpression(params.Unused())
	}
	if err != nil {
		return nil, err
	}
	if action == putItem {
		err = t.checkPut(target)
	} else {
		err = t.keys.checkKey(target)
	}
	if err == nil && p.update != nil {
		err = t.checkUpdate(p.update)
	}
	if err == nil && cond != nil {
		err = t.checkPaths(cond.Paths())
	}
	if err != nil {
		return nil, err
	}
	p.key = t.keys.entryKey(target)
	showOld := in.ReturnValuesOnConditionCheckFailure == "ALL_OLD"
	p.decide = func(old *record) (attribute.Item, error) {
		var it attribute.Item
		if cond != nil || action == updateItem {
			it = old.item()
		}
		if cond != nil && !cond.Match(it) {
			if showOld && old != nil {
				return nil, refused{errCondition, map[string]json.RawMessage{"Item": json.RawMessage(old.json)}}
			}
			return nil, errCondition
		}
		switch action {
		case putItem:
			return in.Item, nil
		case updateItem:
			if old == nil {
				it = target
			}
			return t.updated(it, p.update)
		case conditionCheck:
			return keep, nil
		}
		return nil, nil
	}
	return p, nil
}

// check checks what needs no table.
func (in *writeInput) check(action string) error {
	if err := in.legacy.check(); err != nil {
		return err
	}
	if err := checkConsumed(in.ReturnConsumedCapacity); err != nil {
		return err
	}
	if err := oneOf(in.ReturnItemCollectionMetrics, "returnItemCollectionMetrics", "SIZE", "NONE"); err != nil {
		return err
	}
	if err := oneOf(in.ReturnValuesOnConditionCheckFailure, "returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE"); err != nil {
		return err
	}
	if err := oneOf(in.ReturnValues, "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"); err != nil {
		return err
	}
	switch in.ReturnValues {
	case "", "NONE", "ALL_OLD":
	default:
		if action != updateItem {
			return invalid("Return values set to invalid value")
		}
	}
	return nil
}

// checkPut checks a whole item.
func (t *table) checkPut(it attribute.Item) error {
	if err := t.keys.checkItem(it); err != nil {
		return err
	}
	if it.Size() > maxItemSize {
		return errItemSize
	}
	return t.checkIndexes(it)
}

// checkUpdate keeps an update off the key.
func (t *table) checkUpdate(u *expression.Update) error {
	for _, p := range u.Paths() {
		if t.keys.has(p[0].Name) {
			return invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", p[0].Name)
		}
	}
	return nil
}

// updated applies an update to an item, or to the key alone of one that is new.
func (t *table) updated(it attribute.Item, u *expression.Update) (attribute.Item, error) {
	if u == nil {
		return it, nil
	}
	it, err := u.Apply(it)
	switch {
	case err != nil:
		return nil, inExpression(err)
	case it.Size() > maxItemSize:
		return nil, errUpdateSize
	case nestsTooDeep(it):
		return nil, errNesting
	}
	return it, t.checkIndexes(it)
}

var errNesting = invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")

// nestsTooDeep reports whether an update has put a value so deep into another that the item could not be read again.
func nestsTooDeep(it attribute.Item) bool {
	for i := range it {
		if it[i].Value.Depth() > attribute.MaxNesting {
			return true
		}
	}
	return false
}

func (s *Service) putItem(c call) ([]byte, error)    { return s.writeItem(c, putItem) }
func (s *Service) updateItem(c call) ([]byte, error) { return s.writeItem(c, updateItem) }
func (s *Service) deleteItem(c call) ([]byte, error) { return s.writeItem(c, deleteItem) }

func (s *Service) writeItem(c call, action string) ([]byte, error) {
	var in writeInput
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	t, err := s.open(c.ctx, action, in.TableName, in.target(action))
	if err != nil {
		return nil, err
	}
	p, err := in.plan(t, action)
	if err != nil {
		return nil, err
	}
	ch, err := t.write(c.ctx, p.key, p.decide)
	if err != nil {
		return nil, err
	}
	a := newAnswer(64)
	in.attributes(&a, p, ch)
	if mode := in.ReturnConsumedCapacity; mode != "" && mode != "NONE" {
		used := capacity{table: t}
		used.add(ch)
		used.report(&a, mode)
	}
	if in.ReturnItemCollectionMetrics == "SIZE" {
		t.collection(&a, ch)
	}
	return a.end(), nil
}

// attributes adds what ReturnValues asks for; nothing is added where there is nothing.
func (in *writeInput) attributes(a *answer, p *plan, ch change) {
	r := ch.old
	if in.ReturnValues == "ALL_NEW" || in.ReturnValues == "UPDATED_NEW" {
		r = ch.new
	}
	if r == nil {
		return
	}
	switch in.ReturnValues {
	case "ALL_OLD", "ALL_NEW":
		a.raw("Attributes", r.json)
	case "UPDATED_OLD", "UPDATED_NEW":
		if p.update == nil {
			return
		}
		if part := expression.NewProjection(p.update.Paths()).Apply(r.item()); len(part) > 0 {
			a.item("Attributes", part)
		}
	}
}

// collection adds the ItemCollectionMetrics of a table that has local indexes; others have no collections.
func (t *table) collection(a *answer, ch change) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, x := range t.indexes {
		if x.global {
			continue
		}
		r := ch.new
		if r == nil {
			r = ch.old
		}
		if r != nil {
			key := t.keys[:1].of(r.item())
			a.raw("ItemCollectionMetrics", `{"ItemCollectionKey":`+string(key.AppendJSON(nil))+`,"SizeEstimateRangeGB":[0.0,1.0]}`)
		}
		return
	}
}
