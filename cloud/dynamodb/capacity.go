package dynamodb

import (
	"strconv"

	"quotewire/cloud/dynamodb/attribute"
)

// capacity is what an operation consumed of one table, in read or write units.
type capacity struct {
	table   *table
	own     float64
	indexes []indexCapacity
}

type indexCapacity struct {
	index *index
	units float64
}

// readUnits are half a unit per 4 KB, a whole one if the read is consistent.
func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+4095)/4096))
	if !consistent {
		units /= 2
	}
	return units
}

// writeUnits are one unit per KB.
func writeUnits(size int) float64 { return float64(max(1, (size+1023)/1024)) }

// add counts a change: the larger of old and new item in the table, and what it costs to bring the indexes up to date.
func (c *capacity) add(ch change) {
	c.own += writeUnits(max(ch.old.bytes(), ch.new.bytes()))
	if ch.kept {
		return
	}
	c.table.mu.RLock()
	indexes := c.table.indexes
	c.table.mu.RUnlock()
	var old attribute.Item
	if len(indexes) > 0 {
		old = ch.old.item()
	}
	for _, x := range indexes {
		before, was := x.keys.indexKey(old, ch.key)
		after, is := x.keys.indexKey(ch.item, ch.key)
		units := 0.0
		switch {
		case was && is && before == after:
			if ch.old.json != ch.new.json {
				units = writeUnits(max(ch.old.size, ch.new.size))
			}
		default:
			if was {
				units += writeUnits(ch.old.size)
			}
			if is {
				units += writeUnits(ch.new.size)
			}
		}
		if units > 0 {
			c.addIndex(x, units)
		}
	}
}

func (c *capacity) addIndex(x *index, units float64) {
	for i := range c.indexes {
		if c.indexes[i].index == x {
			c.indexes[i].units += units
			return
		}
	}
	c.indexes = append(c.indexes, indexCapacity{x, units})
}

// times multiplies everything: what is part of a transaction costs twice.
func (c *capacity) times(f float64) {
	c.own *= f
	for i := range c.indexes {
		c.indexes[i].units *= f
	}
}

// append writes a ConsumedCapacity. With the mode INDEXES it says which part went where.
func (c *capacity) append(dst []byte, mode string) []byte {
	total := c.own
	for _, x := range c.indexes {
		total += x.units
	}
	a := answer(append(dst, '{'))
	a.raw("TableName", strconv.Quote(c.table.name))
	a.raw("CapacityUnits", units(total))
	if mode == "INDEXES" {
		a.raw("Table", `{"CapacityUnits":`+units(c.own)+`}`)
		for _, kind := range []struct {
			member string
			global bool
		}{{"LocalSecondaryIndexes", false}, {"GlobalSecondaryIndexes", true}} {
			first := true
			for _, x := range c.indexes {
				if x.index.global != kind.global {
					continue
				}
				if first {
					a.raw(kind.member, "{")
					first = false
				}
				a.raw(x.index.name, `{"CapacityUnits":`+units(x.units)+`}`)
			}
			if !first {
				a = append(a, '}')
			}
		}
	}
	return a.end()
}

func units(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// capacities are what an operation on several tables consumed.
type capacities []*capacity

func (cs *capacities) of(t *table) *capacity {
	for _, c := range *cs {
		if c.table == t {
			return c
		}
	}
	*cs = append(*cs, &capacity{table: t})
	return (*cs)[len(*cs)-1]
}

// report adds the ConsumedCapacity list to an answer if the request asked for it.
func (cs capacities) report(a *answer, mode string) {
	if mode == "" || mode == "NONE" {
		return
	}
	a.list("ConsumedCapacity", len(cs), func(i int) { *a = cs[i].append(*a, mode) })
}

// report adds the ConsumedCapacity to an answer if the request asked for it.
func (c *capacity) report(a *answer, mode string) {
	if mode == "" || mode == "NONE" {
		return
	}
	a.name("ConsumedCapacity")
	*a = c.append(*a, mode)
}
