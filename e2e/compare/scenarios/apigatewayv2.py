"""WebSocket and HTTP APIs, from their creation to their end."""

FUNCTION = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:111122223333:function:watch/invocations"


def play(do, side):
    websocket(do)
    http(do, side.issuer)
    domain(do)
    mistakes(do)


def websocket(do):
    api = do("CreateApi", Name="socket", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action",
             Description="prices", Version="1", Tags={"team": "quotes"})
    id = api["ApiId"]
    do("GetApi", ApiId=id)
    do("GetApis")
    do("GetApis", "a page of one", MaxResults="1")
    do("UpdateApi", ApiId=id, Description="live prices", ApiKeySelectionExpression="$request.header.x-api-key")
    arn = f"arn:aws:apigateway:us-east-1::/apis/{id}"
    do("TagResource", ResourceArn=arn, Tags={"stage": "test"})
    do("GetTags", ResourceArn=arn)
    do("UntagResource", ResourceArn=arn, TagKeys=["stage", "team"])
    do("GetTags", "untagged", ResourceArn=arn)

    integration = do("CreateIntegration", ApiId=id, IntegrationType="AWS_PROXY", IntegrationUri=FUNCTION, IntegrationMethod="POST",
                     TimeoutInMillis=10000, Description="the watch function")
    mock = do("CreateIntegration", "MOCK", ApiId=id, IntegrationType="MOCK", RequestTemplates={"$default": '{"statusCode":200}'},
              TemplateSelectionExpression="\\$default")
    iid, mid = integration["IntegrationId"], mock["IntegrationId"]
    do("GetIntegration", ApiId=id, IntegrationId=iid)
    do("GetIntegration", "MOCK", ApiId=id, IntegrationId=mid)
    do("GetIntegrations", ApiId=id)
    do("UpdateIntegration", ApiId=id, IntegrationId=iid, TimeoutInMillis=20000)
    response = do("CreateIntegrationResponse", ApiId=id, IntegrationId=mid, IntegrationResponseKey="/200/",
                  ResponseTemplates={"$default": '{"pong":true}'}, TemplateSelectionExpression="\\$default")
    rid = response["IntegrationResponseId"]
    do("GetIntegrationResponse", ApiId=id, IntegrationId=mid, IntegrationResponseId=rid)
    do("GetIntegrationResponses", ApiId=id, IntegrationId=mid)
    do("UpdateIntegrationResponse", ApiId=id, IntegrationId=mid, IntegrationResponseId=rid, ResponseTemplates={"$default": "{}"})
    do("GetIntegrationResponse", "missing", ApiId=id, IntegrationId=mid, IntegrationResponseId="nowhere")

    model = do("CreateModel", ApiId=id, Name="Ask", ContentType="application/json", Schema='{"type":"object"}', Description="a question")
    do("GetModel", ApiId=id, ModelId=model["ModelId"])
    do("GetModels", ApiId=id)
    do("GetModelTemplate", ApiId=id, ModelId=model["ModelId"])
    do("UpdateModel", ApiId=id, ModelId=model["ModelId"], Schema='{"type":"object","required":["action"]}')
    do("GetModel", "missing", ApiId=id, ModelId="nowhere")

    authorizer = do("CreateAuthorizer", ApiId=id, Name="who", AuthorizerType="REQUEST", AuthorizerUri=FUNCTION,
                    IdentitySource=["route.request.header.Authorization"])
    aid = authorizer["AuthorizerId"]
    do("GetAuthorizer", ApiId=id, AuthorizerId=aid)
    do("GetAuthorizers", ApiId=id)
    do("UpdateAuthorizer", ApiId=id, AuthorizerId=aid, IdentitySource=["route.request.querystring.token"])
    do("GetAuthorizer", "missing", ApiId=id, AuthorizerId="nowhere")

    connect = do("CreateRoute", ApiId=id, RouteKey="$connect", Target=f"integrations/{iid}", AuthorizationType="CUSTOM", AuthorizerId=aid)
    route = do("CreateRoute", ApiId=id, RouteKey="ping", Target=f"integrations/{mid}", RouteResponseSelectionExpression="$default",
               OperationName="ping")
    do("GetRoute", ApiId=id, RouteId=route["RouteId"])
    do("GetRoutes", ApiId=id)
    do("UpdateRoute", ApiId=id, RouteId=route["RouteId"], OperationName="pong")
    answer = do("CreateRouteResponse", ApiId=id, RouteId=route["RouteId"], RouteResponseKey="$default")
    do("GetRouteResponse", ApiId=id, RouteId=route["RouteId"], RouteResponseId=answer["RouteResponseId"])
    do("GetRouteResponses", ApiId=id, RouteId=route["RouteId"])
    do("UpdateRouteResponse", ApiId=id, RouteId=route["RouteId"], RouteResponseId=answer["RouteResponseId"], RouteResponseKey="$default")
    do("GetRouteResponse", "missing", ApiId=id, RouteId=route["RouteId"], RouteResponseId="nowhere")
    do("CreateRoute", "duplicate", ApiId=id, RouteKey="ping")
    do("GetRoute", "missing", ApiId=id, RouteId="nowhere")
    do("UpdateRoute", "missing", ApiId=id, RouteId="nowhere", OperationName="x")

    do("CreateStage", ApiId=id, StageName="development", StageVariables={"table": "prices"}, Description="here",
       DefaultRouteSettings={"ThrottlingBurstLimit": 50, "ThrottlingRateLimit": 20}, Tags={"a": "b"})
    deployment = do("CreateDeployment", ApiId=id, StageName="development", Description="the first")
    did = deployment["DeploymentId"]
    do("GetDeployment", ApiId=id, DeploymentId=did)
    do("GetDeployments", ApiId=id)
    do("UpdateDeployment", ApiId=id, DeploymentId=did, Description="first")
    do("GetDeployment", "missing", ApiId=id, DeploymentId="nowhere")
    do("DeleteDeployment", "in use", ApiId=id, DeploymentId=did)
    do("CreateStage", "duplicate", ApiId=id, StageName="development")
    do("UpdateStage", ApiId=id, StageName="development", DeploymentId=did, RouteSettings={"ping": {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 5}})
    do("GetStage", ApiId=id, StageName="development")
    do("GetStages", ApiId=id)
    do("GetStage", "missing", ApiId=id, StageName="nowhere")
    do("GetTags", "stage", ResourceArn=f"{arn}/stages/development")
    do("DeleteRouteSettings", ApiId=id, StageName="development", RouteKey="ping")
    do("DeleteAccessLogSettings", ApiId=id, StageName="development")
    do("ResetAuthorizersCache", ApiId=id, StageName="development")

    spare = do("CreateIntegration", "MOCK", ApiId=id, IntegrationType="MOCK")["IntegrationId"]
    guard = do("CreateAuthorizer", ApiId=id, Name="guard", AuthorizerType="REQUEST", AuthorizerUri=FUNCTION,
               IdentitySource=["route.request.header.Authorization"])["AuthorizerId"]
    do("UpdateRoute", ApiId=id, RouteId=connect["RouteId"], AuthorizerId=guard)
    do("CreateRoute", ApiId=id, RouteKey="spare", Target=f"integrations/{spare}")
    do("DeleteIntegration", "in use", ApiId=id, IntegrationId=spare)
    do("DeleteAuthorizer", "in use", ApiId=id, AuthorizerId=guard)

    do("DeleteStage", ApiId=id, StageName="development")
    do("DeleteStage", "missing", ApiId=id, StageName="development")
    do("DeleteDeployment", ApiId=id, DeploymentId=did)
    do("DeleteRouteResponse", ApiId=id, RouteId=route["RouteId"], RouteResponseId=answer["RouteResponseId"])
    do("DeleteRoute", ApiId=id, RouteId=route["RouteId"])
    do("DeleteRoute", ApiId=id, RouteId=connect["RouteId"])
    do("DeleteRoute", "missing", ApiId=id, RouteId="nowhere")
    do("DeleteAuthorizer", ApiId=id, AuthorizerId=aid)
    do("DeleteAuthorizer", "missing", ApiId=id, AuthorizerId="nowhere")
    do("DeleteModel", ApiId=id, ModelId=model["ModelId"])
    do("DeleteIntegrationResponse", ApiId=id, IntegrationId=mid, IntegrationResponseId=rid)
    do("DeleteIntegration", ApiId=id, IntegrationId=mid)
    do("DeleteIntegration", "missing", ApiId=id, IntegrationId="nowhere")
    do("DeleteApi", ApiId=id)
    do("DeleteApi", "missing", ApiId=id)


def http(do, issuer):
    cors = {"AllowOrigins": ["https://example.com"], "AllowMethods": ["GET"], "AllowHeaders": ["x-a"], "MaxAge": 300, "AllowCredentials": True}
    id = do("CreateApi", "HTTP", Name="web", ProtocolType="HTTP", CorsConfiguration=cors)["ApiId"]
    do("GetApi", "HTTP", ApiId=id)
    do("DeleteCorsConfiguration", ApiId=id)
    do("GetApi", "without CORS", ApiId=id)
    do("UpdateApi", "HTTP", ApiId=id, CorsConfiguration={"AllowOrigins": ["*"]}, DisableExecuteApiEndpoint=False)
    iid = do("CreateIntegration", "HTTP", ApiId=id, IntegrationType="AWS_PROXY", IntegrationUri=FUNCTION, PayloadFormatVersion="2.0",
             RequestParameters={"append:header.x-a": "b"})["IntegrationId"]
    do("CreateIntegration", "HTTP_PROXY", ApiId=id, IntegrationType="HTTP_PROXY", IntegrationUri="https://example.com", IntegrationMethod="ANY",
       PayloadFormatVersion="1.0")
    aid = do("CreateAuthorizer", "JWT", ApiId=id, Name="jwt", AuthorizerType="JWT", IdentitySource=["$request.header.Authorization"],
             JwtConfiguration={"Audience": ["quotes"], "Issuer": issuer})["AuthorizerId"]
    do("GetAuthorizer", "JWT", ApiId=id, AuthorizerId=aid)
    rid = do("CreateRoute", "HTTP", ApiId=id, RouteKey="POST /prices", Target=f"integrations/{iid}", AuthorizationType="JWT", AuthorizerId=aid,
             AuthorizationScopes=["write"])["RouteId"]
    do("GetRoute", "HTTP", ApiId=id, RouteId=rid)
    do("CreateStage", "$default", ApiId=id, StageName="$default", AutoDeploy=True)
    do("GetStage", "$default", ApiId=id, StageName="$default")
    do("GetRoutes", "a page of one", ApiId=id, MaxResults="1")
    do("ReimportApi", ApiId=id, Body='{"openapi":"3.0.1","info":{"title":"web","version":"1"},"paths":{}}')
    do("ExportApi", ApiId=id, OutputType="JSON", Specification="OAS30")
    do("DeleteApi", "HTTP", ApiId=id)
    quick = do("CreateApi", "quick", Name="quick", ProtocolType="HTTP", Target="https://example.com", RouteKey="GET /")
    do("GetRoutes", "quick", ApiId=quick["ApiId"])
    do("DeleteApi", ApiId=quick["ApiId"])
    imported = do("ImportApi", Body='{"openapi":"3.0.1","info":{"title":"imported","version":"1"},"paths":{}}')
    if imported:
        do("DeleteApi", ApiId=imported["ApiId"])

    do("GetDomainName", "missing", DomainName="nowhere.example.com")
    do("GetApiMappings", "missing", DomainName="nowhere.example.com")
    do("GetVpcLinks")
    do("GetVpcLink", "missing", VpcLinkId="nowhere")


def domain(do):
    name = "api.example.com"
    configured = [{"CertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/one", "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}]
    do("CreateDomainName", DomainName=name, DomainNameConfigurations=configured, Tags={"team": "quotes"})
    do("CreateDomainName", "duplicate", DomainName=name, DomainNameConfigurations=configured)
    do("GetDomainName", DomainName=name)
    do("GetDomainNames")
    configured[0]["CertificateArn"] = "arn:aws:acm:us-east-1:111122223333:certificate/two"
    do("UpdateDomainName", DomainName=name, DomainNameConfigurations=configured)
    id = do("CreateApi", "of a domain name", Name="named", ProtocolType="HTTP")["ApiId"]
    do("CreateStage", "of a domain name", ApiId=id, StageName="live")
    mid = do("CreateApiMapping", DomainName=name, ApiId=id, Stage="live", ApiMappingKey="v1")["ApiMappingId"]
    do("CreateApiMapping", "bad key", DomainName=name, ApiId=id, Stage="live", ApiMappingKey="/v2")
    do("GetApiMapping", DomainName=name, ApiMappingId=mid)
    do("GetApiMappings", DomainName=name)
    do("UpdateApiMapping", DomainName=name, ApiMappingId=mid, ApiId=id, Stage="live", ApiMappingKey="v2")
    do("DeleteApiMapping", DomainName=name, ApiMappingId=mid)
    do("GetApiMapping", "missing", DomainName=name, ApiMappingId=mid)
    do("DeleteDomainName", DomainName=name)
    do("DeleteDomainName", "missing", DomainName=name)
    do("DeleteApi", "of a domain name", ApiId=id)


def mistakes(do):
    for operation, more in (
        ("GetApi", {}), ("UpdateApi", {"Name": "x"}), ("GetRoutes", {}), ("GetIntegrations", {}), ("GetStages", {}), ("GetAuthorizers", {}),
        ("CreateRoute", {"RouteKey": "x"}), ("CreateIntegration", {"IntegrationType": "MOCK"}), ("CreateStage", {"StageName": "x"}),
        ("GetIntegration", {"IntegrationId": "x"}), ("GetRoute", {"RouteId": "x"}), ("GetDeployments", {}), ("DeleteCorsConfiguration", {}),
    ):
        do(operation, "no such API", ApiId="nowhere", **more)
    do("CreateApi", "bad protocol", Name="x", ProtocolType="GOPHER")
    do("CreateApi", "no selection", Name="x", ProtocolType="WEBSOCKET")
    do("GetTags", "missing", ResourceArn="arn:aws:apigateway:us-east-1::/apis/nowhere")
    id = do("CreateApi", Name="x", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")["ApiId"]
    do("GetIntegration", "missing", ApiId=id, IntegrationId="nowhere")
    do("UpdateIntegration", "missing", ApiId=id, IntegrationId="nowhere", TimeoutInMillis=100)
    do("CreateDeployment", "no routes", ApiId=id)
    do("CreateIntegration", "bad timeout", ApiId=id, IntegrationType="MOCK", TimeoutInMillis=30001)
    do("CreateIntegration", "bad type", ApiId=id, IntegrationType="TELEGRAPH")
    do("CreateRoute", "bad key", ApiId=id, RouteKey="$nowhere")
    do("CreateStage", "bad name", ApiId=id, StageName="a b")
    do("DeleteApi", ApiId=id)
