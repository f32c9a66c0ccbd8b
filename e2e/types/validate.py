"""Reads calls, one JSON object a line, and holds each input against the model of its operation that botocore ships: names,
kinds, what is required, enums, patterns, lengths and ranges. Prints each that does not fit, and ends with status 1 if any
does not."""

import json
import re
import sys

import botocore.session

IDS = {}  # service id → botocore's name of the service


def main():
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    wrong, count, operations = 0, 0, set()
    models = {}
    for line in sys.stdin:
        call = json.loads(line)
        name = service(loader, call["service"])
        if name not in models:
            models[name] = session.get_service_model(name)
        operation = models[name].operation_model(call["operation"])
        problems = []
        check(operation.input_shape, call["input"] or {}, "input", problems)
        count += 1
        operations.add((name, call["operation"]))
        for problem in problems:
            wrong += 1
            print(f"{name} {call['operation']}: {problem}\n    {line.strip()}")
    print(f"{count} different calls of {len(operations)} operations validated, {wrong} problems", file=sys.stderr)
    sys.exit(1 if wrong else 0)


def service(loader, identity):
    if not IDS:
        for name in ("acm", "apigatewayv2", "cloudfront", "dsql", "dynamodb", "ec2", "iam", "lambda", "logs", "neptune", "route53", "s3", "sts"):
            model = loader.load_service_model(name, "service-2")
            IDS[model["metadata"]["serviceId"].lower()] = name
    return IDS[identity.lower()]


def check(shape, value, at, problems):
    if shape is None:
        if value:
            problems.append(f"{at}: the operation takes nothing")
        return
    kind = shape.type_name
    {"structure": structure, "list": sequence, "map": mapping}.get(kind, scalar)(shape, value, at, problems)


def structure(shape, value, at, problems):
    if not isinstance(value, dict):
        problems.append(f"{at}: {value!r} is no structure")
        return
    # The SDK for Go begins every name with a capital.
    members = {name.lower().replace("_", ""): name for name in shape.members}
    given = set()
    for name, inner in value.items():
        real = members.get(name.lower().replace("_", ""))
        if real is None:
            problems.append(f"{at}: no member {name}")
            continue
        given.add(real)
        member = shape.members[real]
        if member.serialization.get("location") == "querystring" and member.type_name == "string" and type(inner) is int:
            inner = str(inner)  # the SDK for Go has a number where the model has its digits
        check(member, inner, f"{at}.{real}", problems)
    for name in shape.required_members:
        # A call is noted without what is zero; the SDK for Go sends a required boolean that is false all the same.
        if name not in given and shape.members[name].type_name != "boolean":
            problems.append(f"{at}: {name} is required")


def sequence(shape, value, at, problems):
    if not isinstance(value, list):
        problems.append(f"{at}: {value!r} is no list")
        return
    bounds(shape, len(value), at, problems, "length")
    for i, inner in enumerate(value):
        check(shape.member, inner, f"{at}[{i}]", problems)


def mapping(shape, value, at, problems):
    if not isinstance(value, dict):
        problems.append(f"{at}: {value!r} is no map")
        return
    for key, inner in value.items():
        check(shape.key, key, f"{at} key", problems)
        check(shape.value, inner, f"{at}{{{key}}}", problems)


def scalar(shape, value, at, problems):
    kind = shape.type_name
    want = {"string": str, "character": str, "boolean": bool, "integer": int, "long": int, "float": (int, float), "double": (int, float)}.get(kind)
    if want and not isinstance(value, want):
        problems.append(f"{at}: {value!r} is no {kind}")
        return
    if kind == "string":
        enum = getattr(shape, "enum", None)
        if enum and value not in enum:
            problems.append(f"{at}: {value!r} is not one of {enum}")
        bounds(shape, len(value), at, problems, "length")
        pattern = shape.metadata.get("pattern")
        if pattern and not matches(pattern, value):
            problems.append(f"{at}: {value!r} does not match {pattern}")
    elif want and kind != "boolean":
        bounds(shape, value, at, problems, "value")


def bounds(shape, n, at, problems, what):
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and n < low or high is not None and n > high:
        problems.append(f"{at}: {what} {n} is not within {low} and {high}")


def matches(pattern, value):
    # The models write their patterns for Java.
    for java, python in ((r"\p{L}", r"\w"), (r"\p{Z}", r"\s"), (r"\p{N}", r"\d"), (r"\p{M}", ""), (r"\p{S}", r"\S"), (r"\p{P}", r"\S"), (r"\p{Alnum}", "A-Za-z0-9"), (r"\p{ASCII}", r"\x00-\x7f")):
        pattern = pattern.replace(java, python)
    pattern = re.sub(r"\\([ux])\{?([0-9A-Fa-f]{1,6})\}?", lambda m: "\\u%04X" % int(m.group(2), 16) if m.group(1) == "u" and int(m.group(2), 16) < 0x10000 else m.group(0), pattern)
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:
        return True


main()
