"""One request on its way through a handler, and the JSON in and out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from werkzeug import Response

from ..core.errors import ApiError, MissingScopes, ValidationError
from ..core.model import Caller
from ..core.protocol import presented_token
from ..core.quota import Quota
from ..core.store import ExchangeKeeper
from ..simulator import Simulator
from .request import Request

if TYPE_CHECKING:
    from .fault_injection import MetFaults
    from .routes import Route

PREFIX = "/_simulator/"  # of the control API
JSON = "application/json;charset=utf-8"


@dataclass(slots=True, repr=False)
class RequestContext:
    """A request with what a handler needs to answer it.

    ``now_ms`` is when it came (epoch milliseconds), ``after`` the number of the last exchange that had been answered
    then. On the way to the handler it gets its ``body``, its ``route`` with the placeholders as ``args``, and where
    the route wants authentication, ``known_caller`` and the ``quota`` that the response tells. ``stranger`` names the
    other test whose token it carries. ``why`` is the reason for the response, which a handler may set; ``hint`` is
    added to that of a refusal. ``served`` is False when HubSpot has the endpoint and the simulator has not.
    ``met_faults`` are the faults that hit it, where any did; ``keepers`` keep its exchange besides the journal.
    """

    simulator: Simulator
    request: Request
    now_ms: int
    correlation_id: str
    after: int = 0
    body: bytes = b""
    stranger: str = ""
    route: Route | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    known_caller: Caller | None = None
    quota: Quota | None = None
    why: str = ""
    hint: str = ""
    served: bool = True
    met_faults: MetFaults | None = None
    keepers: Sequence[ExchangeKeeper] = ()

    def __repr__(self) -> str:  # it holds secrets
        return f"<{type(self).__name__} {self.request!r}>"

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

    @property
    def presented_token(self) -> str:
        """What stands after the scheme of its Authorization header; empty when there is none."""
        return presented_token(self.request.environ.get("HTTP_AUTHORIZATION", ""))

    @property
    def is_legacy(self) -> bool:
        """Whether its route refuses in the form of HubSpot's v1 and v2 APIs."""
        return self.route is not None and self.route.legacy

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
