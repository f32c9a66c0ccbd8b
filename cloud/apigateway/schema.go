package apigateway

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// model is a JSON schema, draft 4, that an API keeps under a name.
type model struct {
	ContentType string `json:"contentType,omitempty"`
	Description string `json:"description,omitempty"`
	ModelID     string `json:"modelId"`
	Name        string `json:"name"`
	Schema      string `json:"schema,omitempty"`
}

var modelName = regexp.MustCompile(`^[a-zA-Z0-9]{1,128}$`)

func (s *Service) models() collection[model] {
	return collection[model]{
		noun: "Model",
		of:   func(a *api, _ string) (map[string]*model, error) { return a.Models, nil },
		prepare: func(a *api, m, old *model) (string, error) {
			if old == nil && len(a.Models) >= maxModels {
				return "", badRequest("An API may have %d models", maxModels)
			}
			m.ModelID = resourceID(6)
			if old != nil {
				m.ModelID = old.ModelID
			}
			for _, other := range a.Models {
				if other.Name == m.Name && other.ModelID != m.ModelID {
					return "", conflict("Model with name %s already exists for this API", m.Name)
				}
			}
			return m.ModelID, m.check(a)
		},
		remove: func(a *api, id string) error {
			for _, r := range a.Routes {
				for _, name := range r.RequestModels {
					if name == a.Models[id].Name {
						return conflict("Cannot delete model '%s', is referenced in route: %s", name, r.RouteKey)
					}
				}
			}
			return nil
		},
	}
}

func (m *model) check(a *api) error {
	if m.ContentType == "" {
		m.ContentType = "application/json"
	}
	switch {
	case !modelName.MatchString(m.Name):
		return badRequest("Invalid model name %q: it must have 1 to 128 letters and digits", m.Name)
	case m.Schema == "":
		return badRequest("schema is required")
	case len(m.Schema) > maxSchema:
		return badRequest("A schema may have %d bytes", maxSchema)
	case a.Properties.DisableSchemaValidation:
		return nil
	}
	others := maps.Clone(a.Models)
	others[m.ModelID] = m
	if _, err := compileSchema(others, m.Name); err != nil {
		return badRequest("Invalid model schema specified: %v", err)
	}
	return nil
}

// modelURL is how schemas refer to models of their API, as in {"$ref":"https://apigateway.amazonaws.com/restapis/ID/models/NAME"}.
const modelURL = "https://apigateway.amazonaws.com/restapis/"

// modelLoader finds the models of an API. Schemas of elsewhere are not fetched.
type modelLoader map[string]*model

func (l modelLoader) Load(url string) (any, error) {
	if rest, ok := strings.CutPrefix(url, modelURL); ok {
		_, name, _ := strings.Cut(rest, "/models/")
		for _, m := range l {
			if m.Name == name {
				return jsonschema.UnmarshalJSON(strings.NewReader(m.Schema))
			}
		}
	}
	return nil, fmt.Errorf("there is no model %s in this API", url)
}

// compileSchema compiles the model of that name. A schema without $schema is one of draft 4.
func compileSchema(models map[string]*model, name string) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	c.UseLoader(modelLoader(models))
	return c.Compile(modelURL + "this/models/" + name)
}

// checkModels checks the models and parameters that a route asks its requests for.
func (r *route) checkModels(a *api) error {
	if !a.isWebSocket() {
		if len(r.RequestModels) > 0 || r.ModelSelectionExpression != "" || len(r.RequestParameters) > 0 {
			return badRequest("requestModels, modelSelectionExpression and requestParameters are for WEBSOCKET APIs only")
		}
		return nil
	}
	if _, err := parseSelection(r.ModelSelectionExpression); err != nil {
		return badRequest("Invalid modelSelectionExpression: %v", err)
	}
	for _, name := range r.RequestModels {
		if a.modelNamed(name) == nil {
			return badRequest("Invalid model identifier specified: %s", name)
		}
	}
	for key := range r.RequestParameters {
		kind, name, ok := splitIdentitySource(key)
		if !ok || !strings.HasPrefix(kind, "route.request.") || !parameterName.MatchString(name) {
			return badRequest("Invalid requestParameters key %q: it must be route.request.querystring.NAME or route.request.header.NAME", key)
		}
		if r.RouteKey != "$connect" {
			return badRequest("requestParameters are for $connect only: messages have neither headers nor a query")
		}
	}
	return nil
}

func (a *api) modelNamed(name string) *model {
	for _, m := range a.Models {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// compileModels compiles the schemas that the messages of the route are held against.
func (p *path) compileModels(models map[string]*model) (err error) {
	if p.ModelSelectionExpression == "" {
		return nil
	}
	if p.modelSelection, err = parseSelection(p.ModelSelectionExpression); err != nil {
		return err
	}
	p.schemas = map[string]*jsonschema.Schema{}
	for key, name := range p.RequestModels {
		if p.schemas[key], err = compileSchema(models, name); err != nil {
			return fmt.Errorf("the model %s: %w", name, err)
		}
	}
	return nil
}

// validate says why a message does not pass the model of its route; "" if it does, or if the route has no model
// selection expression.
func (p *path) validate(text []byte) string {
	if p.modelSelection == nil {
		return ""
	}
	key, _ := p.modelSelection.evaluate(text)
	schema := p.schemas[key]
	if schema == nil {
		schema = p.schemas[defaultKey]
	}
	if schema == nil {
		return fmt.Sprintf("the route has no model for %q, and none for $default", key)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return "the message is no JSON"
	}
	return explain(schema.Validate(v))
}

// explain lists what is wrong with a message: the places with what was expected there.
func explain(err error) string {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		if err != nil {
			return err.Error()
		}
		return ""
	}
	english := message.NewPrinter(language.English)
	var reasons []string
	var leaves func(*jsonschema.ValidationError)
	leaves = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			reasons = append(reasons, "/"+strings.Join(e.InstanceLocation, "/")+": "+e.ErrorKind.LocalizedString(english))
		}
		for _, cause := range e.Causes {
			leaves(cause)
		}
	}
	leaves(invalid)
	return "[" + strings.Join(reasons, ", ") + "]"
}

// missingParameters returns the parameters that $connect requires and a handshake has not.
func (k *call) missingParameters(r *http.Request) []string {
	var missing []string
	for key, c := range k.route.RequestParameters {
		if _, name, _ := splitIdentitySource(key); c.Required && k.identityValue(key, r) == "" {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}
