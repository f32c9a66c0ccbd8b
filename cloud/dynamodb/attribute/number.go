package attribute

import (
	"cmp"
	"math/big"
	"strings"
)

// The limits of DynamoDB's numbers: 38 significant digits, magnitudes from 1E-130 to 9.9…E+125.
const (
	maxDigits    = 38
	maxMagnitude = 125
	minMagnitude = -130
)

const (
	errNotNumeric = InvalidError("The parameter cannot be converted to a numeric value")
	errOverflow   = InvalidError("Number overflow. Attempting to store a number with magnitude larger than supported range")
	errUnderflow  = InvalidError("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	errPrecision  = InvalidError("Attempting to store more than 38 significant digits in a Number")
)

// Number is a decimal number: 0.DIGITS × 10^exp with a sign. DIGITS has no zero at either end, and is empty for zero.
type Number struct {
	negative bool
	digits   string
	exp      int
}

// ParseNumber reads a number as DynamoDB takes it: digits with an optional sign, point and exponent.
func ParseNumber(s string) (Number, error) {
	if s == "" {
		return Number{}, errNotNumeric
	}
	bad := func() (Number, error) { return Number{}, errNotNumeric + InvalidError(": "+s) }
	var n Number
	rest := s
	if rest[0] == '-' || rest[0] == '+' {
		n.negative = rest[0] == '-'
		rest = rest[1:]
	}
	whole := leadingDigits(rest)
	rest = rest[len(whole):]
	fraction := ""
	if strings.HasPrefix(rest, ".") {
		fraction = leadingDigits(rest[1:])
		rest = rest[1+len(fraction):]
	}
	if whole == "" && fraction == "" {
		return bad()
	}
	shift := 0
	if rest != "" {
		if rest[0] != 'e' && rest[0] != 'E' {
			return bad()
		}
		rest = rest[1:]
		minus := strings.HasPrefix(rest, "-")
		if minus || strings.HasPrefix(rest, "+") {
			rest = rest[1:]
		}
		if rest == "" || leadingDigits(rest) != rest {
			return bad()
		}
		for i := range len(rest) {
			shift = min(shift*10+int(rest[i]-'0'), 1<<30) // far out of range, and no overflow
		}
		if minus {
			shift = -shift
		}
	}
	n.exp = len(whole) + shift
	if fraction == "" {
		n.digits = whole
	} else {
		n.digits = whole + fraction
	}
	return n.normal().check()
}

func leadingDigits(s string) string {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i]
}

// normal strips the zeros at both ends.
func (n Number) normal() Number {
	kept := strings.TrimLeft(n.digits, "0")
	n.exp -= len(n.digits) - len(kept)
	n.digits = strings.TrimRight(kept, "0")
	if n.digits == "" {
		return Number{}
	}
	return n
}

func (n Number) check() (Number, error) {
	switch {
	case n.digits == "":
		return n, nil
	case n.exp-1 > maxMagnitude:
		return n, errOverflow
	case n.exp-1 < minMagnitude:
		return n, errUnderflow
	case len(n.digits) > maxDigits:
		return n, errPrecision
	}
	return n, nil
}

// String returns the canonical form, which has no exponent, no leading "+", and no needless zero.
func (n Number) String() string {
	if n.digits == "" {
		return "0"
	}
	var b strings.Builder
	if n.negative {
		b.WriteByte('-')
	}
	switch {
	case n.exp <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -n.exp))
		b.WriteString(n.digits)
	case n.exp >= len(n.digits):
		b.WriteString(n.digits)
		b.WriteString(strings.Repeat("0", n.exp-len(n.digits)))
	default:
		b.WriteString(n.digits[:n.exp])
		b.WriteByte('.')
		b.WriteString(n.digits[n.exp:])
	}
	return b.String()
}

// Compare returns -1, 0 or +1 as n is less than, equal to or greater than m.
func (n Number) Compare(m Number) int {
	sign := n.sign()
	if other := m.sign(); sign != other || sign == 0 {
		return cmp.Compare(sign, other)
	}
	switch {
	case n.exp < m.exp:
		return -sign
	case n.exp > m.exp:
		return sign
	}
	return sign * strings.Compare(n.digits, m.digits)
}

func (n Number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

// size counts a byte, and one for each two digits; the sign of a negative number takes one more.
func (n Number) size() int {
	size := 1 + (len(n.digits)+1)/2
	if n.negative {
		size++
	}
	return size
}

// Add returns a + b, or a - b if minus is set, as a Value of type N. A result that a number cannot hold exactly is an error.
func Add(a, b Value, minus bool) (Value, error) {
	x, y := a.number(), b.number()
	if minus {
		y.negative = !y.negative
	}
	low := min(x.exp-len(x.digits), y.exp-len(y.digits))
	sum := x.scaled(low)
	sum.Add(sum, y.scaled(low))
	n := Number{negative: sum.Sign() < 0, digits: sum.Abs(sum).String()}
	n.exp = len(n.digits) + low
	n, err := n.normal().check()
	if err != nil {
		return Value{}, err
	}
	return Value{Kind: N, Text: n.String()}, nil
}

// scaled returns n in units of 10^low, which is no larger than the unit of n's last digit.
func (n Number) scaled(low int) *big.Int {
	i := new(big.Int)
	if n.digits == "" {
		return i
	}
	i.SetString(n.digits, 10)
	i.Mul(i, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.exp-len(n.digits)-low)), nil))
	if n.negative {
		i.Neg(i)
	}
	return i
}

// canonical returns the canonical form of the number s.
func canonical(s string) (string, error) {
	if len(s) > 0 && len(s) <= maxDigits && s[0] != '0' && leadingDigits(s) == s {
		return s, nil // a plain positive integer, as prices and counters are
	}
	n, err := ParseNumber(s)
	if err != nil {
		return "", err
	}
	return n.String(), nil
}
