package expression

import (
	"encoding/json"
	"strings"
	"testing"

	"quotewire/cloud/dynamodb/attribute"
)

// names and values are what the expressions of the tables may use.
var names = map[string]string{"#n": "name", "#s": "status", "#d": "a.b", "#l": "list"}

var values = map[string]string{
	":s": `{"S":"abc"}`, ":a": `{"S":"a"}`, ":z": `{"S":"z"}`, ":n": `{"N":"5"}`, ":one": `{"N":"1"}`, ":ten": `{"N":"10.0"}`, ":b": `{"B":"YQ=="}`,
	":t": `{"BOOL":true}`, ":null": `{"NULL":true}`, ":l": `{"L":[{"N":"1"}]}`, ":m": `{"M":{"x":{"N":"1"}}}`, ":ss": `{"SS":["a","b"]}`,
	":ns": `{"NS":["1"]}`, ":S": `{"S":"S"}`, ":N": `{"S":"N"}`, ":bad": `{"S":"X"}`, ":e": `{"L":[]}`, ":ssa": `{"SS":["a"]}`,
}

const itemText = `{"a":{"S":"abc"},"n":{"N":"5"},"b":{"B":"YWI="},"t":{"BOOL":true},"nothing":{"NULL":true},
	"l":{"L":[{"N":"1"},{"S":"two"},{"L":[{"N":"3"}]}]},"m":{"M":{"x":{"N":"1"},"y":{"M":{"z":{"S":"deep"}}}}},
	"ss":{"SS":["a","b","c"]},"ns":{"NS":["1","2"]},"name":{"S":"n"},"a.b":{"S":"dot"},"u":{"S":"äö"}}`

func params(t testing.TB) *Params {
	raw := map[string]json.RawMessage{}
	for k, v := range values {
		raw[k] = json.RawMessage(v)
	}
	p, err := NewParams(names, raw)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parse(t testing.TB, text string) attribute.Item {
	it, err := attribute.ParseItem(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return it
}

var conditions = []struct {
	text string
	want bool
}{
	{"a = :s", true}, {"a <> :s", false}, {"a = :n", false}, {"a <> :n", true}, {"absent = :s", false}, {"absent <> :s", true},
	{"absent = absent2", false}, {"a > :a", true}, {"a < :z", true}, {"a >= :s", true}, {"a <= :s", true}, {"a < :n", false}, {"a > :n", false},
	{"n > :one", true}, {"n < :ten", true}, {"n = :n", true}, {"n >= :ten", false}, {":n = n", true}, {":one < n", true}, {"absent < :n", false},
	{"n BETWEEN :one AND :ten", true}, {"n between :one and :n", true}, {"a BETWEEN :a AND :z AND n = :n", true}, {"NOT n BETWEEN :one AND :ten", false},
	{"n IN (:one, :n)", true}, {"n IN (:one)", false}, {"a IN (:s, :n)", true}, {"absent IN (:s)", false},
	{"attribute_exists(a)", true}, {"attribute_exists(absent)", false}, {"attribute_not_exists(absent)", true}, {"attribute_not_exists(m.x)", false},
	{"attribute_exists(m.y.z)", true}, {"attribute_exists(l[2][0])", true}, {"attribute_exists(l[3])", false}, {"attribute_exists(a.b)", false}, {"attribute_exists(#d)", true},
	{"attribute_type(a, :S)", true}, {"attribute_type(a, :N)", false}, {"attribute_type(absent, :S)", false},
	{"begins_with(a, :a)", true}, {"begins_with(a, :z)", false}, {"begins_with(b, :b)", true}, {"begins_with(n, :a)", false},
	{"contains(a, :a)", true}, {"contains(ss, :a)", true}, {"contains(ss, :z)", false}, {"contains(ns, :one)", true}, {"contains(l, :one)", true}, {"contains(a, :n)", false}, {"contains(absent, :a)", false},
	{"size(a) < :n", true}, {"size(l) < :n", true}, {"size(m) > :one", true}, {"size(u) > :one", true}, {"size(n) > :one", false}, {"size(absent) <> :n", false}, {":n > size(ss)", true},
	{"l = :l", false}, {"l[0] = :one", true}, {"m.x = :one", true}, {"ss = :ss", false}, {"t = :t", true}, {"nothing = :null", true},
	{"a = :z OR n = :n AND t = :t", true}, {"(a = :z OR n = :n) AND t = :null", false}, {"NOT a = :z AND NOT (n = :one)", true}, {"NOT NOT a = :s", true},
	{"NOT a = :s OR n = :n", true}, {"(a) = (:s)", true}, {"(a = :s)", true}, {"#n = :s OR #n <> :s", true}, {"  a=:s\n\tand\rn=:n ", true},
}

func TestConditionsHold(t *testing.T) {
	it := parse(t, itemText)
	for _, c := range conditions {
		cond, err := params(t).Condition("ConditionExpression", c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := cond.Match(it); got != c.want {
			t.Errorf("%s is %v, want %v", c.text, got, c.want)
		}
	}
}

func TestAConditionOnNothing(t *testing.T) {
	for text, want := range map[string]bool{"attribute_not_exists(a)": true, "a = :s": false, "a <> :s": true, "NOT a = :s": true} {
		cond, err := params(t).Condition("ConditionExpression", text)
		if err != nil || cond.Match(nil) != want {
			t.Errorf("%s of no item is %v, %v; want %v", text, !want, err, want)
		}
	}
}

var badConditions = []struct{ text, want string }{
	{"", "The expression can not be empty;"},
	{"a", `Syntax error; token: "<EOF>", near: "a"`},
	{"a =", `Syntax error; token: "<EOF>", near: "="`},
	{"a = :s :n", `Syntax error; token: ":n", near: ":s :n"`},
	{"a = = :s", `Syntax error; token: "=", near: "= = :s"`},
	{"user-id = :s", `Syntax error; token: "-", near: "user-id"`},
	{"a = 5", `Syntax error; token: "5", near: "= 5"`},
	{"a = :s AND", `Syntax error; token: "<EOF>", near: "AND"`},
	{"(a = :s", `Syntax error; token: "<EOF>", near: ":s"`},
	{"a = :s)", `Syntax error; token: ")", near: ":s)"`},
	{"a BETWEEN :one", `Syntax error; token: "<EOF>", near: ":one"`},
	{"a = (b = :s)", `Syntax error; token: "<EOF>", near: ")"`},
	{"((a = :s))", "The expression has redundant parentheses;"},
	{"name = :s", "Attribute name is a reserved keyword; reserved keyword: name"},
	{"a.Status = :s", "Attribute name is a reserved keyword; reserved keyword: Status"},
	{"#x = :s", "An expression attribute name used in the document path is not defined; attribute name: #x"},
	{"a = :x", "An expression attribute value used in expression is not defined; attribute value: :x"},
	{"foo(a)", "Invalid function name; function: foo"},
	{"if_not_exists(a, :s) = :s", "The function is not allowed in a condition expression; function: if_not_exists"},
	{"size(a)", "The function is not allowed to be used this way in an expression; function: size"},
	{"attribute_exists(a) = :t", "The function is not allowed to be used this way in an expression; function: attribute_exists"},
	{"attribute_exists(a, b)", "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2"},
	{"attribute_exists(:s)", "Operator or function requires a document path; operator or function: attribute_exists"},
	{"begins_with(a, :n)", "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"},
	{"attribute_type(a, :n)", "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N"},
	{"attribute_type(a, b)", "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"},
	{"attribute_type(a, :bad)", "Invalid attribute type name found; type: X, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
	{"size(:n) = :n", "Incorrect operand type for operator or function; operator or function: size, operand type: N"},
	{"a < :t", "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"},
	{"a = a", "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]"},
	{"contains(l[1].b, l[1].b)", "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [l, [1], b]"},
	{"n BETWEEN :ten AND :one", "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:10}, upper bound operand: AttributeValue: {N:1}"},
	{"n BETWEEN :one AND :s", "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:abc}"},
	{"l[99999999999] = :s", "List index is not within the allowable range; index: [99999999999]"},
	{"a IN (" + strings.Repeat(":s,", 100) + ":s)", "Incorrect number of operands for operator or function; operator or function: IN, number of operands: 101"},
	{"a = :s" + strings.Repeat(" OR a=:s", 200), "The expression contains too many operators; operator count: 401"},
	{strings.Repeat("a", 4097), "Expression size has exceeded the maximum allowed size; expression size: 4097"},
}

func TestBadConditionsAreRefusedInAWSsWords(t *testing.T) {
	for _, c := range badConditions {
		_, err := params(t).Condition("FilterExpression", c.text)
		if want := "Invalid FilterExpression: " + c.want; err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", c.text, err, want)
		}
	}
}

var updates = []struct{ text, item, want string }{
	{"SET a = :s", `{}`, `{"a":{"S":"abc"}}`},
	{"SET a = :s, b = n", `{"n":{"N":"5"}}`, `{"a":{"S":"abc"},"b":{"N":"5"},"n":{"N":"5"}}`},
	{"SET n = n + :one", `{"n":{"N":"5"}}`, `{"n":{"N":"6"}}`},
	{"SET n = n - :ten", `{"n":{"N":"5"}}`, `{"n":{"N":"-5"}}`},
	{"SET n = :ten - n", `{"n":{"N":"5"}}`, `{"n":{"N":"5"}}`},
	{"SET n = if_not_exists(n, :one) + :one", `{}`, `{"n":{"N":"2"}}`},
	{"SET n = (if_not_exists(n, :one)) + (:one)", `{"n":{"N":"7"}}`, `{"n":{"N":"8"}}`},
	{"SET l = list_append(if_not_exists(l, :e), :l)", `{}`, `{"l":{"L":[{"N":"1"}]}}`},
	{"SET l = list_append(:l, l)", `{"l":{"L":[{"S":"x"}]}}`, `{"l":{"L":[{"N":"1"},{"S":"x"}]}}`},
	{"SET a = b, b = a", `{"a":{"N":"1"},"b":{"N":"2"}}`, `{"a":{"N":"2"},"b":{"N":"1"}}`},
	{"SET m.x = :s, m.y.z = :n", `{"m":{"M":{"y":{"M":{}}}}}`, `{"m":{"M":{"x":{"S":"abc"},"y":{"M":{"z":{"N":"5"}}}}}}`},
	{"SET l[1] = :s", `{"l":{"L":[{"N":"1"},{"N":"2"}]}}`, `{"l":{"L":[{"N":"1"},{"S":"abc"}]}}`},
	{"SET l[9] = :s, l[5] = :n", `{"l":{"L":[{"N":"1"}]}}`, `{"l":{"L":[{"N":"1"},{"N":"5"},{"S":"abc"}]}}`},
	{"REMOVE a, nope", `{"a":{"N":"1"},"b":{"N":"2"}}`, `{"b":{"N":"2"}}`},
	{"REMOVE l[0], l[2]", `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"}]}}`, `{"l":{"L":[{"N":"1"},{"N":"3"}]}}`},
	{"REMOVE l[7]", `{"l":{"L":[{"N":"0"}]}}`, `{"l":{"L":[{"N":"0"}]}}`},
	{"REMOVE l[0] SET l[1] = :s", `{"l":{"L":[{"N":"0"},{"N":"1"}]}}`, `{"l":{"L":[{"S":"abc"}]}}`},
	{"ADD n :one", `{}`, `{"n":{"N":"1"}}`},
	{"ADD n :one, s :ss", `{"n":{"N":"1.5"},"s":{"SS":["a","q"]}}`, `{"n":{"N":"2.5"},"s":{"SS":["a","b","q"]}}`},
	{"DELETE s :ssa", `{"s":{"SS":["a","b"]}}`, `{"s":{"SS":["b"]}}`},
	{"DELETE s :ss", `{"s":{"SS":["a","b"]}}`, `{}`},
	{"DELETE s :ss", `{}`, `{}`},
	{"set #n = :s remove b add n :one delete s :ssa", `{"b":{"N":"1"},"s":{"SS":["a","b"]}}`, `{"n":{"N":"1"},"name":{"S":"abc"},"s":{"SS":["b"]}}`},
}

func TestUpdatesMakeTheNewItem(t *testing.T) {
	for _, c := range updates {
		u, err := params(t).Update(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		old := parse(t, c.item)
		before := string(old.AppendJSON(nil))
		got, err := u.Apply(old)
		if want := string(parse(t, c.want).AppendJSON(nil)); err != nil || string(got.AppendJSON(nil)) != want {
			t.Errorf("%s of %s\n got %s, %v\nwant %s", c.text, c.item, got.AppendJSON(nil), err, want)
		}
		if after := string(old.AppendJSON(nil)); after != before {
			t.Errorf("%s changed the old item from %s to %s", c.text, before, after)
		}
	}
}

var badUpdates = []struct{ text, want string }{
	{"", "The expression can not be empty;"},
	{"a = :s", `Syntax error; token: "a", near: "a ="`},
	{"SET a = :s, ", `Syntax error; token: "<EOF>", near: ","`},
	{"SET a :s", `Syntax error; token: ":s", near: "a :s"`},
	{"REMOVE", `Syntax error; token: "<EOF>", near: "REMOVE"`},
	{"ADD a b", `Syntax error; token: "b", near: "a b"`},
	{"SET a = :one + :one + :one", `Syntax error; token: "+", near: ":one + :one"`},
	{"SET status = :s", "Attribute name is a reserved keyword; reserved keyword: status"},
	{"SET a = foo(b)", "Invalid function name; function: foo"},
	{"SET a = size(b)", "The function is not allowed in an update expression; function: size"},
	{"SET a = :s SET b = :s", `The "SET" section can only be used once in an update expression;`},
	{"SET a = :s REMOVE a", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]"},
	{"SET a.b = :s, a = :s", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]"},
	{"SET a.b = :s, a[1] = :s", "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]"},
	{"ADD a :s", "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"},
	{"DELETE a :n", "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"},
	{"SET a = :s + :one", "Incorrect operand type for operator or function; operator or function: +, operand type: S"},
	{"SET a = list_append(:n, l)", "Incorrect operand type for operator or function; operator or function: list_append, operand type: N"},
	{"SET a = if_not_exists(:n, :n)", "Operator or function requires a document path; operator or function: if_not_exists"},
	{"SET a = if_not_exists(a)", "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1"},
	{"SET a = :x", "An expression attribute value used in expression is not defined; attribute value: :x"},
}

func TestBadUpdatesAreRefusedInAWSsWords(t *testing.T) {
	for _, c := range badUpdates {
		_, err := params(t).Update(c.text)
		if want := "Invalid UpdateExpression: " + c.want; err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", c.text, err, want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"SET a = absent", "The provided expression refers to an attribute that does not exist in the item"},
		{"SET absent.x = :s", "The document path provided in the update expression is invalid for update"},
		{"SET a[0] = :s", "The document path provided in the update expression is invalid for update"},
		{"REMOVE absent.x", "The document path provided in the update expression is invalid for update"},
		{"SET n = a + :one", "An operand in the update expression has an incorrect data type"},
		{"ADD a :one", "An operand in the update expression has an incorrect data type"},
		{"DELETE a :ss", "An operand in the update expression has an incorrect data type"},
	} {
		u, err := params(t).Update(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if it, err := u.Apply(parse(t, itemText)); err == nil || err.Error() != c.want {
			t.Errorf("%s = %v, %v; want the error %s", c.text, it, err, c.want)
		}
	}
}

func TestProjectionsKeepWhatIsWanted(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a, n", `{"a":{"S":"abc"},"n":{"N":"5"}}`},
		{"m.y.z", `{"m":{"M":{"y":{"M":{"z":{"S":"deep"}}}}}}`},
		{"l[2][0], l[0]", `{"l":{"L":[{"N":"1"},{"L":[{"N":"3"}]}]}}`},
		{"#d, m.x, m.y.nope, nope, l[9]", `{"a.b":{"S":"dot"},"m":{"M":{"x":{"N":"1"}}}}`},
		{"a.b, a[1]", ""},
		{"a.b.c, l.x", `{}`},
	} {
		pr, err := params(t).Projection(c.text)
		if c.want == "" {
			if err == nil || !strings.Contains(err.Error(), "conflict") {
				t.Errorf("%s: %v, want a conflict", c.text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := string(pr.Apply(parse(t, itemText)).AppendJSON(nil)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestKeyConditions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a = :s", "a = abc"}, {":s = a", "a = abc"}, {"a = :s AND b > :n", "a = abc, b > 5"}, {":n > b AND a = :s", "b < 5, a = abc"},
		{"a = :s AND begins_with(b, :a)", "a = abc, b begins_with a"}, {"(a = :s) AND (b BETWEEN :a AND :z)", "a = abc, b BETWEEN a z"},
		{"a = :s OR b = :n", "! Invalid operator used in KeyConditionExpression: OR"},
		{"NOT a = :s", "! Invalid operator used in KeyConditionExpression: NOT"},
		{"a <> :s", "! Invalid operator used in KeyConditionExpression: <>"},
		{"contains(a, :s)", "! Invalid operator used in KeyConditionExpression: contains"},
		{"size(a) = :n", "! KeyConditionExpressions cannot contain nested operations"},
		{"a.b = :s", "! KeyConditionExpressions cannot have conditions on nested attributes"},
		{"a = b", "! Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"},
		{":s = :a", "! Invalid condition in KeyConditionExpression: No key attribute specified"},
		{"a = :s AND a = :z", "! KeyConditionExpressions must only contain one condition per key"},
		{"begins_with(:a, b)", "! Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand"},
		{"a = :s AND b = :s AND c = :s", "! Conditions can be of length 1 or 2 only"},
		{"connection = :s", "! Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: connection"},
	} {
		terms, err := params(t).KeyCondition(c.text)
		var parts []string
		for _, term := range terms {
			part := term.Name + " " + term.Op
			for _, v := range term.Values {
				part += " " + v.Text
			}
			parts = append(parts, part)
		}
		got := strings.Join(parts, ", ")
		if err != nil {
			got = "! " + err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestUnusedAndInvalidParameters(t *testing.T) {
	for _, c := range []struct{ names, values, want string }{
		{`{"#a":"x","#b":"y"}`, `{}`, "ExpressionAttributeValues must not be empty"},
		{`{}`, `{":a":{"S":""}}`, "ExpressionAttributeNames must not be empty"},
		{`{"a":"x"}`, `{":a":{"S":""}}`, `ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`},
		{`{"#a":"x"}`, `{"a":{"S":""}}`, `ExpressionAttributeValues contains invalid key: Syntax error; key: "a"`},
		{`{"#a":"x"}`, `{":a":{"N":"q"}}`, "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: q for key :a"},
		{`{"#a":"x","#c":"x"}`, `{":a":{"S":""}}`, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#c}"},
		{`{"#a":"x"}`, `{":a":{"S":""},":x":{"S":""},":w":{"S":""}}`, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w, :x}"},
	} {
		var n map[string]string
		var v map[string]json.RawMessage
		if json.Unmarshal([]byte(c.names), &n) != nil || json.Unmarshal([]byte(c.values), &v) != nil {
			t.Fatal(c)
		}
		p, err := NewParams(n, v)
		if err == nil {
			if _, err = p.Condition("ConditionExpression", "#a = :a"); err == nil {
				err = p.Unused()
			}
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%s %s\n got %v\nwant %s", c.names, c.values, err, c.want)
		}
	}
}

func TestTheListOfReservedWordsIsWhole(t *testing.T) {
	if len(reservedWords) != 573 {
		t.Errorf("%d reserved words, want 573", len(reservedWords))
	}
	for _, w := range []string{"name", "status", "state", "connection", "action", "user", "key", "data", "date", "timestamp", "ttl", "value", "values", "Zone", "ABORT"} {
		if !reserved(w) {
			t.Errorf("%s is not reserved", w)
		}
	}
	if reserved("ticker") || reserved("price") {
		t.Error("ticker or price is reserved")
	}
}

// FuzzExpression reads any text as each kind of expression; what is read must be applicable to an item.
func FuzzExpression(f *testing.F) {
	for _, c := range conditions {
		f.Add(c.text)
	}
	for _, c := range badConditions {
		f.Add(c.text)
	}
	for _, c := range updates {
		f.Add(c.text)
	}
	for _, c := range badUpdates {
		f.Add(c.text)
	}
	it := parse(f, itemText)
	before := string(it.AppendJSON(nil))
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := params(t).Condition("ConditionExpression", text); err == nil {
			if not, err := params(t).Condition("ConditionExpression", "NOT ("+text+")"); err == nil && not.Match(it) == c.Match(it) {
				t.Errorf("%q and its negation are both %v", text, c.Match(it))
			}
		}
		params(t).KeyCondition(text)
		if pr, err := params(t).Projection(text); err == nil {
			pr.Apply(it)
		}
		if u, err := params(t).Update(text); err == nil {
			if made, err := u.Apply(it); err == nil {
				if _, err := attribute.ParseItem(string(made.AppendJSON(nil))); err != nil && !strings.Contains(err.Error(), "Nesting") {
					t.Errorf("%q made an item that does not parse: %v", text, err)
				}
			}
		}
		if after := string(it.AppendJSON(nil)); after != before {
			t.Fatalf("%q changed the item", text)
		}
	})
}
