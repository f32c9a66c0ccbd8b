"""Finds out by asking which operations an endpoint has: each operation of botocore's model is called with the least that
it can be called with."""
import re

from moto.core.responses import BaseResponse

import client

# Codes by which this cloud says that it does not have an operation.
UNKNOWN = {"UnknownOperationException", "InvalidAction", "NotImplemented"}


def operations(record, names=None):
    """Returns the operations, of those named or of all, that a recorder's endpoint answers."""
    model = record.client.meta.service_model
    found = set()
    with Unimplemented() as unimplemented:
        for name in names or model.operation_names:
            record(name, **least(model.operation_model(name).input_shape))
            call = record.calls[-1]
            if not call.lacks and call.code not in UNKNOWN or call.crashed and name not in unimplemented:
                found.add(name)
    return found


class Unimplemented:
    """The operations that moto does not have. It answers them as it answers its own faults, with the status 500; the
    exception that it raises tells them apart."""

    def __enter__(self):
        self.names = set()
        self.original = BaseResponse.call_action

        def call_action(response):
            try:
                return self.original(response)
            except NotImplementedError as e:
                for name in re.findall(r"The (\w+) action", str(e)):
                    self.names.add(name.replace("_", ""))
                raise

        BaseResponse.call_action = call_action
        return self

    def __exit__(self, *_):
        BaseResponse.call_action = self.original

    def __contains__(self, operation):
        return operation.lower() in self.names


def least(shape, depth=0):
    """Returns the smallest value of a shape that a client sends."""
    if shape is None:
        return {}
    kind = shape.type_name
    if kind == "structure":
        return {n: least(shape.members[n], depth + 1) for n in shape.required_members} if depth < 6 else {}
    if kind == "list":
        return [least(shape.member, depth + 1)] if depth < 6 else []
    if kind == "map":
        return {}
    if kind in ("integer", "long", "float", "double"):
        return shape.metadata.get("min", 1)
    if kind == "boolean":
        return False
    if kind == "timestamp":
        return 0
    if kind == "blob":
        return b"x"
    if getattr(shape, "enum", None):
        return shape.enum[0]
    text = "xnowhere"
    return text + "x" * max(0, shape.metadata.get("min", 1) - len(text))
