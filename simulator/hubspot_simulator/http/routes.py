"""Routes: the endpoints of the table and the control API, each with its handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from werkzeug import Response
from werkzeug.routing import BaseConverter, Map, Rule

from ..core.endpoint_table import ENDPOINTS, VERSIONS
from . import control, control_lab, crm
from .context import RequestContext
from .oauth import accounts, authorize, introspection, metadata, token, well_known

Handler = Callable[[RequestContext], Response]

_MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (accounts, authorize, crm, introspection, metadata, token, well_known)
}


def _one_of(name: str, values: tuple[str, ...]) -> str:
    return f"<any({','.join(map(repr, values))}):{name}>"


_CONVERTERS = {
    "{hub_id}": "<hub_id:hub_id>",
    **{placeholder: _one_of(placeholder.strip("{}"), values) for placeholder, values in VERSIONS.items()},
}


class _HubId(BaseConverter):
    regex = "[0-9]{1,19}"


@dataclass(frozen=True)
class Route:
    """An endpoint with its handler; see ``core.endpoint_table.Endpoint``."""

    method: str
    template: str
    handler: Handler
    bearer: bool = False
    legacy: bool = False

    @property
    def rule(self) -> Rule:
        """The route in werkzeug's terms."""
        text = self.template
        for placeholder, converter in _CONVERTERS.items():
            text = text.replace(placeholder, converter)
        text = text.replace("{", "<").replace("}", ">")
        return Rule(text, methods=[self.method], endpoint=self)


def _handler(operation: str) -> Handler:
    module, _, function = operation.partition(".")
    handler: Handler = getattr(_MODULES[module], function)
    return handler


ROUTES: list[Route] = [
    *(
        Route(endpoint.method, endpoint.template, _handler(endpoint.operation), endpoint.bearer, endpoint.legacy)
        for endpoint in ENDPOINTS
    ),
    Route("GET", "/_simulator/health", control.health),
    Route("GET", "/_simulator/clock", control.clock),
    Route("POST", "/_simulator/clock/advance", control.advance),
    Route("POST", "/_simulator/reset", control.reset),
    Route("POST", "/_simulator/faults", control_lab.inject),
    Route("DELETE", "/_simulator/faults", control_lab.forget_faults),
    Route("GET", "/_simulator/audit", control_lab.audit),
]

ROUTE_MAP = Map(
    [route.rule for route in ROUTES], converters={"hub_id": _HubId}, strict_slashes=False, merge_slashes=False
)
