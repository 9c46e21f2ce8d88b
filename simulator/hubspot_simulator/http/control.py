"""The control API under ``/_simulator/``: for people and scripts that have no pytest."""

from __future__ import annotations

from datetime import timedelta

from werkzeug import Response

from ..core.errors import ApiError
from ..core.instants import ClockOutOfRange, iso_instant
from .context import RequestContext, json_response

_UNITS = ("milliseconds", "seconds", "minutes", "hours", "days", "weeks")


def health(context: RequestContext) -> Response:
    """``GET /_simulator/health``."""
    return json_response({"status": "ok", "exchanges": context.simulator.store.exchange_count})


def clock(context: RequestContext) -> Response:
    """``GET /_simulator/clock``."""
    return _clock(context)


def advance(context: RequestContext) -> Response:
    """``POST /_simulator/clock/advance``: the body is ``{"minutes": 31}`` or other units, which add up."""
    body = context.json_object(of_any_type=True)  # curl -d
    wrong = [
        name
        for name, value in body.items()
        if name not in _UNITS or isinstance(value, bool) or not isinstance(value, (int, float))
    ]
    if wrong or not body:
        given = ", ".join(f"{name!r}: {body[name]!r}" for name in wrong) or "nothing"
        raise ApiError(
            400,
            f'cannot advance by {given}: expected numbers of {", ".join(_UNITS)}, as in {{"minutes": 31}}',
        )
    try:
        delta = timedelta(**body)
        context.simulator.clock.advance(delta)
    except (OverflowError, ValueError) as error:
        why = f" ({error})" if isinstance(error, ClockOutOfRange) else ""
        raise ApiError(400, f"cannot advance by {body}: the clock runs from 1970 to 9999{why}") from None
    context.why = f"the simulator's clock moved by {delta}"
    return _clock(context)


def reset(context: RequestContext) -> Response:
    """``POST /_simulator/reset``: forget everything; the same credentials are given out again."""
    context.simulator.reset()
    context.simulator.installation  # noqa: B018  # installed when first asked for: whoever holds its tokens goes on
    context.why = "everything is forgotten, the clock is back"
    return _clock(context)


def _clock(context: RequestContext) -> Response:
    now_ms = context.simulator.clock.now_ms()
    return json_response({"now": iso_instant(now_ms), "now_ms": now_ms, "offset_ms": context.simulator.clock.offset_ms})
