package apigateway

import (
	"cmp"
	"maps"
	"slices"
)

// defaultStage is the stage of an HTTP API that is served at the root.
const defaultStage = "$default"

// Endpoints returns the client URL of each API that has a stage, by the API's name: of its first stage, or of $default if
// it has that. Of two APIs of one name it tells the older.
func (s *Service) Endpoints() map[string]string {
	urls := map[string]string{}
	for _, a := range s.catalog.all() {
		stages := slices.SortedFunc(maps.Keys(a.Stages), func(x, y string) int {
			return cmp.Or(-cmp.Compare(btoi(x == defaultStage), btoi(y == defaultStage)), cmp.Compare(x, y))
		})
		if _, taken := urls[a.Properties.Name]; taken || len(stages) == 0 {
			continue
		}
		scheme := "http"
		if a.isWebSocket() {
			scheme = "ws"
		}
		url := scheme + "://" + s.Authority + pathPrefix + a.id()
		if stages[0] != defaultStage {
			url += "/" + stages[0]
		}
		urls[a.Properties.Name] = url
	}
	return urls
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// OnChange has f called after each change of an API, and so of [Service.Endpoints]. There is one f; it must be set before
// requests come, and must not change APIs.
func (s *Service) OnChange(f func()) { s.catalog.changed.Store(&f) }
