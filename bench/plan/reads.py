"""Makes the calls that its standard input lists, one after the other, with all their pages."""
import json
import sys

import boto3

clients = {}
for call in json.load(sys.stdin):
    service = {"s3api": "s3"}.get(call["service"], call["service"])
    if service not in clients:
        clients[service] = boto3.client(service)
    client, operation = clients[service], call["operation"].replace("-", "_")
    try:
        if client.can_paginate(operation):
            for _ in client.get_paginator(operation).paginate(**call["input"]):
                pass
        else:
            answer = getattr(client, operation)(**call["input"])
            if "Body" in answer:
                answer["Body"].read()
    except client.exceptions.ClientError as error:
        # That something is not there, such as the policy of a function, is an answer too.
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
