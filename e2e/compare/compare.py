"""Compares this cloud's control planes with moto's, and with botocore's models of them.

Usage: compare.py ENDPOINT VERDICTS REPORT

Plays each scenario against the cloud at ENDPOINT, with the credentials of the environment, and against moto, a server
of AWS's APIs that is made for tests. Every answer of this cloud is validated against botocore's model of the operation;
then its shape is compared with moto's. The differences that are known, each with the reason why this cloud is right, are
the lines of the file VERDICTS; any other, and a line there that no longer stands for anything, is printed and makes the
exit status 1. REPORT is written in Markdown.
"""
import fnmatch
import http.server
import importlib
import json
import logging
import os
import sys
import threading

os.environ["MOTO_ACCOUNT_ID"] = "111122223333"  # the account that this cloud says it is
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

import boto3
from moto.server import ThreadedMotoServer

import client
import inventory
import shape

SERVICES = {"apigatewayv2": "apigatewayv2", "lambda": "lambda_", "iam": "iam", "sts": "sts", "s3": "s3", "ec2": "ec2", "logs": "logs", "dynamodb": "dynamodb"}


# Operations that no scenario calls, and why.
ELSEWHERE = {
    "Invoke": "runs a function: no control plane",
    "InvokeWithResponseStream": "runs a function: no control plane",
    "InvokeAsync": "runs a function: no control plane",
    "ListDirectoryBuckets": "on this wire it is ListBuckets",
    "WriteGetObjectResponse": "on this wire it is a POST to an object named WriteGetObjectResponse",
}

# Operations that share verb and path with another, which is the one that a refusal names.
ALIASES = {
    "GetLayerVersionByArn": "ListLayers", "GetBucketLifecycle": "GetBucketLifecycleConfiguration", "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration", "PutBucketNotification": "PutBucketNotificationConfiguration",
}


class Side:
    """One of the two endpoints and what it was asked."""

    def __init__(self, **options):
        self.options, self.session, self.calls = options, boto3.Session(region_name="us-east-1"), {}
        self.issuer = issuer()

    def recorder(self, service, **options):
        return client.Recorder(self.session, service, **(self.options | options))

    def play(self):
        for service, module in SERVICES.items():
            do = self.recorder(service)
            importlib.import_module("scenarios." + module).play(do, self)
            self.calls[service] = do.calls


def main(endpoint, verdicts_file, report_file):
    logging.getLogger("werkzeug").addHandler(logging.NullHandler())
    logging.getLogger("werkzeug").propagate = False
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    here = Side(endpoint_url=endpoint)
    there = Side(endpoint_url=f"http://127.0.0.1:{server.get_host_and_port()[1]}", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="moto")
    beside(here.play, there.play)

    problems, found, table = [], {}, {}
    for service in SERVICES:
        compared, refused = set(), set()
        for ours, theirs in zip(here.calls[service], there.calls[service], strict=True):
            if ours.code in inventory.UNKNOWN:
                refused.add(ours.operation)
                if ALIASES.get(ours.operation, ours.operation) not in ours.message:
                    problems.append(f"{ours.key}: the refusal does not name the operation: {ours.message!r}")
                continue
            for v in ours.violations:
                found.setdefault(f"{ours.key}: {v}", (ours, ours))
            if ours.lacks:
                problems.append(f"{ours.key}: no answer in the service's protocol: {ours.message}")
            if theirs.lacks:
                continue
            compared.add(ours.operation)
            for line in differences(ours, theirs):
                found.setdefault(f"{ours.key}: {line}", (ours, theirs))
        has = inventory.operations(here.recorder(service))
        both = inventory.operations(there.recorder(service), sorted(has))
        played = {c.operation for c in here.calls[service]}
        problems.extend(f"{service} {o}: it is here and no scenario calls it" for o in sorted(has - played - ELSEWHERE.keys()))
        table[service] = (has, both, compared, refused)
    server.stop()

    verdicts = read_verdicts(verdicts_file)
    explained = {}
    for line in found:
        for pattern in verdicts:
            if fnmatch.fnmatchcase(line, pattern.replace("[", "[[]")):
                explained.setdefault(pattern, []).append(line)
                break
        else:
            ours, theirs = found[line]
            said = f"\n    here: {ours.message}\n    moto: {theirs.message}" if ours.code or theirs.code else ""
            problems.append(line + said)
    problems.extend(f"{verdicts_file}: nothing differs by {p!r} any more" for p in verdicts if p not in explained)
    with open(report_file, "w") as f:
        f.write(report(table, explained, verdicts, here))
    for p in problems:
        print(p)
    return 1 if problems else 0


def issuer():
    """Starts an issuer of tokens, which JWT authorizers name and this cloud asks for its keys. It returns its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            document = {"keys": []} if self.path == "/keys" else {"issuer": address, "jwks_uri": address + "/keys"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return address


def beside(*functions):
    """Runs functions at the same time; an exception of one of them is raised here."""
    failed = []

    def run(f):
        try:
            f()
        except BaseException as e:  # noqa: B036: it is raised again below
            failed.append(e)

    threads = [threading.Thread(target=run, args=(f,)) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


def differences(ours, theirs):
    if ours.outcome != theirs.outcome:
        yield f"{ours.outcome} here, {theirs.outcome} in moto"
    if ours.code is None and theirs.code is None:
        yield from shape.difference(ours.leaves, theirs.leaves)


def read_verdicts(name):
    """Returns pattern → reason. A pattern is a difference as it is printed, with * for any text."""
    verdicts = {}
    with open(name) as f:
        for line in f:
            line = line.strip()
            if line and not line.startswith("#"):
                pattern, separator, reason = line.partition(" -- ")
                if not separator:
                    sys.exit(f"{name}: no ' -- ' between difference and reason: {line}")
                verdicts[pattern.strip()] = reason.strip()
    return verdicts


def report(table, explained, verdicts, here):
    lines = [
        "# Compared with moto",
        "",
        "moto is a server of AWS's APIs that is made for tests. The same calls of boto3 go to it and to `quotewire cloud`; every answer",
        "of this cloud is validated strictly against botocore's model of the operation, then its shape (members, types, values of enums",
        "and booleans, statuses, error codes) is compared with moto's. A difference is either this cloud's to mend, or it is below, with",
        "the reason why this cloud is right or the words \"a difference from AWS\". `*` stands for any text.",
        "",
        "This page is generated: `go test ./e2e -run TestControlPlanesComparedWithMoto -update`.",
        "",
        "| service | operations here | also in moto | calls validated | calls that differ | verdicts |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for service, (has, both, _, _) in table.items():
        of = lambda lines: [x for x in lines if x.startswith(service + " ")]
        calls = [c for c in here.calls[service] if c.code not in inventory.UNKNOWN]
        differing = {x.partition(":")[0] for p in explained.values() for x in of(p)}
        used = [p for p in explained if of(explained[p])]
        lines.append(f"| {service} | {len(has)} | {len(both)} | {len(calls)} | {len(differing)} | {len(used)} |")
    for service, (has, both, compared, refused) in table.items():
        lines += ["", f"## {service}", "", "Compared: " + ", ".join(sorted(compared)) + "."]
        if has - both:
            lines += ["", "Here and not in moto, validated against the model alone: " + ", ".join(sorted(has - both)) + "."]
        if refused:
            lines += ["", "Asked for and refused by name: " + ", ".join(sorted(refused)) + "."]
        patterns = [p for p in verdicts if p in explained and p.startswith(service + " ")]
        if patterns:
            lines += ["", "| difference | calls | verdict |", "| --- | --- | --- |"]
        for p in patterns:
            calls = ", ".join(dict.fromkeys(line.partition(":")[0].removeprefix(service + " ") for line in explained[p]))
            cells = p.removeprefix(service + " "), calls, verdicts[p]
            lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
