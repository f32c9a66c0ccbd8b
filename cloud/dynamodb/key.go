package dynamodb

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"quotewire/cloud/dynamodb/attribute"
	"quotewire/cloud/dynamodb/expression"
)

// keyAttr is one attribute of a key, with its type.
type keyAttr struct {
	name string
	kind attribute.Kind
}

// keySchema is the partition key of a table or an index and, if it has one, its sort key.
//
// An entry's key in the ordered map is: eight bytes of the partition key's hash, the partition key, the sort key, and in a
// secondary index the table's key. So the entries of a partition lie together, in the order of the sort key; partitions
// lie in the order of their hashes, which cuts a parallel scan into even segments.
type keySchema []keyAttr

// hashLen is the length of the hash in front of an entry's key.
const hashLen = 8

// appendPartition appends the part of an entry's key that all entries of a partition share.
func appendPartition(dst []byte, v attribute.Value) []byte {
	start := len(dst)
	dst = attribute.AppendKey(append(dst, make([]byte, hashLen)...), v)
	h := uint64(14695981039346656037) // FNV-1a, and a finish that spreads short keys over all bits
	for _, c := range dst[start+hashLen:] {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h = (h ^ h>>32) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	for i := range hashLen {
		dst[start+i] = byte(h >> (56 - 8*i))
	}
	return dst
}

// entryKey returns the key of an item in the ordered map of the table that k is the key of.
func (k keySchema) entryKey(it attribute.Item) string {
	var buf [128]byte
	return string(k.append(buf[:0], it))
}

func (k keySchema) append(dst []byte, it attribute.Item) []byte {
	dst = appendPartition(dst, it.Get(k[0].name))
	if len(k) > 1 {
		dst = attribute.AppendKey(dst, it.Get(k[1].name))
	}
	return dst
}

// indexKey returns the key of an item in a secondary index; false if the item is not in it.
func (k keySchema) indexKey(it attribute.Item, tableKey string) (string, bool) {
	for _, a := range k {
		if it.Get(a.name).Kind != a.kind {
			return "", false
		}
	}
	var buf [192]byte
	return string(append(k.append(buf[:0], it), tableKey[hashLen:]...)), true
}

// of returns the attributes of an item that make up the key.
func (k keySchema) of(it attribute.Item) attribute.Item {
	var key attribute.Item
	for _, a := range k {
		key = key.With(a.name, it.Get(a.name))
	}
	return key
}

func (k keySchema) has(name string) bool {
	return k[0].name == name || len(k) > 1 && k[1].name == name
}

// checkKey checks the Key of a request: exactly the key's attributes.
func (k keySchema) checkKey(key attribute.Item) error {
	if len(key) != len(k) {
		return errKeySchema
	}
	for i, a := range k {
		v := key.Get(a.name)
		if v.Kind != a.kind {
			return errKeySchema
		}
		if err := checkKeyValue(a.name, v, i == 0); err != nil {
			return err
		}
	}
	return nil
}

// checkItem checks that an item has the attributes of the table's key.
func (k keySchema) checkItem(it attribute.Item) error {
	for i, a := range k {
		v := it.Get(a.name)
		switch {
		case v.Kind == attribute.Absent:
			return invalid("One or more parameter values were invalid: Missing the key %s in the item", a.name)
		case v.Kind != a.kind:
			return invalid("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", a.name, a.kind, v.Kind)
		}
		if err := checkKeyValue(a.name, v, i == 0); err != nil {
			return err
		}
	}
	return nil
}

func checkKeyValue(name string, v attribute.Value, partition bool) error {
	if v.Kind == attribute.N {
		return nil
	}
	switch n := len(v.Text); {
	case n == 0 && v.Kind == attribute.S:
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", name)
	case n == 0:
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty binary value. Key: %s", name)
	case partition && n > maxPartitionKey:
		return invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case !partition && n > maxSortKey:
		return invalid("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// storeKey names an entry in the table's bucket. Keys that make a short name are their own; longer ones are hashed, for
// the store keeps every name in memory and bounds its length.
func storeKey(entryKey string) string {
	key := entryKey[hashLen:]
	if len(key) > 96 {
		sum := sha256.Sum256([]byte(key))
		return "h/" + hex.EncodeToString(sum[:])
	}
	return base64.RawURLEncoding.EncodeToString([]byte(key))
}

// after returns the least key that is greater than all keys with the given prefix.
func after(prefix []byte) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			next := append([]byte(nil), prefix[:i+1]...)
			next[i]++
			return string(next)
		}
	}
	return ""
}

// span turns the terms of a key condition into the range of entries that they select.
func (k keySchema) span(terms []expression.KeyTerm) (span, error) {
	var partition, sort *expression.KeyTerm
	for i := range terms {
		switch t := &terms[i]; {
		case t.Name == k[0].name:
			partition = t
		case len(k) > 1 && t.Name == k[1].name:
			sort = t
		}
	}
	if partition == nil {
		return span{}, invalid("Query condition missed key schema element: %s", k[0].name)
	}
	if len(terms) == 2 && sort == nil {
		if len(k) == 1 {
			return span{}, invalid("Query key condition not supported")
		}
		return span{}, invalid("Query condition missed key schema element: %s", k[1].name)
	}
	for i, t := range []*expression.KeyTerm{partition, sort} {
		if t == nil {
			continue
		}
		for _, v := range t.Values {
			if v.Kind != k[i].kind {
				return span{}, invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
			}
			if err := checkKeyValue(t.Name, v, i == 0); err != nil {
				return span{}, err
			}
		}
	}
	if partition.Op != "=" {
		return span{}, invalid("Query key condition not supported")
	}
	prefix := appendPartition(nil, partition.Values[0])
	all := span{string(prefix), after(prefix)}
	if sort == nil {
		return all, nil
	}
	base := len(prefix)
	if sort.Op == "begins_with" {
		if sort.Values[0].Kind == attribute.N {
			return span{}, invalid("Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N")
		}
		prefix = attribute.AppendKeyPrefix(prefix, sort.Values[0].Text)
		return span{string(prefix), after(prefix)}, nil
	}
	prefix = attribute.AppendKey(prefix, sort.Values[0])
	switch sort.Op {
	case "=":
		return span{string(prefix), after(prefix)}, nil
	case "<":
		return span{all.low, string(prefix)}, nil
	case "<=":
		return span{all.low, after(prefix)}, nil
	case ">":
		return span{after(prefix), all.high}, nil
	case ">=":
		return span{string(prefix), all.high}, nil
	}
	high := attribute.AppendKey(append([]byte(nil), prefix[:base]...), sort.Values[1]) // of BETWEEN
	return span{string(prefix), after(high)}, nil
}
