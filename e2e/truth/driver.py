"""Makes calls with boto3 for the tests of this folder: one JSON object a line in, one a line out, in any order.

in:  {"id", "endpoint", "key", "secret", "token", "service", "operation", "params", "callback"}
out: {"id", "status", "headers", "answer"} or also {"code", "message"} for a call that was refused.
Bytes are {"$bytes": base64} in both directions; a stream is read to its end.
"""
import base64
import datetime
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

clients, lock, printing = {}, threading.Lock(), threading.Lock()
session = boto3.session.Session()  # one for all: it reads each service's model once


def client(call):
    key = tuple(call.get(k) for k in ("service", "endpoint", "key", "secret", "token"))
    with lock:
        if key not in clients:
            config = Config(retries={"max_attempts": 0}, read_timeout=60, signature_version=None if call["key"] else UNSIGNED,
                            parameter_validation=False)
            if len(clients) > 200:  # of clouds and credentials that are long gone
                del clients[next(iter(clients))]
            clients[key] = session.client(
                call["service"], endpoint_url=call["endpoint"], region_name="us-east-1", config=config,
                aws_access_key_id=call["key"] or None, aws_secret_access_key=call["secret"] or None,
                aws_session_token=call["token"] or None)
        return clients[key]


def decode(v):
    if isinstance(v, dict):
        if set(v) == {"$bytes"}:
            return base64.b64decode(v["$bytes"])
        return {k: decode(x) for k, x in v.items()}
    return [decode(x) for x in v] if isinstance(v, list) else v


def encode(v):
    if isinstance(v, StreamingBody):
        v = v.read()
    if isinstance(v, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(v).decode()}
    if isinstance(v, datetime.datetime):
        return v.isoformat()
    if isinstance(v, dict):
        return {k: encode(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [encode(x) for x in v]
    if v is None or isinstance(v, (str, int, float, bool)):
        return v
    return [encode(x) for x in v]  # an event stream


def answer(call):
    out = {"id": call["id"]}
    try:
        c = client(call)
        method = next(m for m, op in c.meta.method_to_api_mapping.items() if op == call["operation"])
        result = getattr(c, method)(**decode(call["params"] or {}))
        meta = result.pop("ResponseMetadata", {})
        out.update(status=meta.get("HTTPStatusCode"), headers=meta.get("HTTPHeaders"), answer=encode(result))
    except ClientError as e:
        meta = e.response.get("ResponseMetadata", {})
        error = e.response.get("Error", {})
        out.update(status=meta.get("HTTPStatusCode"), headers=meta.get("HTTPHeaders"), code=error.get("Code"),
                   message=error.get("Message", ""), answer=encode(e.response))
    except Exception as e:  # the test says what it expected
        out.update(status=0, code=type(e).__name__, message=str(e))
    with printing:
        print(json.dumps(out), flush=True)


with ThreadPoolExecutor(16) as pool:
    for line in sys.stdin:
        pool.submit(answer, json.loads(line))
