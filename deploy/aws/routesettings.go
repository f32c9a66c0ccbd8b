package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/deploy"
	"quotewire/dply/schema"
)

// A stage keeps what is different for some routes in a map by route key. AWS refuses the key of a route that is not there,
// and DeleteRouteSettings takes a key out of the map. Whether an update merges it or replaces it the reference does not say:
// all of it is sent, and what has to go is taken out before, which is right for either. What an entry leaves out is not said to be
// the stage's, so all of it is written out: what the script leaves out of an entry is the stage's on any server.

var routeSettingsEntries = []schema.Property{
	{Name: "Route", Kinds: texts, Required: true, Doc: "The key of a route of the same API."},
	{Name: "RateLimit", Kinds: numbers, Min: 0, Max: mostRate, Doc: "Requests a second on average.", Default: "the stage's"},
	{Name: "BurstLimit", Kinds: numbers, Min: 0, Max: mostBurst, Doc: "Requests at once.", Default: "the stage's"},
	{Name: "DetailedMetrics", Kinds: booleans, Doc: "Whether CloudWatch counts the route by itself.", Default: "the stage's"},
}

// wantRouteSettings is what the script says of single routes, with what it leaves out as the stage has it, nil for nothing.
func wantRouteSettings(v *values, defaults *types.RouteSettings) map[string]types.RouteSettings {
	entries := v.maps("RouteSettings")
	if len(entries) == 0 {
		return nil
	}
	all := map[string]types.RouteSettings{}
	for _, entry := range entries {
		own := types.RouteSettings{DetailedMetricsEnabled: defaults.DetailedMetricsEnabled, ThrottlingRateLimit: defaults.ThrottlingRateLimit, ThrottlingBurstLimit: defaults.ThrottlingBurstLimit}
		if n, ok := entry["RateLimit"].(float64); ok {
			own.ThrottlingRateLimit = &n
		}
		if n, ok := entry["BurstLimit"].(float64); ok {
			own.ThrottlingBurstLimit = aws.Int32(int32(n))
		}
		if n, ok := entry["DetailedMetrics"].(float64); ok {
			own.DetailedMetricsEnabled = aws.Bool(n != 0)
		}
		all[entryOf(entry, "Route", "")] = own
	}
	return all
}

// limits are the properties of settings of routes, those of a stage or of one route.
func limits(of *types.RouteSettings) settings {
	all := settings{"RateLimit": "", "BurstLimit": "", "DetailedMetrics": "false"}
	if of == nil {
		return all
	}
	all["DetailedMetrics"] = yes(aws.ToBool(of.DetailedMetricsEnabled))
	if of.ThrottlingRateLimit != nil {
		all["RateLimit"] = deploy.Text(*of.ThrottlingRateLimit)
	}
	if of.ThrottlingBurstLimit != nil {
		all["BurstLimit"] = number(*of.ThrottlingBurstLimit)
	}
	return all
}

// unbounded takes limits away that the script does not have and that are the account's.
func unbounded(have, want settings) settings {
	for name, most := range map[string]int{"RateLimit": mostRate, "BurstLimit": mostBurst} {
		if want[name] == "" && have[name] == number(most) {
			have[name] = ""
		}
	}
	return have
}

// routeChanges is what differs for one route, have and want being nil where there are no settings of it. Settings that the
// script does not have are left where they change nothing.
func routeChanges(key string, have, want, defaults *types.RouteSettings) []deploy.Change {
	was, will := settings{"RateLimit": "", "BurstLimit": "", "DetailedMetrics": ""}, settings{"RateLimit": "", "BurstLimit": "", "DetailedMetrics": ""}
	if want != nil {
		will = limits(want)
	}
	if have != nil {
		was = unbounded(limits(have), will)
	}
	if want == nil && was["RateLimit"] == "" && was["BurstLimit"] == "" && was["DetailedMetrics"] == limits(defaults)["DetailedMetrics"] {
		return nil
	}
	changes := differences(was, will, nil)
	for n := range changes {
		changes[n].Property = fmt.Sprintf("RouteSettings %s %s", key, changes[n].Property)
	}
	return changes
}

// routesDiffer is what differs by route key. A stage that is not there has no settings.
func routesDiffer(have, want *types.Stage) map[string][]deploy.Change {
	all := map[string][]deploy.Change{}
	for _, key := range slices.Concat(slices.Collect(maps.Keys(have.RouteSettings)), slices.Collect(maps.Keys(want.RouteSettings))) {
		var old, own *types.RouteSettings
		if s, ok := have.RouteSettings[key]; ok {
			old = &s
		}
		if s, ok := want.RouteSettings[key]; ok {
			own = &s
		}
		if changes := routeChanges(key, old, own, want.DefaultRouteSettings); changes != nil {
			all[key] = changes
		}
	}
	return all
}

// checkRoutes refuses settings of a route that neither the script nor the API has, and those of one route twice.
func (s *stage) checkRoutes() error {
	v := s.values()
	seen := map[string]bool{}
	for _, entry := range v.maps("RouteSettings") {
		key := entryOf(entry, "Route", "")
		at := v.value("RouteSettings").Position()
		switch {
		case slices.Contains(v.unknown, "RouteSettings"):
			return nil
		case seen[key]:
			return problem(at, "E37", "Put all of it into one entry.", "RouteSettings of stage %s has route %q twice", s.name, key)
		case !s.api.hasRoute(key):
			return problem(at, "E49", "Declare the route, or take the entry away.", "RouteSettings of stage %s: no route %q in API %s", s.name, key, s.api.name)
		}
		seen[key] = true
	}
	return nil
}

// waits makes the node of the stage wait for that of a route of which it has settings.
func (s *stage) waits(n, of *deploy.Node) {
	for _, entry := range s.values().maps("RouteSettings") {
		if entryOf(entry, "Route", "") == of.Resource.(*route).key {
			n.Needs(of)
			return
		}
	}
}

// hasRoute reports whether a route is there when the script's are.
func (a *api) hasRoute(key string) bool {
	return slices.ContainsFunc(a.routes, func(r *route) bool { return r.key == key }) ||
		slices.ContainsFunc(a.existing.routes, func(r types.Route) bool { return aws.ToString(r.RouteKey) == key })
}

// dropRouteSettings takes what stages have of a route out of them, before the route goes: what stays would be that of the
// next route with its key. A stage may be gone already.
func (a *api) dropRouteSettings(ctx context.Context, key string) error {
	for _, st := range a.existing.stages {
		if _, there := st.RouteSettings[key]; !there {
			continue
		}
		if err := a.deleteRouteSettings(ctx, st.StageName, key); err != nil {
			return err
		}
	}
	return nil
}

func (a *api) deleteRouteSettings(ctx context.Context, stage *string, key string) error {
	_, err := a.p.gateway.DeleteRouteSettings(ctx, &apigatewayv2.DeleteRouteSettingsInput{ApiId: &a.id, StageName: stage, RouteKey: &key})
	return ignore(err, "NotFoundException")
}

// retireRouteSettings takes out of the stage what the script no longer has of a route. An update cannot take away one
// property of an entry either: the entry goes, and comes back with what is left of it.
func (s *stage) retireRouteSettings(ctx context.Context, have, want *types.Stage) error {
	changed := routesDiffer(have, want)
	for _, key := range slices.Sorted(maps.Keys(changed)) {
		_, there := have.RouteSettings[key]
		if there && slices.ContainsFunc(changed[key], func(c deploy.Change) bool { return c.New == "" }) {
			if err := s.api.deleteRouteSettings(ctx, &s.name, key); err != nil {
				return err
			}
		}
	}
	return nil
}
