"""Does with boto3 what any client of the cloud does. Usage: clients.py CALLBACK_URL CONNECTION_ID PAYLOAD"""
import json
import sys

import boto3

callback, connection, payload = sys.argv[1:]
functions = sorted(f["FunctionName"] for f in boto3.client("lambda").list_functions()["Functions"])
apis = sorted(a["Name"] for a in boto3.client("apigatewayv2").get_apis()["Items"])
answer = boto3.client("lambda").invoke(FunctionName="publish-lambda", Qualifier="next", Payload=payload)
item = boto3.client("dynamodb").get_item(TableName="quotewire-prices", Key={"ticker": {"S": "EIQQ"}}, ConsistentRead=True)
management = boto3.client("apigatewaymanagementapi", endpoint_url=callback)
management.post_to_connection(ConnectionId=connection, Data=b"hello from boto3")
seen = management.get_connection(ConnectionId=connection)
try:
    management.post_to_connection(ConnectionId="AAAAAAAAAAAAAAA=", Data=b"nobody")
    sys.exit("a post to a connection that never was succeeded")
except management.exceptions.GoneException:
    pass
print(json.dumps({
    "Functions": functions,
    "APIs": apis,
    "Answer": answer["Payload"].read().decode(),
    "Price": item["Item"]["price"]["N"],
    "SourceIP": seen["Identity"]["SourceIp"],
}))
