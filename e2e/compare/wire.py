"""Validates an answer as it came over the wire against the output shape of botocore's model of the service.

botocore itself forgives: it drops members that it does not know and takes a number for a string. A client that is
generated more strictly does not, so each deviation is reported here: unknown and missing members, nulls, wrong types,
values outside their enum, timestamps in another format, a status or an error code that the model does not have.
"""
import json
import re
import xml.etree.ElementTree as ElementTree

# Codes that every operation of a service may answer, beside those that its model lists. S3 and EC2 list hardly any.
COMMON = {
    "*": "AccessDenied AccessDeniedException InvalidClientTokenId SignatureDoesNotMatch UnrecognizedClientException "
         "ThrottlingException ValidationException ValidationError UnknownOperationException InvalidAction",
    "s3": "NoSuchBucket NoSuchKey BucketNotEmpty BucketAlreadyOwnedByYou BucketAlreadyExists InvalidBucketName InvalidArgument "
          "MalformedXML NoSuchTagSet NoSuchUpload NoSuchBucketPolicy NoSuchCORSConfiguration NoSuchLifecycleConfiguration "
          "NoSuchWebsiteConfiguration NoSuchPublicAccessBlockConfiguration OwnershipControlsNotFoundError InvalidTag MalformedPolicy "
          "ReplicationConfigurationNotFoundError ObjectLockConfigurationNotFoundError ServerSideEncryptionConfigurationNotFoundError "
          "InvalidRange PreconditionFailed MethodNotAllowed NotImplemented EntityTooSmall InvalidPart InvalidPartOrder 404 400 "
          "InvalidRequest BadDigest InvalidDigest IllegalLocationConstraintException InvalidLocationConstraint KeyTooLongError",
    "iam": "InvalidInput NoSuchEntity MalformedPolicyDocument DeleteConflict EntityAlreadyExists",
    "sts": "InvalidIdentityToken ExpiredToken",
    "lambda": "RequestEntityTooLargeException InvalidParameterValueException ResourceNotFoundException",
}


def violations(service, operation, http, error):
    """Returns what is wrong with an answer; error is the parsed Error member, or None for a success."""
    found = []
    protocol = service.resolved_protocol
    if error is not None:
        check_error(service, operation, http, error, protocol, found)
    else:
        check_success(service, operation, http, protocol, found)
    return found


def check_error(service, operation, http, error, protocol, found):
    code = error.get("Code", "")
    known = {e.error_code: e for e in operation.error_shapes} | {e.name: e for e in operation.error_shapes}
    common = COMMON["*"].split() + COMMON.get(service.service_name, "").split()
    if service.service_name != "ec2" and code not in known and code not in common:
        found.append(f"error code {code} is not one of the operation's")
    shape = known.get(code)
    if shape is not None:
        status = shape.metadata.get("error", {}).get("httpStatusCode")
        if status and status != http.status_code and service.service_name != "dynamodb":
            found.append(f"error {code} has the status {http.status_code}, the model says {status}")
    if protocol in ("json", "rest-json") and http.content and shape is not None:
        body = parse_json(http, found)
        for name in body or {}:
            wire = {wire_name(n, m) for n, m in shape.members.items()}
            if name not in wire and name.lower() not in ("message", "__type", "code"):
                found.append(f"error {code} has the unknown member {name}")


def check_success(service, operation, http, protocol, found):
    output = operation.output_shape
    status = operation.http.get("responseCode")
    # An operation that answers its status as a member may have several.
    free = output is not None and any(m.serialization.get("location") == "statusCode" for m in output.members.values())
    if status and status != http.status_code and not free:
        found.append(f"status {http.status_code}, the model says {status}")
    if output is None:
        if protocol in ("json", "rest-json", "rest-xml") and http.content.strip() not in (b"", b"{}"):
            found.append("a body where the model has none")
        return
    if getattr(output, "event_stream_name", None) or output.serialization.get("eventstream"):
        return
    payload = output.serialization.get("payload")
    headers_of(output, http, found)
    if payload is not None and output.members[payload].type_name != "structure":
        return
    shape = output.members[payload] if payload is not None else output
    if protocol in ("json", "rest-json"):
        if not http.content:
            if body_members(shape):
                if any(m in shape.required_members for m in body_members(shape)):
                    found.append("no body")
            return
        json_value(shape, parse_json(http, found), "", protocol, found, top=True)
    else:
        if not http.content:
            if shape.required_members:
                found.append("no body")
            return
        node = ElementTree.fromstring(http.content)
        top = protocol
        if protocol == "query":
            wrapper = output.serialization.get("resultWrapper")
            inner = [c for c in node if local(c) == wrapper]
            extra = {local(c) for c in node} - {wrapper, "ResponseMetadata"}
            found.extend(f"unknown element {e}" for e in sorted(extra))
            if not inner:
                if output.members:
                    found.append(f"no {wrapper}")
                return
            node = inner[0]
        elif payload is not None and local(node) != shape.serialization.get("name", local(node)):
            found.append(f"the root element is {local(node)}")
        xml_value(shape, node, "", top, found, top=True)


def headers_of(shape, http, found):
    for name, member in shape.members.items():
        if member.serialization.get("location") != "header":
            continue
        value = http.headers.get(member.serialization.get("name", name))
        if value is None:
            if name in shape.required_members:
                found.append(f"{name}: the header is missing")
            continue
        text_value(member, value, name, member.serialization.get("timestampFormat", "rfc822"), found)


def body_members(shape):
    return [n for n, m in shape.members.items() if m.serialization.get("location") in (None,)]


def wire_name(name, member):
    return member.serialization.get("name", name)


def parse_json(http, found):
    try:
        return json.loads(http.content)
    except ValueError:
        found.append("the body is no JSON")
        return {}


def json_value(shape, value, at, protocol, found, top=False):
    kind = shape.type_name
    if value is None:
        found.append(f"{at}: null")
    elif kind == "structure":
        if not isinstance(value, dict):
            found.append(f"{at}: {type(value).__name__} where a structure is expected")
            return
        members = {wire_name(n, shape.members[n]): n for n in body_members(shape)}
        for name, inner in value.items():
            if name not in members:
                found.append(f"{join(at, name)}: unknown member")
            else:
                json_value(shape.members[members[name]], inner, join(at, members[name]), protocol, found)
        for name, member in members.items():
            if member in shape.required_members and name not in value:
                found.append(f"{join(at, member)}: missing")
    elif kind == "list":
        if not isinstance(value, list):
            found.append(f"{at}: {type(value).__name__} where a list is expected")
            return
        for inner in value:
            json_value(shape.member, inner, at + "[]", protocol, found)
    elif kind == "map":
        if not isinstance(value, dict):
            found.append(f"{at}: {type(value).__name__} where a map is expected")
            return
        for inner in value.values():
            json_value(shape.value, inner, at + "{}", protocol, found)
    elif kind == "timestamp":
        form = shape.serialization.get("timestampFormat", "unixTimestamp")
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number != (form == "unixTimestamp"):
            found.append(f"{at}: the timestamp {value!r} is not in the format {form}")
        elif not number:
            text_value(shape, value, at, form, found)
    elif kind in ("integer", "long"):
        if not isinstance(value, int) or isinstance(value, bool):
            found.append(f"{at}: {value!r} is no integer")
    elif kind in ("float", "double"):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            found.append(f"{at}: {value!r} is no number")
    elif kind == "boolean":
        if not isinstance(value, bool):
            found.append(f"{at}: {value!r} is no boolean")
    elif not isinstance(value, str):
        found.append(f"{at}: {value!r} is no string")
    else:
        text_value(shape, value, at, None, found)


def xml_value(shape, node, at, protocol, found, top=False):
    kind = shape.type_name
    if kind == "structure":
        names, lists = {}, {}
        for name in body_members(shape):
            member = shape.members[name]
            if member.serialization.get("xmlAttribute"):
                continue
            wire = wire_name(name, member)
            if member.type_name in ("list", "map") and member.serialization.get("flattened"):
                if member.type_name == "list":
                    wire = member.member.serialization.get("name", wire)
                lists[wire] = name
            names[wire] = name
        seen = {}
        for child in node:
            wire = local(child)
            if wire not in names:
                if not (top and wire in ("requestId", "ResponseMetadata")):
                    found.append(f"{join(at, wire)}: unknown element")
                continue
            name = names[wire]
            member = shape.members[name]
            if wire in lists:
                seen[name] = True
                inner = member.member if member.type_name == "list" else None
                if inner is not None:
                    xml_value(inner, child, join(at, name) + "[]", protocol, found)
            elif name in seen:
                found.append(f"{join(at, name)}: twice")
            else:
                seen[name] = True
                xml_value(member, child, join(at, name), protocol, found)
        for name in shape.required_members:
            if name in names.values() and name not in seen:
                found.append(f"{join(at, name)}: missing")
    elif kind == "list":
        want = shape.member.serialization.get("name", "member")
        for child in node:
            if local(child) != want:
                found.append(f"{at}: the element {local(child)} where {want} is expected")
            else:
                xml_value(shape.member, child, at + "[]", protocol, found)
    elif kind == "map":
        for entry in node:
            if local(entry) != "entry":
                found.append(f"{at}: the element {local(entry)} where entry is expected")
    else:
        if len(node):
            found.append(f"{at}: elements where a {kind} is expected")
        text_value(shape, node.text or "", at, shape.serialization.get("timestampFormat", "iso8601"), found)


FORMS = {
    "iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)",
    "rfc822": r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT",
    "unixTimestamp": r"-?\d+(\.\d+)?",
}


def text_value(shape, text, at, form, found):
    kind = shape.type_name
    if kind == "timestamp":
        if not re.fullmatch(FORMS[form], text):
            found.append(f"{at}: the timestamp {text!r} is not in the format {form}")
    elif kind in ("integer", "long"):
        if not re.fullmatch(r"-?\d+", text):
            found.append(f"{at}: {text!r} is no integer")
    elif kind == "boolean":
        if text not in ("true", "false"):
            found.append(f"{at}: {text!r} is no boolean")
    elif kind == "string":
        enum = getattr(shape, "enum", None)
        if enum and text not in enum:
            found.append(f"{at}: {text!r} is not in the enum")


def local(node):
    return node.tag.rpartition("}")[2]


def join(at, name):
    return f"{at}.{name}" if at else name
