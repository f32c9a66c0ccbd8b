"""A boto3 client that records each call: what was asked, what came back, and what is wrong with it by the model."""
import botocore.exceptions
import botocore.parsers
from botocore import xform_name
from botocore.config import Config

import shape
import wire


class Answer(dict):
    """An answer whose missing members can be asked for all the same: a scenario goes on where a server lacks something."""

    def __missing__(self, name):
        return Answer()

    @staticmethod
    def of(value):
        if isinstance(value, dict):
            return Answer({k: Answer.of(v) for k, v in value.items()})
        if isinstance(value, list):
            return [Answer.of(v) for v in value]
        return value


def known(value):
    """Replaces what an earlier answer lacked, so that the request can be sent."""
    if isinstance(value, Answer):
        return "lacking"
    if isinstance(value, dict):
        return {k: known(v) for k, v in value.items()}
    if isinstance(value, list):
        return [known(v) for v in value]
    return value


class Call:
    """What came of one call."""

    def __init__(self, service, operation, why):
        self.service, self.operation, self.why = service, operation, why
        self.status, self.code, self.message, self.violations, self.leaves = 0, None, "", [], {}
        self.lacks = False  # the endpoint does not have the operation, or failed over it
        self.crashed = False  # it answered a page that says 500

    @property
    def key(self):
        return f"{self.service} {self.operation}" + (f" ({self.why})" if self.why else "")

    @property
    def outcome(self):
        return f"{self.status} {self.code}" if self.code else str(self.status)


class Recorder:
    """Calls one service of one endpoint. Called with the name of an operation it returns the answer; an answer that is
    an error is recorded like any other, and empty."""

    def __init__(self, session, service, **options):
        self.service, self.calls = service, []
        options.setdefault("config", Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=30,
                                            request_checksum_calculation="when_required", s3={"addressing_style": "path"}))
        self.client = session.client(service, **options)

    def __call__(self, operation, why="", /, **params):
        model = self.client.meta.service_model.operation_model(operation)
        call = Call(self.service, operation, why)
        self.calls.append(call)
        seen = {}

        def after(http_response, parsed, **_):
            seen["http"], seen["parsed"] = http_response, parsed

        self.client.meta.events.register("after-call", after)
        try:
            parsed = getattr(self.client, xform_name(operation))(**known(params))
        except botocore.exceptions.ClientError as e:
            parsed, error = {}, e.response["Error"]
        except (botocore.exceptions.BotoCoreError, botocore.parsers.ResponseParserError) as e:
            # No answer in the service's protocol, such as a page that says 500.
            call.lacks, call.message, call.code = True, str(e)[:200], type(e).__name__
            call.crashed = isinstance(e, botocore.parsers.ResponseParserError)
            return Answer()
        else:
            error = None
        finally:
            self.client.meta.events.unregister("after-call", after)
        http = seen["http"]
        call.status = http.status_code
        if error is not None:
            call.code, call.message = error.get("Code"), error.get("Message", "")
        # A page instead of an answer: moto has no such operation (404), or it failed.
        call.lacks = error is not None and b"<!doctype html>" in http.content[:20]
        call.crashed = call.lacks and http.status_code >= 500
        if not call.lacks:
            call.violations = wire.violations(self.client.meta.service_model, model, http, error)
        answer = Answer.of(parsed)
        if error is None:
            call.leaves = shape.leaves(model.output_shape, {k: v for k, v in parsed.items() if k != "ResponseMetadata"})
        return answer
