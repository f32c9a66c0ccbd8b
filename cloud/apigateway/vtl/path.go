package vtl

import (
	"fmt"
	"strconv"
	"strings"
)

// Find evaluates a JSONPath on a value: $, .name, ['name'], [n], [*], .*, ..name, lists and slices of elements. A path
// that names several things yields a list; one that leads nowhere yields nil.
func Find(v any, path string) (any, error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	found, many, budget := []any{v}, false, maxSteps
	for _, s := range steps {
		many = many || s.many
		var next []any
		for _, v := range found {
			if err := s.apply(v, &next, &budget, 0); err != nil {
				return nil, err
			}
		}
		found = next
	}
	switch {
	case many:
		return &List{found}, nil
	case len(found) == 0:
		return nil, nil
	}
	return found[0], nil
}

// pathStep is one step of a JSONPath.
type pathStep struct {
	names    []string
	indices  []int
	all      bool // * of either kind
	deep     bool // ..
	slice    bool // from:to
	from, to *int
	many     bool
}

func parsePath(path string) ([]pathStep, error) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil, fmt.Errorf("the JSONPath %q does not begin with $", path)
	}
	var steps []pathStep
	for rest != "" {
		var s pathStep
		if after, ok := strings.CutPrefix(rest, ".."); ok {
			s.deep, s.many, rest = true, true, after
			if rest != "" && rest[0] != '[' {
				rest = "." + rest
			}
		}
		if after, ok := strings.CutPrefix(rest, "."); ok {
			end := strings.IndexAny(after, ".[")
			if end < 0 {
				end = len(after)
			}
			name := after[:end]
			rest = after[end:]
			switch {
			case name == "":
				return nil, fmt.Errorf("the JSONPath %q has a dot without a name", path)
			case name == "*":
				s.all, s.many = true, true
			case strings.ContainsAny(name, "()?@"):
				return nil, fmt.Errorf("the JSONPath %q: functions and filters are not supported", path)
			default:
				s.names = []string{name}
			}
			steps = append(steps, s)
			continue
		}
		inside, after, ok := bracket(rest)
		if !ok {
			return nil, fmt.Errorf("the JSONPath %q has a bracket that is not closed, or something that is no step", path)
		}
		rest = after
		if err := s.parseBracket(inside); err != nil {
			return nil, fmt.Errorf("the JSONPath %q: %w", path, err)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// bracket returns what stands in the brackets that s begins with. Quoted names may hold brackets.
func bracket(s string) (inside, after string, ok bool) {
	if s == "" || s[0] != '[' {
		return "", "", false
	}
	quote := byte(0)
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ']':
			return s[1:i], s[i+1:], true
		}
	}
	return "", "", false
}

func (s *pathStep) parseBracket(inside string) error {
	inside = strings.TrimSpace(inside)
	if inside == "*" {
		s.all, s.many = true, true
		return nil
	}
	if strings.HasPrefix(inside, "?") || strings.HasPrefix(inside, "(") {
		return fmt.Errorf("filters are not supported")
	}
	if from, to, ok := strings.Cut(inside, ":"); ok && !strings.ContainsAny(inside, `'"`) {
		s.slice, s.many = true, true
		for _, end := range []struct {
			text string
			into **int
		}{{from, &s.from}, {to, &s.to}} {
			if text := strings.TrimSpace(end.text); text != "" {
				i, err := strconv.Atoi(text)
				if err != nil {
					return fmt.Errorf("%q is no slice", inside)
				}
				*end.into = &i
			}
		}
		return nil
	}
	for part := range strings.SplitSeq(inside, ",") {
		part = strings.TrimSpace(part)
		if n := len(part); n >= 2 && (part[0] == '\'' || part[0] == '"') && part[n-1] == part[0] {
			s.names = append(s.names, part[1:n-1])
		} else if i, err := strconv.Atoi(part); err == nil {
			s.indices = append(s.indices, i)
		} else {
			return fmt.Errorf("%q is neither a number nor a quoted name", part)
		}
	}
	s.many = s.many || len(s.names)+len(s.indices) > 1
	return nil
}

// apply appends what the step finds in v.
func (s *pathStep) apply(v any, found *[]any, budget *int, depth int) error {
	if *budget--; *budget < 0 || depth > maxDepth {
		return errTooLong
	}
	add := func(v any) { *found = append(*found, v) }
	switch v := v.(type) {
	case *Map:
		for _, name := range s.names {
			if v.Has(name) {
				add(v.Get(name))
			}
		}
		if s.all {
			for _, k := range v.keys {
				add(v.values[k])
			}
		}
		if s.deep {
			for _, k := range v.keys {
				if err := s.apply(v.values[k], found, budget, depth+1); err != nil {
					return err
				}
			}
		}
	case *List:
		n := len(v.Elements)
		for _, i := range s.indices {
			if i < 0 {
				i += n
			}
			if i >= 0 && i < n {
				add(v.Elements[i])
			}
		}
		if s.all {
			*found = append(*found, v.Elements...)
		}
		if s.slice {
			from, to := 0, n
			for _, end := range []struct{ given, into *int }{{s.from, &from}, {s.to, &to}} {
				if end.given != nil {
					i := *end.given
					if i < 0 {
						i += n
					}
					*end.into = min(max(i, 0), n)
				}
			}
			if from < to {
				*found = append(*found, v.Elements[from:to]...)
			}
		}
		if s.deep {
			for _, e := range v.Elements {
				if err := s.apply(e, found, budget, depth+1); err != nil {
					return err
				}
			}
		}
	}
	if *budget -= len(*found) / 16; *budget < 0 {
		return errTooLong
	}
	return nil
}
