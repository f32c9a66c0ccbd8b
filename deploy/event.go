package deploy

import (
	"time"

	"quotewire/dply/token"
)

// Kind is what an event says.
type Kind int

const (
	Reading     Kind = iota // the cloud is about to be read
	Preparing               // work on this machine begins: Resource
	Prepared                // and has ended
	Starting                // Action begins on Resource
	Waiting                 // Resource waits for what Text says; said again now and then
	Done                    // Action on Resource has succeeded
	Unchanged               // Resource is as the script says
	Failed                  // Action on Resource has failed
	Skipped                 // Resource was not reached, or is left for the reason in Text
	Printed                 // Text is what a show statement prints
	Interrupted             // the run was cancelled: what is under way is finished
	Finished                // the run has ended; Result has the counts
)

// Event is something that happened in a run.
type Event struct {
	Kind     Kind
	Time     time.Time
	Resource string         // what people call it
	Key      Key            // what the script calls it
	Pos      token.Position // the statement
	Action   Action
	Changes  []Change
	Text     string
	Elapsed  time.Duration
	Err      error   // of Failed
	Result   *Result // of Finished
}

// View is told what happens. The engine calls it from one goroutine at a time.
type View interface {
	Event(Event)
}

// Result is what a run did.
type Result struct {
	Created   int           `json:"created"`
	Updated   int           `json:"updated"`
	Deleted   int           `json:"deleted"`
	Unchanged int           `json:"unchanged"`
	Kept      int           `json:"kept"` // left by a teardown run on purpose
	Done      []string      `json:"done"` // what was created, updated, deleted or run, in order
	NotDone   []string      `json:"notDone"`
	Outputs   []Output      `json:"outputs"`
	Elapsed   time.Duration `json:"-"`
}

// Changes is the number of resources that the run created, updated or deleted.
func (r *Result) Changes() int { return r.Created + r.Updated + r.Deleted }

// Output returns the value of that name of the resource of that type and name, or "".
func (r *Result) Output(typ, resource, name string) string {
	for _, o := range r.Outputs {
		if o.Type == typ && o.Resource == resource && o.Name == name {
			return o.Value
		}
	}
	return ""
}
