package attribute

// AppendKey appends bytes to dst that stand for a value of type S, N or B in a sorted index: the bytes of two values of
// one type compare as the values do. No encoding holds the terminator of another, so that encodings may be put one after
// the other; without the terminator, the encoding of a prefix is a prefix of the encoding.
func AppendKey(dst []byte, v Value) []byte {
	if v.Kind == N {
		dst = appendNumberKey(dst, v.number())
	} else {
		dst = AppendKeyPrefix(dst, v.Text)
	}
	return append(dst, 0, 1)
}

// AppendKeyPrefix appends what every encoding of a string or binary that begins with prefix begins with.
func AppendKeyPrefix(dst []byte, prefix string) []byte {
	for i := range len(prefix) {
		dst = appendKeyByte(dst, prefix[i])
	}
	return dst
}

// appendKeyByte writes zero as 0x00 0xFF, which leaves 0x00 0x01 to be the terminator, less than any continuation.
func appendKeyByte(dst []byte, c byte) []byte {
	if c == 0 {
		return append(dst, 0, 0xff)
	}
	return append(dst, c)
}

// appendNumberKey writes sign, exponent and digits, most significant first. For a negative number everything after the
// sign is complemented, and a last 0xFF makes "-1.2" greater than "-1.23" as it must be.
func appendNumberKey(dst []byte, n Number) []byte {
	exp := n.exp - minMagnitude + 1 // 1 at the least, at most 257
	switch n.sign() {
	case 0:
		return append(dst, 2)
	case 1:
		dst = append(dst, 3)
		dst = appendKeyByte(appendKeyByte(dst, byte(exp>>8)), byte(exp))
		return append(dst, n.digits...)
	}
	dst = append(dst, 1)
	dst = appendKeyByte(appendKeyByte(dst, ^byte(exp>>8)), ^byte(exp))
	for i := range len(n.digits) {
		dst = append(dst, ^n.digits[i])
	}
	return append(dst, 0xff)
}
