package dynamodb

import (
	"iter"
	"slices"
	"strings"
)

// maxChunk bounds the entries of one chunk of an ordered map: an insertion moves half of that at most, and a million
// entries make a few thousand chunks.
const maxChunk = 512

// ordered is a map from keys to records that is walked in the order of its keys, in either direction. It is a sorted list
// of sorted chunks: as shallow as a B-tree of two levels, and much less code. It has no lock of its own.
type ordered struct {
	chunks [][]entry
	len    int
}

type entry struct {
	key    string
	record *record
}

func (e entry) compare(key string) int { return strings.Compare(e.key, key) }

// seek returns the position of the first entry whose key is not less than key, which may be behind the last one.
func (o *ordered) seek(key string) (chunk, at int, found bool) {
	lo, hi := 0, len(o.chunks)
	for lo < hi { // the first chunk whose last key is not less
		mid := int(uint(lo+hi) >> 1)
		if c := o.chunks[mid]; c[len(c)-1].key < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(o.chunks) {
		return lo, 0, false
	}
	at, found = slices.BinarySearchFunc(o.chunks[lo], key, entry.compare)
	return lo, at, found
}

func (o *ordered) get(key string) *record {
	if c, i, ok := o.seek(key); ok {
		return o.chunks[c][i].record
	}
	return nil
}

// set puts a record under a key, in the place of any that is there.
func (o *ordered) set(key string, r *record) {
	c, i, found := o.seek(key)
	if found {
		o.chunks[c][i] = entry{key, r}
		return
	}
	o.len++
	if c == len(o.chunks) {
		if c == 0 {
			o.chunks = append(o.chunks, nil)
			c = 1
		}
		c--
		i = len(o.chunks[c])
	}
	chunk := slices.Insert(o.chunks[c], i, entry{key, r})
	if len(chunk) <= maxChunk {
		o.chunks[c] = chunk
		return
	}
	cut := len(chunk) / 2
	if c == len(o.chunks)-1 && i == len(chunk)-1 {
		cut = len(chunk) - 1 // entries that arrive in order leave full chunks behind them
	}
	o.chunks[c] = slices.Clip(chunk[:cut])
	o.chunks = slices.Insert(o.chunks, c+1, slices.Clone(chunk[cut:]))
}

func (o *ordered) delete(key string) {
	c, i, found := o.seek(key)
	if !found {
		return
	}
	o.len--
	o.chunks[c] = slices.Delete(o.chunks[c], i, i+1)
	if len(o.chunks[c]) == 0 {
		o.chunks = slices.Delete(o.chunks, c, c+1)
	}
}

// span is a range of keys: from low, to high and without it. An empty high is beyond all keys.
type span struct{ low, high string }

// walk returns the entries of a range in ascending or descending order. The map must not change meanwhile.
func (o *ordered) walk(s span, descending bool) iter.Seq2[string, *record] {
	if descending {
		return o.descend(s)
	}
	return func(yield func(string, *record) bool) {
		c, i, _ := o.seek(s.low)
		for ; c < len(o.chunks); c, i = c+1, 0 {
			for _, e := range o.chunks[c][i:] {
				if s.high != "" && e.key >= s.high || !yield(e.key, e.record) {
					return
				}
			}
		}
	}
}

func (o *ordered) descend(s span) iter.Seq2[string, *record] {
	return func(yield func(string, *record) bool) {
		c, i := len(o.chunks), 0
		if s.high != "" {
			c, i, _ = o.seek(s.high)
		}
		for {
			for i--; i >= 0; i-- {
				if e := o.chunks[c][i]; e.key < s.low || !yield(e.key, e.record) {
					return
				}
			}
			if c--; c < 0 {
				return
			}
			i = len(o.chunks[c])
		}
	}
}
