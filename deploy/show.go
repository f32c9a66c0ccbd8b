package deploy

import (
	"context"
	"strings"

	"quotewire/dply/check"
)

// show prints values once they are known. It runs again on every deploy.
type show struct {
	graph     *Graph
	statement *check.Statement
}

func (s *show) String() string                     { return "show" }
func (s *show) Read(context.Context) error         { return nil }
func (s *show) Exists() bool                       { return false }
func (s *show) Plan() (Step, error)                { return Step{Action: Act}, nil }
func (s *show) Apply(context.Context) error        { return nil }
func (s *show) Member(string) (value any, ok bool) { return nil, false }

func (s *show) text() string {
	words := make([]string, len(s.statement.Args))
	for i, arg := range s.statement.Args {
		words[i], _ = s.graph.String(arg)
	}
	return strings.Join(words, " ")
}
