"""Functions, their code, versions, aliases, permissions and settings."""
import io
import json
import time
import zipfile

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def code(text):
    """Returns a deployment package whose bootstrap ends at once. Its bytes are always the same."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, f"#!/bin/sh\n# {text}\nexit 1\n")
    return buffer.getvalue()


def settle(do, name):
    """Waits until a function is neither being created nor updated: till then it takes no other change."""
    while True:
        c = do.client.get_function_configuration(FunctionName=name)
        if c.get("State") != "Pending" and c.get("LastUpdateStatus") != "InProgress":
            return
        time.sleep(0.05)


def play(do, side):
    role = side.recorder("iam")("CreateRole", RoleName="runner", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    name = "watch"
    made = do("CreateFunction", FunctionName=name, Runtime="provided.al2023", Role=role, Handler="bootstrap", Code={"ZipFile": code("1")},
              Architectures=["arm64"], Description="watches", Timeout=5, MemorySize=256, Environment={"Variables": {"TABLE": "prices"}},
              Tags={"team": "quotes"})
    arn = made["FunctionArn"]
    settle(do, name)
    do("GetFunction", FunctionName=name)
    do("GetFunctionConfiguration", FunctionName=name)
    do("ListFunctions")
    do("ListFunctions", "a page of one", MaxItems=1)
    do("UpdateFunctionCode", FunctionName=name, ZipFile=code("2"), Architectures=["arm64"])
    settle(do, name)
    do("UpdateFunctionConfiguration", FunctionName=name, Timeout=6, Environment={"Variables": {}})
    settle(do, name)
    do("PublishVersion", FunctionName=name, Description="first")
    do("ListVersionsByFunction", FunctionName=name)
    do("GetFunction", "version", FunctionName=name, Qualifier="1")
    do("CreateAlias", FunctionName=name, Name="live", FunctionVersion="1", Description="what is served")
    do("CreateAlias", "duplicate", FunctionName=name, Name="live", FunctionVersion="1")
    do("GetAlias", FunctionName=name, Name="live")
    do("ListAliases", FunctionName=name)
    do("UpdateAlias", FunctionName=name, Name="live", Description="served")
    do("GetFunction", "alias", FunctionName=name, Qualifier="live")
    do("GetAlias", "missing", FunctionName=name, Name="nowhere")

    do("GetPolicy", "missing", FunctionName=name)
    do("AddPermission", FunctionName=name, StatementId="gateway", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
       SourceArn="arn:aws:execute-api:us-east-1:111122223333:abcdefghij/*/*")
    do("AddPermission", "duplicate", FunctionName=name, StatementId="gateway", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com")
    do("GetPolicy", FunctionName=name)
    do("RemovePermission", "missing", FunctionName=name, StatementId="nowhere")
    do("RemovePermission", FunctionName=name, StatementId="gateway")

    do("PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=2)
    do("GetFunctionConcurrency", FunctionName=name)
    do("DeleteFunctionConcurrency", FunctionName=name)
    do("GetFunctionConcurrency", "unset", FunctionName=name)
    do("PutFunctionEventInvokeConfig", FunctionName=name, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60)
    do("GetFunctionEventInvokeConfig", FunctionName=name)
    do("UpdateFunctionEventInvokeConfig", FunctionName=name, MaximumRetryAttempts=0)
    do("ListFunctionEventInvokeConfigs", FunctionName=name)
    do("DeleteFunctionEventInvokeConfig", FunctionName=name)
    do("GetFunctionEventInvokeConfig", "missing", FunctionName=name)

    do("CreateFunctionUrlConfig", FunctionName=name, AuthType="AWS_IAM", Cors={"AllowOrigins": ["*"]})
    do("GetFunctionUrlConfig", FunctionName=name)
    do("UpdateFunctionUrlConfig", FunctionName=name, AuthType="NONE")
    do("ListFunctionUrlConfigs", FunctionName=name)
    do("DeleteFunctionUrlConfig", FunctionName=name)
    do("GetFunctionUrlConfig", "missing", FunctionName=name)
    do("GetFunctionCodeSigningConfig", FunctionName=name)
    do("GetProvisionedConcurrencyConfig", "missing", FunctionName=name, Qualifier="live")
    do("ListProvisionedConcurrencyConfigs", FunctionName=name)
    do("PutRuntimeManagementConfig", FunctionName=name, UpdateRuntimeOn="Auto")
    do("GetRuntimeManagementConfig", FunctionName=name)
    do("PutFunctionRecursionConfig", FunctionName=name, RecursiveLoop="Terminate")
    do("GetFunctionRecursionConfig", FunctionName=name)

    layer = do("PublishLayerVersion", LayerName="tools", Content={"ZipFile": code("layer")}, CompatibleRuntimes=["provided.al2023"], Description="d")
    do("GetLayerVersion", LayerName="tools", VersionNumber=1)
    do("GetLayerVersionByArn", Arn=layer["LayerVersionArn"])
    do("ListLayers")
    do("ListLayerVersions", LayerName="tools")
    do("AddLayerVersionPermission", LayerName="tools", VersionNumber=1, StatementId="all", Action="lambda:GetLayerVersion", Principal="*")
    do("GetLayerVersionPolicy", LayerName="tools", VersionNumber=1)
    do("RemoveLayerVersionPermission", LayerName="tools", VersionNumber=1, StatementId="all")
    do("UpdateFunctionConfiguration", "layers", FunctionName=name, Layers=[layer["LayerVersionArn"]])
    settle(do, name)
    do("UpdateFunctionConfiguration", "no layers", FunctionName=name, Layers=[])
    settle(do, name)
    do("DeleteLayerVersion", LayerName="tools", VersionNumber=1)
    do("GetLayerVersion", "missing", LayerName="tools", VersionNumber=1)

    do("TagResource", Resource=arn, Tags={"stage": "test"})
    do("ListTags", Resource=arn)
    do("UntagResource", Resource=arn, TagKeys=["stage"])
    do("GetAccountSettings")
    do("ListEventSourceMappings")
    do("ListEventSourceMappings", "of a function", FunctionName=name)
    do("GetEventSourceMapping", "missing", UUID="00000000-0000-0000-0000-000000000000")

    ok = dict(Runtime="provided.al2023", Role=role, Handler="bootstrap", Code={"ZipFile": code("1")})
    do("CreateFunction", "duplicate", FunctionName=name, **ok)
    do("CreateFunction", "bad runtime", **(ok | {"FunctionName": "b", "Runtime": "fortran77"}))
    do("CreateFunction", "bad name", **(ok | {"FunctionName": "a b"}))
    do("CreateFunction", "bad zip", **(ok | {"FunctionName": "c", "Code": {"ZipFile": b"no zip"}}))
    do("CreateFunction", "bad memory", **(ok | {"FunctionName": "d", "MemorySize": 1}))
    for operation, more in (("GetFunction", {}), ("GetFunctionConfiguration", {}), ("DeleteFunction", {}), ("GetPolicy", {}), ("ListAliases", {}),
                            ("UpdateFunctionConfiguration", {"Timeout": 4}), ("UpdateFunctionCode", {"ZipFile": code("3")}), ("PublishVersion", {}),
                            ("ListVersionsByFunction", {}), ("AddPermission", {"StatementId": "a", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}),
                            ("PutFunctionConcurrency", {"ReservedConcurrentExecutions": 1})):
        do(operation, "no such function", FunctionName="nowhere", **more)
    do("ListTags", "no such function", Resource="arn:aws:lambda:us-east-1:111122223333:function:nowhere")
    do("PublishVersion", "unchanged", FunctionName=name)
    do("DeleteAlias", FunctionName=name, Name="live")
    do("DeleteFunction", "version", FunctionName=name, Qualifier="1")
    do("DeleteFunction", FunctionName=name)
