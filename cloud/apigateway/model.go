package apigateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// The resources of the control plane as they are on the wire and in the state. A PATCH is decoded over the stored
// value: absent members stay, and maps are merged, as AWS does it.

type apiProperties struct {
	APIEndpoint               string             `json:"apiEndpoint"`
	APIID                     string             `json:"apiId"`
	APIKeySelectionExpression string             `json:"apiKeySelectionExpression"`
	CORSConfiguration         *corsConfiguration `json:"corsConfiguration,omitempty"`
	CreatedDate               time.Time          `json:"createdDate"`
	Description               string             `json:"description,omitempty"`
	DisableExecuteAPIEndpoint bool               `json:"disableExecuteApiEndpoint"`
	DisableSchemaValidation   bool               `json:"disableSchemaValidation,omitempty"`
	IPAddressType             string             `json:"ipAddressType"`
	Name                      string             `json:"name"`
	ProtocolType              string             `json:"protocolType"`
	RouteSelectionExpression  string             `json:"routeSelectionExpression"`
	Tags                      map[string]string  `json:"tags"`
	Version                   string             `json:"version,omitempty"`
}

type corsConfiguration struct {
	AllowCredentials bool     `json:"allowCredentials,omitempty"`
	AllowHeaders     []string `json:"allowHeaders,omitempty"`
	AllowMethods     []string `json:"allowMethods,omitempty"`
	AllowOrigins     []string `json:"allowOrigins,omitempty"`
	ExposeHeaders    []string `json:"exposeHeaders,omitempty"`
	MaxAge           *int     `json:"maxAge,omitempty"`
}

type integration struct {
	APIGatewayManaged                      bool                         `json:"apiGatewayManaged,omitempty"`
	ConnectionID                           string                       `json:"connectionId,omitempty"`
	ConnectionType                         string                       `json:"connectionType"`
	ContentHandlingStrategy                string                       `json:"contentHandlingStrategy,omitempty"`
	CredentialsARN                         string                       `json:"credentialsArn,omitempty"`
	Description                            string                       `json:"description,omitempty"`
	IntegrationID                          string                       `json:"integrationId"`
	IntegrationMethod                      string                       `json:"integrationMethod,omitempty"`
	IntegrationResponseSelectionExpression string                       `json:"integrationResponseSelectionExpression,omitempty"`
	IntegrationSubtype                     string                       `json:"integrationSubtype,omitempty"`
	IntegrationType                        string                       `json:"integrationType"`
	IntegrationURI                         string                       `json:"integrationUri,omitempty"`
	PassthroughBehavior                    string                       `json:"passthroughBehavior,omitempty"`
	PayloadFormatVersion                   string                       `json:"payloadFormatVersion,omitempty"`
	RequestParameters                      map[string]string            `json:"requestParameters,omitempty"`
	RequestTemplates                       map[string]string            `json:"requestTemplates,omitempty"`
	ResponseParameters                     map[string]map[string]string `json:"responseParameters,omitempty"` // by status
	TemplateSelectionExpression            string                       `json:"templateSelectionExpression,omitempty"`
	TimeoutInMillis                        int                          `json:"timeoutInMillis"`
	TLSConfig                              json.RawMessage              `json:"tlsConfig,omitempty"`
}

type integrationResponse struct {
	ContentHandlingStrategy     string            `json:"contentHandlingStrategy,omitempty"`
	IntegrationResponseID       string            `json:"integrationResponseId"`
	IntegrationResponseKey      string            `json:"integrationResponseKey"`
	ResponseParameters          map[string]string `json:"responseParameters,omitempty"`
	ResponseTemplates           map[string]string `json:"responseTemplates,omitempty"`
	TemplateSelectionExpression string            `json:"templateSelectionExpression,omitempty"`
}

type route struct {
	APIGatewayManaged                bool                  `json:"apiGatewayManaged,omitempty"`
	APIKeyRequired                   bool                  `json:"apiKeyRequired"`
	AuthorizationScopes              []string              `json:"authorizationScopes,omitempty"`
	AuthorizationType                string                `json:"authorizationType"`
	AuthorizerID                     string                `json:"authorizerId,omitempty"`
	ModelSelectionExpression         string                `json:"modelSelectionExpression,omitempty"`
	OperationName                    string                `json:"operationName,omitempty"`
	RequestModels                    map[string]string     `json:"requestModels,omitempty"`
	RequestParameters                map[string]constraint `json:"requestParameters,omitempty"`
	RouteID                          string                `json:"routeId"`
	RouteKey                         string                `json:"routeKey"`
	RouteResponseSelectionExpression string                `json:"routeResponseSelectionExpression,omitempty"`
	Target                           string                `json:"target,omitempty"`
}

type constraint struct {
	Required bool `json:"required"`
}

type routeResponse struct {
	ModelSelectionExpression string                `json:"modelSelectionExpression,omitempty"`
	ResponseModels           map[string]string     `json:"responseModels,omitempty"`
	ResponseParameters       map[string]constraint `json:"responseParameters,omitempty"`
	RouteResponseID          string                `json:"routeResponseId"`
	RouteResponseKey         string                `json:"routeResponseKey"`
}

type stage struct {
	AccessLogSettings           *accessLogSettings       `json:"accessLogSettings,omitempty"`
	APIGatewayManaged           bool                     `json:"apiGatewayManaged,omitempty"`
	AutoDeploy                  bool                     `json:"autoDeploy,omitempty"`
	ClientCertificateID         string                   `json:"clientCertificateId,omitempty"`
	CreatedDate                 time.Time                `json:"createdDate"`
	DefaultRouteSettings        routeSettings            `json:"defaultRouteSettings"`
	DeploymentID                string                   `json:"deploymentId,omitempty"`
	Description                 string                   `json:"description,omitempty"`
	LastDeploymentStatusMessage string                   `json:"lastDeploymentStatusMessage,omitempty"`
	LastUpdatedDate             time.Time                `json:"lastUpdatedDate"`
	RouteSettings               map[string]routeSettings `json:"routeSettings"`
	StageName                   string                   `json:"stageName"`
	StageVariables              map[string]string        `json:"stageVariables"`
	Tags                        map[string]string        `json:"tags"`
}

type routeSettings struct {
	DataTraceEnabled       *bool    `json:"dataTraceEnabled,omitempty"`
	DetailedMetricsEnabled *bool    `json:"detailedMetricsEnabled,omitempty"`
	LoggingLevel           string   `json:"loggingLevel,omitempty"`
	ThrottlingBurstLimit   *int     `json:"throttlingBurstLimit,omitempty"`
	ThrottlingRateLimit    *float64 `json:"throttlingRateLimit,omitempty"`
}

type deployment struct {
	AutoDeployed            bool      `json:"autoDeployed"`
	CreatedDate             time.Time `json:"createdDate"`
	DeploymentID            string    `json:"deploymentId"`
	DeploymentStatus        string    `json:"deploymentStatus"`
	DeploymentStatusMessage string    `json:"deploymentStatusMessage,omitempty"`
	Description             string    `json:"description,omitempty"`
}

type authorizer struct {
	AuthorizerCredentialsARN       string            `json:"authorizerCredentialsArn,omitempty"`
	AuthorizerID                   string            `json:"authorizerId"`
	AuthorizerPayloadFormatVersion string            `json:"authorizerPayloadFormatVersion,omitempty"`
	AuthorizerResultTTLInSeconds   *int              `json:"authorizerResultTtlInSeconds,omitempty"`
	AuthorizerType                 string            `json:"authorizerType"`
	AuthorizerURI                  string            `json:"authorizerUri,omitempty"`
	EnableSimpleResponses          bool              `json:"enableSimpleResponses,omitempty"`
	IdentitySource                 []string          `json:"identitySource"`
	IdentityValidationExpression   string            `json:"identityValidationExpression,omitempty"`
	JWTConfiguration               *jwtConfiguration `json:"jwtConfiguration,omitempty"`
	Name                           string            `json:"name"`
}

type jwtConfiguration struct {
	Audience []string `json:"audience,omitempty"`
	Issuer   string   `json:"issuer,omitempty"`
}

// api is an API with everything under it. Once it is in the catalog it does not change: a change makes a new one.
type api struct {
	Properties           apiProperties
	Integrations         map[string]*integration
	IntegrationResponses map[string]map[string]*integrationResponse // by integration id
	Routes               map[string]*route
	RouteResponses       map[string]map[string]*routeResponse // by route id
	Stages               map[string]*stage
	Deployments          map[string]*deployment
	Authorizers          map[string]*authorizer
	Models               map[string]*model

	snapshots map[string]*snapshot // by deployment id; kept in the state under keys of their own
}

func (a *api) id() string        { return a.Properties.APIID }
func (a *api) isWebSocket() bool { return a.Properties.ProtocolType == "WEBSOCKET" }

// clone returns a copy that may be changed. Snapshots never change, so they are shared.
func (a *api) clone() *api {
	text, err := json.Marshal(a)
	if err != nil {
		panic(fmt.Sprintf("apigateway: an API that cannot be encoded: %v", err))
	}
	b := newAPI()
	if err := json.Unmarshal(text, b); err != nil {
		panic(fmt.Sprintf("apigateway: an API that cannot be decoded: %v", err))
	}
	maps.Copy(b.snapshots, a.snapshots)
	return b
}

func newAPI() *api {
	return &api{
		Integrations:         map[string]*integration{},
		IntegrationResponses: map[string]map[string]*integrationResponse{},
		Routes:               map[string]*route{},
		RouteResponses:       map[string]map[string]*routeResponse{},
		Stages:               map[string]*stage{},
		Deployments:          map[string]*deployment{},
		Authorizers:          map[string]*authorizer{},
		Models:               map[string]*model{},
		snapshots:            map[string]*snapshot{},
	}
}

// now is a time as the control plane tells it: UTC, in whole seconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
