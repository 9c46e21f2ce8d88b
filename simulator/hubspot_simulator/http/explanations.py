"""Why a request is refused, in words for people. The journal keeps them."""

from __future__ import annotations

from functools import singledispatch

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ..core import endpoints
from ..core.errors import ApiError, NotServed
from ..logs import get_logger
from .context import RequestContext

logger = get_logger("hubspot_simulator")


@singledispatch
def explain(error: Exception, context: RequestContext) -> str:
    """Say why a request is refused, in one sentence for people."""
    logger.exception("%s %s failed inside the simulator", context.request.method, context.request.path)
    return f"the simulator failed: {error!r} (a bug: please report it)"


@explain.register
def explain_refusal(error: ApiError, context: RequestContext) -> str:
    """Say what led to HubSpot's refusal."""
    return _hinted(error.why, context)


@explain.register
def explain_router(error: HTTPException, context: RequestContext) -> str:
    """Say what werkzeug has to say."""
    return _hinted(str(error), context)


def _hinted(why: str, context: RequestContext) -> str:
    return f"{why} ({context.hint})" if context.hint else why


@explain.register
def explain_wrong_method(error: MethodNotAllowed, context: RequestContext) -> str:
    """Say which methods the path is served with."""
    allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
    word = endpoints.word_read_as_id(context.request.path)
    read_as_id = f" ({word!r} stands where it reads an id)" if word else ""
    return f"the simulator serves this path with {allowed} only{read_as_id}"


@explain.register
def explain_not_served(error: NotServed, context: RequestContext) -> str:
    """Say what is not served."""
    return f"the simulator does not serve {error}"
