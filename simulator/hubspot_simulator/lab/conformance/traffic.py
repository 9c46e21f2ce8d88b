"""What the simulator saw of an integration, as scenarios ask for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from ...core import tokens

if TYPE_CHECKING:
    from ...core.exchange import Exchange
    from ...http.app import Application
    from ...simulator import Simulator


class Traffic:
    """The exchanges of one simulator. A mark is the number of the last exchange before some moment."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim

    def mark(self) -> int:
        """Return the number of the last exchange so far, for ``since``."""
        return self._sim.store.exchange_count

    def since(self, mark: int = 0) -> list[Exchange]:
        """Return the exchanges after a mark, in the order in which they were answered, none of an earlier scenario."""
        return [one for one in self._sim.journal.exchanges if one.number > mark and not one.stranger]

    def calls(self, since: int = 0) -> list[Exchange]:
        """Return the exchanges of the API after a mark: those that want an access token."""
        return [exchange for exchange in self.since(since) if exchange.bearer]

    def token_requests(self, since: int = 0) -> list[Exchange]:
        """Return the requests to the token endpoint after a mark, whatever they were answered."""
        return [exchange for exchange in self.since(since) if is_token_request(exchange)]


def is_token_request(exchange: Exchange) -> bool:
    """Tell whether an exchange is one of the token endpoint."""
    parts = exchange.path.strip("/").split("/")
    return exchange.method == "POST" and len(parts) == 3 and parts[0] == "oauth" and parts[2] == "token"


def answered(hits: Sequence[Exchange]) -> str:
    """Return in words what a fault sent to the first call that it hit."""
    if not hits:
        return "an outage that no call met"
    status, said = hits[0].status, members(hits[0])
    name = said.get("policyName") or said.get("category") or ""
    return f"a {status} {name}".rstrip() if status else "a broken connection"


def issued(exchange: Exchange) -> str:
    """Return the access token that an exchange of the token endpoint issued; empty when it issued none."""
    if not is_token_request(exchange) or exchange.status != 200:
        return ""
    return str(members(exchange).get("access_token", ""))


def members(exchange: Exchange) -> dict[str, Any]:
    """Return the JSON of an answer; empty when it has none."""
    try:
        found = json.loads(exchange.response_body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def form(exchange: Exchange) -> dict[str, str]:
    """Return the form that a request carried."""
    fields = parse_qs(exchange.request_body.decode("utf-8", "replace"))
    return {name: values[-1] for name, values in fields.items()}


def header(exchange: Exchange, name: str) -> str:
    """Return a header of a request by its CGI name; empty when it has none."""
    return next((value for known, value in exchange.request_headers if known == name), "")


def hub_id(exchange: Exchange) -> int | None:
    """Return the account of the access token that a call came with; None when it is no access token."""
    token = tokens.try_parse(exchange.access_token)
    return None if token is None else token.hub_id


def stale(exchanges: list[Exchange], hub: int) -> list[Exchange]:
    """Return the calls of one account that came with an older token than their sender could have known.

    It could have known the tokens that were answered before the call came.
    """
    refreshes = [(e.number, issued(e)) for e in exchanges if issued(e) and members(e).get("hub_id") == hub]
    late = []
    for exchange in exchanges:
        if not exchange.bearer or hub_id(exchange) != hub:
            continue
        known = [token for number, token in refreshes if number <= exchange.after]
        newer = [token for number, token in refreshes if number > exchange.after]
        if known and exchange.access_token not in (known[-1], *newer):
            late.append(exchange)
    return late


@contextmanager
def listening(app: Application, hear: Callable[[Exchange], object]) -> Iterator[None]:
    """Call ``hear`` with every exchange, before its response is released."""
    unsubscribe = app.subscribe(hear)
    try:
        yield
    finally:
        unsubscribe()
