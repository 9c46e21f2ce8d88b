"""The expiry lab over the control API: faults and the audit, for whoever has no pytest."""

from __future__ import annotations

from werkzeug import Response

from ..core.errors import ApiError
from .context import RequestContext, json_response, no_content


def inject(context: RequestContext) -> Response:
    """``POST /_simulator/faults``: ``{"name": "answer_lost", "method": "POST"}``, as the arguments of ``inject``."""
    body = context.json_object(of_any_type=True)  # curl -d
    name = body.pop("name", None)
    if not isinstance(name, str):
        raise ApiError(400, f'name={name!r}: expected the name of a fault, as in {{"name": "answer_lost"}}')
    try:
        injected = context.simulator.inject(name, **body)
    except (TypeError, ValueError) as error:
        raise ApiError(400, str(error)) from None
    context.why = f"injected {injected!r}"
    return json_response({"name": injected.name, "for": str(injected.target)}, 201)


def forget_faults(context: RequestContext) -> Response:
    """``DELETE /_simulator/faults``: no fault hits any further call."""
    for injected in context.simulator.faults.injected:
        injected.remove()
    context.why = "all faults are forgotten"
    return no_content()


def audit(context: RequestContext) -> Response:
    """``GET /_simulator/audit``: what the journal proves (docs/findings.md)."""
    return json_response(
        {
            "findings": [
                {
                    "id": finding.id,
                    "severity": finding.severity,
                    "problem": finding.problem,
                    "remedy": finding.remedy,
                    "explain": finding.explain,
                    "exchanges": [str(exchange) for exchange in finding.exchanges],
                }
                for finding in context.simulator.audit()
            ]
        }
    )
