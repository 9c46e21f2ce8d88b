"""One request on its way through a handler, and the JSON in and out of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

from werkzeug import Response
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from ..core.errors import ApiError, MissingScopes, ValidationError
from ..core.injection import Arrival, Injected
from ..core.model import Caller
from ..core.protocol import FORM
from ..simulator import Simulator
from .request import MAX_BODY, MAX_FIELDS, Request

JSON = "application/json;charset=utf-8"


@dataclass(repr=False)
class RequestContext:
    """A request with what a handler needs to answer it.

    ``now_ms`` is when it came (epoch milliseconds). ``args`` are the placeholders of its route. ``why`` is the
    reason for the answer, which a handler may set, ``hint`` adds to that of a refusal. ``headers`` are added to the
    answer. ``known_caller`` is set where the route wants authentication. ``legacy`` routes refuse in the form of v1.
    ``after`` is the number of the last exchange that had been answered when it came; ``hits`` are the injected faults
    that hit it, to which it is ``arrival``. ``stranger`` names the other test whose token it carries.
    """

    simulator: Simulator
    request: Request
    now_ms: int
    correlation_id: str
    args: dict[str, str] = field(default_factory=dict)
    why: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    known_caller: Caller | None = None
    legacy: bool = False
    hint: str = ""
    body: bytes = b""
    after: int = 0
    hits: list[Injected] = field(default_factory=list)
    arrival: Arrival | None = None
    stranger: str = ""

    def __repr__(self) -> str:  # it holds secrets
        return f"<Call {self.request!r}>"

    @property
    def caller(self) -> Caller:
        """Who calls."""
        if self.known_caller is None:
            raise RuntimeError("the route has no authentication")
        return self.known_caller

    def require(self, *scopes: str) -> None:
        """Raise MissingScopes unless the caller has one of the scopes."""
        if not any(scope in self.caller.scopes for scope in scopes):
            raise MissingScopes(scopes, self.caller.scopes)

    def read_body(self) -> None:
        """Read the body, so that it is in the journal whatever the answer. Raises ApiError (400, 413)."""
        environ = self.request.environ
        if not environ.get("CONTENT_LENGTH") and not environ.get("wsgi.input_terminated"):
            return
        try:
            self.body = self.request.get_data(cache=True)
            if len(self.body) < (self.request.content_length or 0):
                raise ClientDisconnected  # werkzeug does not see it of every server
            if len(self.body) == MAX_BODY != self.request.content_length and self.request.environ["wsgi.input"].read(1):
                raise RequestEntityTooLarge  # werkzeug cuts off what comes in chunks
        except RequestEntityTooLarge:
            why = f"the body is larger than {MAX_BODY} bytes, the most that the simulator takes"
            raise ApiError(413, "HTTP 413 Request Entity Too Large", why=why) from None
        except ClientDisconnected:
            why = f"the body was cut short: Content-Length promised {self.request.content_length} bytes"
            raise ApiError(400, "Invalid request body", why=why) from None
        except ValueError as error:
            raise ApiError(400, "Invalid request body", why=f"the body is not chunked as it says: {error}") from None
        if self.request.mimetype == FORM and self.body.count(b"&") >= MAX_FIELDS:
            why = f"the form has more than {MAX_FIELDS} fields, the most that the simulator takes"
            raise ApiError(413, "HTTP 413 Request Entity Too Large", why=why)

    def json_object(self, *, of_any_type: bool = False) -> dict[str, Any]:
        """Return the JSON object of the body, ``of_any_type`` whatever its Content-Type. Raises ApiError (400, 415)."""
        mimetype = self.request.mimetype
        if not of_any_type and mimetype and mimetype != "application/json" and not mimetype.endswith("+json"):
            raise ApiError(
                415,
                "HTTP 415 Unsupported Media Type",
                why=f"Content-Type is {mimetype!r}: send JSON as 'application/json'",
            )
        try:
            value = json.loads(self.body, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            raise ValidationError(
                f"Invalid input JSON on line {error.lineno}, column {error.colno}: {error.msg}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise ValidationError(f"Invalid input JSON on line 1, column 1: {error}") from None
        if not isinstance(value, dict):
            raise ValidationError(
                "Invalid input JSON on line 1, column 1: Cannot deserialize value of type `java.util.LinkedHashMap`",
                why="the body must be a JSON object",
            )
        return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def dumps(value: object) -> bytes:
    """Write JSON as HubSpot does: compact, keys in the order given, UTF-8."""
    return _encode(value).encode("utf-8", "replace")


def json_response(value: object, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(dumps(value), status, content_type=JSON)


def no_content() -> Response:
    """Return the answer without a body, and without the Content-Type that werkzeug gives even to that."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response
