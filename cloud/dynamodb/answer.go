package dynamodb

import (
	"strconv"

	"quotewire/cloud/dynamodb/attribute"
)

// answer builds the JSON object that an operation answers, so that stored items go into it as they are.
type answer []byte

func newAnswer(size int) answer { return append(make(answer, 0, size), '{') }

// name starts a member; its value must follow.
func (a *answer) name(name string) {
	if len(*a) > 0 && (*a)[len(*a)-1] != '{' {
		*a = append(*a, ',')
	}
	*a = append(attribute.AppendString(*a, name), ':')
}

func (a *answer) raw(name, json string) {
	a.name(name)
	*a = append(*a, json...)
}

func (a *answer) number(name string, n int) {
	a.name(name)
	*a = strconv.AppendInt(*a, int64(n), 10)
}

func (a *answer) item(name string, it attribute.Item) {
	a.name(name)
	*a = it.AppendJSON(*a)
}

func (a answer) end() []byte { return append(a, '}') }

// list appends the elements of a JSON list, each written by the function.
func (a *answer) list(name string, n int, element func(i int)) {
	a.name(name)
	*a = append(*a, '[')
	for i := range n {
		if i > 0 {
			*a = append(*a, ',')
		}
		element(i)
	}
	*a = append(*a, ']')
}
